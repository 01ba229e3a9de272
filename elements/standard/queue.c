// SPDX-License-Identifier: BSD-2-Clause
/*
 * queue.c - Queue([CAPACITY]): first in, first out, up to CAPACITY packets (default 1000). ThreadSafeQueue.
 *
 * Packets are pushed in and pulled out. Those that find the queue full go to output 1
 * where there is one, else they are dropped.
 *
 * - Tasks that pull sleep while the queue is empty, those that push may sleep while it
 *   is full (notifiers EMPTY and FULL).
 * - The ring is a power of two, so a turn costs a mask; head and tail just count on.
 * - One thread may push while another pulls, without locks: each moves its own end. A ThreadSafeQueue has a lock
 *   at either end besides, held for a batch, so that there may be any number of them.
 *
 * A Queue of the same name in the configuration that replaces this one goes on with its packets.
 *
 * Handlers: length, highwater_length, drops (read), capacity (read, write), reset_counts,
 * reset (write).
 */
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/element.h"
#include "router/storage.h"

enum { CAPACITY_MAX = 1 << 24 };

struct queue {
    struct element base;
    struct storage storage;
    struct packet **ring;
    uint32_t mask;
    uint32_t wanted;            /* the CAPACITY argument */
    struct notifier not_empty, not_full;
    char apart1[64];            /* what follows is for those who push, and then for those who pull */
    uint32_t highwater;
    unsigned push_lock;
    uint64_t drops;
    char apart2[64];
    unsigned pull_lock;
};

static void refuse(struct queue *q, struct batch *refused)
{
    if (!q->drops && q->storage.capacity)
        element_log_declared(&q->base, "overflow");      /* once, until the counts are reset */
    q->drops += refused->n;
    if (q->base.n_outputs > 1)
        element_push(&q->base, 1, refused);
    else
        batch_free(refused);
}

/* Between a change of the queue and a look at a notifier, or the other way round: see notifier.h. False: not needed. */
static inline bool barrier(const struct queue *q)
{
    if (__builtin_expect(q->base.crossed, 0))
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return q->base.crossed;
}

/* After packets were put in. */
static inline void filled(struct queue *q, uint32_t length)
{
    if (length > q->highwater)
        q->highwater = length;
    barrier(q);
    notifier_activate(&q->not_empty);
    if (length < q->storage.capacity)
        return;
    notifier_deactivate(&q->not_full);
    if (barrier(q) && storage_length(&q->storage) < q->storage.capacity)
        notifier_activate(&q->not_full);
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct queue *q = element_as(struct queue, e);
    uint32_t length = storage_length(&q->storage), room = q->storage.capacity - length;
    uint32_t n = batch->n < room ? batch->n : room, tail = q->storage.tail;

    (void)port;
    for (uint32_t i = 0; i < n; i++)
        q->ring[tail++ & q->mask] = batch->pkt[i];
    if (n) {
        storage_set_tail(&q->storage, tail);
        filled(q, length + n);
    }
    if (n < batch->n) {
        batch->n -= n;
        memmove(batch->pkt, batch->pkt + n, batch->n * sizeof *batch->pkt);
        refuse(q, batch);
    }
}

static __attribute__((noinline)) void refuse_one(struct queue *q, struct packet *p)
{
    struct batch refused;

    refused.n = 0;
    batch_add(&refused, p);
    refuse(q, &refused);
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    struct queue *q = element_as(struct queue, e);
    uint32_t length = storage_length(&q->storage), tail = q->storage.tail;

    (void)port;
    if (length < q->storage.capacity) {
        q->ring[tail & q->mask] = p;
        storage_set_tail(&q->storage, tail + 1);
        filled(q, length + 1);
    } else {
        refuse_one(q, p);
    }
}

/* From another thread's cache: all at once, instead of one after the other when they are looked at. */
static __attribute__((noinline)) unsigned came_across(struct queue *q, struct packet *const *packets, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        __builtin_prefetch(packets[i], 1);
        __builtin_prefetch(packets[i]->anno, 1);
    }
    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(packets[i]->data, 1);
    notifier_call(&q->not_full);
    return n;
}

static unsigned pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    struct queue *q = element_as(struct queue, e);
    uint32_t length = storage_length(&q->storage), n = length < max ? length : max;
    uint32_t head = q->storage.head, mask = q->mask;
    struct packet **to = batch->pkt + batch->n, **ring = q->ring;

    (void)port;
    for (uint32_t i = 0; i < n; i++)
        to[i] = ring[head++ & mask];
    if (n) {
        batch->n += n;
        storage_set_head(&q->storage, head);
        if (barrier(q))
            return came_across(q, to, n);
        notifier_activate(&q->not_full);
        return n;
    }
    /* Only a pull in vain: a queue that swings between 0 and 1 wakes nobody. */
    notifier_deactivate(&q->not_empty);
    if (barrier(q) && storage_length(&q->storage))
        notifier_activate(&q->not_empty);
    return 0;
}

/* ---- ThreadSafeQueue: the same, one at a time at either end ---- */

/* What finds no room and goes on at output 1 is pushed by one thread only: then there is nobody to lock out. */
static inline bool many_push(const struct queue *q)
{
    return q->base.crossed && q->base.n_outputs == 1;
}

static void safe_push(struct element *e, unsigned port, struct batch *batch)
{
    struct queue *q = element_as(struct queue, e);

    if (!many_push(q)) {
        push(e, port, batch);
        return;
    }
    platform_lock(&q->push_lock);
    push(e, port, batch);
    platform_unlock(&q->push_lock);
}

static unsigned safe_pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    struct queue *q = element_as(struct queue, e);
    unsigned got;

    if (!q->base.crossed)
        return pull(e, port, batch, max);
    platform_lock(&q->pull_lock);
    got = pull(e, port, batch, max);
    platform_unlock(&q->pull_lock);
    return got;
}

/* Makes the ring fit `capacity`; packets that no longer do are dropped, the youngest first. */
static bool resize(struct queue *q, uint32_t capacity, struct errors *errors)
{
    uint32_t size = 1, length = storage_length(&q->storage), kept;
    struct packet **ring;

    if (capacity > CAPACITY_MAX)
        return element_error(&q->base, errors, "CAPACITY: at most %d packets", CAPACITY_MAX);
    while (size < capacity)
        size *= 2;
    ring = malloc(size * sizeof *ring);
    if (!ring)
        return element_error(&q->base, errors, "out of memory");
    kept = length < capacity ? length : capacity;
    for (uint32_t i = 0; i < length; i++) {
        struct packet *p = q->ring[(q->storage.head + i) & q->mask];

        if (i < kept)
            ring[i] = p;
        else
            packet_free(p);
    }
    q->drops += length - kept;
    free(q->ring);
    q->ring = ring;
    q->mask = size - 1;
    q->storage.head = 0;
    q->storage.tail = kept;
    q->storage.capacity = capacity;
    return true;
}

/* For those who push, where others pull. Whoever finds room first tells the others. */
static bool look_for_room(struct notifier *not_full)
{
    struct queue *q = (struct queue *)((char *)not_full - offsetof(struct queue, not_full));

    if (!q->base.crossed || storage_length(&q->storage) >= q->storage.capacity)
        return false;
    notifier_wake(not_full);
    return true;
}

static void setup(struct element *e)
{
    struct queue *q = element_as(struct queue, e);

    q->wanted = 1000;
    q->not_full.look = look_for_room;
}

/* Also when a new configuration is written while it runs. */
static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct queue *q = element_as(struct queue, e);

    (void)rest;
    if (q->ring && q->wanted == q->storage.capacity)
        return true;
    if (!resize(q, q->wanted, errors)) {
        q->wanted = q->storage.capacity;
        return false;
    }
    if (storage_length(&q->storage) < q->storage.capacity)
        notifier_activate(&q->not_full);
    else
        notifier_deactivate(&q->not_full);
    return true;
}

/* The oldest packets stand first here too; the youngest are those that find no room. */
static void take_state(struct element *e, struct element *predecessor)
{
    struct queue *q = element_as(struct queue, e), *old = element_as(struct queue, predecessor);
    uint32_t room = q->storage.capacity - storage_length(&q->storage);

    q->drops += old->drops;
    if (q->highwater < old->highwater)
        q->highwater = old->highwater;
    while (storage_length(&old->storage)) {
        struct packet *p = old->ring[old->storage.head++ & old->mask];

        if (room) {
            q->ring[q->storage.tail++ & q->mask] = p;
            room--;
        } else {
            packet_free(p);
            q->drops++;
        }
    }
    if (storage_length(&q->storage))
        filled(q, storage_length(&q->storage));
}

static void cleanup(struct element *e)
{
    struct queue *q = element_as(struct queue, e);

    while (storage_length(&q->storage))
        packet_free(q->ring[q->storage.head++ & q->mask]);
    free(q->ring);
    notifier_destroy(&q->not_empty);
    notifier_destroy(&q->not_full);
}

static struct notifier *notifier(struct element *e, unsigned port, enum notifier_kind kind)
{
    struct queue *q = element_as(struct queue, e);

    if (kind == NOTIFIER_FULL)
        return &q->not_full;
    return port == 0 ? &q->not_empty : NULL;
}

static void *cast(struct element *e, const char *interface)
{
    return strcmp(interface, "Storage") == 0 ? &element_as(struct queue, e)->storage : NULL;
}

static int read_length(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_printf(out, "%u", storage_length(&element_as(struct queue, e)->storage));
    return 0;
}

static int read_capacity(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_printf(out, "%u", element_as(struct queue, e)->storage.capacity);
    return 0;
}

static int reset_counts(struct element *e, const struct handler_call *call)
{
    struct queue *q = element_as(struct queue, e);

    (void)call;
    q->drops = 0;
    q->highwater = storage_length(&q->storage);
    return 0;
}

/* Empties the queue, to output 1 where there is one. */
static int reset(struct element *e, const struct handler_call *call)
{
    struct queue *q = element_as(struct queue, e);
    struct batch batch;

    (void)call;
    for (;;) {
        batch.n = 0;
        if (!pull(e, 0, &batch, BATCH_NORMAL))
            return 0;
        if (q->base.n_outputs > 1)
            element_push(e, 1, &batch);
        else
            batch_free(&batch);
    }
}

static const struct argument arguments[] = {
    {.name = "CAPACITY", .kind = ARG_OPTIONAL, .type = &arg_unsigned,
     .offset = offsetof(struct queue, wanted), .help = "packets it holds; default 1000"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "length", .read = read_length, .help = "packets in the queue"},
    {.name = "highwater_length", .flags = HANDLER_READ, .type = &arg_unsigned,
     .offset = offsetof(struct queue, highwater), .help = "the most there ever were"},
    {.name = "capacity", .flags = HANDLER_CALM, .read = read_capacity,
     .write = element_write_argument, .argument = "CAPACITY",
     .help = "packets it holds; those that a smaller capacity leaves no room for are dropped"},
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct queue, drops), .help = "packets that found the queue full"},
    {.name = "reset_counts", .flags = HANDLER_BUTTON, .write = reset_counts,
     .help = "sets drops to 0 and highwater_length to the length now"},
    {.name = "reset", .flags = HANDLER_BUTTON, .write = reset, .help = "empties the queue"},
    {0},
};

#define QUEUE_FACTS                                                                                     \
    .ports = PORTS_1_1X2, .processing = "h/lh", .size = sizeof(struct queue), .arguments = arguments,   \
    .handlers = handlers, .live_config = true, .setup = setup, .configure = configure, .cleanup = cleanup, \
    .offload = true, .take_state = take_state, .notifier = notifier, .cast = cast, .group = "standard"

#define QUEUE_MANUAL                                                                                    \
    "Packets that find the queue full go to output 1, or are dropped when it has none. When another "   \
    "configuration takes the place of this one, a queue of the same name goes on with its packets, in " \
    "their order, and its counts; those that a smaller capacity leaves no room for count as drops. "

ELEMENT_CLASS(queue) = {
    .name = "Queue", QUEUE_FACTS, .threads = THREADS_TWO, .order = ORDER_OWN, .push = push, .push_one = push_one, .pull = pull,
    .purpose = "stores packets, first in, first out, up to a capacity",
    .manual = QUEUE_MANUAL "One thread may push and another pull; tasks that both push, or both pull, run on the "
              "same thread (see ThreadSafeQueue).",
};

ELEMENT_CLASS(thread_safe_queue) = {
    .name = "ThreadSafeQueue", QUEUE_FACTS, .threads = THREADS_ALL, .push = safe_push, .pull = safe_pull,
    .purpose = "a Queue that any number of threads push to and pull from",
    .manual = QUEUE_MANUAL "Packets that one thread pushed keep their order. With an output 1 the tasks that push "
              "run on the same thread.",
};
