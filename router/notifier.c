// SPDX-License-Identifier: BSD-2-Clause
/* notifier.c - wakes tasks when there is something to pull or room to push; see notifier.h. */
#include "router/notifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "router/element.h"
#include "router/graph.h"
#include "router/router.h"

void notifier_activate(struct notifier *notifier)
{
    if (notifier->active)
        return;
    notifier->active = true;
    for (unsigned i = 0; i < notifier->n_listeners; i++)
        task_schedule(notifier->listeners[i]);
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
    grown = append(notifier->listeners, &notifier->n_listeners, &task);
    if (!grown)
        return -ENOMEM;
    notifier->listeners = grown;
    return 0;
}

/* One search: ports already looked at are marked, so that loops end. */
struct search {
    struct signal *signal;
    struct task *task;
    enum notifier_kind kind;
    char *seen;             /* per element */
};

/* Where the packets of a pull input come from: the peer's output. */
static int search_up(struct search *search, struct element *e, unsigned input)
{
    struct element *peer = e->inputs[input].peer;
    unsigned port = e->inputs[input].peer_port;
    struct notifier *notifier;
    bool passed = false;

    notifier = peer->class->notifier ? peer->class->notifier(peer, port, search->kind) : NULL;
    if (notifier)
        return listen(search->signal, notifier, search->task);
    if (search->seen[peer->index])
        return 0;
    search->seen[peer->index] = 1;
    for (unsigned i = 0; i < peer->n_inputs; i++) {
        if (!graph_flows(peer, i, port))
            continue;
        if (!peer->input_is_pull[i]) {          /* stored there by something that cannot tell */
            search->signal->always = true;
            continue;
        }
        passed = true;
        if (search_up(search, peer, i) < 0)
            return -ENOMEM;
    }
    /* A source that makes packets when pulled; Idle never does. */
    if (!passed && strcmp(peer->class->name, "Idle") != 0)
        search->signal->always = true;
    return 0;
}

static int search_down(struct search *search, struct element *e, unsigned output)
{
    struct element *peer = e->outputs[output].peer;
    unsigned port = e->outputs[output].peer_port;
    struct notifier *notifier;

    notifier = peer->class->notifier ? peer->class->notifier(peer, port, search->kind) : NULL;
    if (notifier)
        return listen(search->signal, notifier, search->task);
    if (search->seen[peer->index])
        return 0;
    search->seen[peer->index] = 1;
    for (unsigned i = 0; i < peer->n_outputs; i++)
        if (!peer->output_is_pull[i] && graph_flows(peer, port, i) &&
            search_down(search, peer, i) < 0)
            return -ENOMEM;
    return 0;
}

static int search_from(struct signal *signal, struct element *e, unsigned port, struct task *task,
                       enum notifier_kind kind)
{
    struct search search = {signal, task, kind, calloc(e->router->n_elements, 1)};
    int error;

    if (!search.seen)
        return -ENOMEM;
    error = kind == NOTIFIER_EMPTY ? search_up(&search, e, port) : search_down(&search, e, port);
    free(search.seen);
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

bool signal_active(const struct signal *signal)
{
    for (unsigned i = 0; i < signal->n_sources; i++)
        if (signal->sources[i]->active)
            return true;
    return signal->always;
}

void signal_destroy(struct signal *signal)
{
    free(signal->sources);
    *signal = (struct signal){0};
}
