// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify_set.h - sets of values that a field of one or two bytes can have.
 *
 * A set is a sorted list of spans over 0 .. absent, where the last value, `absent` (256 or
 * 65536), stands for "the packet is too short to have the field". So a complement is
 * taken without further thought. Sets never change once made and live in an arena;
 * NULL means that its memory ran out, and every function passes NULL on.
 */
#ifndef ELEMENTS_STANDARD_CLASSIFY_SET_H
#define ELEMENTS_STANDARD_CLASSIFY_SET_H

#include "elements/standard/classify.h"
#include "language/arena.h"

struct classify_span {
    uint32_t low, high;         /* both included */
};

struct classify_set {
    uint32_t n;
    struct classify_span span[];
};

/* The values x below `absent` with (x & mask) op value. */
const struct classify_set *classify_set_of(struct arena *arena, uint32_t absent,
                                           enum classify_op op, uint32_t mask, uint32_t value);
const struct classify_set *classify_set_complement(struct arena *arena, uint32_t absent,
                                                   const struct classify_set *set);
const struct classify_set *classify_set_intersection(struct arena *arena,
                                                     const struct classify_set *a,
                                                     const struct classify_set *b);
const struct classify_set *classify_set_union(struct arena *arena, const struct classify_set *a,
                                              const struct classify_set *b);
bool classify_set_equal(const struct classify_set *a, const struct classify_set *b);
/* Every value of `part` is in `whole`. */
bool classify_set_covers(const struct classify_set *whole, const struct classify_set *part);

static inline bool classify_set_is_full(const struct classify_set *set, uint32_t absent)
{
    return set->n == 1 && set->span[0].low == 0 && set->span[0].high == absent;
}

#endif
