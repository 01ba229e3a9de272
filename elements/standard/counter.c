// SPDX-License-Identifier: BSD-2-Clause
/*
 * counter.c - Counter([COUNT_CALL, BYTE_COUNT_CALL]): counts packets and bytes, measures rates.
 *
 * COUNT_CALL "N HANDLER [VALUE]" calls a write handler when the Nth packet comes, before it
 * goes on; BYTE_COUNT_CALL does so when N bytes were reached. Each calls once until a reset.
 * A push of several packets is counted at once: the call comes before all of them.
 *
 * Handlers: count, byte_count, rate, bit_rate, byte_rate (read); reset, reset_counts
 * (write); count_call (read, write), byte_count_call (write).
 */
#include <stdlib.h>
#include <string.h>

#include "elements/standard/rate_meter.h"
#include "elements/standard/write_call.h"
#include "router/router.h"

struct trigger {
    uint64_t at;                        /* UINT64_MAX: never */
    bool fired;
    struct write_call call;
};

struct counter {
    struct element base;
    uint64_t count, bytes;
    struct rate_meter packet_rate, byte_rate;
    struct trigger count_trigger, byte_trigger;
    struct arg_string count_call, byte_count_call;
};

static uint64_t epoch_now(const struct element *e)
{
    return e->scheduler->now_ns / 1000000;
}

static void trip(struct counter *c, struct trigger *trigger)
{
    trigger->fired = true;
    write_call_make(&trigger->call, &c->base);
}

static inline void add(struct counter *c, uint64_t packets, uint64_t bytes)
{
    uint64_t epoch = epoch_now(&c->base);

    c->count += packets;
    c->bytes += bytes;
    rate_meter_add(&c->packet_rate, epoch, packets);
    rate_meter_add(&c->byte_rate, epoch, bytes);
    if (__builtin_expect(c->count >= c->count_trigger.at && !c->count_trigger.fired, 0))
        trip(c, &c->count_trigger);
    if (__builtin_expect(c->bytes >= c->byte_trigger.at && !c->byte_trigger.fired, 0))
        trip(c, &c->byte_trigger);
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    uint64_t bytes = 0;

    (void)port;
    for (unsigned i = 0; i < batch->n; i++)
        bytes += batch->pkt[i]->length;
    add(element_as(struct counter, e), batch->n, bytes);
    element_push(e, 0, batch);
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    (void)port;
    add(element_as(struct counter, e), 1, p->length);
    element_push_one(e, 0, p);
}

static unsigned pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    unsigned first = batch->n, got = element_pull(e, 0, batch, max);
    uint64_t bytes = 0;

    (void)port;
    for (unsigned i = first; i < first + got; i++)
        bytes += batch->pkt[i]->length;
    if (got)
        add(element_as(struct counter, e), got, bytes);
    return got;
}

/* Several threads count for themselves, so that nobody sees the Nth packet pass. */
static bool have_triggers(struct counter *c, struct errors *errors)
{
    if (c->base.copy)
        return element_error(&c->base, errors, "several threads count here, so that there can be no calls");
    if (!c->base.initialized)
        element_bind(&c->base);
    return true;
}

/* "N HANDLER [VALUE]" */
static bool parse_trigger(struct counter *c, struct trigger *trigger, const char *text,
                          const char *name, struct errors *errors)
{
    char number[24];
    size_t length;
    uint64_t at;

    if (!have_triggers(c, errors))
        return false;
    text += strspn(text, " \t\r\n");
    length = strcspn(text, " \t\r\n");
    if (length >= sizeof number)
        return element_error(&c->base, errors, "%s type mismatch", name);
    memcpy(number, text, length);
    number[length] = '\0';
    if (!args_read_unsigned(number, UINT64_MAX, &at))
        return element_error(&c->base, errors, "%s type mismatch", name);
    if (!write_call_parse(&trigger->call, &c->base, text + length, errors))
        return false;
    trigger->at = at;
    trigger->fired = false;
    return true;
}

static void setup(struct element *e)
{
    struct counter *c = element_as(struct counter, e);

    c->count_trigger.at = c->byte_trigger.at = UINT64_MAX;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct counter *c = element_as(struct counter, e);

    (void)rest;
    return (!c->count_call.s ||
            parse_trigger(c, &c->count_trigger, c->count_call.s, "COUNT_CALL", errors)) &&
           (!c->byte_count_call.s || parse_trigger(c, &c->byte_trigger, c->byte_count_call.s,
                                                   "BYTE_COUNT_CALL", errors));
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct counter *c = element_as(struct counter, e);

    c->packet_rate.epoch = c->byte_rate.epoch = epoch_now(e);
    return write_call_resolve(&c->count_trigger.call, e, errors) &&
           write_call_resolve(&c->byte_trigger.call, e, errors);
}

/* The Nth packet calls once, also when it came before: a call that was made is not made again. */
static void take_state(struct element *e, struct element *predecessor)
{
    struct counter *c = element_as(struct counter, e), *old = element_as(struct counter, predecessor);

    c->count += old->count;
    c->bytes += old->bytes;
    c->packet_rate = old->packet_rate;
    c->byte_rate = old->byte_rate;
    c->count_trigger.fired = c->count >= c->count_trigger.at;
    c->byte_trigger.fired = old->byte_trigger.fired && c->byte_trigger.at == old->byte_trigger.at;
}

static void collect(struct element *e, struct element *copy)
{
    struct counter *c = element_as(struct counter, e), *of_copy = element_as(struct counter, copy);

    rate_meter_collect(&c->packet_rate, &of_copy->packet_rate);
    rate_meter_collect(&c->byte_rate, &of_copy->byte_rate);
}

/* Whatever the original's rates are, this one's are none. */
static void copy_rates(struct element *copy, struct element *original)
{
    struct counter *c = element_as(struct counter, copy);

    (void)original;
    c->packet_rate.current = c->packet_rate.average = 0;
    c->byte_rate.current = c->byte_rate.average = 0;
}

static void cleanup(struct element *e)
{
    struct counter *c = element_as(struct counter, e);

    write_call_free(&c->count_trigger.call);
    write_call_free(&c->byte_trigger.call);
}

static int reset(struct element *e, const struct handler_call *call)
{
    struct counter *c = element_as(struct counter, e);

    (void)call;
    c->count = c->bytes = 0;
    c->count_trigger.fired = c->byte_trigger.fired = false;
    return 0;
}

static int read_packet_rate(struct element *e, const struct handler_call *call, struct text *out)
{
    struct counter *c = element_as(struct counter, e);

    (void)call;
    rate_meter_add(&c->packet_rate, epoch_now(e), 0);
    rate_meter_format(&c->packet_rate, 1, out);
    return 0;
}

static int read_byte_rate(struct element *e, const struct handler_call *call, struct text *out)
{
    struct counter *c = element_as(struct counter, e);

    rate_meter_add(&c->byte_rate, epoch_now(e), 0);
    rate_meter_format(&c->byte_rate, call->handler->name[1] == 'i' ? 8 : 1, out);
    return 0;
}

static int read_count_call(struct element *e, const struct handler_call *call, struct text *out)
{
    struct counter *c = element_as(struct counter, e);

    (void)call;
    if (c->count_trigger.call.name)
        text_printf(out, "%llu", (unsigned long long)c->count_trigger.at);
    return 0;
}

static int write_trigger(struct element *e, const struct handler_call *call)
{
    struct counter *c = element_as(struct counter, e);
    struct trigger *trigger = call->handler->name[0] == 'c' ? &c->count_trigger : &c->byte_trigger;

    if (!parse_trigger(c, trigger, call->value, call->handler->name, call->errors) ||
        !write_call_resolve(&trigger->call, e, call->errors))
        return -EINVAL;
    /* The Nth packet has passed already; bytes are "N or more". */
    c->count_trigger.fired = c->count >= c->count_trigger.at;
    return 0;
}

static const struct argument arguments[] = {
    {.name = "COUNT_CALL", .kind = ARG_KEYWORD, .type = &arg_text,
     .offset = offsetof(struct counter, count_call),
     .help = "\"N HANDLER [VALUE]\": a write at the Nth packet"},
    {.name = "BYTE_COUNT_CALL", .kind = ARG_KEYWORD, .type = &arg_text,
     .offset = offsetof(struct counter, byte_count_call),
     .help = "\"N HANDLER [VALUE]\": a write when N bytes passed"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct counter, count), .help = "packets since the last reset"},
    {.name = "byte_count", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct counter, bytes), .help = "bytes since the last reset"},
    {.name = "rate", .read = read_packet_rate, .help = "recent packets per second"},
    {.name = "bit_rate", .read = read_byte_rate, .help = "recent bits per second"},
    {.name = "byte_rate", .read = read_byte_rate, .help = "recent bytes per second"},
    {.name = "reset", .flags = HANDLER_BUTTON, .write = reset, .help = "sets the counts to 0"},
    {.name = "reset_counts", .flags = HANDLER_BUTTON | HANDLER_UNCOMMON, .write = reset,
     .help = "the same"},
    {.name = "count_call", .read = read_count_call, .write = write_trigger,
     .help = "N of COUNT_CALL; a write sets \"N HANDLER [VALUE]\""},
    {.name = "byte_count_call", .write = write_trigger,
     .help = "sets \"N HANDLER [VALUE]\" of BYTE_COUNT_CALL"},
    {0},
};

ELEMENT_CLASS(counter) = {
    .name = "Counter", .ports = PORTS_1_1, .processing = AGNOSTIC, .size = sizeof(struct counter),
    .arguments = arguments, .handlers = handlers, .setup = setup, .configure = configure,
    .initialize = initialize, .cleanup = cleanup, .take_state = take_state, .push = push, .push_one = push_one,
    .pull = pull,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct counter, count), offsetof(struct counter, bytes)),
    .copy = copy_rates, .collect = collect,
    .offload = true, .group = "standard", .purpose = "counts packets and bytes and measures their rates",
    .manual = "Rates are exponentially weighted moving averages over some 16 ms. A COUNT_CALL or "
              "BYTE_COUNT_CALL is made once, until a reset, before the packets that reach N go on. When another "
              "configuration takes the place of this one, a Counter of the same name counts on.",
};
