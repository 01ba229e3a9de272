// SPDX-License-Identifier: BSD-2-Clause
/*
 * reconfigure.h - another configuration for the process while it runs: the handler `hotconfig`.
 *
 * A new router is made and initialized beside the one that runs; what is wrong with it is the handler's
 * error, and nothing has happened. Otherwise it takes the other's place when the main loop comes to it:
 * elements take over from those of the same name and class, and the old router is destroyed.
 */
#ifndef LINUX_RECONFIGURE_H
#define LINUX_RECONFIGURE_H

struct options;
struct router;
struct scheduler;

/* The router that runs first; it has the handler from now on, where options allow it. Takes it. */
void reconfigure_begin(struct router *router, const struct options *options);
/* For the main loop when a router has stopped: what runs in its place, NULL: nothing. */
struct scheduler *reconfigure_next(void);
/* The router that runs, or ran last. */
struct router *reconfigure_current(void);
void reconfigure_end(void);

#endif
