// SPDX-License-Identifier: BSD-2-Clause
/*
 * placement.h - which thread runs which element.
 *
 * A task, and whatever it calls by push and pull, runs on one thread. Elements that only one thread may run
 * (most: enum element_threads) tie all who reach them to the same thread, so that every configuration is
 * right with any number of threads; a Queue lets one thread push and another pull. What remains falls into
 * groups, which StaticThreadSched places, or else go to the threads in turn.
 */
#ifndef ROUTER_PLACEMENT_H
#define ROUTER_PLACEMENT_H

#include "router/router.h"

/* Sets each element's `scheduler` and `threads`. False: errors say why. */
bool placement_make(struct router *router, struct errors *errors);

#endif
