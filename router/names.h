// SPDX-License-Identifier: BSD-2-Clause
/*
 * names.h - names for numbers: AddressInfo, PortInfo, protocols, and the well-known ones.
 *
 * A guest has no /etc/services: the well-known names stand in a table here. A name
 * defined in a compound is visible in it and in what it contains.
 */
#ifndef ROUTER_NAMES_H
#define ROUTER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct element;
struct router;

enum name_kind {
    NAME_IP,            /* uint32_t address, network order */
    NAME_IP_PREFIX,     /* struct arg_prefix */
    NAME_ETHER,         /* uint8_t[6] */
    NAME_IP6, NAME_IP6_PREFIX,  /* uint8_t[16]; uint8_t[17], the last byte is the prefix length */
    NAME_TCP_PORT, NAME_UDP_PORT, NAME_IP_PROTO, NAME_ICMP_TYPE, NAME_ANNO,   /* uint32_t */
    NAME_ANNOTATION_SIZE,
    NAME_KINDS
};

enum { NAME_VALUE_MAX = 17 };

/* Defines `name` in the compound of `definer`. 0, -EEXIST (same kind, same scope, other value) or -ENOMEM. */
int names_define(struct element *definer, enum name_kind kind, const char *name,
                 const void *value, size_t size);
/* Looks in the scope of `user` and outwards, then among the well-known. */
bool names_find(const struct element *user, enum name_kind kind, const char *name, void *value,
                size_t size);
/* The well-known name of a number, or NULL. */
const char *names_of(enum name_kind kind, uint32_t value);
void names_free(struct router *router);

#endif
