// SPDX-License-Identifier: BSD-2-Clause
/* clock.c - time in a process, real, warped or simulated; see clock.h and platform.h. */
#include "platform/linux/clock.h"

#include <time.h>

#include "platform/platform.h"

static enum { REAL, WARPED, SIMULATED } kind;
static bool jumping;                    /* where time is warped */
static double speed = 1;
static uint64_t simulated_ns;           /* both clocks: one is enough */

/* Warped clocks: what they showed when that was last decided, and the real time then. */
static struct warp {
    clockid_t id;
    uint64_t real_ns, shown_ns;
} now = {.id = CLOCK_MONOTONIC}, wall = {.id = CLOCK_REALTIME};

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t read_warped(const struct warp *w)
{
    uint64_t real_ns = read_clock(w->id);

    /* The wall's clock can be set back; ours then stands still. */
    if (real_ns < w->real_ns)
        return w->shown_ns;
    /* A double would lose nanoseconds after a hundred days. */
    return w->shown_ns + (uint64_t)((long double)(real_ns - w->real_ns) * (long double)speed);
}

static uint64_t read_time(const struct warp *w)
{
    if (kind == REAL)
        return read_clock(w->id);
    return kind == SIMULATED ? simulated_ns++ : read_warped(w);
}

uint64_t platform_now_ns(void)
{
    return read_time(&now);
}

uint64_t platform_wall_ns(void)
{
    return read_time(&wall);
}

void clock_simulate(uint64_t start_ns)
{
    kind = SIMULATED;
    simulated_ns = start_ns;
}

bool clock_simulated(void)
{
    return kind == SIMULATED;
}

/* From here time goes on in another way. */
static void start_anew(struct warp *w, uint64_t ahead_ns)
{
    w->shown_ns = read_time(w) + ahead_ns;
    w->real_ns = read_clock(w->id);
}

static void warp(uint64_t ahead_ns)
{
    start_anew(&now, ahead_ns);
    start_anew(&wall, ahead_ns);
    kind = WARPED;
}

void clock_warp(double new_speed)
{
    warp(0);
    speed = new_speed;
    jumping = false;
}

double clock_speed(void)
{
    return speed;
}

void clock_set_jumping(void)
{
    warp(0);
    jumping = true;
}

bool clock_jumps(void)
{
    return jumping || kind == SIMULATED;
}

void clock_skip_to(uint64_t now_ns)
{
    uint64_t shown_ns;

    if (kind == SIMULATED) {
        if (simulated_ns < now_ns)
            simulated_ns = now_ns;
        return;
    }
    shown_ns = platform_now_ns();
    if (jumping && shown_ns < now_ns) {
        platform_exclusive_begin();
        warp(now_ns - shown_ns);
        platform_exclusive_end();
    }
}

uint64_t clock_wait_ns(uint64_t ns)
{
    long double wait = (long double)ns / (long double)speed;

    return wait < (long double)INT64_MAX ? (uint64_t)wait : INT64_MAX;
}

uint64_t clock_real_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
