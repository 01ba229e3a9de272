// SPDX-License-Identifier: BSD-2-Clause
/* profile.c - calls measured by the processor's counter; see profile.h. */
#include "router/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/graph.h"
#include "router/router.h"

enum kind { TASK, TIMER, TRANSFER, KINDS };

/* Of one element. Cycles have a sign: what is subtracted for measuring may be more than a short call took. */
struct row {
    uint64_t calls[KINDS];
    int64_t self[KINDS];                /* cycles, without those of the calls that it makes */
    int64_t total;                      /* with them */
    uint64_t pushed, pulled, moved;     /* packets: to it, from it, by its tasks and timers */
    unsigned depth;                     /* calls of it that are not over: it may call itself, by others */
};

struct profile {
    bool on;
    uint64_t since, elapsed;            /* when it was switched on last, and how long it was before */
    int64_t inside, outside;            /* cycles that measuring takes: within what is measured, and around it */
    struct row rows[];                  /* per element; those of the next thread behind them, and so on */
};

/* A call that is measured, on the stack. */
struct call {
    struct call *caller;
    struct row *row;
    const struct profile *profile;
    uint64_t began;
    uint64_t below;                     /* cycles of the calls that it makes, as measured */
    unsigned calls, calls_below;        /* how many these are, and with those that they make */
    unsigned pushed, pulled;            /* packets that it passes on, and gets */
};

static PER_THREAD struct call *innermost;

static inline void begin(struct call *call, struct element *e)
{
    struct profile *profile = e->router->profile;

    *call = (struct call){.caller = innermost, .profile = profile,
                          .row = &profile->rows[platform_thread * e->router->n_elements + e->index]};
    innermost = call;
    call->row->depth++;
    call->began = platform_cycles();
}

static inline struct row *end(struct call *call, enum kind kind)
{
    uint64_t took = platform_cycles() - call->began;
    int64_t inside = call->profile->inside, outside = call->profile->outside;
    struct call *caller = call->caller;
    struct row *row = call->row;

    row->calls[kind]++;
    row->self[kind] += (int64_t)(took - call->below) - inside - outside * call->calls;
    if (!--row->depth)
        row->total += (int64_t)took - inside - (inside + outside) * call->calls_below;
    if (caller) {
        caller->below += took;
        caller->calls++;
        caller->calls_below += call->calls_below + 1;
    }
    innermost = caller;
    return row;
}

/* ---- what stands in the place of an entry ---- */

static void push_measured(struct element *e, unsigned port, struct batch *batch)
{
    unsigned n = batch->n;
    struct call call;

    begin(&call, e);
    graph_push_entry(e)(e, port, batch);
    end(&call, TRANSFER)->pushed += n;
    if (call.caller)
        call.caller->pushed += n;
}

static void push_one_measured(struct element *e, unsigned port, struct packet *p)
{
    struct call call;

    begin(&call, e);
    graph_push_one_entry(e)(e, port, p);
    end(&call, TRANSFER)->pushed++;
    if (call.caller)
        call.caller->pushed++;
}

static unsigned pull_measured(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    struct call call;
    unsigned got;

    begin(&call, e);
    got = e->class->pull(e, port, batch, max);
    end(&call, TRANSFER)->pulled += got;
    if (call.caller)
        call.caller->pulled += got;
    return got;
}

static void count_moved(const struct call *call)
{
    call->row->moved += call->pushed > call->pulled ? call->pushed : call->pulled;
}

/* The task, or timer, may be gone when it returns. */
void profile_run_task(struct task *task)
{
    struct call call;

    begin(&call, task->element);
    task->run(task->element, task);
    end(&call, TASK);
    count_moved(&call);
}

void profile_fire_timer(struct timer *timer)
{
    struct call call;

    begin(&call, timer->element);
    timer->fire(timer->element, timer);
    end(&call, TIMER);
    count_moved(&call);
}

/* ---- what measuring takes ---- */

enum { TRIALS = 64, CALLS_A_TRIAL = 16 };

static void do_nothing(struct element *e, unsigned port, struct batch *batch)
{
    (void)e;
    (void)port;
    (void)batch;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The least of many trials: something else may run between two looks at the counter. */
static void calibrate(struct profile *profile)
{
    struct profile *scratch = calloc(1, sizeof *scratch + sizeof *scratch->rows);
    const struct element_class class = {.push = do_nothing};
    struct router router = {.profile = scratch};
    struct element e = {.class = &class, .router = &router};
    push_function *volatile push = push_measured;
    int64_t inside = INT64_MAX, outside = INT64_MAX;
    struct batch batch;

    if (!scratch)
        return;
    batch.n = 0;
    for (unsigned i = 0; i < TRIALS; i++) {
        int64_t before = scratch->rows[0].self[TRANSFER];
        struct call call;

        begin(&call, &e);
        for (unsigned k = 0; k < CALLS_A_TRIAL; k++)
            push(&e, 0, &batch);
        end(&call, TASK);
        inside = least(inside, scratch->rows[0].self[TRANSFER] - before);
        outside = least(outside, scratch->rows[0].self[TASK]);
        scratch->rows[0].self[TASK] = 0;
    }
    free(scratch);
    profile->inside = inside / CALLS_A_TRIAL;
    outside = (outside - profile->inside) / CALLS_A_TRIAL;
    profile->outside = outside > 0 ? outside : 0;
}

/* ---- on and off ---- */

static void measure_port(struct port *port, bool on)
{
    if (!on) {
        graph_set_entries(port);
    } else if (port->pull) {
        port->pull = pull_measured;
    } else if (port->push) {
        port->push = push_measured;
        port->push_one = push_one_measured;
    }
}

bool profile_is_on(const struct router *r)
{
    return r->profile && r->profile->on;
}

bool profile_switch(struct router *r, bool on)
{
    struct profile *profile = r->profile;

    if (on == profile_is_on(r))
        return true;
    if (!profile) {
        profile = calloc(1, sizeof *profile + (size_t)r->n_threads * r->n_elements * sizeof *profile->rows);
        if (!profile)
            return false;
        calibrate(profile);
        r->profile = profile;
    }
    if (on)
        profile->since = platform_cycles();
    else
        profile->elapsed += platform_cycles() - profile->since;
    profile->on = on;
    for (unsigned i = 0; i < r->n_elements; i++) {
        for (struct element *e = r->elements[i]; e; e = e->copy) {
            for (unsigned k = 0; k < e->n_inputs; k++)
                measure_port(&e->inputs[k], on);
            for (unsigned k = 0; k < e->n_outputs; k++)
                measure_port(element_output(e, k), on);
        }
    }
    for (unsigned t = 0; t < r->n_threads; t++)
        scheduler_measure(&r->scheduler[t], on);
    return true;
}

static void forget(struct row *row)
{
    *row = (struct row){.depth = row->depth};
}

/* The first thread's rows get what the others measured. */
static void collect(struct router *r)
{
    struct row *rows = r->profile ? r->profile->rows : NULL;

    for (unsigned i = r->n_elements; rows && i < r->n_threads * r->n_elements; i++) {
        struct row *to = &rows[i % r->n_elements], *from = &rows[i];

        for (unsigned kind = 0; kind < KINDS; kind++) {
            to->calls[kind] += from->calls[kind];
            to->self[kind] += from->self[kind];
        }
        to->total += from->total;
        to->pushed += from->pushed;
        to->pulled += from->pulled;
        to->moved += from->moved;
        forget(from);
    }
}

void profile_reset(struct router *r)
{
    struct profile *profile = r->profile;

    for (unsigned i = 0; profile && i < r->n_threads * r->n_elements; i++)
        forget(&profile->rows[i]);
    if (profile) {
        profile->elapsed = 0;
        profile->since = platform_cycles();
    }
}

void profile_take_place(struct router *r)
{
    const struct profile *old = r->replaces->profile;

    if (!profile_is_on(r->replaces) || !profile_switch(r, true))
        return;
    collect(r->replaces);
    r->profile->since = old->since;
    r->profile->elapsed = old->elapsed;
    for (unsigned i = 0; i < r->n_elements; i++) {
        const struct element *predecessor = router_predecessor(r->elements[i]);

        if (predecessor)
            r->profile->rows[i] = old->rows[predecessor->index];
    }
}

void profile_free(struct router *r)
{
    free(r->profile);
    r->profile = NULL;
}

/* ---- what it shows ---- */

static uint64_t cycles_shown(int64_t cycles)
{
    return cycles > 0 ? (uint64_t)cycles : 0;
}

static uint64_t self_of(const struct row *row)
{
    return cycles_shown(row->self[TASK]) + cycles_shown(row->self[TIMER]) + cycles_shown(row->self[TRANSFER]);
}

static uint64_t calls_of(const struct row *row)
{
    return row->calls[TASK] + row->calls[TIMER] + row->calls[TRANSFER];
}

static uint64_t packets_of(const struct row *row)
{
    uint64_t n = row->pushed > row->pulled ? row->pushed : row->pulled;

    return n > row->moved ? n : row->moved;
}

/* In tenths, rounded: "12.3", or "-" of nothing. */
static void add_ratio(struct text *out, int width, uint64_t n, uint64_t of)
{
    char ratio[32] = "-";
    uint64_t tenths = of ? (uint64_t)(((unsigned __int128)n * 10 + of / 2) / of) : 0;

    if (of)
        snprintf(ratio, sizeof ratio, "%llu.%u", (unsigned long long)(tenths / 10), (unsigned)(tenths % 10));
    text_printf(out, " %*s", width, ratio);
}

struct place {
    const struct row *row;
    const struct element *element;
};

/* Who takes most comes first; equals as they stand in the configuration. */
static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    uint64_t self_x = self_of(x->row), self_y = self_of(y->row);

    if (self_x != self_y)
        return self_x < self_y ? 1 : -1;
    return x->element->index < y->element->index ? -1 : 1;
}

static void add_row(const struct place *place, uint64_t sum, struct text *out)
{
    const struct row *row = place->row;
    uint64_t self = self_of(row), packets = packets_of(row), total = cycles_shown(row->total);

    text_printf(out, "%14llu", (unsigned long long)self);
    add_ratio(out, 5, self * 100, sum);
    add_ratio(out, 13, self, packets);
    /* On a busy machine more may have been subtracted for measuring those behind it than they took; its own it has. */
    text_printf(out, " %14llu %11llu %11llu  %s :: %s\n", (unsigned long long)(total > self ? total : self),
                (unsigned long long)calls_of(row), (unsigned long long)packets, place->element->name,
                place->element->class->name);
}

int profile_read(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct router *r = e->router;
    const struct profile *profile = r->profile;
    uint64_t sum = 0, calls = 0, elapsed = profile ? profile->elapsed : 0;
    struct place *places;
    unsigned n = 0;

    (void)call;
    collect(e->router);
    places = malloc((r->n_elements + 1) * sizeof *places);
    if (!places)
        return -ENOMEM;
    for (unsigned i = 0; profile && i < r->n_elements; i++) {
        if (!calls_of(&profile->rows[i]))
            continue;
        places[n++] = (struct place){&profile->rows[i], r->elements[i]};
        sum += self_of(&profile->rows[i]);
        calls += calls_of(&profile->rows[i]);
    }
    qsort(places, n, sizeof *places, compare);
    if (profile_is_on(r))
        elapsed += platform_cycles() - profile->since;
    elapsed *= r->n_threads;
    text_printf(out, "%s: %llu cycles, %llu in elements, %llu to measure them\n", profile_is_on(r) ? "on" : "off",
                (unsigned long long)elapsed, (unsigned long long)sum,
                (unsigned long long)(profile ? calls * (uint64_t)(profile->inside + profile->outside) : 0));
    if (n)
        text_printf(out, "%14s %5s %13s %14s %11s %11s  %s\n", "self", "%", "self/packet", "total", "calls",
                    "packets", "element");
    for (unsigned i = 0; i < n; i++)
        add_row(&places[i], sum, out);
    free(places);
    return 0;
}

int profile_write(struct element *e, const struct handler_call *call)
{
    struct router *r = e->router;
    const char *rest = call->value;
    char *word = words_shift(&rest);
    int status = 0;

    if (!word)
        return -ENOMEM;
    if (*rest || (strcmp(word, "on") && strcmp(word, "off") && strcmp(word, "reset"))) {
        errors_add(call->errors, NULL, "expected 'on', 'off' or 'reset'");
        status = -EINVAL;
    } else if (!strcmp(word, "reset")) {
        profile_reset(r);
    } else if (!profile_switch(r, !strcmp(word, "on"))) {
        errors_add(call->errors, NULL, "out of memory");
        status = -ENOMEM;
    }
    free(word);
    return status;
}

/* As Click with --enable-stats says it. */
int profile_read_cycles(struct element *e, const struct handler_call *call, struct text *out)
{
    static const char *const names[KINDS] = {"tasks", "timers", "xfer"};
    const struct profile *profile = e->router->profile;

    (void)call;
    collect(e->router);
    for (unsigned kind = 0; profile && kind < KINDS; kind++) {
        const struct row *row = &profile->rows[e->index];

        if (row->calls[kind])
            text_printf(out, "%s %llu %llu\n", names[kind], (unsigned long long)row->calls[kind],
                        (unsigned long long)cycles_shown(row->self[kind]));
    }
    return 0;
}
