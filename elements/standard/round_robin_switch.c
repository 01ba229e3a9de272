// SPDX-License-Identifier: BSD-2-Clause
/* round_robin_switch.c - RoundRobinSwitch(): packets go to the outputs in turn. */
#include "router/element.h"

struct round_robin_switch {
    struct element base;
    unsigned next;
    uint64_t drops;             /* stays 0: every number chosen is an output's */
};

static unsigned take_turn(struct round_robin_switch *r)
{
    unsigned turn = r->next++;

    if (r->next == r->base.n_outputs)
        r->next = 0;
    return turn;
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct round_robin_switch *r = element_as(struct round_robin_switch, e);
    unsigned out[BATCH_MAX];

    (void)port;
    for (unsigned i = 0; i < batch->n; i++)
        out[i] = take_turn(r);
    element_dispatch(e, batch, out, &r->drops);
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    (void)port;
    element_push_one(e, take_turn(element_as(struct round_robin_switch, e)), p);
}

ELEMENT_CLASS(round_robin_switch) = {
    .name = "RoundRobinSwitch", .ports = "1/1-", .processing = PUSH,
    .size = sizeof(struct round_robin_switch), .push = push, .push_one = push_one,
    .offload = true, .group = "standard", .purpose = "sends packets to its outputs in turn",
};
