// SPDX-License-Identifier: BSD-2-Clause
/* classify_set.c - sets of field values as lists of spans; see classify_set.h. */
#include "elements/standard/classify_set.h"

#include <string.h>

static struct classify_set *new_set(struct arena *arena, size_t max_spans)
{
    return arena_alloc(arena, sizeof(struct classify_set)
                                  + max_spans * sizeof(struct classify_span));
}

/* Spans come in rising order and do not overlap; neighbours melt. */
static void add_span(struct classify_set *set, uint32_t low, uint32_t high)
{
    if (set->n && set->span[set->n - 1].high + 1 == low)
        set->span[set->n - 1].high = high;
    else
        set->span[set->n++] = (struct classify_span){low, high};
}

/* x & mask == value: the bits below the mask make a span, free bits between its bits repeat it. */
static const struct classify_set *equal_under_mask(struct arena *arena, uint32_t absent,
                                                   uint32_t mask, uint32_t value)
{
    uint32_t below = mask ? (mask & -mask) - 1 : absent - 1;
    uint32_t repeat = (absent - 1) & ~mask & ~below;
    struct classify_set *set = new_set(arena, (size_t)1 << __builtin_popcount(repeat));
    uint32_t bits = 0;

    if (!set || (value & mask) != value)
        return set;
    for (;;) {
        add_span(set, value | bits, value | bits | below);
        if (bits == repeat)
            return set;
        bits = (bits - repeat) & repeat;
    }
}

static const struct classify_set *greater_under_mask(struct arena *arena, uint32_t absent,
                                                     uint32_t mask, uint32_t value)
{
    uint32_t free_bits = (absent - 1) & ~mask, step = mask & -mask;
    struct classify_set *set;
    size_t n = 0;

    if (!(free_bits & (free_bits + 1))) {           /* a mask of leading ones, or all */
        set = new_set(arena, 1);
        if (set && (value | free_bits) < absent - 1)
            add_span(set, (value | free_bits) + 1, absent - 1);
        return set;
    }
    /* Spans as long as the mask's lowest bit allows; counted first, since there may be many. */
    for (uint32_t x = 0; x < absent; x += step)
        n += (x & mask) > value && (!x || ((x - step) & mask) <= value);
    set = new_set(arena, n);
    for (uint32_t x = 0; set && x < absent; x += step)
        if ((x & mask) > value)
            add_span(set, x, x + step - 1);
    return set;
}

const struct classify_set *classify_set_of(struct arena *arena, uint32_t absent,
                                           enum classify_op op, uint32_t mask, uint32_t value)
{
    bool equality = op == CLASSIFY_EQ || op == CLASSIFY_NE;
    const struct classify_set *set = equality ? equal_under_mask(arena, absent, mask, value)
                                              : greater_under_mask(arena, absent, mask, value);

    if (op == CLASSIFY_NE || op == CLASSIFY_LE)     /* still without the absent value */
        set = classify_set_complement(arena, absent - 1, set);
    return set;
}

const struct classify_set *classify_set_complement(struct arena *arena, uint32_t absent,
                                                   const struct classify_set *set)
{
    struct classify_set *result = set ? new_set(arena, set->n + 1) : NULL;
    uint32_t from = 0;

    if (!result)
        return NULL;
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->span[i].low > from)
            add_span(result, from, set->span[i].low - 1);
        from = set->span[i].high + 1;
    }
    if (from <= absent)
        add_span(result, from, absent);
    return result;
}

const struct classify_set *classify_set_intersection(struct arena *arena,
                                                     const struct classify_set *a,
                                                     const struct classify_set *b)
{
    struct classify_set *result = a && b ? new_set(arena, a->n + b->n) : NULL;
    uint32_t i = 0, j = 0;

    if (!result)
        return NULL;
    while (i < a->n && j < b->n) {
        struct classify_span s = a->span[i], t = b->span[j];
        uint32_t low = s.low > t.low ? s.low : t.low, high = s.high < t.high ? s.high : t.high;

        if (low <= high)
            add_span(result, low, high);
        if (s.high < t.high)
            i++;
        else
            j++;
    }
    return result;
}

const struct classify_set *classify_set_union(struct arena *arena, const struct classify_set *a,
                                              const struct classify_set *b)
{
    struct classify_set *result = a && b ? new_set(arena, a->n + b->n) : NULL;
    uint32_t i = 0, j = 0;

    if (!result)
        return NULL;
    while (i < a->n || j < b->n) {
        bool from_a = j == b->n || (i < a->n && a->span[i].low <= b->span[j].low);
        struct classify_span s = from_a ? a->span[i++] : b->span[j++];
        struct classify_span *last = result->n ? &result->span[result->n - 1] : NULL;

        if (!last || s.low > last->high + 1)
            result->span[result->n++] = s;
        else if (s.high > last->high)
            last->high = s.high;
    }
    return result;
}

bool classify_set_equal(const struct classify_set *a, const struct classify_set *b)
{
    return a == b || (a->n == b->n && !memcmp(a->span, b->span, a->n * sizeof a->span[0]));
}

bool classify_set_covers(const struct classify_set *whole, const struct classify_set *part)
{
    uint32_t i = 0;

    for (uint32_t j = 0; j < part->n; j++) {
        while (i < whole->n && whole->span[i].high < part->span[j].low)
            i++;
        if (i == whole->n || whole->span[i].low > part->span[j].low
            || whole->span[i].high < part->span[j].high)
            return false;
    }
    return true;
}
