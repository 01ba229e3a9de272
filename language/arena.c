// SPDX-License-Identifier: BSD-2-Clause
/* arena.c - memory that is released all at once; see arena.h. */
#include "language/arena.h"

#include <limits.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    alignas(max_align_t) char bytes[];
};

enum {
    ALIGNMENT = alignof(max_align_t),
    CHUNK_MIN = 1024,
    CHUNK_MAX = 64 * 1024,      /* what is larger gets a chunk of its own */
};

static struct arena_chunk *new_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = NULL;

    if (size <= SIZE_MAX - sizeof(*chunk))
        chunk = malloc(sizeof(*chunk) + size);
    if (!chunk)
        arena->failed = true;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk;
    void *block;

    if (size > SIZE_MAX - ALIGNMENT) {
        arena->failed = true;
        return NULL;
    }
    size = (size ? size + ALIGNMENT - 1 : ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    if (size > arena->size - arena->used && size > CHUNK_MAX / 4) {
        /* Behind the newest chunk, which still has room for small blocks. */
        chunk = new_chunk(arena, size);
        if (!chunk)
            return NULL;
        if (arena->chunks) {
            chunk->next = arena->chunks->next;
            arena->chunks->next = chunk;
        } else {
            chunk->next = NULL;
            arena->chunks = chunk;
            arena->used = arena->size = size;
        }
        return memset(chunk->bytes, 0, size);
    }
    if (size > arena->size - arena->used) {
        size_t next_size = arena->size ? arena->size * 2 : CHUNK_MIN;

        if (next_size > CHUNK_MAX)
            next_size = CHUNK_MAX;
        if (next_size < size)
            next_size = size;
        chunk = new_chunk(arena, next_size);
        if (!chunk)
            return NULL;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->used = 0;
        arena->size = next_size;
    }
    block = arena->chunks->bytes + arena->used;
    arena->used += size;
    return memset(block, 0, size);
}

char *arena_copy(struct arena *arena, const char *s, size_t length)
{
    char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1) : NULL;

    if (copy && length)
        memcpy(copy, s, length);
    return copy;
}

bool arena_grow(struct arena *arena, void **array, unsigned *capacity, size_t n, size_t item_size)
{
    size_t grown_capacity = *capacity ? *capacity : 4;
    void *grown;

    if (n < *capacity)
        return true;
    while (grown_capacity <= n && grown_capacity <= UINT_MAX / 2)
        grown_capacity *= 2;
    if (grown_capacity <= n || grown_capacity > SIZE_MAX / item_size) {
        arena->failed = true;
        return false;
    }
    grown = arena_alloc(arena, grown_capacity * item_size);
    if (!grown)
        return false;
    if (*capacity)
        memcpy(grown, *array, *capacity * item_size);
    *array = grown;
    *capacity = (unsigned)grown_capacity;
    return true;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        free(chunk);
    }
    *arena = (struct arena){0};
}
