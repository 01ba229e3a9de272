// SPDX-License-Identifier: BSD-2-Clause
/* bounds_test.c - circles, long chains and floods of copies end, and what they cost is counted. */
#include "tests/running.h"

/* From here on the stack has so many bytes left, as a thread of a guest has. */
static uintptr_t real_end;

static void stack_left(size_t bytes)
{
    platform_stack_end = (uintptr_t)__builtin_frame_address(0) - bytes;
}

static int keep_end(void **state)
{
    real_end = platform_stack_end;
    return setup(state);
}

static int restore_end(void **state)
{
    platform_stack_end = real_end;
    return teardown(state);
}

/* before, `times` times middle, after. */
static struct router *start_chain(const char *before, unsigned times, const char *middle,
                                  const char *after)
{
    struct text config = {0};
    struct router *r;

    text_puts(&config, before);
    for (unsigned i = 0; i < times; i++)
        text_puts(&config, middle);
    text_puts(&config, after);
    r = start(text_string(&config));
    text_free(&config);
    return r;
}

static void run(unsigned tasks)
{
    while (tasks--)
        scheduler_run(&scheduler, 1);
}

static void a_circle_of_pushes_ends(void **state)
{
    struct router *r = start("InfiniteSource(LIMIT 10, BURST 2) -> a :: Null -> b :: Null -> a");

    (void)state;
    run(20);
    assert_int_equal(r->bounds.stack_drops + r->bounds.step_drops, 10);
    router_destroy(r);
}

/* A frame for each packet, and none that could be left out at the end. */
static void a_circle_with_copies_ends(void **state)
{
    struct router *r = start("InfiniteSource(LIMIT 1) -> t :: Tee -> c :: Counter -> Discard;"
                             "t[1] -> Classifier(-) -> t");

    (void)state;
    run(3);
    assert_in_range(r->bounds.stack_drops + r->bounds.step_drops, 1, 2);
    assert_true(number(r, "c.count") > 100);
    router_destroy(r);
}

static void a_chain_longer_than_the_stack_drops(void **state)
{
    static const char *const bursts[] = {"1", "7"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct text before = {0};
        struct router *r;

        text_printf(&before, "InfiniteSource(LIMIT 28, BURST %s) -> first :: Counter", bursts[i]);
        r = start_chain(text_string(&before), 3000, "-> Classifier(-)", "-> c :: Counter -> Discard");
        text_free(&before);
        stack_left(64 << 10);
        run(30);
        assert_int_equal(number(r, "first.count"), 28);
        assert_int_equal(number(r, "c.count"), 0);
        assert_int_equal(r->bounds.stack_drops, 28);
        assert_int_equal(r->bounds.step_drops, 0);
        router_destroy(r);
        platform_stack_end = real_end;
    }
}

static void a_pull_through_a_chain_longer_than_the_stack_brings_nothing(void **state)
{
    struct router *r = start_chain("InfiniteSource(LIMIT 10) -> q :: Queue", 3000, "-> Null",
                                   "-> Unqueue -> c :: Counter -> Discard");

    (void)state;
    stack_left(64 << 10);
    run(40);
    assert_int_equal(number(r, "c.count"), 0);
    assert_int_equal(number(r, "q.length"), 10);
    assert_true(r->bounds.stack_pulls > 0);
    router_destroy(r);
}

/* 2 to the power of 40 pushes, but for the bound. */
static void a_flood_of_copies_ends_and_others_have_their_turn(void **state)
{
    struct text config = {0};
    struct router *r;

    (void)state;
    text_puts(&config, "s :: InfiniteSource -> t0 :: Tee");
    for (unsigned i = 0; i < 40; i++)
        text_printf(&config, "; t%u -> t%u :: Tee; t%u[1] -> t%u", i, i + 1, i, i + 1);
    text_puts(&config, "; t40 -> c :: Counter -> Discard");
    r = start(text_string(&config));
    text_free(&config);
    scheduler_run(&scheduler, 100);
    assert_int_equal(number(r, "s.count"), BATCH_NORMAL);       /* of one run */
    assert_true(r->bounds.step_drops > 0);
    assert_true(number(r, "c.count") > 1000);
    router_destroy(r);
}

static void a_long_burst_ends_early_and_loses_nothing(void **state)
{
    static const char *const from[] = {"InfiniteSource(LIMIT 64000, BURST 64000)",
                                       "InfiniteSource(LIMIT 64000) -> Unqueue(BURST -1)"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct router *r = start_chain(from[i], 3000, "-> Null", "-> c :: Counter -> Discard");

        run(1);
        assert_in_range(number(r, "c.count"), 1, 63999);
        run(20);
        assert_int_equal(number(r, "c.count"), 64000);
        assert_int_equal(r->bounds.step_drops, 0);
        router_destroy(r);
    }
}

static void a_call_from_outside_has_steps_of_its_own(void **state)
{
    struct router *r = start("Idle -> c :: Counter -> Discard");

    (void)state;
    bounds_steps_left = -1;
    assert_int_equal(number(r, "c.count"), 0);
    assert_false(bounds_reached());
    router_destroy(r);
}

static void a_handler_needs_stack(void **state)
{
    struct router *r = start("Idle -> c :: Counter -> Discard");
    struct errors errors = {0};
    struct text out = {0};

    (void)state;
    stack_left(STACK_OF_HANDLER / 2);
    assert_false(router_read(r, "c.rate", NULL, &out, &errors));
    assert_string_equal(text_string(&errors.text), "calling 'rate': the stack has no room for it\n");
    errors_free(&errors);
    text_free(&out);
    router_destroy(r);
}

/* However much stack is left: a router or an error. */
static void expressions_within_each_other_need_stack(void **state)
{
    static const char config[] = "Idle -> IPFilter(allow ((((((((((((tcp ? ((((((((((((udp or "
                                 "not icmp)))))))))))) : icmp))))))))))))) -> Discard";
    unsigned made = 0, refused = 0;

    (void)state;
    for (size_t left = 1 << 10; left < 256 << 10; left += 1 << 10) {
        struct errors errors = {0};
        struct router *r;

        stack_left(left);
        r = router_from_text(config, strlen(config), "test", NULL, 0, &errors);
        if (r)
            made++;
        else if (strstr(text_string(&errors.text), "the stack has no room for so much"))
            refused++;
        else
            assert_string_equal(text_string(&errors.text), "test:1: While configuring 'IPFilter@2 :: "
                                                           "IPFilter':\n  out of memory\n");
        errors_free(&errors);
        router_destroy(r);
    }
    assert_true(made && refused);
}

int main(void)
{
#define WITH_STACK(function) cmocka_unit_test_setup_teardown(function, keep_end, restore_end)
    return RUN_TESTS(
        TEST(a_circle_of_pushes_ends),
        TEST(a_circle_with_copies_ends),
        WITH_STACK(a_chain_longer_than_the_stack_drops),
        WITH_STACK(a_pull_through_a_chain_longer_than_the_stack_brings_nothing),
        TEST(a_flood_of_copies_ends_and_others_have_their_turn),
        TEST(a_long_burst_ends_early_and_loses_nothing),
        TEST(a_call_from_outside_has_steps_of_its_own),
        WITH_STACK(a_handler_needs_stack),
        WITH_STACK(expressions_within_each_other_need_stack));
}
