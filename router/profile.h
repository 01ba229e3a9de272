// SPDX-License-Identifier: BSD-2-Clause
/*
 * profile.h - where the cycles go, element by element.
 *
 * Off, it costs nothing: ports hold the entries of their peers as pointers (element.h), and a scheduler the function
 * that runs its tasks. Switched on, both lead to functions that read the processor's counter around
 * what they stand for, and know how deep they are in each other, so that an element's own cycles are told from those
 * of the elements that it calls.
 *
 * - What is measured is a call: a push to an element, a pull from it, a run of its task, a timer.
 * - Threads are measured each by itself, and shown together; the cycles that went by are those of all.
 * - What measuring itself takes is measured when it is switched on, and subtracted.
 * - Counts stay when it is switched off, until a reset; a router that takes another one's place goes on with it.
 * - The packets of an element: those pushed to it, pulled from it or moved by its tasks and timers, whichever are most.
 * - A call that is measured needs some 150 bytes of stack, where a push that ends an element's function needs none
 *   otherwise: chains of many hundred elements may meet their bound (bounds.h) earlier.
 */
#ifndef ROUTER_PROFILE_H
#define ROUTER_PROFILE_H

#include "router/element.h"

struct profile;

/* False: out of memory. */
bool profile_switch(struct router *router, bool on);
bool profile_is_on(const struct router *router);
void profile_reset(struct router *router);
/* Goes on where the router that is replaced is, if that is measured; elements have the counts of their predecessors. */
void profile_take_place(struct router *router);
void profile_free(struct router *router);

/* The scheduler's, when it is measured. */
void profile_run_task(struct task *task);
void profile_fire_timer(struct timer *timer);

/* The handlers `profile` of a router and `cycles` of every element. */
handler_read_function profile_read, profile_read_cycles;
handler_write_function profile_write;

#endif
