// SPDX-License-Identifier: BSD-2-Clause
/*
 * average_counter.c - AverageCounter([IGNORE]): the average rate since the first packet.
 *
 * Packets of the first IGNORE seconds (default 0) count neither as packets nor as time.
 * Handlers: count, byte_count, rate, byte_rate (read), reset (write).
 */
#include "router/router.h"

struct average_counter {
    struct element base;
    uint64_t count, bytes;
    uint64_t first_ms, last_ms;         /* of packets; first 0: none yet */
    uint32_t ignore_s;
};

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct average_counter *a = element_as(struct average_counter, e);
    uint64_t now = e->scheduler->now_ns / 1000000 + 1;

    if (!a->first_ms)
        a->first_ms = now;
    if (now - a->first_ms >= (uint64_t)a->ignore_s * 1000) {
        a->count++;
        a->bytes += p->length;
    }
    a->last_ms = now;
    return p;
}
ELEMENT_ACTION(action)

/* The first packet stays the first one; IGNORE is the new one's. */
static void take_state(struct element *e, struct element *predecessor)
{
    struct average_counter *a = element_as(struct average_counter, e);
    const struct average_counter *old = element_as(struct average_counter, predecessor);

    a->count = old->count;
    a->bytes = old->bytes;
    a->first_ms = old->first_ms;
    a->last_ms = old->last_ms;
}

static int read_rate(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct average_counter *a = element_as(struct average_counter, e);
    uint64_t events = call->handler->name[0] == 'b' ? a->bytes : a->count;
    uint64_t ignored = (uint64_t)a->ignore_s * 1000, passed = a->last_ms - a->first_ms;
    uint64_t ms = passed > ignored ? passed - ignored : 1;
    uint64_t micros = (events % ms) * 1000000000 / ms;      /* millionths of one a second */

    micros = events / ms * 1000000000 + micros;
    text_printf(out, "%llu", (unsigned long long)(micros / 1000000));
    if (micros % 1000000) {
        text_printf(out, ".%06llu", (unsigned long long)(micros % 1000000));
        while (out->s[out->length - 1] == '0')
            text_truncate(out, out->length - 1);
    }
    return 0;
}

static int reset(struct element *e, const struct handler_call *call)
{
    struct average_counter *a = element_as(struct average_counter, e);

    (void)call;
    a->count = a->bytes = a->first_ms = a->last_ms = 0;
    return 0;
}

static const struct argument arguments[] = {
    {.name = "IGNORE", .kind = ARG_OPTIONAL, .type = &arg_unsigned,
     .offset = offsetof(struct average_counter, ignore_s),
     .help = "seconds at the beginning that do not count; default 0"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct average_counter, count), .help = "packets since the last reset"},
    {.name = "byte_count", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct average_counter, bytes), .help = "bytes since the last reset"},
    {.name = "rate", .read = read_rate, .help = "packets per second, on average"},
    {.name = "byte_rate", .read = read_rate, .help = "bytes per second, on average"},
    {.name = "reset", .flags = HANDLER_BUTTON, .write = reset, .help = "starts anew"},
    {0},
};

ELEMENT_CLASS(average_counter) = {
    .name = "AverageCounter", .ports = PORTS_1_1, .processing = AGNOSTIC,
    .size = sizeof(struct average_counter), .arguments = arguments, .handlers = handlers,
    .take_state = take_state, ELEMENT_ENTRIES(action),
    .offload = true, .group = "standard", .purpose = "measures the average rate since the first packet",
    .manual = "When another configuration takes the place of this one, an AverageCounter of the same name measures on.",
};
