// SPDX-License-Identifier: BSD-2-Clause
/* reconfigure.c - the handler `hotconfig` of a process; see reconfigure.h. */
#include "platform/linux/reconfigure.h"

#include "platform/linux/configuration.h"
#include "platform/linux/options.h"
#include "platform/platform.h"
#include "router/router.h"

/* A process has one router at a time, and maybe one that waits to take its place. */
static struct router *current, *waiting;
static const struct options *options;

static void drop(struct router **r)
{
    configuration_end(*r);
    *r = NULL;
}

static bool reconfigure(struct router *r, const char *text, size_t length, struct errors *errors)
{
    struct router *new = configuration_create(options, text, length, "config", true, errors);

    if (!new)
        return false;
    new->replaces = r;
    new->reconfigure = reconfigure;
    if (!configuration_start(new, options->threads, errors)) {
        configuration_end(new);
        return false;
    }
    drop(&waiting);                     /* the later of two counts */
    waiting = new;
    r->scheduler->stop = true;          /* nobody is asked: it does not end, it goes on as another */
    platform_wake(r->scheduler);
    return true;
}

void reconfigure_begin(struct router *router, const struct options *from)
{
    current = router;
    options = from;
    if (options->allow_reconfigure)
        router->reconfigure = reconfigure;
}

struct scheduler *reconfigure_next(void)
{
    struct router *old = current;

    if (!waiting || old->stop_requested)
        return NULL;
    current = waiting;
    waiting = NULL;
    router_take_place(current);
    drop(&old);
    return current->scheduler;
}

struct router *reconfigure_current(void)
{
    return current;
}

void reconfigure_end(void)
{
    drop(&waiting);
    drop(&current);
}
