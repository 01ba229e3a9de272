// SPDX-License-Identifier: BSD-2-Clause
/*
 * storage.h - what queues show to elements that look at their fill, such as RED.
 *
 * element_cast(e, "Storage") gives a const struct storage *, which stays where it is.
 */
#ifndef ROUTER_STORAGE_H
#define ROUTER_STORAGE_H

#include <stdint.h>

/* Packets stand at head ... tail - 1, which count on and on. One thread may move the tail and another the head. */
struct storage {
    uint32_t capacity;
    char apart1[64];            /* each in a cache line of its own */
    uint32_t tail;
    char apart2[64];
    uint32_t head;
    char apart3[64];
};

/* Acquire: what was put there, or taken from there, is done. */
static inline uint32_t storage_length(const struct storage *s)
{
    return __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE) - __atomic_load_n(&s->head, __ATOMIC_ACQUIRE);
}

static inline uint32_t storage_room(const struct storage *s)
{
    return s->capacity - storage_length(s);
}

static inline void storage_set_tail(struct storage *s, uint32_t tail)
{
    __atomic_store_n(&s->tail, tail, __ATOMIC_RELEASE);
}

static inline void storage_set_head(struct storage *s, uint32_t head)
{
    __atomic_store_n(&s->head, head, __ATOMIC_RELEASE);
}

#endif
