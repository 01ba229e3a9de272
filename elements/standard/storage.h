// SPDX-License-Identifier: BSD-2-Clause
/*
 * storage.h - what queues show to elements that look at their fill, such as RED.
 *
 * element_cast(e, "Storage") gives a const struct storage *, which stays where it is.
 */
#ifndef STANDARD_STORAGE_H
#define STANDARD_STORAGE_H

#include <stdint.h>

struct storage {
    uint32_t head, tail;        /* count on and on; packets stand at head ... tail - 1 */
    uint32_t capacity;
};

static inline uint32_t storage_length(const struct storage *s)
{
    return s->tail - s->head;
}

#endif
