// SPDX-License-Identifier: BSD-2-Clause
/*
 * placement_test.c - who runs where, copies and their counts, tasks of other threads: on schedulers of three
 * threads, whose parts one real thread plays.
 */
#include "tests/running.h"

#include "platform/platform.h"

enum { THREADS = 3 };

static struct scheduler threads[THREADS];

static void begin(void)
{
    for (unsigned t = 0; t < THREADS; t++) {
        scheduler_init(&threads[t]);
        threads[t].thread = t;
    }
    threads->n_threads = THREADS;
}

static struct router *make(const char *config, struct errors *errors)
{
    struct router *r = router_from_text(config, strlen(config), "test", NULL, 0, errors);

    assert_non_null(r);
    begin();
    return r;
}

static struct router *place(const char *config)
{
    struct errors errors = {0};
    struct router *r = make(config, &errors);

    assert_true(router_initialize(r, threads, &errors));
    assert_string_equal(text_string(&errors.text), "");
    errors_free(&errors);
    return r;
}

static void end(struct router *r)
{
    router_destroy(r);
    for (unsigned t = 0; t < THREADS; t++)
        scheduler_destroy(&threads[t]);
}

/* As the thread would. */
static bool play(unsigned thread, unsigned tasks)
{
    bool more;

    platform_thread = thread;
    more = scheduler_run(&threads[thread], tasks);
    platform_thread = 0;
    return more;
}

static unsigned home(struct router *r, const char *name)
{
    return router_find(r, name)->scheduler->thread;
}

static uint64_t of(struct router *r, const char *name)
{
    return router_find(r, name)->threads;
}

static void test_each_source_gets_a_thread(void **state)
{
    struct router *r = place("a :: InfiniteSource -> n :: Null -> c :: Counter -> Discard;"
                             "b :: InfiniteSource -> n; d :: InfiniteSource -> c; e :: InfiniteSource -> Discard");

    (void)state;
    assert_int_equal(home(r, "a"), 0);
    assert_int_equal(home(r, "b"), 1);
    assert_int_equal(home(r, "d"), 2);
    assert_int_equal(home(r, "e"), 0);
    assert_int_equal(of(r, "n"), 3);
    assert_int_equal(of(r, "c"), 7);
    end(r);
}

static void test_what_meets_stays_together(void **state)
{
    struct router *r = place("a :: InfiniteSource -> n :: Null -> x :: AverageCounter -> Discard;"
                             "b :: InfiniteSource -> n; c :: InfiniteSource -> Discard");

    (void)state;
    assert_int_equal(home(r, "a"), home(r, "b"));
    assert_int_equal(home(r, "a"), home(r, "x"));
    assert_int_not_equal(home(r, "a"), home(r, "c"));
    assert_int_equal(of(r, "n"), 1);
    end(r);
}

static void test_elements_that_know_each_other_stay_together(void **state)
{
    struct router *r = place("t :: ARPTable; a :: InfiniteSource -> [0] q :: ARPQuerier(1.0.0.1, 1:1:1:1:1:1, TABLE t) -> Discard;"
                             "Idle -> [1] q;"
                             "b :: InfiniteSource -> [0] p :: ARPQuerier(2.0.0.1, 1:1:1:1:1:2, TABLE t) -> Discard; Idle -> [1] p;"
                             "c :: InfiniteSource -> Discard");

    (void)state;
    assert_int_equal(home(r, "a"), home(r, "b"));
    assert_int_not_equal(home(r, "a"), home(r, "c"));
    end(r);
}

static void test_a_queue_has_two_sides(void **state)
{
    struct router *r = place("a :: InfiniteSource -> q :: Queue -> u :: Unqueue -> Discard;"
                             "b :: InfiniteSource -> q; q[1] -> Discard; s :: RatedSource -> ThreadSafeQueue -> v :: Unqueue -> Discard");

    (void)state;
    assert_int_equal(home(r, "a"), home(r, "b"));
    assert_int_not_equal(home(r, "a"), home(r, "u"));
    assert_true(router_find(r, "q")->crossed);
    assert_int_not_equal(home(r, "s"), home(r, "v"));
    end(r);
}

static void refuses(const char *config, const char *message)
{
    struct errors errors = {0};
    struct router *r = make(config, &errors);

    assert_false(router_initialize(r, threads, &errors));
    assert_non_null(strstr(text_string(&errors.text), message));
    errors_free(&errors);
    end(r);
}

static void test_told_places(void **state)
{
    struct router *r = place("StaticThreadSched(a 2, d/b 1); a :: InfiniteSource -> Discard; c :: InfiniteSource -> Discard;"
                             "d :: {b :: InfiniteSource -> x :: Counter -> Discard}; e :: InfiniteSource -> d2 :: Discard");

    (void)state;
    assert_int_equal(home(r, "a"), 2);
    assert_int_equal(home(r, "d/b"), 1);
    assert_int_equal(home(r, "c"), 0);
    end(r);
    refuses("StaticThreadSched(a 2, b 1); a :: InfiniteSource -> Null -> x :: AverageCounter -> Discard;"
            "b :: InfiniteSource -> Null -> x",
            "'a :: InfiniteSource' cannot run on thread 2 and 'b :: InfiniteSource' on thread 1: both reach "
            "'x :: AverageCounter', which one thread only may run");
    refuses("StaticThreadSched(a 2, x 1); a :: InfiniteSource -> Null -> x :: AverageCounter -> Discard",
            "one reaches the other");
}

static void test_copies_count_together(void **state)
{
    struct router *r = place("a :: InfiniteSource(LIMIT 5) -> k :: Classifier(0/00, -) -> c :: Counter -> Discard;"
                             "b :: InfiniteSource(LIMIT 5) -> k; k[1] -> d :: Discard");
    unsigned long long before;

    (void)state;
    play(0, 100);
    play(1, 100);
    assert_int_equal(number(r, "d.count"), 10);
    assert_int_equal(number(r, "c.count"), 0);
    /* A write reaches both. */
    assert_true(writes(r, "k.config", "-, 0/00") && writes(r, "a.limit", "10") && writes(r, "b.limit", "20"));
    play(0, 100);
    play(1, 100);
    assert_int_equal(number(r, "d.count"), 10);
    assert_int_equal(number(r, "c.count"), 20);
    before = number(r, "c.count");
    assert_true(writes(r, "c.reset", ""));
    assert_int_equal(number(r, "c.count"), 0);
    assert_int_equal(before, 20);
    assert_false(writes(r, "c.count_call", "5 stop"));
    end(r);
}

static void test_rules_count_together(void **state)
{
    struct router *r = place("a :: InfiniteSource(LIMIT 10) -> f :: IPFilter(allow tcp, deny all) -> Discard; "
                             "b :: InfiniteSource(LIMIT 20) -> f");

    (void)state;
    play(0, 100);
    play(1, 100);
    reads(r, "f.rules", "allow\t0\ttcp\ndeny\t30\tall\n");
    assert_true(writes(r, "f.config", "allow udp, deny all"));
    reads(r, "f.rules", "allow\t0\tudp\ndeny\t0\tall\n");
    assert_int_equal(number(r, "f.drops"), 30);
    assert_true(writes(r, "a.reset", "") && writes(r, "b.reset", ""));
    play(0, 100);
    play(1, 100);
    reads(r, "f.rules", "allow\t0\tudp\ndeny\t30\tall\n");
    end(r);
}

static void test_a_task_of_another_thread_is_asked(void **state)
{
    struct router *r = place("a :: InfiniteSource(LIMIT 10) -> q :: Queue -> u :: Unqueue -> Discard");
    unsigned puller = home(r, "u");

    (void)state;
    assert_int_not_equal(puller, 0);
    play(puller, 100);                  /* it finds nothing, and is off */
    assert_false(play(puller, 100));
    reads(r, "u.scheduled", "false");
    play(0, 3);
    reads(r, "u.scheduled", "true");
    assert_true(scheduler_sleeps(&threads[puller]));
    threads[puller].asleep = false;
    play(puller, 100);
    assert_int_equal(number(r, "u.count"), 3);
    play(0, 100);
    play(puller, 100);
    assert_int_equal(number(r, "u.count"), 10);
    end(r);
}

int main(void)
{
    return RUN_TESTS(TEST(test_each_source_gets_a_thread), TEST(test_what_meets_stays_together),
                     TEST(test_elements_that_know_each_other_stay_together), TEST(test_a_queue_has_two_sides),
                     TEST(test_told_places), TEST(test_copies_count_together), TEST(test_rules_count_together),
                     TEST(test_a_task_of_another_thread_is_asked));
}
