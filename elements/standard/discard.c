// SPDX-License-Identifier: BSD-2-Clause
/*
 * discard.c - Discard([ACTIVE, BURST]): frees every packet. Push or pull.
 *
 * With a pull input its task takes up to BURST packets a run (default 1; 0: all there
 * are) and sleeps while there are none.
 * Handlers: count (read), reset_counts (write); for a pull input active (read, write),
 * scheduled, tickets.
 */
#include "router/element.h"

struct discard {
    struct element base;
    uint64_t count;
    uint32_t burst;
    bool active;
    struct task task;
    struct signal signal;
};

static void setup(struct element *e)
{
    struct discard *d = element_as(struct discard, e);

    d->burst = 1;
    d->active = true;
    d->task.position = -1;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct discard *d = element_as(struct discard, e);

    (void)rest;
    if (!d->active && !e->input_is_pull[0])
        return element_error(e, errors, "ACTIVE is meaningless in push context");
    if (!d->burst)
        d->burst = UINT32_MAX;
    return true;
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    (void)port;
    element_as(struct discard, e)->count += batch->n;
    batch_free(batch);
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    (void)port;
    element_as(struct discard, e)->count++;
    packet_free(p);
}

static bool run(struct element *e, struct task *task)
{
    struct discard *d = element_as(struct discard, e);
    uint32_t left = d->burst;
    struct batch batch;
    bool worked;

    if (!d->active)                     /* a queue's notifier woke it all the same */
        return false;
    while (left) {
        batch.n = 0;
        if (!element_pull(e, 0, &batch, left < BATCH_NORMAL ? left : BATCH_NORMAL))
            break;
        left -= batch.n;
        d->count += batch.n;
        batch_free(&batch);
    }
    worked = left < d->burst;
    if (d->active && (worked || signal_active(&d->signal)))
        task_reschedule(task);
    return worked;
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct discard *d = element_as(struct discard, e);

    if (!e->input_is_pull[0])
        return true;
    if (task_init(&d->task, e, run) < 0 || signal_upstream(&d->signal, e, 0, &d->task) < 0)
        return element_error(e, errors, "out of memory");
    if (d->active)
        task_schedule(&d->task);
    return true;
}

static void cleanup(struct element *e)
{
    struct discard *d = element_as(struct discard, e);

    task_destroy(&d->task);
    signal_destroy(&d->signal);
}

static void active_written(struct element *e)
{
    struct discard *d = element_as(struct discard, e);

    if (!e->input_is_pull[0])
        return;
    if (d->active)
        task_schedule(&d->task);
    else
        task_unschedule(&d->task);
}

static int reset_counts(struct element *e, const struct handler_call *call)
{
    (void)call;
    element_as(struct discard, e)->count = 0;
    return 0;
}

static const struct argument arguments[] = {
    {.name = "ACTIVE", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct discard, active), .help = "false: pulls nothing; default true"},
    {.name = "BURST", .kind = ARG_KEYWORD, .type = &arg_unsigned,
     .offset = offsetof(struct discard, burst), .help = "packets pulled a run; default 1, 0: all"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct discard, count), .help = "packets discarded"},
    {.name = "reset_counts", .flags = HANDLER_BUTTON, .write = reset_counts,
     .help = "sets count to 0"},
    {.name = "active", .flags = HANDLER_READ | HANDLER_WRITE | HANDLER_CHECKBOX, .type = &arg_bool,
     .offset = offsetof(struct discard, active), .written = active_written,
     .help = "whether it pulls"},
    TASK_HANDLERS(struct discard, task),
    {0},
};

ELEMENT_CLASS(discard) = {
    .name = "Discard", .ports = PORTS_1_0, .processing = AGNOSTIC, .size = sizeof(struct discard),
    .arguments = arguments, .handlers = handlers, .setup = setup, .configure = configure,
    .initialize = initialize, .cleanup = cleanup, .push = push, .push_one = push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct discard, count)),
    .offload = true, .group = "standard", .purpose = "drops and counts all packets",
};
