// SPDX-License-Identifier: BSD-2-Clause
/*
 * rated_source.c - RatedSource([DATA, RATE, LIMIT, ACTIVE, keywords]): packets of DATA, RATE a
 * second. Push or pull.
 *
 * RATE is 10 when not given; BANDWIDTH sets it from the packets' length. LIMIT packets
 * altogether (default -1: no limit), LENGTH: of the packets, DATA being repeated or cut; STOP
 * true stops the driver after the last packet. A push source sends one packet a run and sleeps in
 * between; what it missed it makes up for, up to 10 ms worth.
 *
 * Handlers: data, rate, limit, active, length (read, write), count (read), reset (write),
 * scheduled, tickets.
 */
#include <stdlib.h>
#include <string.h>

#include "elements/standard/source_packet.h"
#include "elements/standard/token_bucket.h"
#include "platform/platform.h"
#include "router/router.h"

struct rated_source {
    struct element base;
    struct source_packet source;
    struct token_bucket bucket;
    uint64_t count, bandwidth;
    int64_t limit;              /* negative: none */
    uint32_t rate;
    bool active, stop;
    struct task task;
    struct timer timer;
};

/* Tokens for two packets at least, so that a late timer loses none. */
static void set_rate(struct rated_source *s)
{
    token_bucket_assign(&s->bucket, s->rate, s->rate < 200 ? 2 : s->rate / 100);
}

/* Whether a packet may go now; stops the driver after the last one. */
static bool ready(struct rated_source *s)
{
    if (!s->active)
        return false;
    if (s->limit >= 0 && s->count >= (uint64_t)s->limit) {
        if (s->stop)
            router_please_stop(s->base.router);
        return false;
    }
    return true;
}

static void wake(struct element *e, struct timer *timer)
{
    (void)timer;
    task_schedule(&element_as(struct rated_source, e)->task);
}

static bool run(struct element *e, struct task *task)
{
    struct rated_source *s = element_as(struct rated_source, e);
    struct batch batch;
    uint64_t wait;

    if (!ready(s))
        return false;
    token_bucket_refill(&s->bucket, platform_now_ns());
    if (!token_bucket_take(&s->bucket, 1)) {
        wait = token_bucket_wait_ns(&s->bucket, 1);
        if (wait != UINT64_MAX)
            timer_set_after(&s->timer, wait);
        return false;
    }
    batch.n = 0;
    if (source_packet_clone(&s->source, platform_wall_ns(), &batch, 1)) {
        s->count++;
        element_push_one(e, 0, batch.pkt[0]);
    }
    task_reschedule(task);
    return true;
}

static unsigned pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    struct rated_source *s = element_as(struct rated_source, e);
    unsigned got = 0;

    (void)port;
    if (!ready(s))
        return 0;
    token_bucket_refill(&s->bucket, platform_now_ns());
    while (got < max && ready(s) && token_bucket_take(&s->bucket, 1) &&
           source_packet_clone(&s->source, platform_wall_ns(), batch, 1)) {
        s->count++;
        got++;
    }
    return got;
}

static void setup(struct element *e)
{
    struct rated_source *s = element_as(struct rated_source, e);

    s->rate = 10;
    s->limit = -1;
    source_packet_setup(&s->source);
    s->active = true;
    s->task.position = s->timer.position = -1;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct rated_source *s = element_as(struct rated_source, e);
    uint64_t rate;

    (void)rest;
    if (!source_packet_configure(&s->source, e, errors))
        return false;
    if (s->bandwidth) {
        if (!s->source.packet->length)
            return element_error(e, errors, "BANDWIDTH: packets have no bytes");
        rate = s->bandwidth / s->source.packet->length;
        s->rate = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
    }
    set_rate(s);
    return true;
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct rated_source *s = element_as(struct rated_source, e);

    token_bucket_set(&s->bucket, platform_now_ns(), 1);
    if (e->output_is_pull[0])
        return true;
    if (task_init(&s->task, e, run) < 0 || timer_init(&s->timer, e, wake) < 0)
        return element_error(e, errors, "out of memory");
    task_schedule(&s->task);
    return true;
}

static void cleanup(struct element *e)
{
    struct rated_source *s = element_as(struct rated_source, e);

    task_destroy(&s->task);
    timer_destroy(&s->timer);
    source_packet_cleanup(&s->source);
}

static void written(struct element *e)
{
    struct rated_source *s = element_as(struct rated_source, e);

    if (s->active && !e->output_is_pull[0])
        task_schedule(&s->task);
}

/* Switched on, or started anew: without credit from the time of rest. */
static void restart(struct element *e)
{
    token_bucket_set(&element_as(struct rated_source, e)->bucket, platform_now_ns(), 1);
    written(e);
}

static void rate_written(struct element *e)
{
    set_rate(element_as(struct rated_source, e));
    written(e);
}

static int reset(struct element *e, const struct handler_call *call)
{
    (void)call;
    element_as(struct rated_source, e)->count = 0;
    restart(e);
    return 0;
}

#define MEMBER(member) offsetof(struct rated_source, member)

static const struct argument arguments[] = {
    SOURCE_PACKET_DATA_ARGUMENT(struct rated_source, source),
    {.name = "RATE", .kind = ARG_OPTIONAL, .type = &arg_unsigned, .offset = MEMBER(rate),
     .help = "packets a second; default 10"},
    {.name = "LIMIT", .kind = ARG_OPTIONAL, .type = &arg_int64, .offset = MEMBER(limit),
     .help = "packets altogether; default -1: no limit"},
    {.name = "ACTIVE", .kind = ARG_OPTIONAL, .type = &arg_bool, .offset = MEMBER(active),
     .help = "false: sends nothing; default true"},
    SOURCE_PACKET_LENGTH_ARGUMENTS(struct rated_source, source),
    {.name = "STOP", .kind = ARG_KEYWORD, .type = &arg_bool, .offset = MEMBER(stop),
     .help = "true: the driver stops after the last packet; default false"},
    {.name = "BANDWIDTH", .kind = ARG_KEYWORD, .type = &arg_bandwidth, .offset = MEMBER(bandwidth),
     .help = "sets RATE: this much by the packets' length"},
    {0},
};

static const struct handler handlers[] = {
    SOURCE_PACKET_HANDLERS(struct rated_source, source, 0, NULL),
    {.name = "rate", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_unsigned,
     .offset = MEMBER(rate), .written = rate_written, .help = "packets a second"},
    {.name = "limit", .flags = HANDLER_READ | HANDLER_WRITE | HANDLER_CALM, .type = &arg_int64,
     .offset = MEMBER(limit), .written = written, .help = "packets altogether; -1: no limit"},
    {.name = "active", .flags = HANDLER_READ | HANDLER_WRITE | HANDLER_CHECKBOX, .type = &arg_bool,
     .offset = MEMBER(active), .written = restart, .help = "whether it sends"},
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64, .offset = MEMBER(count),
     .help = "packets sent"},
    {.name = "reset", .flags = HANDLER_BUTTON, .write = reset,
     .help = "sets count to 0, so that another LIMIT packets may go"},
    TASK_HANDLERS(struct rated_source, task),
    {0},
};

ELEMENT_CLASS(rated_source) = {
    .name = "RatedSource", .ports = PORTS_0_1, .processing = AGNOSTIC,
    .size = sizeof(struct rated_source), .arguments = arguments, .handlers = handlers,
    .setup = setup, .configure = configure, .initialize = initialize, .cleanup = cleanup,
    .pull = pull,
    .group = "standard", .purpose = "makes packets at a rate",
};
