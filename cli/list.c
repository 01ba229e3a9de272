// SPDX-License-Identifier: BSD-2-Clause
/* list.c - clickos list: the ClickOS VMs of this host, or all about one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/figures.h"
#include "cli/print.h"

static int compare_ids(const void *a, const void *b)
{
    long x = strtol(*(char *const *)a, NULL, 10), y = strtol(*(char *const *)b, NULL, 10);

    return (x > y) - (x < y);
}

/* Adds what the VM's folder says: it was written by the guest. */
static json_t *instances_from_store(struct client *client)
{
    json_t *list = json_array();
    char **names;
    unsigned n;

    if (client->store.directory(&client->store, PROTOCOL_ROOT, &names, &n))
        return list;
    qsort(names, n, sizeof *names, compare_ids);
    for (unsigned i = 0; i < n; i++) {
        char path[PROTOCOL_PATH_MAX], *status;
        long id;

        if (!read_number(names[i], 0, 63, &id))
            continue;
        snprintf(path, sizeof path, PROTOCOL_ROOT "/%ld/status", id);
        status = client_node(client, path);
        if (status)
            json_array_append_new(list, json_pack("{s:i, s:o}", "instance", (int)id, "status",
                                                  json_text(status, strlen(status))));
        free(status);
    }
    store_names_free(names, n);
    return list;
}

static json_t *describe(struct client *client, const struct toolstack_domain *domain)
{
    return json_pack("{s:o, s:i, s:s, s:f, s:s, s:f, s:o}", "name",
                     json_text(domain->name ? domain->name : "", domain->name ? strlen(domain->name) : 0),
                     "id", (int)domain->domid, "type", domain->pvh ? "pvh" : domain->pv ? "pv" : "hvm",
                     "memory_mb", (double)domain->memory_kb / 1024, "state",
                     toolstack_state_name(domain->state), "cpu_seconds", (double)domain->cpu_ns / 1e9,
                     "instances", instances_from_store(client));
}

/* What it is held to: its share of the processors and, vif by vif, what it may send. */
static json_t *describe_limits(struct client *client)
{
    struct toolstack_share share;
    struct toolstack_nic *nics;
    json_t *limits = json_object(), *vifs = json_array();
    unsigned n;

    if (toolstack_share(client->toolstack, client->domid, &share)) {
        json_object_set_new(limits, "cap", json_integer(share.cap));
        json_object_set_new(limits, "cpu_weight", json_integer(share.weight));
    }
    toolstack_nics(client->toolstack, client->domid, &nics, &n);
    for (unsigned i = 0; i < n; i++) {
        const struct toolstack_rate *rate = &nics[i].rate;
        json_t *vif = json_pack("{s:i, s:o, s:o}", "vif", nics[i].number, "bridge",
                                json_text(nics[i].bridge, strlen(nics[i].bridge)), "mac",
                                json_text(nics[i].mac, strlen(nics[i].mac)));

        if (rate->interval_us)
            json_object_set_new(vif, "rate_bytes_per_second",
                                json_integer((json_int_t)((double)rate->bytes * 1e6 / rate->interval_us + 0.5)));
        json_array_append_new(vifs, vif);
    }
    toolstack_nics_free(nics, n);
    json_object_set_new(limits, "vifs", vifs);
    return limits;
}

static json_t *get(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

static void print_title(void)
{
    printf("%-25s %5s %-4s %7s %-9s %8s  %s\n", "Name", "ID", "Type", "Mem", "State", "Time(s)", "Instances");
}

static void print_vm(const json_t *vm)
{
    struct text line = {0};
    const json_t *instance;
    size_t i;

    text_printf(&line, "%-25s %5d %-4s %7.1f %-9s %8.1f ", json_string_value(get(vm, "name")),
                (int)json_integer_value(get(vm, "id")), json_string_value(get(vm, "type")),
                json_real_value(get(vm, "memory_mb")), json_string_value(get(vm, "state")),
                json_real_value(get(vm, "cpu_seconds")));
    json_array_foreach(get(vm, "instances"), i, instance)
        text_printf(&line, " %d:%s", (int)json_integer_value(get(instance, "instance")),
                    json_string_value(get(instance, "status")));
    print_line(stdout, text_string(&line), line.length, true);
    text_free(&line);
}

static int list_all(const struct invocation *invocation)
{
    struct toolstack *toolstack = client_toolstack(invocation);
    bool json = option_given(invocation, "json"), names = option_given(invocation, "names");
    struct toolstack_domain *domains;
    json_t *list = json_array();
    struct client client;
    unsigned n;

    if (!toolstack || !toolstack_domains(toolstack, &domains, &n)) {
        json_decref(list);
        return EXIT_FAILURE;
    }
    if (!client_attach(&client, invocation, 0, "")) {
        toolstack_domains_free(domains, n);
        json_decref(list);
        return EXIT_FAILURE;
    }
    for (unsigned i = 0; i < n; i++) {
        client.domid = domains[i].domid;
        if (client_is_clickos(&client))
            json_array_append_new(list, describe(&client, &domains[i]));
    }
    if (json) {
        print_json(json_incref(list));
    } else {
        const json_t *vm;
        size_t i;

        if (!names)
            print_title();
        json_array_foreach(list, i, vm)
            if (names)
                printf("%s\n", json_string_value(get(vm, "name")));
            else
                print_vm(vm);
    }
    json_decref(list);
    toolstack_domains_free(domains, n);
    client_close(&client);
    return EXIT_SUCCESS;
}

/* Asks the VM itself; lines of the answer. */
static bool ask(struct client *client, const char *verb, struct message *reply)
{
    struct text line = {0};
    enum client_result result;

    text_puts(&line, verb);
    result = client_request(client, 0, &line, NULL, 0, false, reply);
    if (result == CLIENT_REFUSED) {
        client_refused(client, reply);
        message_free(reply);
    }
    return result == CLIENT_OK;
}

static void print_vifs(const json_t *vm)
{
    const json_t *vif;
    size_t i;

    if (json_array_size(get(vm, "vifs")))
        printf("\n%-4s %-15s %-17s %14s\n", "Vif", "Bridge", "MAC", "Rate(Mb/s)");
    json_array_foreach(get(vm, "vifs"), i, vif) {
        const json_t *rate = get(vif, "rate_bytes_per_second");
        struct text line = {0};

        text_printf(&line, "%-4d %-15s %-17s ", (int)json_integer_value(get(vif, "vif")),
                    json_string_value(get(vif, "bridge")), json_string_value(get(vif, "mac")));
        if (rate)
            text_printf(&line, "%14.3f", (double)json_integer_value(rate) * 8 / 1e6);
        else
            text_printf(&line, "%14s", "-");
        print_line(stdout, text_string(&line), line.length, true);
        text_free(&line);
    }
}

static void print_details(const json_t *vm)
{
    const char *name;
    const json_t *value;
    size_t i;

    print_title();
    print_vm(vm);
    if (json_integer_value(get(vm, "cap")))
        printf("\nCap: %d %% of a processor\n", (int)json_integer_value(get(vm, "cap")));
    print_vifs(vm);
    if (json_array_size(get(vm, "instances")))
        printf("\n%-9s %-8s %10s %9s\n", "Instance", "Status", "Generation", "Elements");
    json_array_foreach(get(vm, "instances"), i, value)
        printf("%-9d %-8s %10lld %9d\n", (int)json_integer_value(get(value, "instance")),
               json_string_value(get(value, "status")), (long long)json_integer_value(get(value, "generation")),
               (int)json_integer_value(get(value, "elements")));
    if (json_object_size(get(vm, "memory")))
        printf("\nMemory in the VM (bytes), packets:\n");
    json_object_foreach(get(vm, "memory"), name, value)
        printf("  %-17s %12lld\n", name, (long long)json_integer_value(value));
}

static int list_one(const struct invocation *invocation)
{
    struct toolstack_domain domain;
    struct message reply;
    struct client client;
    json_t *vm, *limits;
    int code = EXIT_FAILURE;

    if (!client_open(&client, invocation, invocation->operand[0]))
        return EXIT_FAILURE;
    if (!toolstack_domain(client.toolstack, client.domid, &domain)) {
        fprintf(stderr, "clickos: VM '%s' has gone\n", client.name);
        client_close(&client);
        return EXIT_FAILURE;
    }
    if (!client_is_clickos(&client)) {
        fprintf(stderr, "clickos: '%s' is no ClickOS VM, or its control plane has not come up\n", client.name);
        client_close(&client);
        return EXIT_FAILURE;
    }
    domain.name = client.name;
    vm = describe(&client, &domain);
    limits = describe_limits(&client);
    json_object_update(vm, limits);
    json_decref(limits);
    if (domain.state != STATE_RUNNING) {
        code = EXIT_SUCCESS;
    } else if (ask(&client, "instances", &reply)) {
        struct instance instances[INSTANCES_MAX];

        /* What the guest says now, in place of what stands in the store. */
        json_object_set_new(vm, "instances",
                            instances_json(instances, instances_read(text_string(&reply.data), instances)));
        message_free(&reply);
        if (ask(&client, "memory", &reply)) {
            struct figures memory = figures_read(text_string(&reply.data), false);

            json_object_set_new(vm, "memory", figures_json(&memory, FIGURE_NO_VIF));
            figures_free(&memory);
            message_free(&reply);
            code = EXIT_SUCCESS;
        }
    }
    if (client.json)
        print_json(json_incref(vm));
    else
        print_details(vm);
    json_decref(vm);
    client_close(&client);
    return code;
}

static int run(const struct invocation *invocation)
{
    return invocation->n_operands ? list_one(invocation) : list_all(invocation);
}

static const struct option options[] = {
    {.name = "names", .help = "only names, one a line"},
    OPTION_JSON, OPTION_TIMEOUT, OPTION_VERBOSE, {0},
};

const struct command command_list = {
    .name = "list", .operands = "[VM]", .min_operands = 0, .max_operands = 1,
    .summary = "lists the ClickOS VMs, or the instances, limits and memory of one",
    .description = "Mem is in MB and Time in seconds of CPU, as in xl list.",
    .options = options, .run = run,
};
