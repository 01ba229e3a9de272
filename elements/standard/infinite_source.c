// SPDX-License-Identifier: BSD-2-Clause
/*
 * infinite_source.c - InfiniteSource([DATA, LIMIT, BURST, ACTIVE, keywords]): packets of DATA,
 * as fast as they are taken. Push or pull.
 *
 * LIMIT packets altogether (default -1: no limit), BURST a run (default 1). Keywords:
 * TIMESTAMP (default true), LENGTH: of the packets, DATA being repeated or cut; STOP true
 * stops the driver after the last packet, END_CALL "HANDLER [VALUE]" calls a write handler.
 * A push source rests while a queue downstream is full. With BURST 1 it makes many at a time where nobody can tell
 * (router/order.h); those have the same time.
 *
 * Handlers: data, limit, burst, active, length (read, write), count (read), reset (write),
 * scheduled, tickets.
 */
#include <stdlib.h>
#include <string.h>

#include "elements/standard/source_packet.h"
#include "elements/standard/write_call.h"
#include "platform/platform.h"
#include "router/order.h"
#include "router/router.h"

struct infinite_source {
    struct element base;
    struct source_packet source;
    uint64_t count;
    int64_t limit;              /* negative: none */
    int32_t burst;
    bool active, stop, timestamp;
    struct arg_string end_text;
    struct write_call end;
    struct task task;
    struct signal room;
    struct notifier not_empty;  /* of a pull source */
};

static uint64_t left(const struct infinite_source *s, uint64_t want)
{
    uint64_t limit = (uint64_t)s->limit;

    if (s->limit < 0)
        return want;
    return s->count >= limit ? 0 : limit - s->count < want ? limit - s->count : want;
}

/* Called again by each attempt beyond the limit, as in Click. */
static void ended(struct infinite_source *s)
{
    if (s->stop)
        router_please_stop(s->base.router);
    else
        write_call_make(&s->end, &s->base);
}

static uint64_t timestamp_ns(const struct infinite_source *s)
{
    return s->timestamp ? platform_wall_ns() : 0;
}

/* As many as one run shall make, when these are many. */
static uint64_t push_many(struct infinite_source *s, uint64_t n)
{
    struct batch batch;
    uint64_t made = 0;

    while (made < n && !bounds_reached()) {
        unsigned want = n - made < BATCH_NORMAL ? (unsigned)(n - made) : BATCH_NORMAL;

        batch.n = 0;
        if (!source_packet_clone(&s->source, timestamp_ns(s), &batch, want))
            break;
        made += batch.n;
        element_push(&s->base, 0, &batch);
    }
    return made;
}

static uint64_t push_single(struct infinite_source *s)
{
    struct packet *p = source_packet_clone_one(&s->source, timestamp_ns(s));

    if (p)
        element_push_one(&s->base, 0, p);
    return p != NULL;
}

static bool run(struct element *e, struct task *task)
{
    struct infinite_source *s = element_as(struct infinite_source, e);
    uint64_t n, made;

    if (!s->active || !signal_active(&s->room))
        return false;
    n = left(s, order_burst(task, (uint32_t)s->burst));
    if (!n) {
        ended(s);
        return false;
    }
    made = n == 1 ? push_single(s) : push_many(s, n);
    s->count += made;
    task_reschedule(task);
    return made > 0;
}

static unsigned pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    struct infinite_source *s = element_as(struct infinite_source, e);
    unsigned n = s->active ? (unsigned)left(s, max) : 0;

    (void)port;
    if (!n) {
        if (s->active)
            ended(s);
        notifier_deactivate(&s->not_empty);
        return 0;
    }
    n = source_packet_clone(&s->source, timestamp_ns(s), batch, n);
    s->count += n;
    return n;
}

static void setup(struct element *e)
{
    struct infinite_source *s = element_as(struct infinite_source, e);

    s->limit = -1;
    s->burst = 1;
    source_packet_setup(&s->source);
    s->active = s->timestamp = true;
    s->not_empty.active = true;
    s->task.position = -1;
}

/* There may be something to send again. */
static void written(struct element *e)
{
    struct infinite_source *s = element_as(struct infinite_source, e);

    if (!s->active || !left(s, 1))
        return;
    if (e->output_is_pull[0])
        notifier_activate(&s->not_empty);
    else
        task_schedule(&s->task);
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct infinite_source *s = element_as(struct infinite_source, e);
    struct write_call end = {0};
    bool ok = true;

    (void)rest;
    if (s->burst < 1)
        return element_error(e, errors, "burst size must be >= 1");
    if (s->end_text.s && s->stop)
        return element_error(e, errors, "END_CALL and STOP are mutually exclusive");
    if (s->end_text.s)              /* the handler can be looked for once all elements have theirs */
        ok = write_call_parse(&end, e, s->end_text.s, errors) &&
             (!e->initialized || write_call_resolve(&end, e, errors));
    if (!ok || !source_packet_configure(&s->source, e, errors)) {
        write_call_free(&end);
        return false;
    }
    write_call_free(&s->end);
    s->end = end;
    s->count = 0;
    if (e->initialized)
        written(e);
    return true;
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct infinite_source *s = element_as(struct infinite_source, e);

    if (!write_call_resolve(&s->end, e, errors))
        return false;
    if (e->output_is_pull[0])
        return true;
    if (task_init(&s->task, e, run) < 0 || signal_downstream(&s->room, e, 0, &s->task) < 0)
        return element_error(e, errors, "out of memory");
    task_schedule(&s->task);
    return true;
}

static void cleanup(struct element *e)
{
    struct infinite_source *s = element_as(struct infinite_source, e);

    task_destroy(&s->task);
    signal_destroy(&s->room);
    notifier_destroy(&s->not_empty);
    write_call_free(&s->end);
    source_packet_cleanup(&s->source);
}

static struct notifier *notifier(struct element *e, unsigned port, enum notifier_kind kind)
{
    (void)port;
    return kind == NOTIFIER_EMPTY ? &element_as(struct infinite_source, e)->not_empty : NULL;
}

static int reset(struct element *e, const struct handler_call *call)
{
    (void)call;
    element_as(struct infinite_source, e)->count = 0;
    written(e);
    return 0;
}

#define MEMBER(member) offsetof(struct infinite_source, member)

static const struct argument arguments[] = {
    SOURCE_PACKET_DATA_ARGUMENT(struct infinite_source, source),
    {.name = "LIMIT", .kind = ARG_OPTIONAL, .type = &arg_int64, .offset = MEMBER(limit),
     .help = "packets altogether; default -1: no limit"},
    {.name = "BURST", .kind = ARG_OPTIONAL, .type = &arg_int, .offset = MEMBER(burst),
     .help = "packets a run; default 1"},
    {.name = "ACTIVE", .kind = ARG_OPTIONAL, .type = &arg_bool, .offset = MEMBER(active),
     .help = "false: sends nothing; default true"},
    {.name = "TIMESTAMP", .kind = ARG_KEYWORD, .type = &arg_bool, .offset = MEMBER(timestamp),
     .help = "whether packets get a timestamp; default true"},
    SOURCE_PACKET_LENGTH_ARGUMENTS(struct infinite_source, source),
    {.name = "STOP", .kind = ARG_KEYWORD, .type = &arg_bool, .offset = MEMBER(stop),
     .help = "true: the driver stops after the last packet; default false"},
    {.name = "END_CALL", .kind = ARG_KEYWORD, .type = &arg_text, .offset = MEMBER(end_text),
     .help = "\"HANDLER [VALUE]\": a write after the last packet"},
    {0},
};

#define LIMIT_HELP "packets altogether; -1: no limit"
#define CALM (HANDLER_READ | HANDLER_WRITE | HANDLER_CALM)
#define BURST_HANDLER(NAME, FLAGS)                                                             \
    {.name = NAME, .flags = FLAGS, .type = &arg_int,                                           \
     .offset = MEMBER(burst), .min = 1, .max = INT32_MAX, .written = written,                  \
     .help = "packets a run"}

static const struct handler handlers[] = {
    SOURCE_PACKET_HANDLERS(struct infinite_source, source, HANDLER_CALM, written),
    {.name = "limit", .flags = CALM, .type = &arg_int64,
     .offset = MEMBER(limit), .written = written, .help = LIMIT_HELP},
    BURST_HANDLER("burst", CALM),
    {.name = "active", .flags = HANDLER_READ | HANDLER_WRITE | HANDLER_CHECKBOX, .type = &arg_bool,
     .offset = MEMBER(active), .written = written, .help = "whether it sends"},
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64, .offset = MEMBER(count),
     .help = "packets sent"},
    {.name = "reset", .flags = HANDLER_BUTTON, .write = reset,
     .help = "sets count to 0, so that another LIMIT packets may go"},
    BURST_HANDLER("burstsize", CALM | HANDLER_DEPRECATED),
    TASK_HANDLERS(struct infinite_source, task),
    {0},
};

ELEMENT_CLASS(infinite_source) = {
    .name = "InfiniteSource", .ports = PORTS_0_1, .processing = AGNOSTIC,
    .size = sizeof(struct infinite_source), .arguments = arguments, .handlers = handlers,
    .live_config = true, .setup = setup, .configure = configure, .initialize = initialize, .cleanup = cleanup,
    .pull = pull, .notifier = notifier, .order = ORDER_UNSEEN,
    .group = "standard", .purpose = "makes packets as fast as they are taken",
};
