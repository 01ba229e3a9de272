// SPDX-License-Identifier: BSD-2-Clause
/*
 * arena.h - memory that is released all at once.
 *
 * - Blocks come zeroed and aligned for any object.
 * - When memory runs out the answer is NULL and `failed` stays set, so that a long
 *   piece of work can go on carefully and look once at the end.
 */
#ifndef LANGUAGE_ARENA_H
#define LANGUAGE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena {
    struct arena_chunk *chunks;
    size_t used, size;          /* of the newest chunk, bytes */
    bool failed;
};

void *arena_alloc(struct arena *arena, size_t size);
/* A NUL-terminated copy. */
char *arena_copy(struct arena *arena, const char *s, size_t length);
/*
 * Makes room for element number `n` (0-based) in an array that grows by doubling. False: out of
 * memory, nothing changed. The outgrown array is given back only with the arena.
 */
bool arena_grow(struct arena *arena, void **array, unsigned *capacity, size_t n, size_t item_size);
void arena_free(struct arena *arena);

#endif
