// SPDX-License-Identifier: BSD-2-Clause
/*
 * pages.c - whole pages, first fit over two bitmaps.
 *
 * One bit per page says that it is taken (or is no memory of ours), another that it is the last one
 * of its run: so a run is given back by its address alone, and no run carries a header. The bitmaps
 * lie at the bottom of memory, in the first page after page 0.
 */
#include <string.h>

#include "platform/xen/guest.h"

enum { WORD_BITS = 64 };

static uint64_t *taken, *last;
static uint64_t n_frames;               /* what the maps cover */
static uint64_t n_total, n_free;
static uint64_t lowest_free;            /* no free page below */

static bool bit(const uint64_t *map, uint64_t i)
{
    return map[i / WORD_BITS] >> i % WORD_BITS & 1;
}

static void bit_set(uint64_t *map, uint64_t i)
{
    map[i / WORD_BITS] |= 1ull << i % WORD_BITS;
}

static void bit_clear(uint64_t *map, uint64_t i)
{
    map[i / WORD_BITS] &= ~(1ull << i % WORD_BITS);
}

uint64_t pages_init(uint64_t frames)
{
    uint64_t words = (frames + WORD_BITS - 1) / WORD_BITS;
    uint64_t bytes = words * 2 * sizeof *taken;

    n_frames = frames;
    taken = (uint64_t *)PAGE_SIZE;
    last = taken + words;
    memset(taken, 0xff, words * sizeof *taken);
    memset(last, 0, words * sizeof *last);
    lowest_free = frames;
    return 1 + (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

void pages_add(uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end && i < n_frames; i++) {
        bit_clear(taken, i);
        n_free++;
        n_total++;
    }
    if (first < lowest_free)
        lowest_free = first;
}

/* The first free page at or after i. */
static uint64_t next_free(uint64_t i)
{
    while (i < n_frames) {
        uint64_t free_bits = ~taken[i / WORD_BITS] >> i % WORD_BITS;
        if (free_bits)
            return i + (uint64_t)__builtin_ctzll(free_bits);
        i = (i / WORD_BITS + 1) * WORD_BITS;
    }
    return n_frames;
}

void *pages_alloc(size_t count)
{
    if (count == 0 || count > n_free)
        return NULL;
    uint64_t start = next_free(lowest_free);
    lowest_free = start;
    while (start + count <= n_frames) {
        uint64_t end = start + 1;
        while (end < start + count && !bit(taken, end))
            end++;
        if (end == start + count) {
            for (uint64_t i = start; i < end; i++)
                bit_set(taken, i);
            bit_set(last, end - 1);
            n_free -= count;
            if (start == lowest_free)
                lowest_free = end;
            return (void *)(start << PAGE_SHIFT);
        }
        start = next_free(end);
    }
    return NULL;
}

size_t pages_length(const void *run)
{
    uint64_t first = (uint64_t)run >> PAGE_SHIFT, i = first;

    while (!bit(last, i))
        if (++i >= n_frames)
            panic("pages: %p is no run", run);
    return i - first + 1;
}

void pages_free(void *run)
{
    uint64_t first = (uint64_t)run >> PAGE_SHIFT;

    if (!run)
        return;
    if ((uint64_t)run % PAGE_SIZE || first >= n_frames || !bit(taken, first))
        panic("pages: %p is given back but not taken", run);
    size_t count = pages_length(run);
    for (uint64_t i = first; i < first + count; i++)
        bit_clear(taken, i);
    bit_clear(last, first + count - 1);
    n_free += count;
    if (first < lowest_free)
        lowest_free = first;
}

uint64_t pages_free_count(void)
{
    return n_free;
}

uint64_t pages_total(void)
{
    return n_total;
}

uint64_t pages_frames(void)
{
    return n_frames;
}
