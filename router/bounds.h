// SPDX-License-Identifier: BSD-2-Clause
/*
 * bounds.h - every way of a packet ends, whatever the configuration says.
 *
 * Elements call each other, so a long chain of them needs stack, a circle of pushes would go round for
 * ever, and twenty Tees in a row make a million packets of one. None of this is an error of the
 * wiring (a circle that answers ICMP is useful), so it is found out while packets move:
 *
 * - Stack: a call from beyond platform_stack_end is not made.
 * - Steps: a task (or timer, or handler call from outside) may make STEPS calls; later pulls bring
 *   nothing, so that a burst ends early and its rest comes in the next run, and
 *   STEPS_TO_FINISH calls later pushes are not made either.
 *
 * A push that is not made frees its packets; router->bounds counts them, the router's handler
 * `packets` shows the counts, and the first time is reported.
 */
#ifndef ROUTER_BOUNDS_H
#define ROUTER_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/platform.h"

struct batch;
struct element;
struct packet;

/* Some 50 ms of work. A batch that was pulled last has STEPS_TO_FINISH for its way. */
enum { STEPS = 3 << 20, STEPS_TO_FINISH = 1 << 20 };

struct bounds {
    uint64_t stack_drops;               /* packets freed because the stack was used up */
    uint64_t step_drops;                /* ... because the steps were */
    uint64_t stack_pulls;               /* pulls that brought nothing because the stack was used up */
    bool stack_reported, steps_reported;
};

extern PER_THREAD int64_t bounds_steps_left;       /* of STEPS + STEPS_TO_FINISH */

/* Whoever runs elements calls this before each task, timer and call from outside. */
static inline void bounds_renew(void)
{
    bounds_steps_left = STEPS + STEPS_TO_FINISH;
}

/* Whether this run is to end soon: a source that makes many batches in one run stops. */
static inline bool bounds_reached(void)
{
    return bounds_steps_left < STEPS_TO_FINISH;
}

static inline bool bounds_stack_reached(void)
{
    return (uintptr_t)__builtin_frame_address(0) < platform_stack_end;
}

/* Handlers need more than elements: they read and write numbers with a fraction, and run scripts. */
enum { STACK_OF_HANDLER = 12 << 10 };

static inline bool bounds_allow_handler(void)
{
    return (uintptr_t)__builtin_frame_address(0) >= platform_stack_end + STACK_OF_HANDLER;
}

/* The two questions of element.h, each before it calls another element. */
static inline bool bounds_allow_push(void)
{
    return __builtin_expect(--bounds_steps_left >= 0 && !bounds_stack_reached(), true);
}

static inline bool bounds_allow_pull(void)
{
    return __builtin_expect(--bounds_steps_left >= STEPS_TO_FINISH && !bounds_stack_reached(), true);
}

/* What happens instead, in the name of the element that wanted to call. */
void bounds_refuse_push(struct element *e, struct batch *batch);
void bounds_refuse_push_one(struct element *e, struct packet *p);
unsigned bounds_refuse_pull(struct element *e);     /* 0 */

#endif
