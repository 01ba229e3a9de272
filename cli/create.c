// SPDX-License-Identifier: BSD-2-Clause
/*
 * create.c - clickos create: makes a VM and, with --config, waits until its configuration runs.
 *
 * The configuration's request is written before the VM runs, so the guest finds it when it looks
 * for the first time. A VM whose configuration does not start is destroyed again, unless --keep.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/hotplug.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/reap.h"
#include "cli/start.h"

#ifndef KERNEL_DEFAULT
#define KERNEL_DEFAULT "/usr/local/lib/clickos/clickos.elf"
#endif

static bool read_rate(const struct command *command, const char *option, const char *text,
                      struct toolstack_rate *rate)
{
    if (toolstack_read_rate(text, rate))
        return true;
    usage_error(command, "%s: want a rate such as 10Mb/s, 500KB/s or 1MB/s@20ms, got '%s'", option, text);
    return false;
}

/* "bridge=br0,mac=00:16:3e:01:02:03": fills the vif with parts of `text`, which is changed. */
static bool read_vif(const struct command *command, char *text, struct toolstack_vif *vif)
{
    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
        char *value = strchr(word, '=');

        if (value)
            *value++ = '\0';
        if (value && *value && !strcmp(word, "bridge"))
            vif->bridge = value;
        else if (value && *value && !strcmp(word, "mac"))
            vif->mac = value;
        else if (value && *value && !strcmp(word, "script"))
            vif->script = value;
        else if (value && *value && !strcmp(word, "rate")) {
            if (!read_rate(command, "--vif: rate", value, &vif->rate))
                return false;
        } else {
            usage_error(command, "--vif: want bridge=, mac=, rate= or script= with a value, got '%s'", word);
            return false;
        }
    }
    return true;
}

static char *copy(const char *s)
{
    char *c = strdup(s);

    if (!c)
        abort();
    return c;
}

/* The command line as a specification. 0, or an exit code with a message printed. */
static int read_spec(const struct invocation *invocation, struct toolstack_spec *spec,
                     char *vif_texts[TOOLSTACK_VIFS_MAX])
{
    const char *kernel = option_value(invocation, "kernel"), *type = option_value(invocation, "type"), *vif;
    const char *rate = option_value(invocation, "rate");
    struct toolstack_rate default_rate = {0};

    if (!kernel)
        kernel = getenv("CLICKOS_KERNEL");
    if (!kernel || !*kernel)
        kernel = KERNEL_DEFAULT;
    spec->name = invocation->operand[0];
    spec->kernel = kernel;
    spec->ramdisk = option_value(invocation, "ramdisk");
    spec->arguments = option_value(invocation, "arguments");
    spec->memory_kb = (uint64_t)option_number(invocation, "memory") * 1024;
    spec->keep = option_given(invocation, "keep");
    spec->pvh = type && !strcmp(type, "pvh");
    spec->cap = option_number(invocation, "cap");
    if (option_given(invocation, "cpu-weight"))
        spec->weight = option_number(invocation, "cpu-weight");
    if (rate && !read_rate(invocation->command, "--rate", rate, &default_rate))
        return EXIT_USAGE;
    if (!*spec->name || strspn(spec->name, "0123456789") == strlen(spec->name))
        return usage_error(invocation->command, "'%s': a name is not empty and no number", spec->name);
    for (unsigned at = 0; (vif = option_next(invocation, "vif", &at)); spec->n_vifs++) {
        if (spec->n_vifs == TOOLSTACK_VIFS_MAX)
            return usage_error(invocation->command, "at most %d vifs", TOOLSTACK_VIFS_MAX);
        vif_texts[spec->n_vifs] = copy(vif);
        spec->vifs[spec->n_vifs].rate = default_rate;
        if (!read_vif(invocation->command, vif_texts[spec->n_vifs], &spec->vifs[spec->n_vifs])) {
            spec->n_vifs++;
            return EXIT_USAGE;
        }
    }
    if (rate && !spec->n_vifs)
        return usage_error(invocation->command, "--rate: there is no --vif to limit");
    if (access(kernel, R_OK)) {
        fprintf(stderr, "clickos: cannot read the kernel '%s'; --kernel or CLICKOS_KERNEL say where it is\n",
                kernel);
        return EXIT_FAILURE;
    }
    if (spec->ramdisk && access(spec->ramdisk, R_OK)) {
        fprintf(stderr, "clickos: cannot read the ramdisk '%s'\n", spec->ramdisk);
        return EXIT_FAILURE;
    }
    for (unsigned i = 0; i < spec->n_vifs; i++) {
        const struct toolstack_vif *v = &spec->vifs[i];
        char why[256];

        /* Before libxl builds a VM only to destroy it again. Another script may know other bridges. */
        if (!v->script && v->bridge && !hotplug_bridge_usable(v->bridge, why, sizeof why)) {
            fprintf(stderr, "clickos: vif %u: %s\n", i, why);
            return EXIT_FAILURE;
        }
    }
    return 0;
}

static void print_created(const struct client *client, const struct toolstack_spec *spec,
                          const struct message *reply)
{
    json_t *json = json_pack("{s:s, s:i, s:s, s:I, s:i, s:f}", "vm", spec->name, "id", (int)client->domid,
                             "type", spec->pvh ? "pvh" : "pv", "memory_mb",
                             (json_int_t)(spec->memory_kb / 1024), "vifs", (int)spec->n_vifs, "ms",
                             (double)(now_ns() - client->began_ns) / 1e6);

    if (reply) {
        json_t *instance = start_json(reply, 0);

        json_object_update(json, instance);
        json_decref(instance);
    }
    print_json(json);
}

/* From a paused VM to one that does what was asked. */
static int bring_up(struct client *client, const struct toolstack_spec *spec, const char *file,
                    const char *config, size_t length)
{
    char id[PROTOCOL_ID_MAX + 1];
    struct message reply = {0};
    struct text line;
    int code = EXIT_FAILURE;

    if (config) {
        line = start_line(file);
        if (!client_send(client, 0, &line, config, length, true, id))
            return EXIT_FAILURE;
        client_phase(client, "configuration written, %zu bytes", length);
    }
    if (!toolstack_unpause(client->toolstack, client->domid))
        return EXIT_FAILURE;
    client_phase(client, "VM runs");
    if (!config) {
        if (client->json)
            print_created(client, spec, NULL);
        return EXIT_SUCCESS;
    }
    switch (client_wait(client, 0, id, &reply)) {
    case CLIENT_OK:
        client_phase(client, "configuration runs");
        if (client->json)
            print_created(client, spec, &reply);
        code = EXIT_SUCCESS;
        break;
    case CLIENT_REFUSED:
        client_refused(client, &reply);
        break;
    case CLIENT_FAILED:
        return EXIT_FAILURE;
    }
    message_free(&reply);
    return code;
}

static int create(const struct invocation *invocation, const struct toolstack_spec *spec, const char *file,
                  const char *config, size_t length)
{
    struct toolstack *toolstack;
    struct client client;
    uint64_t began = now_ns();
    uint32_t domid;
    int code;

    toolstack = client_toolstack(invocation);
    if (!toolstack)
        return EXIT_FAILURE;
    if (toolstack_find(toolstack, spec->name, &domid)) {
        fprintf(stderr, "clickos: there is a VM '%s' already (number %u)\n", spec->name, domid);
        return EXIT_FAILURE;
    }
    if (!toolstack_create(toolstack, spec, &domid))
        return EXIT_FAILURE;
    if (client_attach(&client, invocation, domid, spec->name)) {
        client.began_ns = began;
        client_phase(&client, "VM %u built, %s, %u vif%s", domid, spec->pvh ? "pvh" : "pv", spec->n_vifs,
                     spec->n_vifs == 1 ? "" : "s");
        code = bring_up(&client, spec, file, config, length);
        client_close(&client);
    } else {
        code = EXIT_FAILURE;
    }
    if (code && !option_given(invocation, "keep")) {
        fprintf(stderr, "clickos: VM '%s' is destroyed again (--keep leaves it)\n", spec->name);
        toolstack_destroy(toolstack, domid);
    } else {
        reap_ensure();
    }
    return code;
}

static int run(const struct invocation *invocation)
{
    char *vif_texts[TOOLSTACK_VIFS_MAX];
    struct toolstack_spec spec = {0};
    const char *file = option_value(invocation, "config");
    char *config = NULL;
    size_t length = 0;
    int code = read_spec(invocation, &spec, vif_texts);

    if (!code && file && !(config = input_read(file, &length)))
        code = EXIT_FAILURE;
    if (!code)
        code = create(invocation, &spec, file, config, length);
    for (unsigned i = 0; i < spec.n_vifs; i++)
        free(vif_texts[i]);
    free(config);
    return code;
}

static const char *const types[] = {"pv", "pvh", NULL};

static const struct option options[] = {
    {.name = "memory", .letter = 'm', .value = "MB", .initial = "8", .min = 1, .max = 1 << 20,
     .help = "the VM's memory"},
    {.name = "type", .value = "pv|pvh", .initial = "pv", .choices = types, .help = "how Xen runs it"},
    {.name = "vif", .value = "bridge=BR[,mac=MAC][,rate=RATE][,script=PATH]", .repeat = true,
     .help = "a virtual interface on a Linux bridge; script=vif-bridge is Xen's own, slower, with its hooks"},
    {.name = "rate", .value = "RATE", .help = "what each vif without a rate of its own may send, 10Mb/s say"},
    {.name = "cap", .value = "PERCENT", .initial = "0", .min = 0, .max = 100,
     .help = "at most so much of a processor's time, even when nobody else wants it; 0: no bound"},
    {.name = "cpu-weight", .value = "N", .initial = "256", .min = 1, .max = 65535,
     .help = "its share of the processors when all are busy, beside others' N"},
    {.name = "config", .letter = 'c', .value = "FILE",
     .help = "run this Click configuration as instance 0 and wait until it runs"},
    {.name = "kernel", .value = "PATH", .help = "the guest's image (see FILES)"},
    {.name = "ramdisk", .value = "PATH", .help = "a configuration that the VM starts by itself at boot"},
    {.name = "arguments", .value = "TEXT", .help = "the guest's command line"},
    {.name = "keep", .help = "leave the VM when its configuration does not start, and when it ends by itself"},
    OPTION_JSON, OPTION_TIMEOUT, OPTION_VERBOSE, {0},
};

const struct command command_create = {
    .name = "create", .operands = "NAME", .min_operands = 1, .max_operands = 1,
    .summary = "creates a VM",
    .description = "With --config, ends when the configuration runs; if it does not start, its errors are printed\n"
                   "and the VM is destroyed again. VMs that power off or crash are taken away.\n"
                   "\n"
                   "RATE, cap and weight are xl's: N, maybe G, M or K (thousands), b/s or B/s (bits or bytes), and maybe\n"
                   "@INTERVAL in s, ms or us, after which credit comes again (50ms). dom0's netback holds the VM to it:\n"
                   "it limits what the VM sends, and what waits then waits in the VM. What a VM receives is\n"
                   "limited by the --rate of those who send. `xl sched-credit2` changes cap and weight later.",
    .options = options, .run = run,
};
