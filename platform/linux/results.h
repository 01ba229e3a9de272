// SPDX-License-Identifier: BSD-2-Clause
/*
 * results.h - what `click` says when the router has stopped: handlers, exit status.
 *
 * What cannot be read is said on standard error.
 */
#ifndef LINUX_RESULTS_H
#define LINUX_RESULTS_H

#include <stdbool.h>

struct errors;
struct router;

/*
 * Prints read handlers: "c.count", "fw/c*.count" of all elements so called, "Counter.count" of all of that class,
 * "version" the router's own. Names stand above values when there can be several. False: some
 * could not be read.
 */
bool results_print(struct router *router, const char *const *handlers, unsigned n);
/* A handler's value as exit status: an integer, or true (0) and false (1). 255: it is neither. */
int results_exit_status(struct router *router, const char *handler);
/* The flat configuration into a file; "-": standard output. */
bool results_write_flat(struct router *router, const char *name);

/* Prints and empties; true when there was an error among them. */
bool results_report(struct errors *errors, bool no_warnings);

#endif
