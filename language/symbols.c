// SPDX-License-Identifier: BSD-2-Clause
/* symbols.c - a hash table with open addressing and linear probing; see symbols.h. */
#include "language/symbols.h"

#include <string.h>

static uint32_t hash_of(const char *name, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;        /* FNV-1a */
    size_t i;

    for (i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3u;
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot that holds the name, or the free one where it belongs. There is always a free one. */
static struct symbol *slot_of(const struct symbols *symbols, const char *name, size_t length,
                              uint32_t hash)
{
    unsigned mask = symbols->capacity - 1, i = hash & mask;

    for (;; i = (i + 1) & mask) {
        struct symbol *slot = &symbols->slots[i];

        if (!slot->name || (slot->hash == hash && slot->length == length &&
                            memcmp(slot->name, name, length) == 0))
            return slot;
    }
}

struct symbol *symbols_find(const struct symbols *symbols, const char *name, size_t length)
{
    struct symbol *slot;

    if (!symbols->n)
        return NULL;
    slot = slot_of(symbols, name, length, hash_of(name, length));
    return slot->name ? slot : NULL;
}

static bool grow(struct symbols *symbols, struct arena *arena)
{
    struct symbols grown = {.capacity = symbols->capacity ? symbols->capacity * 2 : 8};
    unsigned i;

    if (!grown.capacity)
        return false;
    grown.slots = arena_alloc(arena, grown.capacity * sizeof(*grown.slots));
    if (!grown.slots)
        return false;
    for (i = 0; i < symbols->capacity; i++) {
        const struct symbol *old = &symbols->slots[i];

        if (old->name)
            *slot_of(&grown, old->name, old->length, old->hash) = *old;
    }
    grown.n = symbols->n;
    *symbols = grown;
    return true;
}

struct symbol *symbols_add(struct symbols *symbols, struct arena *arena, const char *name,
                           size_t length)
{
    uint32_t hash = hash_of(name, length);
    struct symbol *slot;

    if (symbols->n + 1 > symbols->capacity / 4 * 3 && !grow(symbols, arena))
        return NULL;
    slot = slot_of(symbols, name, length, hash);
    if (!slot->name) {
        *slot = (struct symbol){name, length, hash, NULL};
        symbols->n++;
    }
    return slot;
}
