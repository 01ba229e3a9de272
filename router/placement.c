// SPDX-License-Identifier: BSD-2-Clause
/*
 * placement.c - groups elements by what they reach, and gives each group a thread; see placement.h.
 *
 * A node is an element, or one of the two sides of a queue. Who calls whom is a list of pairs of nodes. A
 * node is bound when one thread at a time may run it: because of its class, or because it calls one that
 * is. Bound nodes and their callers are joined (union and find); the others are reached by the threads of all who
 * call them. Linear in elements and connections, but for the number of threads.
 */
#include "router/placement.h"

#include <stdlib.h>
#include <string.h>

struct call {
    unsigned from, to;                  /* nodes */
};

struct placement {
    struct router *r;
    unsigned n_nodes, n_calls;
    struct call *calls;                 /* in the order of `from` */
    unsigned *first_call;               /* per node, into `calls`; one more at the end */
    unsigned *first_caller, *callers;   /* the same the other way round: numbers of nodes */
    unsigned *list;                     /* nodes to be gone on from */
    unsigned *group;                    /* per node: another one of its group, or itself */
    bool *bound;
    int *thread;                        /* per group, by its first node; -1: not known yet */
    struct element **placed;            /* per group: whom StaticThreadSched named */
};

/* ---- nodes ---- */

static struct element *element_of(const struct placement *p, unsigned node)
{
    return p->r->elements[node / 2];
}

static bool is_queue(const struct element *e)
{
    return e->class->threads == THREADS_TWO || e->class->threads == THREADS_ALL;
}

/* By which node an element is pushed to, and calls; and by which it is pulled from. */
static unsigned pushed(const struct element *e)
{
    return 2 * e->index;
}

static unsigned pulled(const struct element *e)
{
    return 2 * e->index + (is_queue(e) ? 1 : 0);
}

/* Whether it has a task, or may have: nobody else makes packets move through its ports. */
static bool drives(const struct element *e)
{
    bool pulls = false, pushes = false, called = false;

    for (unsigned i = 0; i < e->n_inputs; i++) {
        pulls |= e->input_is_pull[i];
        called |= !e->input_is_pull[i];
    }
    for (unsigned i = 0; i < e->n_outputs; i++) {
        pushes |= !e->output_is_pull[i];
        called |= e->output_is_pull[i];
    }
    return !called && (pulls || (pushes && e->class->threads != THREADS_EACH));     /* not Idle */
}

static bool is_bound(const struct element *e, bool pull_side)
{
    switch (e->class->threads) {
    case THREADS_EACH: return e->one_thread || drives(e);
    /* What finds it full goes on, and that is counted. */
    case THREADS_ALL: return !pull_side && e->n_outputs > 1;
    default: return true;
    }
}

/* ---- calls ---- */

static void add_calls_of(struct placement *p, struct element *e)
{
    for (unsigned i = 0; i < e->n_inputs; i++)
        if (e->input_is_pull[i])
            p->calls[p->n_calls++] = (struct call){pushed(e), pulled(e->inputs[i].peer)};
    for (unsigned i = 0; i < e->n_outputs; i++)
        if (!e->output_is_pull[i])
            p->calls[p->n_calls++] = (struct call){pushed(e), pushed(element_output(e, i)->peer)};
}

static void *array(size_t n, size_t size)
{
    return calloc(n + 1, size);
}

static bool list_calls(struct placement *p)
{
    struct router *r = p->r;
    unsigned room = 0;

    for (unsigned i = 0; i < r->n_elements; i++)
        room += r->elements[i]->n_inputs + r->elements[i]->n_outputs;
    p->n_nodes = 2 * r->n_elements;
    p->calls = array(room, sizeof *p->calls);
    p->first_call = array(p->n_nodes + 1, sizeof *p->first_call);
    p->first_caller = array(p->n_nodes + 1, sizeof *p->first_caller);
    p->callers = array(room, sizeof *p->callers);
    p->list = array(p->n_nodes, sizeof *p->list);
    p->group = array(p->n_nodes, sizeof *p->group);
    p->bound = array(p->n_nodes, sizeof *p->bound);
    p->thread = array(p->n_nodes, sizeof *p->thread);
    p->placed = array(p->n_nodes, sizeof *p->placed);
    if (!p->calls || !p->first_call || !p->first_caller || !p->callers || !p->list || !p->group ||
        !p->bound || !p->thread || !p->placed)
        return false;
    for (unsigned node = 0; node < p->n_nodes; node++) {
        p->first_call[node] = p->n_calls;
        if (node % 2 == 0)
            add_calls_of(p, element_of(p, node));
    }
    p->first_call[p->n_nodes] = p->n_calls;
    for (unsigned c = 0; c < p->n_calls; c++)
        p->first_caller[p->calls[c].to + 1]++;
    for (unsigned node = 0; node < p->n_nodes; node++)
        p->first_caller[node + 1] += p->first_caller[node];
    for (unsigned c = p->n_calls; c-- > 0;)         /* moves each start down to where it belongs */
        p->callers[--p->first_caller[p->calls[c].to + 1]] = p->calls[c].from;
    memmove(p->first_caller, p->first_caller + 1, p->n_nodes * sizeof *p->first_caller);
    p->first_caller[p->n_nodes] = p->n_calls;
    return true;
}

/* ---- groups ---- */

static unsigned group_of(struct placement *p, unsigned node)
{
    while (p->group[node] != node)
        node = p->group[node] = p->group[p->group[node]];
    return node;
}

static void join(struct placement *p, unsigned a, unsigned b)
{
    a = group_of(p, a);
    b = group_of(p, b);
    if (a < b)                          /* the first node stands for the group */
        p->group[b] = a;
    else
        p->group[a] = b;
}

static void bind(struct placement *p, unsigned node, unsigned *n)
{
    if (p->bound[node])
        return;
    p->bound[node] = true;
    p->list[(*n)++] = node;
}

static void make_groups(struct placement *p)
{
    const struct router *r = p->r;
    unsigned n = 0;

    for (unsigned node = 0; node < p->n_nodes; node++) {
        const struct element *e = element_of(p, node);

        p->group[node] = node;
        p->thread[node] = -1;
        if ((node % 2 == 0 || is_queue(e)) && is_bound(e, node % 2))
            bind(p, node, &n);
    }
    while (n) {
        unsigned node = p->list[--n];

        for (unsigned i = p->first_caller[node]; i < p->first_caller[node + 1]; i++) {
            bind(p, p->callers[i], &n);
            join(p, node, p->callers[i]);
        }
    }
    for (unsigned i = 0; i < r->n_ties; i++)
        join(p, pushed(r->ties[i].a), pushed(r->ties[i].b));
}

/* ---- threads ---- */

/* A step from a to b along calls and ties that hold a group together; *from is where it came from, + 1. */
static void step(struct placement *p, unsigned a, unsigned b, unsigned *from, bool *further)
{
    if (!from[a] || from[b] || !(p->bound[a] && p->bound[b]))
        return;
    from[b] = a + 1;
    *further = true;
}

/* An element between two of the same group that one thread only may run. For a message: it may take its time. */
static const struct element *between(struct placement *p, const struct element *a, const struct element *b)
{
    unsigned *from = array(p->n_nodes, sizeof *from);
    const struct element *found = b;
    bool further = from != NULL;

    if (from)
        from[pushed(a)] = pushed(a) + 1;
    while (further && !from[pushed(b)]) {
        further = false;
        for (unsigned c = 0; c < p->n_calls; c++) {
            step(p, p->calls[c].from, p->calls[c].to, from, &further);
            step(p, p->calls[c].to, p->calls[c].from, from, &further);
        }
        for (unsigned i = 0; i < p->r->n_ties; i++) {
            step(p, pushed(p->r->ties[i].a), pushed(p->r->ties[i].b), from, &further);
            step(p, pushed(p->r->ties[i].b), pushed(p->r->ties[i].a), from, &further);
        }
    }
    for (unsigned node = pushed(b); from && from[node] && node != pushed(a);) {
        const struct element *e;

        node = from[node] - 1;
        e = element_of(p, node);
        if (e != a && is_bound(e, false)) {
            found = e;
            break;
        }
    }
    free(from);
    return found;
}

static bool refuse(struct placement *p, struct element *a, struct element *b, struct errors *errors)
{
    const struct element *shared = between(p, a, b);

    if (shared == b)
        errors_add(errors, b->placed_by->landmark,
                   "'%s :: %s' cannot run on thread %u and '%s :: %s' on thread %u: one reaches the other", a->name,
                   a->class->name, a->wanted_thread, b->name, b->class->name, b->wanted_thread);
    else
        errors_add(errors, b->placed_by->landmark,
                   "'%s :: %s' cannot run on thread %u and '%s :: %s' on thread %u: both reach '%s :: %s', which one "
                   "thread only may run", a->name, a->class->name, a->wanted_thread, b->name, b->class->name,
                   b->wanted_thread, shared->name, shared->class->name);
    return false;
}

/* What StaticThreadSched says of elements that have a thread. */
static bool place_as_told(struct placement *p, struct errors *errors)
{
    bool ok = true;

    for (unsigned i = 0; i < p->r->n_elements; i++) {
        struct element *e = p->r->elements[i];
        unsigned group = group_of(p, pushed(e));

        if (!e->placed_by || is_queue(e) || !p->bound[pushed(e)])
            continue;
        if (p->thread[group] < 0) {
            p->thread[group] = (int)e->wanted_thread;
            p->placed[group] = e;
        } else if (p->thread[group] != (int)e->wanted_thread) {
            ok = refuse(p, p->placed[group], e, errors);
        }
    }
    return ok;
}

static unsigned least_loaded(const struct placement *p, const unsigned *load)
{
    unsigned least = 0;

    for (unsigned t = 1; t < p->r->n_threads; t++)
        if (load[t] < load[least])
            least = t;
    return least;
}

/* The groups that are left, in the order of their first elements, each to the thread that has the fewest. */
static void place_others(struct placement *p)
{
    unsigned load[THREADS_MAX] = {0};
    bool *counted = (bool *)memset(p->list, 0, p->n_nodes * sizeof *p->list);

    for (int told = 1; told >= 0; told--)
        for (unsigned i = 0; i < p->r->n_elements; i++) {
            struct element *e = p->r->elements[i];
            unsigned group = group_of(p, pushed(e));

            if (!drives(e) || counted[group] || (told && p->thread[group] < 0))
                continue;
            counted[group] = true;
            if (p->thread[group] < 0)
                p->thread[group] = (int)least_loaded(p, load);
            load[p->thread[group]]++;
        }
}

static unsigned thread_of(struct placement *p, unsigned node)
{
    int thread = p->thread[group_of(p, node)];

    return thread < 0 ? 0 : (unsigned)thread;
}

/* From the bound elements of a thread to all that they reach and that are not bound. */
static void spread(struct placement *p, unsigned thread)
{
    uint64_t bit = UINT64_C(1) << thread;
    unsigned n = 0;

    for (unsigned i = 0; i < p->r->n_elements; i++) {
        struct element *e = p->r->elements[i];

        if (p->bound[pushed(e)] && thread_of(p, pushed(e)) == thread) {
            e->threads = bit;
            p->list[n++] = pushed(e);
        }
    }
    while (n) {
        unsigned node = p->list[--n];

        for (unsigned c = p->first_call[node]; c < p->first_call[node + 1]; c++) {
            struct element *to = element_of(p, p->calls[c].to);

            if (p->bound[p->calls[c].to] || is_queue(to) || (to->threads & bit))
                continue;
            to->threads |= bit;
            p->list[n++] = p->calls[c].to;
        }
    }
}

static void give_schedulers(struct placement *p)
{
    struct router *r = p->r;

    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *e = r->elements[i];

        if (!e->threads)
            e->threads = 1;
        e->scheduler = &r->scheduler[__builtin_ctzll(e->threads)];
        e->crossed = e->class->threads == THREADS_ALL ||
                     (is_queue(e) && thread_of(p, pushed(e)) != thread_of(p, pulled(e)));
    }
}

static void release(struct placement *p)
{
    free(p->calls);
    free(p->first_call);
    free(p->first_caller);
    free(p->callers);
    free(p->list);
    free(p->group);
    free(p->bound);
    free(p->thread);
    free(p->placed);
}

static void check_threads(struct router *r, struct errors *errors)
{
    const struct element *said_by = NULL;       /* once of a compound */
    unsigned said = 0;

    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *e = r->elements[i];

        if (!e->placed_by || e->wanted_thread < r->n_threads)
            continue;
        if (said_by != e->placed_by || said != e->wanted_thread)
            errors_warn(errors, e->placed_by->landmark, "thread preference %u out of range", e->wanted_thread);
        said_by = e->placed_by;
        said = e->wanted_thread;
        e->wanted_thread = 0;
    }
}

bool placement_make(struct router *r, struct errors *errors)
{
    struct placement p = {.r = r};
    bool ok;

    check_threads(r, errors);
    for (unsigned i = 0; i < r->n_elements; i++) {
        r->elements[i]->scheduler = r->scheduler;
        r->elements[i]->threads = r->n_threads == 1;
    }
    if (r->n_threads == 1)
        return true;
    ok = list_calls(&p);
    if (!ok) {
        errors_add(errors, NULL, "out of memory");
    } else {
        make_groups(&p);
        ok = place_as_told(&p, errors);
        place_others(&p);
        for (unsigned t = 0; t < r->n_threads; t++)
            spread(&p, t);
        give_schedulers(&p);
    }
    release(&p);
    return ok;
}
