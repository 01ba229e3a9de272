// SPDX-License-Identifier: BSD-2-Clause
/*
 * clock.h - the process's clock, which can be simulated.
 *
 * In simulated time every look at the clock moves it on by a nanosecond, and nothing else does but
 * clock_skip_to(), which the main loop calls where it would have waited: timers fire in their order, at once, and
 * every run says the same: platform_random() does too.
 */
#ifndef LINUX_CLOCK_H
#define LINUX_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* From now on; both clocks of platform.h begin at `start_ns`. */
void clock_simulate(uint64_t start_ns);
bool clock_simulated(void);
/* Moves the simulated clocks on, never back. */
void clock_skip_to(uint64_t now_ns);
/* What has really passed, for the user of the program. */
uint64_t clock_real_ns(void);

#endif
