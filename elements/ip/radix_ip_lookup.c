// SPDX-License-Identifier: BSD-2-Clause
/*
 * RadixIPLookup(ADDRESS/MASK [GATEWAY] OUTPUT, ...)
 *
 * Routes packets by a trie: eight bits of the address choose among 256 entries of the root, each
 * further four among 16 of a node, so a look-up reads 7 entries at most and about 3 for common
 * tables. An entry has the best route whose prefix ends in its node, and the
 * node below. A prefix that ends inside a node's bits stands in all entries that it
 * covers, unless a longer one of the same node is there; when it goes, the table's index
 * of prefixes tells what takes its place.
 *
 * Memory: 2 KB, and 128 bytes for each node; nodes that no route needs any more are used again.
 */
#include <stdlib.h>
#include <string.h>

#include "elements/ip/ip_route_table.h"
#include "router/headers.h"

enum { ROOT_BITS = 8, NODE_BITS = 4, NODE_SIZE = 1 << NODE_BITS };

struct entry {
    uint32_t route;             /* slot + 1; 0: none */
    uint32_t child;             /* node number; 0: none */
};

struct node {
    struct entry entry[NODE_SIZE];
};

struct radix_ip_lookup {
    struct ip_route_table table;
    struct entry root[1 << ROOT_BITS];
    struct node *node;          /* [0] is nobody */
    uint32_t *users;            /* per node: routes that end in it, and children */
    uint32_t n_nodes, max_nodes;
    uint32_t free_node;         /* a list by the first entry's child; 0: empty */
};

static inline struct radix_ip_lookup *radix_of(const struct ip_route_table *table)
{
    return (struct radix_ip_lookup *)((char *)table - offsetof(struct radix_ip_lookup, table));
}

static unsigned prefix_length(uint32_t mask)
{
    return (unsigned)__builtin_popcount(mask);
}

/* ---- nodes ---- */

/* 0: out of memory. Moves the nodes: pointers into them are void afterwards. */
static uint32_t new_node(struct radix_ip_lookup *r)
{
    uint32_t n = r->free_node;

    if (n) {
        r->free_node = r->node[n].entry[0].child;
    } else {
        if (r->n_nodes + 1 >= r->max_nodes) {
            uint32_t max = r->max_nodes ? 2 * r->max_nodes : 8;
            struct node *node = realloc(r->node, max * sizeof *node);
            uint32_t *users = node ? realloc(r->users, max * sizeof *users) : NULL;

            if (node)
                r->node = node;
            if (!users)
                return 0;
            r->users = users;
            r->max_nodes = max;
        }
        n = ++r->n_nodes;
    }
    memset(&r->node[n], 0, sizeof r->node[n]);
    r->users[n] = 0;
    return n;
}

static void free_node(struct radix_ip_lookup *r, uint32_t n)
{
    r->node[n].entry[0].child = r->free_node;
    r->free_node = n;
}

/* ---- the path to a prefix ---- */

/*
 * The node in which a prefix of `length` bits ends, 0 for the root; `path` gets the nodes on the
 * way and `*depth` how many. With `make` missing ones are made: CANNOT when memory runs out.
 */
enum { PATH_MAX_NODES = (32 - ROOT_BITS) / NODE_BITS };
#define CANNOT UINT32_MAX

static struct entry *entry_at(struct radix_ip_lookup *r, uint32_t n, uint32_t address,
                              unsigned bits)
{
    /* `bits` of the address are used up before node n (0: the root) looks at it. */
    if (!n)
        return &r->root[address >> (32 - ROOT_BITS)];
    return &r->node[n].entry[address >> (32 - NODE_BITS - bits) & (NODE_SIZE - 1)];
}

/* Gives back the nodes at the end of the path that nobody needs. */
static void prune(struct radix_ip_lookup *r, uint32_t address, const uint32_t *path,
                  unsigned depth)
{
    while (depth && !r->users[path[depth - 1]]) {
        uint32_t parent = depth > 1 ? path[depth - 2] : 0;
        unsigned bits = depth > 1 ? ROOT_BITS + (depth - 2) * NODE_BITS : 0;

        entry_at(r, parent, address, bits)->child = 0;
        free_node(r, path[depth - 1]);
        if (parent)
            r->users[parent]--;
        depth--;
    }
}

static uint32_t walk(struct radix_ip_lookup *r, uint32_t address, unsigned length, bool make,
                     uint32_t path[PATH_MAX_NODES], unsigned *depth)
{
    uint32_t n = 0;
    unsigned bits = 0, next = ROOT_BITS;

    *depth = 0;
    while (length > next) {
        uint32_t child = entry_at(r, n, address, bits)->child;

        if (!child && make) {
            child = new_node(r);
            if (!child) {
                prune(r, address, path, *depth);
                return CANNOT;
            }
            entry_at(r, n, address, bits)->child = child;
            if (n)
                r->users[n]++;
        }
        n = child;
        path[(*depth)++] = n;
        bits = next;
        next += NODE_BITS;
    }
    return n;
}

/* The entries of the node that a prefix ending in it covers. */
static struct entry *covered(struct radix_ip_lookup *r, uint32_t n, uint32_t address,
                             unsigned length, unsigned depth, unsigned *count)
{
    unsigned bits = n ? ROOT_BITS + (depth - 1) * NODE_BITS : 0;
    unsigned end = n ? bits + NODE_BITS : ROOT_BITS;

    *count = 1u << (end - length);
    return entry_at(r, n, address, bits);   /* the first: address has no further bits */
}

/* ---- the engine ---- */

static int insert(struct ip_route_table *table, unsigned slot)
{
    struct radix_ip_lookup *r = radix_of(table);
    const struct ip_route *route = table->route;
    uint32_t address = be32(route[slot].address), path[PATH_MAX_NODES];
    unsigned length = prefix_length(route[slot].mask), depth, count;
    uint32_t n = walk(r, address, length, true, path, &depth);
    struct entry *entry;

    if (n == CANNOT)
        return -ENOMEM;
    if (n)
        r->users[n]++;
    entry = covered(r, n, address, length, depth, &count);
    for (unsigned i = 0; i < count; i++)
        if (!entry[i].route || prefix_length(route[entry[i].route - 1].mask) < length)
            entry[i].route = slot + 1;
    return 0;
}

/* The longest prefix shorter than `length` that ends in the same node and covers the address. */
static uint32_t next_best(const struct ip_route_table *table, uint32_t address, unsigned length,
                          unsigned shortest)
{
    while (length > shortest) {
        uint32_t mask = --length ? UINT32_MAX << (32 - length) : 0;
        int slot = ip_route_table_find(table, be32(address & mask), be32(mask));

        if (slot >= 0)
            return (uint32_t)slot + 1;
    }
    return 0;
}

static void erase(struct ip_route_table *table, unsigned slot)
{
    struct radix_ip_lookup *r = radix_of(table);
    uint32_t address = be32(table->route[slot].address), path[PATH_MAX_NODES], instead;
    unsigned length = prefix_length(table->route[slot].mask), depth, count;
    uint32_t n = walk(r, address, length, false, path, &depth);
    struct entry *entry = covered(r, n, address, length, depth, &count);

    instead = next_best(table, address, length,
                        n ? ROOT_BITS + (depth - 1) * NODE_BITS + 1 : 0);
    for (unsigned i = 0; i < count; i++)
        if (entry[i].route == slot + 1)
            entry[i].route = instead;
    if (n) {
        r->users[n]--;
        prune(r, address, path, depth);
    }
}

static void lookup(const struct ip_route_table *table, const uint32_t *address, unsigned n,
                   int *slot)
{
    const struct radix_ip_lookup *r = radix_of(table);

    for (unsigned i = 0; i < n; i++) {
        uint32_t a = be32(address[i]);
        const struct entry *entry = &r->root[a >> (32 - ROOT_BITS)];
        uint32_t best = entry->route;

        a <<= ROOT_BITS;
        while (entry->child) {
            entry = &r->node[entry->child].entry[a >> (32 - NODE_BITS)];
            best = entry->route ? entry->route : best;
            a <<= NODE_BITS;
        }
        slot[i] = (int)best - 1;
    }
}

static const struct ip_route_engine engine = {
    .prefixes_only = true, .insert = insert, .erase = erase, .lookup = lookup,
};

/* ---- the element ---- */

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct ip_route_table *t = element_as(struct ip_route_table, e);

    t->engine = &engine;
    return ip_route_table_configure(t, rest, errors);
}

static void forget(struct radix_ip_lookup *r)
{
    ip_route_table_clear(&r->table);
    free(r->node);
    free(r->users);
    r->node = NULL;
    r->users = NULL;
    r->n_nodes = r->max_nodes = r->free_node = 0;
    memset(r->root, 0, sizeof r->root);
}

static void cleanup(struct element *e)
{
    forget(radix_of(element_as(struct ip_route_table, e)));
}

static int flush(struct element *e, const struct handler_call *call)
{
    (void)call;
    forget(radix_of(element_as(struct ip_route_table, e)));
    return 0;
}

static const struct argument arguments[] = {IP_ROUTE_TABLE_ARGUMENTS, {0}};

static const struct handler handlers[] = {
    IP_ROUTE_TABLE_READ_HANDLERS, IP_ROUTE_TABLE_WRITE_HANDLERS,
    {.name = "flush", .flags = HANDLER_BUTTON, .write = flush, .help = "removes all routes"},
    {0},
};

ELEMENT_CLASS(radix_ip_lookup) = {
    .name = "RadixIPLookup", .ports = "1/-", .processing = PUSH,
    .size = sizeof(struct radix_ip_lookup), .arguments = arguments, .handlers = handlers,
    .configure = configure, .cleanup = cleanup,
    .push = ip_route_table_push, .push_one = ip_route_table_push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_route_table, drops)),
    .group = "ip",
    .purpose = "routes IP packets by a trie of routes: the one to take",
    .manual = IP_ROUTE_TABLE_MANUAL " A look-up takes seven steps at most, whatever the number "
              "of routes, and memory grows with it: 2 KB for an empty table.",
};
