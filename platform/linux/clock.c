// SPDX-License-Identifier: BSD-2-Clause
/* clock.c - time in a process, real or simulated; see clock.h and platform.h. */
#include "platform/linux/clock.h"

#include <time.h>

#include "platform/platform.h"

static bool simulated;
static uint64_t simulated_ns;           /* both clocks: one is enough */

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t platform_now_ns(void)
{
    return simulated ? simulated_ns++ : read_clock(CLOCK_MONOTONIC);
}

uint64_t platform_wall_ns(void)
{
    return simulated ? simulated_ns++ : read_clock(CLOCK_REALTIME);
}

void clock_simulate(uint64_t start_ns)
{
    simulated = true;
    simulated_ns = start_ns;
}

bool clock_simulated(void)
{
    return simulated;
}

void clock_skip_to(uint64_t now_ns)
{
    if (simulated_ns < now_ns)
        simulated_ns = now_ns;
}

uint64_t clock_real_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
