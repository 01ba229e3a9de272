// SPDX-License-Identifier: BSD-2-Clause
/* profile_test.c - who is measured, how often, and that self and total add up. */
#include <stdio.h>

#include "platform/platform.h"
#include "router/profile.h"
#include "tests/running.h"

static char *read_text(struct router *r, const char *handler)
{
    struct errors errors = {0};
    struct text out = {0};

    assert_true(router_read(r, handler, NULL, &out, &errors));
    errors_free(&errors);
    return text_take(&out);
}

struct line {
    unsigned long long self, total, calls, packets;
};

/* The line of an element in the table; all 0: it has none. */
static struct line line_of(struct router *r, const char *declaration)
{
    char *table = read_text(r, "profile"), *at = strstr(table, declaration);
    struct line line = {0};

    if (at) {
        while (at > table && at[-1] != '\n')
            at--;
        assert_int_equal(sscanf(at, "%llu %*s %*s %llu %llu %llu", &line.self, &line.total, &line.calls, &line.packets), 4);
    }
    free(table);
    return line;
}

static void is_measured(struct router *r, const char *declaration, unsigned calls, unsigned packets)
{
    struct line line = line_of(r, declaration);

    assert_int_equal(line.calls, calls);
    assert_int_equal(line.packets, packets);
    assert_true(line.self <= line.total + 1);
}

/* Of "tasks 3 1234\nxfer 2 99\n". */
static unsigned calls_of(struct router *r, const char *handler, const char *kind)
{
    char *text = read_text(r, handler), *at = strstr(text, kind);
    unsigned calls = at ? (unsigned)strtoul(at + strlen(kind), NULL, 10) : 0;

    free(text);
    return calls;
}

static void run(unsigned rounds)
{
    while (rounds--)
        scheduler_run(&scheduler, 1);
}

static void test_off_it_is_not_there(void **state)
{
    struct router *r = start("s :: InfiniteSource(LIMIT 100, BURST 4) -> c :: Counter -> q :: Queue -> u :: Unqueue"
                             " -> d :: Discard");
    struct port plain[2] = {router_find(r, "s")->output, router_find(r, "u")->inputs[0]};
    bool (*plain_run)(struct scheduler *, unsigned) = scheduler.run;

    (void)state;
    reads(r, "profile", "off: 0 cycles, 0 in elements, 0 to measure them\n");
    reads(r, "c.cycles", "");
    run(3);
    reads(r, "c.cycles", "");
    assert_true(writes(r, "profile", "off"));
    assert_true(writes(r, "profile", "reset"));
    assert_true(writes(r, "profile", "on"));
    assert_true(router_find(r, "s")->output.push != plain[0].push);
    assert_true(router_find(r, "s")->output.push_one != plain[0].push_one);
    assert_true(router_find(r, "u")->inputs[0].pull != plain[1].pull);
    assert_true(scheduler.run != plain_run);
    assert_true(writes(r, "profile", "off"));
    assert_true(router_find(r, "s")->output.push == plain[0].push);
    assert_true(router_find(r, "s")->output.push_one == plain[0].push_one);
    assert_true(router_find(r, "u")->inputs[0].pull == plain[1].pull);
    assert_null(router_find(r, "u")->inputs[0].push);
    assert_true(scheduler.run == plain_run);
    assert_false(writes(r, "profile", ""));
    assert_false(writes(r, "profile", "on off"));
    router_destroy(r);
}

/* Vectors, single packets, pulls, and what an element's task moves. */
static void test_counts(void **state)
{
    struct router *r = start("s :: InfiniteSource(LIMIT 40, BURST 4) -> c :: Counter -> t :: Tee; t[0] -> q :: Queue"
                             " -> x :: Strip(2) -> u :: Unqueue(BURST 8) -> d :: Discard; t[1] -> Discard;"
                             " one :: InfiniteSource(LIMIT 3) -> single :: Counter -> Discard");

    (void)state;
    assert_true(writes(r, "profile", "on"));
    run(200);
    is_measured(r, "c :: Counter", 10, 40);
    is_measured(r, "t :: Tee", 10, 40);
    is_measured(r, "single :: Counter", 3, 3);
    assert_int_equal(line_of(r, "s :: InfiniteSource").packets, 40);
    assert_int_equal(line_of(r, "q :: Queue").packets, 40);
    assert_int_equal(line_of(r, "x :: Strip").packets, 40);
    assert_int_equal(line_of(r, "u :: Unqueue").packets, 40);
    assert_int_equal(line_of(r, "d :: Discard").packets, 40);
    assert_int_equal(calls_of(r, "c.cycles", "xfer"), 10);
    assert_int_equal(calls_of(r, "c.cycles", "tasks"), 0);
    assert_int_equal(calls_of(r, "u.cycles", "xfer"), 0);
    assert_true(calls_of(r, "u.cycles", "tasks") >= 5);
    assert_int_equal(number(r, "c.count"), 40);
    assert_true(writes(r, "profile", "off"));
    is_measured(r, "c :: Counter", 10, 40);             /* still there */
    assert_true(writes(r, "profile", "reset"));
    reads(r, "profile", "off: 0 cycles, 0 in elements, 0 to measure them\n");
    reads(r, "c.cycles", "");
    router_destroy(r);
}

/* Two tasks, so that what is below one is not confused with the other. */
static void test_self_adds_up_to_total(void **state)
{
    static const char *const names[] = {"s :: ", "c :: ", "t :: ", "q :: ", "x :: ", "u :: ", "d :: ", "e :: "};
    struct router *r = start("s :: InfiniteSource(BURST 16) -> c :: Counter -> t :: Tee; t[0] -> q :: Queue -> x :: Strip(2)"
                             " -> u :: Unqueue(BURST 8) -> d :: Discard; t[1] -> e :: Discard");
    unsigned long long self = 0, totals;

    (void)state;
    assert_true(writes(r, "profile", "on"));
    run(2000);
    assert_true(writes(r, "profile", "off"));
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(line_of(r, names[i]).calls > 0);
        self += line_of(r, names[i]).self;
    }
    totals = line_of(r, "s :: ").total + line_of(r, "u :: ").total;
    assert_true(self > 0);
    /* A sum below 0 is shown as 0, so a little may be missing there. */
    assert_true(self >= totals && self - totals <= totals / 100);
    router_destroy(r);
}

/* A circle: an element that is in its own call counts its total once. */
static void test_a_circle(void **state)
{
    struct router *r = start("s :: InfiniteSource(DATA \\<4500001400000000050000000a0000010a000002>, LIMIT 1)"
                              " -> MarkIPHeader -> d :: DecIPTTL -> d; d[1] -> e :: Discard");

    (void)state;
    assert_true(writes(r, "profile", "on"));
    run(5);
    is_measured(r, "d :: DecIPTTL", 5, 5);
    is_measured(r, "e :: Discard", 1, 1);
    assert_true(line_of(r, "d :: ").total <= line_of(r, "s :: ").total);
    router_destroy(r);
}

static void push_three(struct element *e)
{
    struct batch batch;

    batch.n = 0;
    while (batch.n < 3)
        batch_add(&batch, packet_make(PACKET_HEADROOM, "packet", 6, 0));
    element_push(e, 0, &batch);
}

static void fire(struct element *e, struct timer *timer)
{
    (void)timer;
    push_three(e);
}

static bool run_and_go(struct element *e, struct task *task)
{
    push_three(e);
    task_destroy(task);
    memset(task, 0xee, sizeof *task);                   /* it may be freed */
    return true;
}

/* An element has as many of either as it likes. */
static void test_tasks_and_timers(void **state)
{
    struct router *r = start("Idle -> s :: Counter -> c :: Counter -> Discard");
    struct element *s = router_find(r, "s");
    struct timer timers[2];
    struct task tasks[2] = {0};

    (void)state;
    assert_true(writes(r, "profile", "on"));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(timer_init(&timers[i], s, fire), 0);
        timer_set_at(&timers[i], 1 + i);
        assert_int_equal(task_init(&tasks[i], s, run_and_go), 0);
        task_schedule(&tasks[i]);
    }
    run(5);
    assert_int_equal(calls_of(r, "s.cycles", "timers"), 2);
    assert_int_equal(calls_of(r, "s.cycles", "tasks"), 2);
    is_measured(r, "s :: Counter", 4, 12);
    is_measured(r, "c :: Counter", 4, 12);
    for (unsigned i = 0; i < 2; i++)
        timer_destroy(&timers[i]);
    router_destroy(r);
}

/* A task that is measured switches off and on, and resets, what measures it. */
static void test_switched_from_within(void **state)
{
    struct router *r = start("s :: InfiniteSource(BURST 4) -> c :: Counter(COUNT_CALL 8 f.run) -> d :: Discard;"
                             " f :: Script(TYPE PASSIVE, write profile off, write profile reset, write profile on)");

    (void)state;
    assert_true(writes(r, "profile", "on"));
    run(1);
    is_measured(r, "c :: Counter", 1, 4);
    run(1);
    is_measured(r, "c :: Counter", 1, 4);               /* the call that was under way */
    run(1);
    is_measured(r, "c :: Counter", 2, 8);
    is_measured(r, "d :: Discard", 2, 8);
    router_destroy(r);
}

/* A configuration takes another one's place: measuring goes on, namesakes go on counting. */
static void test_another_router_goes_on(void **state)
{
    const char *text = "s :: InfiniteSource(BURST 4) -> new :: Counter -> c :: Counter -> d :: Counter -> Discard";
    struct router *old = start("s :: InfiniteSource(BURST 4) -> c :: Counter -> d :: Strip(1) -> Discard"), *r;
    struct scheduler next;
    struct errors errors = {0};

    (void)state;
    assert_true(writes(old, "profile", "on"));
    run(5);
    is_measured(old, "c :: Counter", 5, 20);
    scheduler_init(&next);
    r = router_from_text(text, strlen(text), "test", NULL, 0, &errors);
    assert_non_null(r);
    r->replaces = old;
    assert_true(router_initialize(r, &next, &errors));
    router_take_place(r);
    router_destroy(old);
    assert_true(profile_is_on(r));
    is_measured(r, "c :: Counter", 5, 20);
    for (unsigned i = 0; i < 5; i++)
        scheduler_run(&next, 1);
    is_measured(r, "c :: Counter", 10, 40);
    is_measured(r, "new :: Counter", 5, 20);
    is_measured(r, "d :: Counter", 5, 20);              /* not a Strip's */
    router_destroy(r);
    scheduler_destroy(&next);
    errors_free(&errors);
}

int main(void)
{
    return RUN_TESTS(TEST(test_off_it_is_not_there), TEST(test_counts), TEST(test_self_adds_up_to_total),
                     TEST(test_a_circle), TEST(test_tasks_and_timers), TEST(test_switched_from_within),
                     TEST(test_another_router_goes_on));
}
