// SPDX-License-Identifier: BSD-2-Clause
/* token_bucket_test.c - rates, capacities and the edges of 64 bits; see token_bucket.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elements/standard/rate_meter.h"
#include "elements/standard/token_bucket.h"

static const uint64_t second = 1000000000;

static void gives_tokens_at_the_rate(void **state)
{
    struct token_bucket b = {0};
    uint64_t now = 12345, taken = 0;

    (void)state;
    token_bucket_assign(&b, 250, 2);
    token_bucket_set(&b, now, 1);
    for (unsigned ms = 0; ms < 10000; ms++) {
        now += second / 1000;
        token_bucket_refill(&b, now);
        while (token_bucket_take(&b, 1))
            taken++;
    }
    assert_in_range(taken, 2500, 2501);
}

static void waits_exactly_until_there_are_enough(void **state)
{
    struct token_bucket b = {0};

    (void)state;
    token_bucket_assign(&b, 3, 10);
    token_bucket_set(&b, 0, 0);
    for (uint64_t n = 1; n <= 10; n++) {
        uint64_t wait = token_bucket_wait_ns(&b, n);
        struct token_bucket early = b, late = b;

        token_bucket_refill(&early, wait - 1);
        assert_false(token_bucket_has(&early, n));
        token_bucket_refill(&late, wait);
        assert_true(token_bucket_has(&late, n));
    }
    assert_true(token_bucket_wait_ns(&b, 11) == UINT64_MAX);
}

static void keeps_no_more_than_its_capacity(void **state)
{
    struct token_bucket b = {0};

    (void)state;
    token_bucket_assign(&b, 1000, 5);
    token_bucket_set(&b, 0, 0);
    token_bucket_refill(&b, 3600 * second);
    assert_true(token_bucket_take(&b, 5));
    assert_false(token_bucket_take(&b, 1));
    /* A smaller capacity cuts what is there. */
    token_bucket_refill(&b, 7200 * second);
    token_bucket_assign(&b, 1000, 2);
    assert_false(token_bucket_has(&b, 3));
    assert_true(token_bucket_has(&b, 2));
}

static void survives_extremes(void **state)
{
    struct token_bucket b = {0};

    (void)state;
    token_bucket_assign(&b, 0, 7);                      /* no rate: only what it starts with */
    token_bucket_set(&b, 0, 1);
    token_bucket_refill(&b, UINT64_MAX - 1);
    assert_true(token_bucket_take(&b, 1));
    assert_false(token_bucket_take(&b, 1));
    assert_true(token_bucket_wait_ns(&b, 1) == UINT64_MAX);

    token_bucket_assign(&b, UINT64_C(1) << 40, UINT64_MAX);     /* a terabyte a second */
    token_bucket_set(&b, 0, 0);
    for (uint64_t now = 0, n = 0; n < 1000; n++) {
        uint64_t before = b.credit;

        now += 9999991;
        token_bucket_refill(&b, now);
        assert_true(b.credit >= before && b.credit <= b.full);
    }
    assert_true(b.credit == b.full);
}

static void meters_a_steady_rate(void **state)
{
    struct rate_meter meter = {0};
    struct text out = {0};

    (void)state;
    for (uint64_t ms = 1; ms <= 500; ms++)
        rate_meter_add(&meter, ms, 3);
    rate_meter_format(&meter, 1, &out);
    /* Click's arithmetic stops within 8/1024 of an event per millisecond, below. */
    assert_true(meter.average >= 3 * 1024 - 8 && meter.average <= 3 * 1024);
    assert_true(out.length > 0);
    text_free(&out);
    rate_meter_add(&meter, 700, 0);
    rate_meter_format(&meter, 8, &out);
    assert_string_equal(text_string(&out), "0");
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_tokens_at_the_rate),
        cmocka_unit_test(waits_exactly_until_there_are_enough),
        cmocka_unit_test(keeps_no_more_than_its_capacity),
        cmocka_unit_test(survives_extremes),
        cmocka_unit_test(meters_a_steady_rate),
    };

    return cmocka_run_group_tests_name("standard/token_bucket", tests, NULL, NULL);
}
