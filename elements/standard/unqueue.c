// SPDX-License-Identifier: BSD-2-Clause
/*
 * unqueue.c - Unqueue([BURST, ACTIVE, LIMIT]): pulls packets and pushes them on.
 *
 * Its task takes up to BURST packets a run (default 1; negative: all there are) and
 * sleeps while there are none. After LIMIT packets it stops; -1 is no limit.
 * Handlers: count (read), active, burst, limit (read, write), reset, reset_counts
 * (write: count becomes 0), scheduled, tickets.
 */
#include "router/order.h"

struct unqueue {
    struct element base;
    uint64_t count;
    int64_t limit;              /* -1: none */
    int32_t burst;
    bool active;
    struct task task;
    struct signal signal;
};

static void setup(struct element *e)
{
    struct unqueue *u = element_as(struct unqueue, e);

    u->burst = 1;
    u->limit = -1;
    u->active = true;
}

static bool run(struct element *e, struct task *task)
{
    struct unqueue *u = element_as(struct unqueue, e);
    uint64_t left = order_burst(task, (uint32_t)u->burst);
    struct batch batch;
    bool worked = false;

    if (!u->active || !u->burst)
        return false;
    if (u->limit >= 0) {
        uint64_t limit = (uint64_t)u->limit;

        if (u->count >= limit)
            return false;
        if (left > limit - u->count)
            left = limit - u->count;
    }
    while (left && u->active) {
        unsigned got;

        batch.n = 0;
        got = element_pull(e, 0, &batch, left < BATCH_NORMAL ? (unsigned)left : BATCH_NORMAL);
        if (!got) {
            if (!signal_active(&u->signal))
                return worked;
            break;
        }
        worked = true;
        left -= got;
        u->count += got;
        if (got == 1)
            element_push_one(e, 0, batch.pkt[0]);
        else
            element_push(e, 0, &batch);
    }
    task_reschedule(task);
    return worked;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct unqueue *u = element_as(struct unqueue, e);

    (void)rest;
    if (u->burst < 0)
        u->burst = INT32_MAX;
    else if (!u->burst)
        errors_warn(errors, NULL, "BURST size 0, no packets will be pulled");
    return true;
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct unqueue *u = element_as(struct unqueue, e);

    if (task_init(&u->task, e, run) < 0 || signal_upstream(&u->signal, e, 0, &u->task) < 0)
        return element_error(e, errors, "out of memory");
    if (u->active)
        task_schedule(&u->task);
    return true;
}

static void cleanup(struct element *e)
{
    struct unqueue *u = element_as(struct unqueue, e);

    task_destroy(&u->task);
    signal_destroy(&u->signal);
}

static void written(struct element *e)
{
    struct unqueue *u = element_as(struct unqueue, e);

    if (u->burst < 0)
        u->burst = INT32_MAX;
    if (u->active && (u->limit < 0 || u->count < (uint64_t)u->limit))
        task_schedule(&u->task);
}

static int reset(struct element *e, const struct handler_call *call)
{
    (void)call;
    element_as(struct unqueue, e)->count = 0;
    written(e);
    return 0;
}

static const struct argument arguments[] = {
    {.name = "BURST", .kind = ARG_OPTIONAL, .type = &arg_int,
     .offset = offsetof(struct unqueue, burst),
     .help = "packets pulled a run; default 1, negative: all there are"},
    {.name = "ACTIVE", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct unqueue, active), .help = "false: pulls nothing; default true"},
    {.name = "LIMIT", .kind = ARG_KEYWORD, .type = &arg_int64,
     .offset = offsetof(struct unqueue, limit), .help = "packets altogether; default -1: no limit"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "active", .flags = HANDLER_READ | HANDLER_WRITE | HANDLER_CHECKBOX, .type = &arg_bool,
     .offset = offsetof(struct unqueue, active), .written = written, .help = "whether it pulls"},
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct unqueue, count), .help = "packets passed on"},
    {.name = "burst", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_int,
     .offset = offsetof(struct unqueue, burst), .written = written, .help = "packets pulled a run"},
    {.name = "limit", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_int64,
     .offset = offsetof(struct unqueue, limit), .written = written,
     .help = "packets altogether; -1: no limit"},
    {.name = "reset", .flags = HANDLER_BUTTON, .write = reset, .help = "sets count to 0"},
    {.name = "reset_counts", .flags = HANDLER_BUTTON | HANDLER_UNCOMMON, .write = reset,
     .help = "the same"},
    TASK_HANDLERS(struct unqueue, task),
    {0},
};

ELEMENT_CLASS(unqueue) = {
    .name = "Unqueue", .ports = PORTS_1_1, .processing = PULL_TO_PUSH,
    .size = sizeof(struct unqueue), .arguments = arguments, .handlers = handlers, .setup = setup,
    .configure = configure, .initialize = initialize, .cleanup = cleanup,
    .offload = true, .order = ORDER_UNSEEN, .group = "standard", .purpose = "pulls packets and pushes them on",
};
