// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_route_table.h - what the IP lookup elements share: routes, their handlers, the packet path.
 *
 * An element class is a struct ip_route_table and the functions below; its setup() says which masks it
 * takes and how much memory it may. The table finds a route by its exact prefix in an index, and the best one for an
 * address by a trie (lpm.h) whose values are hops: routes with the same gateway and output share one, so that a
 * packet does not look at its route. Where a mask is no prefix, all routes are looked at.
 */
#ifndef ELEMENTS_IP_IP_ROUTE_TABLE_H
#define ELEMENTS_IP_IP_ROUTE_TABLE_H

#include "elements/ip/lpm.h"
#include "router/element.h"

enum { IP_ROUTE_NONE = -1 };

struct ip_route {
    uint32_t address, mask;         /* network order; address has no bits outside the mask */
    uint32_t gateway;               /* 0: none */
    int32_t port;                   /* IP_ROUTE_NONE: no route, or not told */
};

/* Where a route leads. */
struct ip_route_hop {
    uint32_t gateway;               /* 0: none */
    int32_t port;
    uint32_t users;                 /* routes; 0: free, and `gateway` the next free one */
};

struct ip_route_slot {
    uint32_t address, mask;
    uint32_t hop;                   /* 0: the slot is free, and `address` the next free one, + 1 */
};

enum {
    IP_ROUTE_HOPS_RECENT = 64,
    /* Bytes that the root of the trie may take for each route. */
    IP_ROUTE_ROOT_SMALL = 128, IP_ROUTE_ROOT_LARGE = 2048,
};

struct ip_route_table {
    struct element base;
    bool prefixes_only;             /* masks with holes are refused */
    struct lpm lpm;                 /* all routes whose mask is a prefix */
    unsigned n_holes;               /* the others */
    struct ip_route_slot *slot;
    unsigned n_slots, max_slots;    /* slots in use at some time; room for */
    unsigned n_routes;
    unsigned first_free;            /* slot + 1; 0: none */
    uint32_t *index;                /* hash of prefixes: slot + 1; 0: empty */
    unsigned index_mask;
    struct ip_route_hop *hop;       /* [0]: no route */
    uint32_t n_hops, max_hops;
    uint32_t free_hop;              /* 0: none */
    uint32_t recent[IP_ROUTE_HOPS_RECENT];  /* hops by hash of gateway and output: some, not all */
    uint64_t drops;
    unsigned complaints;
};

/* For classes: adds the routes of the configuration; gives all memory back. */
bool ip_route_table_configure(struct element *e, const struct words *rest, struct errors *errors);
void ip_route_table_cleanup(struct element *e);

/*
 * -EEXIST (unless `replace`), -ENOMEM, or 0. `old` gets the route that was there, or one whose
 * port is IP_ROUTE_NONE.
 */
int ip_route_table_add(struct ip_route_table *table, const struct ip_route *route, bool replace,
                       struct ip_route *old);
/* With a port: only if port and gateway are the same, too. -ENOENT or 0; `old` gets the route. */
int ip_route_table_remove(struct ip_route_table *table, const struct ip_route *route,
                          struct ip_route *old);
/* The hops for n addresses (host order), at most BATCH_MAX. */
void ip_route_table_lookup(const struct ip_route_table *table, const uint32_t *address, unsigned n,
                           uint32_t *hop);

push_function ip_route_table_push;
push_one_function ip_route_table_push_one;

handler_write_function ip_route_table_write_add, ip_route_table_write_set,
    ip_route_table_write_remove, ip_route_table_write_ctrl, ip_route_table_write_flush;
handler_read_function ip_route_table_read_table, ip_route_table_read_lookup;

#define IP_ROUTE_TABLE_READ_HANDLERS                                                             \
    {.name = "table", .flags = HANDLER_EXPENSIVE, .read = ip_route_table_read_table,             \
     .help = "the routes, one a line: ADDRESS/MASK, gateway or -, output"},                      \
    {.name = "lookup", .flags = HANDLER_PARAMETER, .read = ip_route_table_read_lookup,           \
     .help = "the output, and the gateway if there is one, for an address; -1: no route"},       \
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,                                   \
     .offset = offsetof(struct ip_route_table, drops),                                           \
     .help = "packets dropped because there was no route"}

#define IP_ROUTE_TABLE_WRITE_HANDLERS                                                            \
    {.name = "add", .write = ip_route_table_write_add,                                           \
     .help = "adds a route, ADDRESS/MASK [GATEWAY] OUTPUT; fails if its prefix has one"},        \
    {.name = "set", .write = ip_route_table_write_set,                                           \
     .help = "adds a route or replaces the one of its prefix"},                                  \
    {.name = "remove", .write = ip_route_table_write_remove,                                     \
     .help = "removes a route, ADDRESS/MASK [[GATEWAY] OUTPUT]"},                                \
    {.name = "ctrl", .write = ip_route_table_write_ctrl,                                         \
     .help = "a list of add, set and remove commands, one a line; all of them or none"}

#define IP_ROUTE_TABLE_FLUSH_HANDLER                                                             \
    {.name = "flush", .flags = HANDLER_BUTTON, .write = ip_route_table_write_flush,              \
     .help = "removes all routes"}

#define IP_ROUTE_TABLE_ARGUMENTS                                                                 \
    {.name = "ROUTE", .kind = ARG_REST, .help = "ADDRESS/MASK [GATEWAY] OUTPUT"}

#define IP_ROUTE_TABLE_MANUAL                                                                    \
    "Looks up each packet's destination address annotation, sets the annotation to the route's " \
    "gateway if it has one, and sends the packet to the route's output. Each argument is a "     \
    "route: ADDRESS/MASK, an optional gateway (or -), and an output. The longest prefix wins. "  \
    "A packet without a route is dropped."

#endif
