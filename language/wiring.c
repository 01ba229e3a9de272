// SPDX-License-Identifier: BSD-2-Clause
/*
 * wiring.c - connections from real element to real element, through all passages between them.
 *
 * The wires that leave one output port of a node form a run in the sorted array, named by the
 * index of its first wire. Where a wire enters a passage, it goes on with the run of the same port
 * behind it. The targets of each run are found once and then remembered, so that a thousand wires
 * into a compound do not search it a thousand times.
 */
#include <stdlib.h>
#include <string.h>

#include "language/expand.h"

enum run_state { RUN_NEW, RUN_OPEN, RUN_DONE };

/* A real element's input port. */
struct target {
    unsigned node, port;
};

/* What is known of a run; the array is parallel to the wires. */
struct run {
    enum run_state state;
    struct target *targets;
    unsigned n_targets;
};

/* A run whose targets are being collected. */
struct visit {
    unsigned run, next, end;            /* indexes of wires */
    struct target *targets;
    unsigned n_targets, capacity;
    bool borrowed;                      /* targets belong to another run: do not add to them */
};

struct wiring {
    struct expansion *expansion;
    struct arena *arena;
    const struct wire *wires;
    unsigned n_wires;
    unsigned *first_from;               /* for each node: its first wire; one more at the end */
    struct run *runs;
    struct visit *visits;               /* a stack */
    unsigned n_visits, visits_capacity;
    unsigned targets_left;
};

static int compare(unsigned a, unsigned b)
{
    return a < b ? -1 : a > b;
}

static int by_source(const void *a, const void *b)
{
    const struct wire *x = a, *y = b;
    int c = compare(x->from, y->from);

    c = c ? c : compare(x->from_port, y->from_port);
    c = c ? c : compare(x->to, y->to);
    c = c ? c : compare(x->to_port, y->to_port);
    return c ? c : compare(x->order, y->order);
}

static int by_target(const void *a, const void *b)
{
    const struct wire *x = a, *y = b;
    int c = compare(x->to, y->to);

    c = c ? c : compare(x->to_port, y->to_port);
    c = c ? c : compare(x->from, y->from);
    c = c ? c : compare(x->from_port, y->from_port);
    return c ? c : compare(x->order, y->order);
}

static int target_order(const void *a, const void *b)
{
    const struct target *x = a, *y = b;
    int c = compare(x->node, y->node);

    return c ? c : compare(x->port, y->port);
}

static void too_many(struct wiring *wiring, struct landmark *landmark)
{
    if (!wiring->expansion->full)
        syntax_error(wiring->expansion->syntax, landmark,
                     "too many connections when expanded (at most %d)", CONNECTIONS_MAX);
    wiring->expansion->full = true;
}

static bool is_real(const struct wiring *wiring, unsigned node)
{
    return wiring->expansion->nodes[node].plan_index != NO_ELEMENT;
}

/* The same wires in another order, and where each node's begin. */
static unsigned *index_wires(struct arena *arena, struct wire *wires, unsigned n_wires,
                             unsigned n_nodes, bool by_from)
{
    unsigned *first = arena_alloc(arena, ((size_t)n_nodes + 1) * sizeof(*first));
    unsigned node, i = 0;

    if (!first)
        return NULL;
    if (n_wires)
        qsort(wires, n_wires, sizeof(*wires), by_from ? by_source : by_target);
    for (node = 0; node <= n_nodes; node++) {
        while (i < n_wires && (by_from ? wires[i].from : wires[i].to) < node)
            i++;
        first[node] = i;
    }
    return first;
}

/* ---- the ports of compounds and groups ---- */

/* The port of wire `i`, or of none: larger than any. */
static unsigned port_at(const struct wire *wires, unsigned i, unsigned end, bool from)
{
    return i == end ? PORT_MAX + 1 : from ? wires[i].from_port : wires[i].to_port;
}

/*
 * Compares the ports used outside of a passage (wires o..o_end) with those used inside
 * (i..i_end); both are sorted by port.
 */
static void check_side(struct wiring *wiring, const struct node *node, const struct wire *outer,
                       unsigned o, unsigned o_end, const struct wire *inner, unsigned i,
                       unsigned i_end, bool outputs)
{
    const char *side = outputs ? "output" : "input";
    struct syntax *syntax = wiring->expansion->syntax;
    unsigned out_port, in_port, port;

    while (o < o_end || i < i_end) {
        out_port = port_at(outer, o, o_end, outputs);
        in_port = port_at(inner, i, i_end, !outputs);
        port = out_port < in_port ? out_port : in_port;
        if (out_port < in_port)
            syntax_error(syntax, node->element->landmark, "'%s' has no %s %u", node->name, side,
                         port);
        else if (in_port < out_port)
            syntax_error(syntax, node->element->landmark, "'%s' %s %u unused", node->name, side,
                         port);
        while (port_at(outer, o, o_end, outputs) == port)
            o++;
        while (port_at(inner, i, i_end, !outputs) == port)
            i++;
    }
}

static void check_ports(struct wiring *wiring)
{
    struct expansion *expansion = wiring->expansion;
    struct wire *incoming = arena_alloc(wiring->arena, (size_t)expansion->n_wires *
                                                           sizeof(*incoming));
    unsigned *first_to, n;

    if (!incoming)
        return;
    if (expansion->n_wires)
        memcpy(incoming, wiring->wires, (size_t)expansion->n_wires * sizeof(*incoming));
    first_to = index_wires(wiring->arena, incoming, expansion->n_wires, expansion->n_nodes, false);
    if (!first_to)
        return;
    for (n = 0; n < expansion->n_nodes; n++) {
        const struct node *node = &expansion->nodes[n];
        unsigned in = node->inside;

        if (in == NO_ELEMENT)
            continue;
        check_side(wiring, node, incoming, first_to[n], first_to[n + 1], wiring->wires,
                   wiring->first_from[in], wiring->first_from[in + 1], false);
        check_side(wiring, node, wiring->wires, wiring->first_from[n], wiring->first_from[n + 1],
                   incoming, first_to[in + 1], first_to[in + 2], true);
    }
}

/* ---- runs ---- */

/* The first wire from a port, or NO_ELEMENT. */
static unsigned find_run(const struct wiring *wiring, unsigned node, unsigned port)
{
    unsigned low = wiring->first_from[node], end = wiring->first_from[node + 1], high = end;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (wiring->wires[middle].from_port < port)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && wiring->wires[low].from_port == port ? low : NO_ELEMENT;
}

/* The run that a wire goes on with behind a passage. NO_ELEMENT: none, already reported. */
static unsigned run_behind(const struct wiring *wiring, const struct wire *wire)
{
    unsigned through = wiring->expansion->nodes[wire->to].through;

    return through == NO_ELEMENT ? NO_ELEMENT : find_run(wiring, through, wire->to_port);
}

static bool open_run(struct wiring *wiring, unsigned run)
{
    const struct wire *first = &wiring->wires[run];
    struct visit *visit;
    unsigned end = run;

    if (!arena_grow(wiring->arena, (void **)&wiring->visits, &wiring->visits_capacity,
                    wiring->n_visits, sizeof(*wiring->visits)))
        return false;
    while (end < wiring->first_from[first->from + 1] &&
           wiring->wires[end].from_port == first->from_port)
        end++;
    visit = &wiring->visits[wiring->n_visits++];
    *visit = (struct visit){.run = run, .next = run, .end = end};
    wiring->runs[run].state = RUN_OPEN;
    return true;
}

static bool add_targets(struct wiring *wiring, struct visit *visit, const struct target *targets,
                        unsigned n, struct landmark *landmark)
{
    if (n > wiring->targets_left) {
        too_many(wiring, landmark);
        return false;
    }
    wiring->targets_left -= n;
    if (!n)
        return true;
    if (!arena_grow(wiring->arena, (void **)&visit->targets, &visit->capacity,
                    (size_t)visit->n_targets + n - 1, sizeof(*targets)))
        return false;
    memcpy(visit->targets + visit->n_targets, targets, n * sizeof(*targets));
    visit->n_targets += n;
    return true;
}

static void close_run(struct wiring *wiring, struct visit *visit)
{
    struct run *run = &wiring->runs[visit->run];
    unsigned i, n = 0;

    if (!visit->borrowed && visit->n_targets > 1) {
        qsort(visit->targets, visit->n_targets, sizeof(*visit->targets), target_order);
        for (i = 0; i < visit->n_targets; i++)
            if (!n || target_order(&visit->targets[n - 1], &visit->targets[i]) != 0)
                visit->targets[n++] = visit->targets[i];
        visit->n_targets = n;
    }
    run->state = RUN_DONE;
    run->targets = visit->targets;
    run->n_targets = visit->n_targets;
    wiring->n_visits--;
}

/* Finds all that a run reaches. False: a limit or memory; stop. */
static bool collect(struct wiring *wiring, unsigned run)
{
    if (wiring->runs[run].state == RUN_DONE)
        return true;
    if (!open_run(wiring, run))
        return false;
    while (wiring->n_visits) {
        struct visit *visit = &wiring->visits[wiring->n_visits - 1];
        const struct wire *wire = &wiring->wires[visit->next];
        struct target target;
        unsigned behind;

        if (visit->next == visit->end) {
            close_run(wiring, visit);
            continue;
        }
        if (is_real(wiring, wire->to)) {
            target = (struct target){wire->to, wire->to_port};
            if (!add_targets(wiring, visit, &target, 1, wire->landmark))
                return false;
            visit->next++;
            continue;
        }
        behind = run_behind(wiring, wire);
        if (behind == NO_ELEMENT) {
            visit->next++;
        } else if (wiring->runs[behind].state == RUN_NEW) {
            if (!open_run(wiring, behind))
                return false;
        } else if (wiring->runs[behind].state == RUN_OPEN) {
            syntax_error(wiring->expansion->syntax, wire->landmark,
                         "'%s' is connected to itself with no element in between",
                         wiring->expansion->nodes[wire->to].name);
            visit->next++;
        } else {
            const struct run *done = &wiring->runs[behind];

            visit->next++;
            if (visit->end - visit->run == 1) {
                visit->targets = done->targets;
                visit->n_targets = done->n_targets;
                visit->borrowed = true;
            } else if (!add_targets(wiring, visit, done->targets, done->n_targets,
                                    wire->landmark)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- the plan's connections ---- */

static bool emit(struct wiring *wiring, const struct wire *wire, const struct target *targets,
                 unsigned n, struct wire **out, unsigned *n_out, unsigned *capacity)
{
    const struct node *nodes = wiring->expansion->nodes;
    unsigned i;

    if (n > CONNECTIONS_MAX - *n_out) {
        too_many(wiring, wire->landmark);
        return false;
    }
    if (n && !arena_grow(wiring->arena, (void **)out, capacity, (size_t)*n_out + n - 1,
                         sizeof(**out)))
        return false;
    for (i = 0; i < n; i++)
        (*out)[(*n_out)++] = (struct wire){
            .from = nodes[wire->from].plan_index, .from_port = wire->from_port,
            .to = nodes[targets[i].node].plan_index, .to_port = targets[i].port,
            .order = wire->order, .landmark = wire->landmark,
        };
    return true;
}

static void fill_connections(struct wiring *wiring, struct wire *wires, unsigned n)
{
    struct syntax *syntax = wiring->expansion->syntax;
    struct plan *plan = syntax->plan;
    unsigned i, unique = 0;

    if (n)
        qsort(wires, n, sizeof(*wires), by_target);
    for (i = 0; i < n; i++) {
        const struct wire *last = unique ? &wires[unique - 1] : NULL;

        if (!last || last->from != wires[i].from || last->from_port != wires[i].from_port ||
            last->to != wires[i].to || last->to_port != wires[i].to_port)
            wires[unique++] = wires[i];
    }
    plan->connections = arena_alloc(syntax->plan_arena, (size_t)unique *
                                                            sizeof(*plan->connections));
    if (!plan->connections)
        return;
    plan->n_connections = unique;
    for (i = 0; i < unique; i++)
        plan->connections[i] = (struct plan_connection){
            .from = wires[i].from, .from_port = wires[i].from_port,
            .to = wires[i].to, .to_port = wires[i].to_port,
            .landmark = landmark_text(wires[i].landmark, syntax->plan_arena),
        };
}

void wiring_run(struct expansion *expansion)
{
    struct wiring wiring = {
        .expansion = expansion, .arena = &expansion->syntax->arena,
        .n_wires = expansion->n_wires, .targets_left = CONNECTIONS_MAX,
    };
    struct wire *out = NULL;
    unsigned i, n_out = 0, capacity = 0;

    wiring.first_from = index_wires(wiring.arena, expansion->wires, expansion->n_wires,
                                    expansion->n_nodes, true);
    wiring.runs = arena_alloc(wiring.arena, (size_t)expansion->n_wires * sizeof(*wiring.runs));
    if (!wiring.first_from || !wiring.runs)
        return;
    wiring.wires = expansion->wires;
    check_ports(&wiring);

    for (i = 0; i < wiring.n_wires; i++) {
        const struct wire *wire = &wiring.wires[i];
        struct target target = {wire->to, wire->to_port};
        unsigned behind;

        if (!is_real(&wiring, wire->from))
            continue;
        if (is_real(&wiring, wire->to)) {
            if (!emit(&wiring, wire, &target, 1, &out, &n_out, &capacity))
                return;
            continue;
        }
        behind = run_behind(&wiring, wire);
        if (behind == NO_ELEMENT)
            continue;
        if (!collect(&wiring, behind) ||
            !emit(&wiring, wire, wiring.runs[behind].targets, wiring.runs[behind].n_targets, &out,
                  &n_out, &capacity))
            return;
    }
    fill_connections(&wiring, out, n_out);
}
