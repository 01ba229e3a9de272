// SPDX-License-Identifier: BSD-2-Clause
/* clock_test.c - warped time against real time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "platform/linux/clock.h"
#include "platform/platform.h"

enum { MS = 1000000 };

/* Lets a millisecond of real time pass; says how much the clock moved, at least and at most in real time. */
static uint64_t pass_time(uint64_t (*read)(void), uint64_t *least, uint64_t *most)
{
    uint64_t before = clock_real_ns(), from = read(), inside = clock_real_ns(), to, now;

    while ((now = clock_real_ns()) - inside < MS)
        continue;
    to = read();
    *least = now - inside;
    *most = clock_real_ns() - before;
    assert_true(to >= from);
    return to - from;
}

static void moves(uint64_t (*read)(void), double speed)
{
    uint64_t least, most, moved = pass_time(read, &least, &most);

    assert_true((double)moved >= (double)least * speed - 1);
    assert_true((double)moved <= (double)most * speed + 1);
}

static void test_speeds(void **state)
{
    static const double speeds[] = {1000, 1, 0.25, 3.5, 1};

    (void)state;
    assert_true(clock_speed() == 1);
    moves(platform_now_ns, 1);
    for (unsigned i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        uint64_t now = platform_now_ns(), wall = platform_wall_ns();

        clock_warp(speeds[i]);
        assert_true(clock_speed() == speeds[i]);
        assert_false(clock_jumps());
        moves(platform_now_ns, speeds[i]);
        moves(platform_wall_ns, speeds[i]);
        assert_true(platform_now_ns() > now && platform_wall_ns() > wall);
        assert_true(clock_wait_ns(7000) == (uint64_t)(7000 / speeds[i]));
    }
}

static void test_jumps(void **state)
{
    enum { HOUR_S = 3600 };
    uint64_t now = platform_now_ns(), wall = platform_wall_ns(), hour_ns = HOUR_S * 1000000000ull;

    (void)state;
    clock_skip_to(now + hour_ns);           /* not yet */
    assert_true(platform_now_ns() < now + hour_ns);
    clock_set_jumping();
    assert_true(clock_jumps());
    clock_skip_to(now + hour_ns);
    assert_true(platform_now_ns() >= now + hour_ns);
    assert_true(platform_wall_ns() >= wall + hour_ns - MS * 1000ull);
    clock_skip_to(now);                     /* never back */
    assert_true(platform_now_ns() >= now + hour_ns);
    moves(platform_now_ns, 1);
    clock_warp(1);
    assert_false(clock_jumps());
    assert_true(platform_now_ns() >= now + hour_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_speeds), cmocka_unit_test(test_jumps)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
