// SPDX-License-Identifier: BSD-2-Clause
/*
 * StaticIPLookup(ADDRESS/MASK [GATEWAY] OUTPUT, ...)
 *
 * LinearIPLookup whose routes cannot be changed. See .manual, ip_route_table.h.
 */
#include "elements/ip/ip_route_table.h"

static void setup(struct element *e)
{
    struct ip_route_table *t = element_as(struct ip_route_table, e);

    t->lpm.root_share = IP_ROUTE_ROOT_SMALL;
}

static const struct argument arguments[] = {IP_ROUTE_TABLE_ARGUMENTS, {0}};

static const struct handler handlers[] = {IP_ROUTE_TABLE_READ_HANDLERS, {0}};

ELEMENT_CLASS(static_ip_lookup) = {
    .name = "StaticIPLookup", .ports = "1/-", .processing = PUSH,
    .size = sizeof(struct ip_route_table), .arguments = arguments, .handlers = handlers,
    .setup = setup, .configure = ip_route_table_configure, .cleanup = ip_route_table_cleanup,
    .push = ip_route_table_push, .push_one = ip_route_table_push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_route_table, drops)),
    .offload = true, .group = "ip",
    .purpose = "routes IP packets by routes that never change",
    .manual = IP_ROUTE_TABLE_MANUAL " Masks need not be prefixes, as with LinearIPLookup.",
};
