// SPDX-License-Identifier: BSD-2-Clause
/*
 * order.h - whether anybody can tell one packet at a time from many at a time.
 *
 * A source with BURST 1 hands on a packet when the one before has gone all its way, as in Click. Where
 * nothing downstream lets anybody see that, it may as well hand on batches: every packet meets the same
 * elements in the same state, and leaves the same way. Two tasks that take turns, one putting a packet into a Queue and
 * the other taking one out, may put in and take out batches likewise: what shows is the Queue's highwater_length.
 */
#ifndef ROUTER_ORDER_H
#define ROUTER_ORDER_H

#include "router/batch.h"
#include "router/router.h"
#include "router/storage.h"
#include "router/task.h"

/*
 * Whether nobody sees in what order the elements behind `source`'s outputs handle its packets, as long as no other
 * task runs; or only that of `other` (NULL: none), where one of the two fills the Queue that the other empties: *between.
 * False, too, when there is no memory to find out. It holds until router->n_bound changes. Linear in elements and
 * connections.
 */
bool order_is_unseen(struct element *source, struct element *other, struct element **between);

/* Where another one takes the other's place again and again it is not worth while. */
enum { ORDER_LOOKS_MAX = 8 };

/* Finds out what task->order holds, with `other` (NULL: none) the only other task that runs. */
void order_look(struct task *task, struct task *other);
/*
 * How many packets a task's run() is to hand on at a time, when BURST asks for `burst`: more where that is 1, which is what
 * sources do unless told otherwise. For classes that are ORDER_UNSEEN. Of two tasks that take turns both take more, and
 * a Queue between them has room for as many: none is lost that would not be one at a time.
 */
static inline uint32_t order_burst(struct task *task, uint32_t burst)
{
    struct task_order *o = &task->order;
    struct task *other;

    o->burst = burst;
    if (burst != 1 || !task_has_one_other(task, &other))
        return burst;
    if (o->known != task->element->router->n_bound + 1 || (other && o->other != other && o->looks < ORDER_LOOKS_MAX))
        order_look(task, other);
    if (!other && o->unseen_alone)
        return BATCH_NORMAL;
    /* If the other one sleeps, what comes now wakes it. */
    if (!o->unseen_together || (other && o->other != other) || o->other->order.burst != 1)
        return 1;
    bool enough = o->fills ? storage_room(o->between) >= BATCH_NORMAL : storage_length(o->between) > 1;
    return enough ? BATCH_NORMAL : 1;
}

#endif
