// SPDX-License-Identifier: BSD-2-Clause
/*
 * LinearIPLookup(ADDRESS/MASK [GATEWAY] OUTPUT, ...)
 *
 * Routes packets by routes whose masks may be anything. See .manual, ip_route_table.h.
 */
#include "elements/ip/ip_route_table.h"

static void setup(struct element *e)
{
    struct ip_route_table *t = element_as(struct ip_route_table, e);

    t->lpm.root_share = IP_ROUTE_ROOT_SMALL;
}

static const struct argument arguments[] = {IP_ROUTE_TABLE_ARGUMENTS, {0}};

static const struct handler handlers[] = {
    IP_ROUTE_TABLE_READ_HANDLERS, IP_ROUTE_TABLE_WRITE_HANDLERS, {0},
};

ELEMENT_CLASS(linear_ip_lookup) = {
    .name = "LinearIPLookup", .ports = "1/-", .processing = PUSH,
    .size = sizeof(struct ip_route_table), .arguments = arguments, .handlers = handlers,
    .setup = setup, .configure = ip_route_table_configure, .cleanup = ip_route_table_cleanup,
    .push = ip_route_table_push, .push_one = ip_route_table_push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_route_table, drops)),
    .offload = true, .group = "ip",
    .purpose = "routes IP packets by routes whose masks may have holes",
    .manual = IP_ROUTE_TABLE_MANUAL " Masks need not be prefixes; while one is not, each packet is compared "
              "with every route. Without such masks it is as quick as RadixIPLookup.",
};
