// SPDX-License-Identifier: BSD-2-Clause
/*
 * tee.c - Tee([N]): a copy of each packet to every output.
 *
 * Copies share the bytes until somebody writes to them. N is the number of outputs, if
 * given; it only checks the wiring. Handlers: drops (read): copies that memory was short for.
 */
#include "router/element.h"

struct tee {
    struct element base;
    uint32_t arms;
    bool arms_given;
    uint64_t drops;
};

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct tee *t = element_as(struct tee, e);

    (void)rest;
    if (t->arms_given && t->arms != e->n_outputs)
        return element_error(e, errors, "%u outputs implies %u arms", e->n_outputs, e->n_outputs);
    return true;
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    unsigned last = e->n_outputs - 1;

    (void)port;
    for (unsigned i = 0; i < last; i++) {
        struct packet *copy = packet_clone(p);

        if (copy)
            element_push_one(e, i, copy);
        else
            element_as(struct tee, e)->drops++;
    }
    element_push_one(e, last, p);
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    unsigned last = e->n_outputs - 1;
    struct batch copies;

    (void)port;
    for (unsigned o = 0; o < last; o++) {
        copies.n = 0;
        for (unsigned i = 0; i < batch->n; i++) {
            struct packet *copy = packet_clone(batch->pkt[i]);

            if (copy)
                batch_add(&copies, copy);
        }
        element_as(struct tee, e)->drops += batch->n - copies.n;
        if (copies.n)
            element_push(e, o, &copies);
    }
    element_push(e, last, batch);
}

static const struct argument arguments[] = {
    {.name = "N", .kind = ARG_OPTIONAL, .type = &arg_unsigned,
     .offset = offsetof(struct tee, arms), .given = offsetof(struct tee, arms_given),
     .help = "the number of outputs, to be checked"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct tee, drops), .help = "copies that memory was short for"},
    {0},
};

ELEMENT_CLASS(tee) = {
    .name = "Tee", .ports = "1/1-", .processing = PUSH, .size = sizeof(struct tee),
    .arguments = arguments, .handlers = handlers, .configure = configure, .push = push,
    .push_one = push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct tee, drops)),
    .offload = true, .group = "standard", .purpose = "copies packets to every output",
};
