// SPDX-License-Identifier: BSD-2-Clause
/*
 * LinearIPLookup(ADDRESS/MASK [GATEWAY] OUTPUT, ...)
 *
 * Routes packets by looking at every route: for small tables. See .manual, ip_route_table.h.
 */
#include "elements/ip/linear_lookup.h"

static const struct argument arguments[] = {IP_ROUTE_TABLE_ARGUMENTS, {0}};

static const struct handler handlers[] = {
    IP_ROUTE_TABLE_READ_HANDLERS, IP_ROUTE_TABLE_WRITE_HANDLERS, {0},
};

ELEMENT_CLASS(linear_ip_lookup) = {
    .name = "LinearIPLookup", .ports = "1/-", .processing = PUSH,
    .size = sizeof(struct ip_route_table), .arguments = arguments, .handlers = handlers,
    .configure = linear_lookup_configure, .cleanup = linear_lookup_cleanup,
    .push = ip_route_table_push, .push_one = ip_route_table_push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_route_table, drops)),
    .group = "ip",
    .purpose = "routes IP packets by a list of routes, in time proportional to its length",
    .manual = IP_ROUTE_TABLE_MANUAL " Masks need not be prefixes. For more than a handful of "
              "routes RadixIPLookup is the better choice.",
};
