// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_address_list.h - argument types for lists of addresses: "1.0.0.1 1.0.0.255".
 *
 * Lists are the few addresses of one router, so they are searched one by one: up to
 * sixteen share a cache line.
 */
#ifndef ELEMENTS_IP_ADDRESS_LIST_H
#define ELEMENTS_IP_ADDRESS_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "router/args.h"

struct ip_address_list {
    uint32_t *address;              /* network order, malloc'ed */
    uint32_t n;
};

/* What an INTERFACES argument means (RFC 1812, 4.2.2.11 and 5.3.7). */
struct ip_interfaces {
    struct ip_address_list broadcast;   /* of each subnet, and 0.0.0.0, 255.255.255.255 */
    struct ip_address_list own;
    struct ip_address_list mask;        /* one for each of own */
};

extern const struct arg_type
    arg_ip_address_list,            /* struct ip_address_list: addresses separated by space */
    arg_ip_interfaces;              /* struct ip_interfaces: address/prefix separated by space */

/* The address in network order. */
static inline bool ip_address_list_has(const struct ip_address_list *list, uint32_t address)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->address[i] == address)
            return true;
    return false;
}

#endif
