// SPDX-License-Identifier: BSD-2-Clause
/* bounds.c - what happens to packets whose way is too long; see bounds.h. */
#include "router/bounds.h"

#include "router/element.h"
#include "router/router.h"

PER_THREAD int64_t bounds_steps_left = STEPS + STEPS_TO_FINISH;

/* Once in a router's life: what is wrong is its configuration, not a packet. */
static void report(struct element *e, bool *reported, const char *what)
{
    if (__atomic_exchange_n(reported, true, __ATOMIC_RELAXED))
        return;
    element_log(e, "%s; the router's handler 'packets' counts them", what);
}

/* The counts are the router's, for all its threads. */
static void add(uint64_t *count, unsigned n)
{
    __atomic_fetch_add(count, n, __ATOMIC_RELAXED);
}

static void drop(struct element *e, unsigned n)
{
    struct bounds *b = &e->router->bounds;

    if (bounds_stack_reached()) {
        add(&b->stack_drops, n);
        report(e, &b->stack_reported, "drops packets: the stack has no room for more elements in a row");
    } else {
        add(&b->step_drops, n);
        report(e, &b->steps_reported, "drops packets: a circle, or too many copies of a packet");
    }
}

__attribute__((cold)) void bounds_refuse_push(struct element *e, struct batch *batch)
{
    drop(e, batch->n);
    batch_free(batch);
}

__attribute__((cold)) void bounds_refuse_push_one(struct element *e, struct packet *p)
{
    drop(e, 1);
    packet_free(p);
}

__attribute__((cold)) unsigned bounds_refuse_pull(struct element *e)
{
    struct bounds *b = &e->router->bounds;

    if (bounds_stack_reached()) {
        add(&b->stack_pulls, 1);
        report(e, &b->stack_reported, "cannot pull: the stack has no room for more elements in a row");
    }
    return 0;
}
