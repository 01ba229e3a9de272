// SPDX-License-Identifier: BSD-2-Clause
/*
 * lpm.h - the longest prefix that covers an address, for many addresses at once.
 *
 * A trie: the first 8, 12, 16, 20 or 24 bits of an address choose an entry of the root, each further four
 * bits one of the 16 of a node, which is a cache line. An entry is a node, or says which prefix is the longest for
 * all addresses that lead to it; so a look-up remembers nothing on its way. The root grows with the number
 * of prefixes: it may take `root_share` bytes for each. The more it takes, the fewer steps are left.
 *
 * - Prefixes have values below LPM_VALUES; 0 is what a look-up gives for an address without a prefix.
 * - Addresses are in host order, and without bits behind the prefix's length.
 * - A zeroed struct is an empty trie. Memory is 64 bytes a node, and the root; nodes that nobody needs any
 *   more are used again, and lpm_clear() gives all back.
 * - A change touches what the prefix covers: a prefix of 8 bits in a trie with a root of 24 has 65,536 entries,
 *   one of 0 bits is apart and costs nothing. Look-ups must not run meanwhile.
 */
#ifndef ELEMENTS_IP_LPM_H
#define ELEMENTS_IP_LPM_H

#include <stdbool.h>
#include <stdint.h>

enum { LPM_NODE_BITS = 4, LPM_NODE_SIZE = 1 << LPM_NODE_BITS, LPM_VALUE_BITS = 25 };
#define LPM_VALUES (UINT32_C(1) << LPM_VALUE_BITS)
#define LPM_IS_NODE (UINT32_C(1) << 31)     /* in an entry; its number in the other bits. Else length and value */

struct lpm_node {
    uint32_t entry[LPM_NODE_SIZE];
};

struct lpm {
    uint32_t root_share;
    unsigned root_bits;             /* 0: there is no root yet */
    uint32_t *root;
    struct lpm_node *node;
    uint32_t n_nodes, max_nodes;
    uint32_t free_node, n_free;     /* a list by the first entry: number + 1 */
    uint32_t everything;            /* value of the prefix of 0 bits */
    uint32_t n_prefixes;
    uint32_t grow_at;               /* number of prefixes */
};

/* Adds a prefix, `is_new`, or gives one another value. 0 or -ENOMEM, then nothing has changed. */
int lpm_insert(struct lpm *lpm, uint32_t address, unsigned length, uint32_t value, bool is_new);
/* Removes a prefix. The longest one that covers it takes its place (0, 0: there is none). */
void lpm_erase(struct lpm *lpm, uint32_t address, unsigned length, unsigned next_length,
               uint32_t next_value);
void lpm_clear(struct lpm *lpm);
/* Bytes that it holds. */
uint64_t lpm_memory(const struct lpm *lpm);

/* The values for n addresses, at most BATCH_MAX, which may stand in the place of the addresses. */
void lpm_lookup(const struct lpm *lpm, const uint32_t *address, unsigned n, uint32_t *value);

static inline uint32_t lpm_value(const struct lpm *lpm, uint32_t entry)
{
    return entry ? entry & (LPM_VALUES - 1) : lpm->everything;
}

static inline uint32_t lpm_lookup_one(const struct lpm *lpm, uint32_t address)
{
    uint32_t entry;

    if (!lpm->root_bits)
        return lpm->everything;
    entry = lpm->root[address >> (32 - lpm->root_bits)];
    for (address <<= lpm->root_bits; entry & LPM_IS_NODE; address <<= LPM_NODE_BITS)
        entry = lpm->node[entry & ~LPM_IS_NODE].entry[address >> (32 - LPM_NODE_BITS)];
    return lpm_value(lpm, entry);
}

#endif
