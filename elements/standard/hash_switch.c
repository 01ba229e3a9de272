// SPDX-License-Identifier: BSD-2-Clause
/*
 * hash_switch.c - HashSwitch(OFFSET, LENGTH): chooses an output by a sum of bytes.
 *
 * The LENGTH bytes from OFFSET are added up; the same bytes always choose the same output.
 * Packets too short for that go to output 0.
 */
#include "router/element.h"

struct hash_switch {
    struct element base;
    uint32_t offset, length;
    uint64_t drops;             /* stays 0: every number chosen is an output's */
};

static unsigned choose(const struct hash_switch *h, const struct packet *p)
{
    unsigned n = h->base.n_outputs, sum = 0;

    if (p->length < h->offset || p->length - h->offset < h->length)
        return 0;
    for (uint32_t i = 0; i < h->length; i++)
        sum += p->data[h->offset + i];
    /* Click's choice, kept so that flows go where they went; it has no mask for 16 and more. */
    if (n == 2 || n == 4 || n == 8)
        return (sum ^ sum >> 4) & (n - 1);
    return sum % n;
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct hash_switch *h = element_as(struct hash_switch, e);
    unsigned out[BATCH_MAX];

    (void)port;
    for (unsigned i = 0; i < batch->n; i++)
        out[i] = choose(h, batch->pkt[i]);
    element_dispatch(e, batch, out, &h->drops);
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    (void)port;
    element_push_one(e, choose(element_as(struct hash_switch, e), p), p);
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    (void)rest;
    if (!element_as(struct hash_switch, e)->length)
        return element_error(e, errors, "length must be > 0");
    return true;
}

static const struct argument arguments[] = {
    {.name = "OFFSET", .kind = ARG_REQUIRED, .type = &arg_unsigned,
     .offset = offsetof(struct hash_switch, offset), .help = "the first byte"},
    {.name = "LENGTH", .kind = ARG_REQUIRED, .type = &arg_unsigned,
     .offset = offsetof(struct hash_switch, length), .help = "how many bytes"},
    {0},
};

ELEMENT_CLASS(hash_switch) = {
    .name = "HashSwitch", .ports = "1/1-", .processing = PUSH,
    .size = sizeof(struct hash_switch), .arguments = arguments, .configure = configure,
    .push = push, .push_one = push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct hash_switch, drops)),
    .offload = true, .group = "standard", .purpose = "chooses an output by a hash of packet bytes",
    .manual = "Packets too short to have those bytes go to output 0.",
};
