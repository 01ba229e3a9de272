// SPDX-License-Identifier: BSD-2-Clause
/*
 * running.h - what unit tests share that run a router: cmocka and its includes, a scheduler, a packet pool
 * that must be full again after each test, and numbers out of a hat.
 *
 * Write a table of TEST(function) and give it to RUN_TESTS().
 */
#ifndef TESTS_RUNNING_H
#define TESTS_RUNNING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "router/router.h"

#ifndef TEST_POOL
#define TEST_POOL 2048          /* packets; a test that needs another number defines it first */
#endif

static struct scheduler scheduler;

static inline int setup(void **state)
{
    (void)state;
    scheduler_init(&scheduler);
    return packet_pool_init(TEST_POOL, TEST_POOL);
}

/* A packet that did not come back fails the test. */
static inline int teardown(void **state)
{
    uint32_t held = packet_pool_in_use();

    (void)state;
    scheduler_destroy(&scheduler);
    packet_pool_destroy();
    return held != 0;
}

/* A configuration without mistakes, running on the scheduler. */
static inline struct router *start(const char *config)
{
    struct errors errors = {0};
    struct router *r = router_from_text(config, strlen(config), "test", NULL, 0, &errors);

    assert_string_equal(text_string(&errors.text), "");
    assert_non_null(r);
    assert_true(router_initialize(r, &scheduler, &errors));
    errors_free(&errors);
    return r;
}

/* One that is refused, with this message. */
static inline void fails(const char *config, const char *message)
{
    struct errors errors = {0};
    struct router *r = router_from_text(config, strlen(config), "test", NULL, 0, &errors);

    assert_null(r);
    assert_string_equal(text_string(&errors.text), message);
    errors_free(&errors);
}

/* What the read handler says, as a number. */
static inline unsigned long long number(struct router *r, const char *handler)
{
    struct errors errors = {0};
    struct text out = {0};
    unsigned long long n;

    assert_true(router_read(r, handler, NULL, &out, &errors));
    n = strtoull(text_string(&out), NULL, 10);
    text_free(&out);
    errors_free(&errors);
    return n;
}

/* Reads, and compares with what it must be. */
static inline void reads(struct router *r, const char *handler, const char *value)
{
    struct errors errors = {0};
    struct text out = {0};

    assert_true(router_read(r, handler, NULL, &out, &errors));
    assert_string_equal(text_string(&out), value);
    text_free(&out);
    errors_free(&errors);
}

/* Writes; whether that worked. An error was told, or none. */
static inline bool writes(struct router *r, const char *handler, const char *value)
{
    struct errors errors = {0};
    bool ok = router_write(r, handler, value, strlen(value), &errors);

    assert_int_equal(!ok, errors.count > 0);
    errors_free(&errors);
    return ok;
}

/* 0 to n-1, the same ones in every run. */
static inline uint32_t random_below(uint32_t n)
{
    static uint32_t seed = 7;

    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)seed * n >> 32);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
#define RUN_TESTS(...) \
    cmocka_run_group_tests(((const struct CMUnitTest[]){__VA_ARGS__}), NULL, NULL)

#endif
