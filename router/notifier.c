// SPDX-License-Identifier: BSD-2-Clause
/* notifier.c - wakes tasks when there is something to pull or room to push; see notifier.h. */
#include "router/notifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "router/element.h"
#include "router/graph.h"
#include "router/router.h"

static void schedule_listeners(struct notifier *notifier)
{
    for (unsigned i = 0; i < notifier->n_listeners; i++)
        task_schedule(notifier->listeners[i]);
}

void notifier_wake(struct notifier *notifier)
{
    __atomic_store_n(&notifier->active, true, __ATOMIC_RELAXED);
    schedule_listeners(notifier);
}

void notifier_call(struct notifier *notifier)
{
    if (!__atomic_load_n(&notifier->active, __ATOMIC_RELAXED))
        schedule_listeners(notifier);
}

void notifier_destroy(struct notifier *notifier)
{
    free(notifier->listeners);
    *notifier = (struct notifier){0};
}

/* Grows by one; these lists are short and made once. */
static void *append(void *list, unsigned *n, const void *item)
{
    char *grown = realloc(list, (*n + 1) * sizeof(void *));

    if (grown)
        memcpy(grown + (*n)++ * sizeof(void *), item, sizeof(void *));
    return grown;
}

static int listen(struct signal *signal, struct notifier *notifier, struct task *task)
{
    void *grown;

    for (unsigned i = 0; i < signal->n_sources; i++)
        if (signal->sources[i] == notifier)
            return 0;
    grown = append(signal->sources, &signal->n_sources, &notifier);
    if (!grown)
        return -ENOMEM;
    signal->sources = grown;
    signal->looks |= notifier->look != NULL;
    grown = append(notifier->listeners, &notifier->n_listeners, &task);
    if (!grown)
        return -ENOMEM;
    notifier->listeners = grown;
    return 0;
}

/*
 * One search. Elements already reached are marked with its number, so that loops end, and those to be
 * gone on from stand in a list, each once: a chain may be as long as the configuration.
 */
struct reached {
    struct element *element;
    unsigned port;          /* by which it was reached */
};

struct search {
    struct signal *signal;
    struct task *task;
    enum notifier_kind kind;
    struct reached *list;
    unsigned n, room;
};

/* Listens to the element behind a port, or has it looked at later. */
static int reach(struct search *search, const struct port *port)
{
    struct element *peer = port->peer;
    struct router *r = peer->router;
    struct notifier *notifier = NULL;

    if (peer->class->notifier)
        notifier = peer->class->notifier(peer, port->peer_port, search->kind);
    if (notifier)
        return listen(search->signal, notifier, search->task);
    if (r->reached_by[peer->index] == r->searches)
        return 0;
    r->reached_by[peer->index] = r->searches;
    if (search->n == search->room) {
        unsigned room = search->room ? 2 * search->room : 16;
        struct reached *grown = realloc(search->list, room * sizeof *grown);

        if (!grown)
            return -ENOMEM;
        search->list = grown;
        search->room = room;
    }
    search->list[search->n++] = (struct reached){peer, port->peer_port};
    return 0;
}

/* At the end of the way there is somebody who makes packets when pulled, or takes all of them; Idle does neither. */
static bool always_ready(const struct element *e)
{
    return strcmp(e->class->name, "Idle") != 0;
}

/* Goes on to where the packets that leave at the output `port` come from. */
static int go_up(struct search *search, struct element *e, unsigned port)
{
    bool passed = false;

    for (unsigned i = 0; i < e->n_inputs; i++) {
        if (!graph_flows(e, i, port))
            continue;
        if (!e->input_is_pull[i]) {             /* stored there by something that cannot tell */
            search->signal->always = true;
            continue;
        }
        passed = true;
        if (reach(search, &e->inputs[i]) < 0)
            return -ENOMEM;
    }
    if (!passed && always_ready(e))
        search->signal->always = true;
    return 0;
}

/* Goes on to where the packets that come in at the input `port` may go. */
static int go_down(struct search *search, struct element *e, unsigned port)
{
    bool passed = false;

    for (unsigned i = 0; i < e->n_outputs; i++) {
        if (!graph_flows(e, port, i))
            continue;
        passed = true;
        if (e->output_is_pull[i])               /* stored by something that cannot tell */
            search->signal->always = true;
        else if (reach(search, element_output(e, i)) < 0)
            return -ENOMEM;
    }
    if (!passed && always_ready(e))
        search->signal->always = true;
    return 0;
}

static int search_from(struct signal *signal, struct element *e, unsigned port, struct task *task,
                       enum notifier_kind kind)
{
    struct search search = {signal, task, kind, NULL, 0, 0};
    struct router *r = e->router;
    bool up = kind == NOTIFIER_EMPTY;
    int error;

    if (!r->reached_by)
        r->reached_by = calloc(r->n_elements, sizeof *r->reached_by);
    if (!r->reached_by)
        return -ENOMEM;
    r->searches++;
    error = reach(&search, up ? &e->inputs[port] : element_output(e, port));
    while (!error && search.n) {
        struct reached next = search.list[--search.n];

        error = up ? go_up(&search, next.element, next.port)
                   : go_down(&search, next.element, next.port);
    }
    free(search.list);
    return error;
}

int signal_upstream(struct signal *signal, struct element *element, unsigned input,
                    struct task *task)
{
    return search_from(signal, element, input, task, NOTIFIER_EMPTY);
}

int signal_downstream(struct signal *signal, struct element *element, unsigned output,
                      struct task *task)
{
    int error = search_from(signal, element, output, task, NOTIFIER_FULL);

    /* Nobody downstream can be full: there is always room. */
    if (!error && !signal->n_sources)
        signal->always = true;
    return error;
}

static __attribute__((noinline)) bool look(const struct signal *signal)
{
    for (unsigned i = 0; i < signal->n_sources; i++)
        if (signal->sources[i]->look && signal->sources[i]->look(signal->sources[i]))
            return true;
    return signal->always;
}

bool signal_active(const struct signal *signal)
{
    for (unsigned i = 0; i < signal->n_sources; i++)
        if (__atomic_load_n(&signal->sources[i]->active, __ATOMIC_RELAXED))
            return true;
    return signal->looks ? look(signal) : signal->always;
}

void signal_destroy(struct signal *signal)
{
    free(signal->sources);
    *signal = (struct signal){0};
}
