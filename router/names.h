// SPDX-License-Identifier: BSD-2-Clause
/*
 * names.h - names for numbers: AddressInfo, PortInfo, protocols, and the well-known ones.
 *
 * A guest has no /etc/services: the well-known names stand in a table here. A process knows those of its
 * system besides. A name defined in a compound is visible in it and in what it contains.
 */
#ifndef ROUTER_NAMES_H
#define ROUTER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct element;
struct errors;
struct words;
struct router;

enum name_kind {
    NAME_IP,            /* uint32_t address, network order */
    NAME_IP_PREFIX,     /* struct arg_prefix */
    NAME_ETHER,         /* uint8_t[6] */
    NAME_IP6, NAME_IP6_PREFIX,  /* uint8_t[16]; uint8_t[17], the last byte is the prefix length */
    /* These and all below: uint32_t. */
    NAME_TCP_PORT, NAME_UDP_PORT, NAME_IP_PROTO, NAME_ICMP_TYPE,
    NAME_ICMP_UNREACHABLE_CODE, NAME_ICMP_REDIRECT_CODE, NAME_ICMP_TIME_EXCEEDED_CODE,
    NAME_ICMP_PARAMETER_PROBLEM_CODE,
    NAME_ANNO,          /* offset, and the size in the upper 16 bits */
    NAME_REWRITER_PATTERN,          /* struct rewriter_pattern *; see elements/ip/rewriter_pattern.h */
    NAME_TICKETS,       /* ScheduleInfo: of an element or compound, TASK_TICKETS_DEFAULT is 1 */
    NAME_KINDS
};

/* Click's names for sets of protocols, outside of the 8 bits that IP has. */
enum {
    NAMES_PROTO_TCP_OR_UDP = 256,       /* "tcpudp" */
    NAMES_PROTO_TRANSPORT = 257,        /* "transp": TCP, UDP, DCCP and the like: those with ports */
    NAMES_PROTO_PAYLOAD = 258,          /* "payload" */
};

enum { NAME_VALUE_MAX = 17 };

/*
 * configure() of a class whose arguments each define something: calls `define` with the words of each,
 * also after one that was wrong.
 */
bool names_configure(struct element *e, const struct words *rest, struct errors *errors,
                     bool (*define)(struct element *e, const struct words *words,
                                    struct errors *errors));

/*
 * Defines `name` in the compound of `definer`; the last definition counts. 0, -EINVAL (size)
 * or -ENOMEM.
 */
int names_define(struct element *definer, enum name_kind kind, const char *name,
                 const void *value, size_t size);
/*
 * Looks in the scope of `user` (may be NULL) and outwards, then among the well-known and the system's.
 * Addresses know Click's suffixes: name:ip, name:bcast and name:gw (of the prefix),
 * name:net, name:eth, name:ip6, name:ip6net.
 */
bool names_find(const struct element *user, enum name_kind kind, const char *name, void *value,
                size_t size);
/*
 * The tickets that ScheduleInfo gives an element's task: its own times those of the
 * compounds around it; TASK_TICKETS_DEFAULT when nobody said.
 */
uint32_t names_tickets(const struct element *e);
/* The well-known name of a number, or NULL. */
const char *names_of(enum name_kind kind, uint32_t value);
void names_free(struct router *router);

#endif
