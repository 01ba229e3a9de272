// SPDX-License-Identifier: BSD-2-Clause
/*
 * clock.h - the process's clock: real, warped or simulated.
 *
 * In warped time the clocks run faster or slower than real time; they never go back. In simulated time every
 * look at the clock moves it on by a nanosecond, and nothing else does but clock_skip_to(), which the main loop
 * calls where it would have waited: timers fire in their order, at once, and every run says the same:
 * platform_random() does too.
 */
#ifndef LINUX_CLOCK_H
#define LINUX_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* From now on; both clocks of platform.h begin at `start_ns`. */
void clock_simulate(uint64_t start_ns);
bool clock_simulated(void);

/* From now on time runs `speed` times (above 0) as fast as real time; not for simulated time. */
void clock_warp(double speed);
double clock_speed(void);
/* From now on time also jumps where the main loop would have waited; until the next clock_warp(). */
void clock_set_jumping(void);
bool clock_jumps(void);                 /* simulated time does as well */
/* Moves clocks that jump on, never back. */
void clock_skip_to(uint64_t now_ns);

/* How much of real time passes while the clock moves by ns. */
uint64_t clock_wait_ns(uint64_t ns);
/* What has really passed, for the user of the program. */
uint64_t clock_real_ns(void);

#endif
