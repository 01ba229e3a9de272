// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_route_table.h - what the IP lookup elements share: routes, their handlers, the packet path.
 *
 * An element class is a struct that begins with struct ip_route_table, an engine
 * that answers look-ups, and the functions below. The table owns the routes and finds one by its
 * exact prefix; the engine is told of every change and finds the best route for an address.
 */
#ifndef ELEMENTS_IP_IP_ROUTE_TABLE_H
#define ELEMENTS_IP_IP_ROUTE_TABLE_H

#include "router/element.h"

enum { IP_ROUTE_NONE = -1 };

struct ip_route {
    uint32_t address, mask;         /* network order; address has no bits outside the mask */
    uint32_t gateway;               /* 0: none */
    int32_t port;                   /* IP_ROUTE_NONE: the slot is free */
};

struct ip_route_table;

struct ip_route_engine {
    bool prefixes_only;             /* masks with holes are refused */
    /* Route `slot` was added: 0 or -ENOMEM, then nothing has changed. NULL: no need to know. */
    int (*insert)(struct ip_route_table *table, unsigned slot);
    /* Route `slot` is about to go. */
    void (*erase)(struct ip_route_table *table, unsigned slot);
    /* The slots of the best routes for addresses (network order), or IP_ROUTE_NONE. */
    void (*lookup)(const struct ip_route_table *table, const uint32_t *address, unsigned n,
                   int *slot);
};

struct ip_route_table {
    struct element base;
    const struct ip_route_engine *engine;
    struct ip_route *route;
    unsigned n_slots, max_slots;    /* slots in use at some time; room for */
    unsigned n_routes;
    int first_free;                 /* slot; its `address` is the next free one, + 1 */
    uint32_t *index;                /* hash of prefixes: slot + 1; 0: empty */
    unsigned index_mask;
    uint64_t drops;
    unsigned complaints;
};

/* Adds the routes of a configuration; call from configure() with engine set. */
bool ip_route_table_configure(struct ip_route_table *table, const struct words *rest,
                              struct errors *errors);
/* Forgets all routes; the engine has forgotten them already. */
void ip_route_table_clear(struct ip_route_table *table);

/* The slot of the route with exactly this prefix, or IP_ROUTE_NONE. */
int ip_route_table_find(const struct ip_route_table *table, uint32_t address, uint32_t mask);
/*
 * -EEXIST (unless `replace`), -ENOMEM, or 0. `old` gets the route that was there, or one whose
 * port is IP_ROUTE_NONE.
 */
int ip_route_table_add(struct ip_route_table *table, const struct ip_route *route, bool replace,
                       struct ip_route *old);
/* With a port: only if port and gateway are the same, too. -ENOENT or 0; `old` gets the route. */
int ip_route_table_remove(struct ip_route_table *table, const struct ip_route *route,
                          struct ip_route *old);

push_function ip_route_table_push;
push_one_function ip_route_table_push_one;

handler_write_function ip_route_table_write_add, ip_route_table_write_set,
    ip_route_table_write_remove, ip_route_table_write_ctrl;
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

#define IP_ROUTE_TABLE_ARGUMENTS                                                                 \
    {.name = "ROUTE", .kind = ARG_REST, .help = "ADDRESS/MASK [GATEWAY] OUTPUT"}

#define IP_ROUTE_TABLE_MANUAL                                                                    \
    "Looks up each packet's destination address annotation, sets the annotation to the route's " \
    "gateway if it has one, and sends the packet to the route's output. Each argument is a "     \
    "route: ADDRESS/MASK, an optional gateway (or -), and an output. The longest prefix wins. "  \
    "A packet without a route is dropped."

#endif
