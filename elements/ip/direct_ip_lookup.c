// SPDX-License-Identifier: BSD-2-Clause
/*
 * DirectIPLookup(ADDRESS/MASK [GATEWAY] OUTPUT, ...)
 *
 * RadixIPLookup with memory to spare for short ways. See .manual, ip_route_table.h.
 */
#include "elements/ip/ip_route_table.h"

static void setup(struct element *e)
{
    struct ip_route_table *t = element_as(struct ip_route_table, e);

    t->prefixes_only = true;
    t->lpm.root_share = IP_ROUTE_ROOT_LARGE;
}

static const struct argument arguments[] = {IP_ROUTE_TABLE_ARGUMENTS, {0}};

static const struct handler handlers[] = {
    IP_ROUTE_TABLE_READ_HANDLERS, IP_ROUTE_TABLE_WRITE_HANDLERS, IP_ROUTE_TABLE_FLUSH_HANDLER, {0},
};

ELEMENT_CLASS(direct_ip_lookup) = {
    .name = "DirectIPLookup", .ports = "1/-", .processing = PUSH,
    .size = sizeof(struct ip_route_table), .arguments = arguments, .handlers = handlers,
    .setup = setup, .configure = ip_route_table_configure, .cleanup = ip_route_table_cleanup,
    .push = ip_route_table_push, .push_one = ip_route_table_push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_route_table, drops)),
    .offload = true, .group = "ip",
    .purpose = "routes IP packets by a large flat table: one or two steps each",
    .manual = IP_ROUTE_TABLE_MANUAL " With more than 32,768 routes the first 24 bits of an address choose "
              "the route, or one of a few last steps; that table takes 64 MB. Fewer routes take less "
              "memory: 4 MB from 2,048 on, 256 KB from 128 on. Where there is not so much, look-ups "
              "take more steps, like those of RadixIPLookup. Adding or removing a route of less than "
              "8 bits takes milliseconds then, but for 0.0.0.0/0, which takes no longer than others.",
};
