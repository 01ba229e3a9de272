// SPDX-License-Identifier: BSD-2-Clause
/*
 * control.h - the control plane inside the guest: takes requests from xenstore, runs instances.
 *
 * docs/control-protocol.md says what is written where. An instance is one configuration; several
 * run side by side, each in a thread of its own that the host (platform/xen, or a test) provides.
 *
 * - Everything here runs on the control thread, which may block in the store. Threads are
 *   cooperative: handlers are called while no instance runs.
 * - A configuration that does not come up leaves the one that runs untouched. One that does takes its place
 *   between two tasks, with what its elements take over (router_take_place()).
 * - Nothing read from the store is trusted: sizes are bounded, text is checked, and the worst
 *   that a bad request gets is an error reply.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/store.h"
#include "router/router.h"
#include "router/task.h"

enum { CONTROL_INSTANCES_MAX = 64 };    /* ids are 0 to 63 */

/* What the control thread asks of the world besides the store. */
struct control_host {
    struct store *store;
    /*
     * Starts a thread that calls scheduler_run() on the router's scheduler until stop() or until
     * the router asks for it (router->run_count <= 0, router->stop_requested); then it ends and makes
     * the control thread call control_poll(). NULL: out of memory.
     */
    void *(*start)(struct control_host *host, unsigned id, struct router *router);
    /* From its next turn on the thread, which has not ended, runs another router, and the one that it ran never again. */
    void (*replace)(struct control_host *host, void *thread, struct router *router);
    /* The thread runs no more when this returns. Also for one that ended by itself. */
    void (*stop)(struct control_host *host, void *thread);
    /* True once the thread has ended by itself. */
    bool (*ended)(struct control_host *host, void *thread);
};

struct control;

/* NULL: out of memory. */
struct control *control_create(struct control_host *host);
/* Stops every instance. */
void control_destroy(struct control *control);

/*
 * Instance 0 from text that came with the VM (its ramdisk); `name` stands in error messages, which
 * also go to the log. Before or after control_open().
 */
bool control_boot(struct control *control, const char *name, const char *text, size_t length);
/* Publishes version and memory, sets the watch; requests that wait already are taken by control_event(). */
int control_open(struct control *control);
/* A watch event: the path that changed, relative to the guest's own ("data/clickos/0/control/7/request"). */
void control_event(struct control *control, const char *path);
/* Looks for instances whose router stopped by itself. */
void control_poll(struct control *control);

/* For the crash report, the console and tests. */
unsigned control_running(const struct control *control);
struct router *control_router(const struct control *control, unsigned id);

#endif
