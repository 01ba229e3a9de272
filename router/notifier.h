// SPDX-License-Identifier: BSD-2-Clause
/*
 * notifier.h - lets a task sleep while there is nothing to pull (or no room to push).
 *
 * A Queue owns an "empty" notifier: active while it has packets. A task that pulls
 * (Unqueue, ToDevice) finds, at initialise time, the notifiers of all queues upstream
 * of its input and listens to them: when one becomes active the task is scheduled. When
 * a pull brought nothing and no notifier is active, the task does not reschedule itself.
 *
 * Where one thread pushes and another pulls no wake-up is lost, if both keep to this:
 * 1. Who finds the queue empty deactivates, then looks once more whether it is, with a full barrier between;
 *    if it is not, activates again. 2. Who fills the queue activates after it, with a full barrier between.
 * In the one order that barriers have, one of the two comes later and sees what the other wrote.
 *
 * With a full queue it is the same, but who pulls only calls listeners, and those who push activate, by `look`:
 * else the other thread might say that there is room when that has gone again.
 */
#ifndef ROUTER_NOTIFIER_H
#define ROUTER_NOTIFIER_H

#include <stdbool.h>

struct element;
struct task;

struct notifier {
    bool active;
    bool (*look)(struct notifier *notifier);    /* activates it where that is right, says whether; NULL: others do */
    unsigned n_listeners;
    struct task **listeners;
};

/* What one task looks at before it decides to sleep. */
struct signal {
    struct notifier **sources;
    unsigned n_sources;
    bool always;            /* something upstream cannot tell: never sleep */
    bool looks;             /* some of the sources have `look` */
};

enum notifier_kind { NOTIFIER_EMPTY, NOTIFIER_FULL };

/* For the next function, and for `look`: activates it and wakes listeners. */
void notifier_wake(struct notifier *notifier);
/* Wakes listeners if it was not active. */
static inline void notifier_activate(struct notifier *notifier)
{
    if (!__atomic_load_n(&notifier->active, __ATOMIC_RELAXED))
        notifier_wake(notifier);
}
/* Wakes listeners if it is not active, so that they look themselves. */
void notifier_call(struct notifier *notifier);
static inline void notifier_deactivate(struct notifier *notifier)
{
    __atomic_store_n(&notifier->active, false, __ATOMIC_RELAXED);
}
void notifier_destroy(struct notifier *notifier);

/* Finds the empty-notifiers upstream of an input and listens for the task. 0 or -ENOMEM. */
int signal_upstream(struct signal *signal, struct element *element, unsigned input,
                    struct task *task);
/* The same for the full-notifiers downstream of an output (sources that wait for room). */
int signal_downstream(struct signal *signal, struct element *element, unsigned output,
                      struct task *task);
bool signal_active(const struct signal *signal);
void signal_destroy(struct signal *signal);

#endif
