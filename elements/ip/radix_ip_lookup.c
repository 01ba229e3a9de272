// SPDX-License-Identifier: BSD-2-Clause
/*
 * RadixIPLookup(ADDRESS/MASK [GATEWAY] OUTPUT, ...)
 *
 * Routes packets by a trie that grows with the number of routes. See .manual, ip_route_table.h.
 */
#include "elements/ip/ip_route_table.h"

static void setup(struct element *e)
{
    struct ip_route_table *t = element_as(struct ip_route_table, e);

    t->prefixes_only = true;
    t->lpm.root_share = IP_ROUTE_ROOT_SMALL;
}

static const struct argument arguments[] = {IP_ROUTE_TABLE_ARGUMENTS, {0}};

static const struct handler handlers[] = {
    IP_ROUTE_TABLE_READ_HANDLERS, IP_ROUTE_TABLE_WRITE_HANDLERS, IP_ROUTE_TABLE_FLUSH_HANDLER, {0},
};

ELEMENT_CLASS(radix_ip_lookup) = {
    .name = "RadixIPLookup", .ports = "1/-", .processing = PUSH,
    .size = sizeof(struct ip_route_table), .arguments = arguments, .handlers = handlers,
    .setup = setup, .configure = ip_route_table_configure, .cleanup = ip_route_table_cleanup,
    .push = ip_route_table_push, .push_one = ip_route_table_push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_route_table, drops)),
    .offload = true, .group = "ip",
    .purpose = "routes IP packets by a trie of routes: the one to take",
    .manual = IP_ROUTE_TABLE_MANUAL " A look-up takes seven steps at most, two or three as a rule, and "
              "memory grows with the number of routes: 2 KB for an empty table, some 100 bytes for "
              "each of many routes. DirectIPLookup takes more memory and fewer steps.",
};
