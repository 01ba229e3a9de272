// SPDX-License-Identifier: BSD-2-Clause
/* configuration.h - from the command line to a router: text, parameters, control sockets. */
#ifndef LINUX_CONFIGURATION_H
#define LINUX_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>

struct errors;
struct options;
struct router;

/*
 * A configured router from text, with the parameters and control sockets that options ask for. With
 * `replaces`, another router still has the sockets' addresses: these get some time to become free.
 * NULL: errors say why, and so they do below.
 */
struct router *configuration_create(const struct options *options, const char *text,
                                    size_t length, const char *filename, bool replaces,
                                    struct errors *errors);
/* The same from the file or expression that options name. */
struct router *configuration_load(const struct options *options, struct errors *errors);
/* Brings it to life on schedulers of its own, one a thread. False: it is still to be ended. */
bool configuration_start(struct router *router, unsigned threads, struct errors *errors);
/* Destroys router and schedulers; NULL is fine. */
void configuration_end(struct router *router);
/* What messages call it: "config", "<stdin>" or the file's name. */
const char *configuration_name(const struct options *options);

#endif
