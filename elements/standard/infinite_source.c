// SPDX-License-Identifier: BSD-2-Clause
/*
 * infinite_source.c - InfiniteSource([DATA, LIMIT, BURST, ACTIVE, keywords]): packets of DATA,
 * as fast as they are taken. Push or pull.
 *
 * LIMIT packets altogether (default -1: no limit), BURST a run (default 1). Keywords:
 * TIMESTAMP (default true), LENGTH: of the packets, DATA being repeated or cut; STOP true
 * stops the driver after the last packet, END_CALL "HANDLER [VALUE]" calls a write handler.
 * A push source rests while a queue downstream is full.
 *
 * Handlers: data, limit, burst, active, length (read, write), count (read), reset (write),
 * scheduled, tickets.
 */
#include <stdlib.h>
#include <string.h>

#include "elements/standard/source_packet.h"
#include "elements/standard/write_call.h"
#include "platform/platform.h"
#include "router/router.h"

struct infinite_source {
    struct element base;
    struct packet *packet;
    uint64_t count;
    int64_t limit;              /* negative: none */
    int32_t burst, length;      /* length negative: that of the data */
    bool active, stop, timestamp;
    struct arg_string data, end_text;
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

static bool run(struct element *e, struct task *task)
{
    struct infinite_source *s = element_as(struct infinite_source, e);
    uint64_t n, made = 0;
    struct batch batch;

    if (!s->active || !signal_active(&s->room))
        return false;
    n = left(s, (uint64_t)s->burst);
    if (!n) {
        ended(s);
        return false;
    }
    while (made < n && !bounds_reached()) {
        unsigned want = n - made < BATCH_NORMAL ? (unsigned)(n - made) : BATCH_NORMAL;

        batch.n = 0;
        if (!source_packet_clone(s->packet, s->timestamp ? platform_wall_ns() : 0, &batch, want))
            break;
        made += batch.n;
        element_push(e, 0, &batch);
    }
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
    n = source_packet_clone(s->packet, s->timestamp ? platform_wall_ns() : 0, batch, n);
    s->count += n;
    return n;
}

static void setup(struct element *e)
{
    struct infinite_source *s = element_as(struct infinite_source, e);

    s->limit = -1;
    s->burst = 1;
    s->length = -1;
    s->active = s->timestamp = true;
    s->not_empty.active = true;
    s->task.position = -1;
}

static bool remake(struct infinite_source *s, struct errors *errors)
{
    return source_packet_make(&s->packet, &s->base, s->data.s, s->data.length, s->length, errors);
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
    if (!s->data.s) {
        s->data.s = strdup(source_packet_text);
        s->data.length = strlen(source_packet_text);
    }
    if (!s->data.s)
        return element_error(e, errors, "out of memory");
    if (s->end_text.s)              /* the handler can be looked for once all elements have theirs */
        ok = write_call_parse(&end, e, s->end_text.s, errors) &&
             (!e->initialized || write_call_resolve(&end, e, errors));
    if (!ok || !remake(s, errors)) {
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
    if (s->packet)
        packet_free(s->packet);
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

static int read_data(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct infinite_source *s = element_as(struct infinite_source, e);

    (void)call;
    text_add(out, s->data.s, s->data.length);
    return 0;
}

/* The bytes as they are: no quotes, no comments. */
static int write_data(struct element *e, const struct handler_call *call)
{
    struct infinite_source *s = element_as(struct infinite_source, e);
    struct arg_string old = s->data;

    s->data.s = malloc(call->length + 1);
    if (!s->data.s) {
        s->data = old;
        return -ENOMEM;
    }
    memcpy(s->data.s, call->value, call->length);
    s->data.s[call->length] = '\0';
    s->data.length = call->length;
    if (!remake(s, call->errors)) {
        free(s->data.s);
        s->data = old;
        return -EINVAL;
    }
    free(old.s);
    written(e);
    return 0;
}

static int read_length(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_printf(out, "%d", element_as(struct infinite_source, e)->length);
    return 0;
}

static int write_length(struct element *e, const struct handler_call *call)
{
    struct infinite_source *s = element_as(struct infinite_source, e);
    struct arg_context context = {.element = e, .errors = call->errors, .name = "LENGTH"};
    int32_t old = s->length;

    if (!arg_int.parse(&context, call->value, &s->length)) {
        errors_add(call->errors, NULL, "length must be integer");
        return -EINVAL;
    }
    if (!remake(s, call->errors)) {
        s->length = old;
        return -EINVAL;
    }
    written(e);
    return 0;
}

#define MEMBER(member) offsetof(struct infinite_source, member)

static const struct argument arguments[] = {
    {.name = "DATA", .kind = ARG_OPTIONAL, .type = &arg_string, .offset = MEMBER(data),
     .help = "the packets' bytes; default a text of 69 bytes"},
    {.name = "LIMIT", .kind = ARG_OPTIONAL, .type = &arg_int64, .offset = MEMBER(limit),
     .help = "packets altogether; default -1: no limit"},
    {.name = "BURST", .kind = ARG_OPTIONAL, .type = &arg_int, .offset = MEMBER(burst),
     .help = "packets a run; default 1"},
    {.name = "ACTIVE", .kind = ARG_OPTIONAL, .type = &arg_bool, .offset = MEMBER(active),
     .help = "false: sends nothing; default true"},
    {.name = "TIMESTAMP", .kind = ARG_KEYWORD, .type = &arg_bool, .offset = MEMBER(timestamp),
     .help = "whether packets get a timestamp; default true"},
    {.name = "LENGTH", .kind = ARG_KEYWORD, .type = &arg_int, .offset = MEMBER(length),
     .help = "the packets' length; default that of DATA"},
    {.name = "DATASIZE", .kind = ARG_KEYWORD, .type = &arg_int, .offset = MEMBER(length),
     .help = "old name of LENGTH"},
    {.name = "STOP", .kind = ARG_KEYWORD, .type = &arg_bool, .offset = MEMBER(stop),
     .help = "true: the driver stops after the last packet; default false"},
    {.name = "END_CALL", .kind = ARG_KEYWORD, .type = &arg_text, .offset = MEMBER(end_text),
     .help = "\"HANDLER [VALUE]\": a write after the last packet"},
    {0},
};

#define LIMIT_HELP "packets altogether; -1: no limit"
#define BURST_HANDLER(NAME)                                                                    \
    {.name = NAME, .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_int,                    \
     .offset = MEMBER(burst), .min = 1, .max = INT32_MAX, .written = written,                  \
     .help = "packets a run"}
#define LENGTH_HANDLER(NAME)                                                                   \
    {.name = NAME, .read = read_length, .write = write_length,                                 \
     .help = "the packets' length; -1: that of data"}

static const struct handler handlers[] = {
    {.name = "data", .flags = HANDLER_RAW, .read = read_data, .write = write_data,
     .help = "the packets' bytes"},
    {.name = "limit", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_int64,
     .offset = MEMBER(limit), .written = written, .help = LIMIT_HELP},
    BURST_HANDLER("burst"),
    {.name = "active", .flags = HANDLER_READ | HANDLER_WRITE | HANDLER_CHECKBOX, .type = &arg_bool,
     .offset = MEMBER(active), .written = written, .help = "whether it sends"},
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64, .offset = MEMBER(count),
     .help = "packets sent"},
    {.name = "reset", .flags = HANDLER_BUTTON, .write = reset,
     .help = "sets count to 0, so that another LIMIT packets may go"},
    LENGTH_HANDLER("length"),
    BURST_HANDLER("burstsize"),
    LENGTH_HANDLER("datasize"),
    TASK_HANDLERS(struct infinite_source, task),
    {0},
};

ELEMENT_CLASS(infinite_source) = {
    .name = "InfiniteSource", .ports = PORTS_0_1, .processing = AGNOSTIC,
    .size = sizeof(struct infinite_source), .arguments = arguments, .handlers = handlers,
    .live_config = true, .setup = setup, .configure = configure, .initialize = initialize, .cleanup = cleanup,
    .pull = pull, .notifier = notifier,
    .group = "standard", .purpose = "makes packets as fast as they are taken",
};
