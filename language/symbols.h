// SPDX-License-Identifier: BSD-2-Clause
/*
 * symbols.h - what a name stands for: a hash table from text to a pointer.
 *
 * - Names are not copied: they must live as long as the table.
 * - Zero-initialise and it is empty. Memory comes from an arena and goes with it.
 */
#ifndef LANGUAGE_SYMBOLS_H
#define LANGUAGE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "language/arena.h"

struct symbol {
    const char *name;           /* NULL: free slot */
    size_t length;
    uint32_t hash;
    void *value;
};

struct symbols {
    struct symbol *slots;
    unsigned n, capacity;       /* capacity is a power of two */
};

/* NULL: not there. The slot is valid until the next symbols_add(). */
struct symbol *symbols_find(const struct symbols *symbols, const char *name, size_t length);
/* The slot of the name, new (value NULL) or old. NULL: out of memory. */
struct symbol *symbols_add(struct symbols *symbols, struct arena *arena, const char *name,
                           size_t length);

#endif
