// SPDX-License-Identifier: BSD-2-Clause
/* lpm.c - the longest prefix that covers an address; see lpm.h. */
#include "elements/ip/lpm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "router/batch.h"

enum {
    ROOT_BITS_MIN = 8, ROOT_BITS_MAX = 24,
    DEPTH_MAX = (32 - ROOT_BITS_MIN) / LPM_NODE_BITS,
    NODES_FIRST = 2 * DEPTH_MAX,
};

/* ---- entries that are no nodes: 0 when no prefix, or only the one of 0 bits, covers them ---- */

static uint32_t leaf(unsigned length, uint32_t value)
{
    return length ? length << LPM_VALUE_BITS | value : 0;
}

static unsigned leaf_length(uint32_t entry)
{
    return entry >> LPM_VALUE_BITS;
}

static struct lpm_node *node_of(const struct lpm *l, uint32_t entry)
{
    return &l->node[entry & ~LPM_IS_NODE];
}

/* ---- nodes ---- */

/* So that new_node() can be called n times. Moves nodes. */
static int reserve_nodes(struct lpm *l, uint32_t n)
{
    uint32_t max = l->max_nodes + l->max_nodes / 2 + NODES_FIRST;
    struct lpm_node *grown;

    if (l->n_free + (l->max_nodes - l->n_nodes) >= n)
        return 0;
    grown = max < LPM_IS_NODE ? realloc(l->node, max * sizeof *grown) : NULL;
    if (!grown)
        return -ENOMEM;
    l->node = grown;
    l->max_nodes = max;
    return 0;
}

/* The entry that leads to a node with `entry` everywhere in it. */
static uint32_t new_node(struct lpm *l, uint32_t entry)
{
    uint32_t n;

    if (l->free_node) {
        n = l->free_node - 1;
        l->free_node = l->node[n].entry[0];
        l->n_free--;
    } else {
        n = l->n_nodes++;
    }
    for (unsigned i = 0; i < LPM_NODE_SIZE; i++)
        l->node[n].entry[i] = entry;
    return n | LPM_IS_NODE;
}

static void free_node(struct lpm *l, uint32_t entry)
{
    node_of(l, entry)->entry[0] = l->free_node;
    l->free_node = (entry & ~LPM_IS_NODE) + 1;
    l->n_free++;
}

/* ---- the root ---- */

/* With four bits more than now: nodes below the root become parts of it. */
static int grow_root(struct lpm *l)
{
    unsigned bits = l->root_bits ? l->root_bits + LPM_NODE_BITS : ROOT_BITS_MIN;
    uint32_t *root = calloc((size_t)1 << bits, sizeof *root), *to = root;

    if (!root)
        return -ENOMEM;
    for (uint32_t i = 0; l->root_bits && i < 1u << l->root_bits; i++, to += LPM_NODE_SIZE) {
        uint32_t entry = l->root[i];

        if (entry & LPM_IS_NODE) {
            memcpy(to, node_of(l, entry), sizeof(struct lpm_node));
            free_node(l, entry);
        } else if (entry) {         /* pages that stay 0 take no memory, where the platform can do that */
            for (unsigned k = 0; k < LPM_NODE_SIZE; k++)
                to[k] = entry;
        }
    }
    free(l->root);
    l->root = root;
    l->root_bits = bits;
    return 0;
}

/* Nodes that are missing on the way to where a prefix ends. */
static uint32_t missing(const struct lpm *l, uint32_t address, unsigned length)
{
    unsigned bits = l->root_bits;
    uint32_t entry = l->root[address >> (32 - bits)];

    for (; length > bits && entry & LPM_IS_NODE; bits += LPM_NODE_BITS)
        entry = node_of(l, entry)->entry[address << bits >> (32 - LPM_NODE_BITS)];
    return length > bits ? (length - bits + LPM_NODE_BITS - 1) / LPM_NODE_BITS : 0;
}

/* Room for one more prefix. The root stays as it is when there is no memory for a larger one. */
static int make_room(struct lpm *l, uint32_t address, unsigned length)
{
    if (!l->root_bits && grow_root(l))
        return -ENOMEM;
    if (l->n_prefixes >= l->grow_at) {
        while (l->root_bits < ROOT_BITS_MAX
               && (sizeof *l->root << (l->root_bits + LPM_NODE_BITS))
                  <= (uint64_t)l->root_share * l->n_prefixes && !grow_root(l))
            ;
        l->grow_at = l->n_prefixes + l->n_prefixes / 4 + 1;
    }
    return reserve_nodes(l, missing(l, address, length));
}

/* ---- changes ---- */

/*
 * Where a prefix ends: the first of its entries, how many they are, and those that lead there. A step
 * that is missing is made.
 */
struct place {
    uint32_t *entry;
    unsigned count;
    uint32_t *parent[DEPTH_MAX];
    unsigned depth;
};

static struct place find_place(struct lpm *l, uint32_t address, unsigned length)
{
    unsigned bits = l->root_bits;
    struct place p = {.entry = &l->root[address >> (32 - bits)]};

    for (; length > bits; bits += LPM_NODE_BITS) {
        if (!(*p.entry & LPM_IS_NODE))
            *p.entry = new_node(l, *p.entry);
        p.parent[p.depth++] = p.entry;
        p.entry = &node_of(l, *p.entry)->entry[address << bits >> (32 - LPM_NODE_BITS)];
    }
    p.count = 1u << (bits - length);
    return p;
}

/* In all that the entries lead to, leaves of `from` bits to `to` become `instead`. */
static void replace(struct lpm *l, uint32_t *entry, unsigned count, unsigned from, unsigned to,
                    uint32_t instead)
{
    for (unsigned i = 0; i < count; i++) {
        if (entry[i] & LPM_IS_NODE)
            replace(l, node_of(l, entry[i])->entry, LPM_NODE_SIZE, from, to, instead);
        else if (leaf_length(entry[i]) >= from && leaf_length(entry[i]) <= to)
            entry[i] = instead;
    }
}

/*
 * Nodes at the end of the way that say nothing any more are taken out. That all 16 entries are alike is not
 * enough: two prefixes that end there may have one value.
 */
static void prune(struct lpm *l, struct place *p)
{
    while (p->depth) {
        unsigned bits = l->root_bits + (p->depth - 1) * LPM_NODE_BITS;
        uint32_t *parent = p->parent[--p->depth];
        const uint32_t *entry = node_of(l, *parent)->entry;
        uint32_t first = entry[0];

        if (first & LPM_IS_NODE || leaf_length(first) > bits)
            return;
        for (unsigned i = 1; i < LPM_NODE_SIZE; i++)
            if (entry[i] != first)
                return;
        free_node(l, *parent);
        *parent = first;
    }
}

int lpm_insert(struct lpm *l, uint32_t address, unsigned length, uint32_t value, bool is_new)
{
    struct place p;

    if (!length) {
        l->everything = value;
        return 0;
    }
    if (make_room(l, address, length))
        return -ENOMEM;
    p = find_place(l, address, length);
    replace(l, p.entry, p.count, 0, length, leaf(length, value));
    l->n_prefixes += is_new;
    return 0;
}

void lpm_erase(struct lpm *l, uint32_t address, unsigned length, unsigned next_length,
               uint32_t next_value)
{
    struct place p;

    if (!length) {
        l->everything = 0;
        return;
    }
    p = find_place(l, address, length);     /* makes nothing: the steps to a prefix are there */
    replace(l, p.entry, p.count, length, length, leaf(next_length, next_value));
    prune(l, &p);
    l->n_prefixes--;
}

void lpm_clear(struct lpm *l)
{
    free(l->root);
    free(l->node);
    *l = (struct lpm){.root_share = l->root_share};
}

uint64_t lpm_memory(const struct lpm *l)
{
    return (l->root_bits ? sizeof *l->root << l->root_bits : 0)
           + (uint64_t)l->max_nodes * sizeof *l->node;
}

/* ---- look-ups ---- */

/*
 * A step of all packets, then the next of those that have one: no load waits for another one of its loop, and no
 * branch for a load. A trie that is small anyway has nothing to wait for.
 */
void lpm_lookup(const struct lpm *l, const uint32_t *address, unsigned n, uint32_t *value)
{
    uint32_t a[BATCH_MAX], entry[BATCH_MAX];
    uint8_t todo[BATCH_MAX];
    unsigned n_todo = 0, shift = 32 - l->root_bits;

    if (l->root_bits <= ROOT_BITS_MIN) {
        const struct lpm own = *l;      /* for all that the compiler knows `value` may be part of *l */

        for (unsigned i = 0; i < n; i++)
            value[i] = lpm_lookup_one(&own, address[i]);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        a[i] = address[i];
        entry[i] = l->root[a[i] >> shift];
        todo[n_todo] = (uint8_t)i;
        n_todo += entry[i] >> 31;
    }
    while (n_todo) {
        unsigned left = 0;

        shift -= LPM_NODE_BITS;
        for (unsigned k = 0; k < n_todo; k++) {
            unsigned i = todo[k];

            entry[i] = node_of(l, entry[i])->entry[a[i] >> shift & (LPM_NODE_SIZE - 1)];
            todo[left] = (uint8_t)i;
            left += entry[i] >> 31;
        }
        n_todo = left;
    }
    for (unsigned i = 0; i < n; i++)
        value[i] = lpm_value(l, entry[i]);
}
