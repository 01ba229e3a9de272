// SPDX-License-Identifier: BSD-2-Clause
/* observe.c - one look at VMs; see observe.h. */
#include "cli/observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

/* What a VM is asked; all requests are out before the first answer is waited for. */
static void take_instances(struct observed_vm *vm, const char *answer)
{
    vm->n_instances = instances_read(answer, vm->instances);
}

static void take_memory(struct observed_vm *vm, const char *answer)
{
    vm->memory = figures_read(answer, false);
}

static void take_vifs(struct observed_vm *vm, const char *answer)
{
    vm->vifs = figures_read(answer, true);
}

static void take_resources(struct observed_vm *vm, const char *answer)
{
    vm->resources = figures_read(answer, false);
}

enum { QUESTIONS = 4 };

static const struct question {
    const char *verb, *handler;             /* handler: the VM's, there without an instance, too */
    void (*take)(struct observed_vm *vm, const char *answer);
} questions[QUESTIONS] = {
    {"instances", NULL, take_instances},
    {"memory", NULL, take_memory},
    {"read", "vifs", take_vifs},
    {"read", "resources", take_resources},
};

/* One request and for whom it is. */
struct asked {
    const struct question *question;
    struct observed_vm *vm;
};

/* A VM that is paused, has ended or never came up would cost the time-out and say nothing. */
static bool can_answer(struct client *client, const struct observed_vm *vm)
{
    char *version = vm->domain.state == STATE_RUNNING ? client_node(client, PROTOCOL_ROOT "/version") : NULL;

    free(version);
    return version != NULL;
}

/* Sends a VM its questions; says how many. */
static unsigned ask(struct client *client, struct observed_vm *vm, struct client_call *calls, struct asked *asked)
{
    unsigned n = 0;

    if (!can_answer(client, vm))
        return 0;
    for (const struct question *q = questions; q < questions + QUESTIONS; q++) {
        struct text line = {0};

        text_puts(&line, q->verb);
        if (q->handler)
            protocol_word(&line, "handler", q->handler);
        calls[n] = (struct client_call){.client = client, .instance = 0};
        asked[n] = (struct asked){q, vm};
        if (!client_send(client, calls[n].instance, &line, NULL, 0, false, calls[n].id))
            break;
        n++;
    }
    return n;
}

static void ask_all(const struct invocation *invocation, struct observation *o, long timeout_ms)
{
    struct client *clients = calloc(o->n + 1, sizeof *clients);
    struct client_call *calls = calloc((size_t)o->n * QUESTIONS + 1, sizeof *calls);
    struct asked *asked = calloc((size_t)o->n * QUESTIONS + 1, sizeof *asked);
    unsigned n = 0;

    if (!clients || !calls || !asked)
        abort();
    for (unsigned i = 0; i < o->n; i++) {
        struct observed_vm *vm = &o->vms[i];
        unsigned sent;

        if (!vm->there || !client_attach(&clients[i], invocation, vm->domain.domid, vm->name))
            continue;
        sent = ask(&clients[i], vm, calls + n, asked + n);
        n += sent;
        vm->answers = sent > 0;
    }
    client_wait_all(calls, n, now_ns() + (uint64_t)timeout_ms * 1000000u);
    for (unsigned i = 0; i < n; i++) {
        /* A guest of another version refuses what it does not know; that is an answer. */
        if (calls[i].result == CLIENT_OK)
            asked[i].question->take(asked[i].vm, text_string(&calls[i].reply.data));
        if (calls[i].result == CLIENT_FAILED)
            asked[i].vm->answers = false;
        else
            message_free(&calls[i].reply);
    }
    for (unsigned i = 0; i < o->n; i++)
        if (clients[i].name)
            client_close(&clients[i]);
    free(clients);
    free(calls);
    free(asked);
}

static void add(struct observation *o, struct toolstack *toolstack, const struct toolstack_domain *domain)
{
    struct observed_vm *vm = &o->vms[o->n++];

    vm->there = true;
    vm->domain = *domain;
    vm->domain.name = strdup(domain->name);
    if (!vm->domain.name)
        abort();
    vm->name = vm->domain.name;
    toolstack_share(toolstack, domain->domid, &vm->share);
}

/* A VM named twice, by its number perhaps, is looked at once. */
static bool is_in(const struct observation *o, const struct toolstack_domain *domain, const char *name)
{
    for (unsigned i = 0; i < o->n; i++)
        if (domain ? o->vms[i].there && o->vms[i].domain.domid == domain->domid : !strcmp(o->vms[i].name, name))
            return true;
    return false;
}

static const struct toolstack_domain *find(const struct toolstack_domain *domains, unsigned n, const char *name)
{
    long number;
    bool is_number = read_number(name, 1, INT32_MAX, &number);

    for (unsigned i = 0; i < n; i++)
        if (domains[i].name && (!strcmp(domains[i].name, name) || (is_number && domains[i].domid == number)))
            return &domains[i];
    return NULL;
}

bool observe(const struct invocation *invocation, const char *const *names, unsigned n_names, long timeout_ms,
             struct observation *o)
{
    struct toolstack *toolstack = client_toolstack(invocation);
    struct toolstack_domain *domains;
    struct client client;
    unsigned n;

    *o = (struct observation){0};
    if (!toolstack || !toolstack_host(toolstack, &o->host) || !toolstack_domains(toolstack, &domains, &n))
        return false;
    if (!client_attach(&client, invocation, 0, "")) {
        toolstack_domains_free(domains, n);
        return false;
    }
    o->at_ns = now_ns();
    o->vms = calloc((n_names ? n_names : n) + 1, sizeof *o->vms);
    if (!o->vms)
        abort();
    for (unsigned i = 0; i < n_names; i++) {
        const struct toolstack_domain *domain = find(domains, n, names[i]);

        if (is_in(o, domain, names[i]))
            continue;
        if (domain)
            add(o, toolstack, domain);
        else
            o->vms[o->n++].name = names[i];
    }
    for (unsigned i = 0; !n_names && i < n; i++) {
        client.domid = domains[i].domid;
        /* Without a name it is not made yet, or nearly gone. */
        if (domains[i].name && client_is_clickos(&client))
            add(o, toolstack, &domains[i]);
    }
    toolstack_domains_free(domains, n);
    client_close(&client);
    ask_all(invocation, o, timeout_ms);
    o->took_ns = now_ns() - o->at_ns;
    return true;
}

void observation_free(struct observation *o)
{
    for (unsigned i = 0; i < o->n; i++) {
        free(o->vms[i].domain.name);
        figures_free(&o->vms[i].memory);
        figures_free(&o->vms[i].resources);
        figures_free(&o->vms[i].vifs);
    }
    free(o->vms);
    *o = (struct observation){0};
}
