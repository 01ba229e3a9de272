// SPDX-License-Identifier: BSD-2-Clause
/*
 * unstrip.c - Unstrip(LENGTH): puts LENGTH bytes back in front of each packet.
 *
 * Bytes that Strip removed come back as they were. Where there is no room in front, the
 * new bytes are zero; when the pool has no buffer for that, the packet is dropped.
 *
 * Handlers: drops (read).
 */
#include <string.h>

#include "router/element.h"

struct unstrip {
    struct element base;
    uint32_t length;
    uint64_t drops;
};

static struct packet *make_room(struct unstrip *u, struct packet *p)
{
    uint32_t missing = u->length - packet_headroom(p);

    packet_unpull(p, packet_headroom(p));
    p = missing > PACKET_LENGTH_MAX ? (packet_free(p), NULL) : packet_push(p, missing);
    if (p)
        memset(p->data, 0, missing);
    else
        u->drops++;
    return p;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct unstrip *u = element_as(struct unstrip, e);

    if (__builtin_expect(u->length > packet_headroom(p), 0))
        return make_room(u, p);
    packet_unpull(p, u->length);
    return p;
}
ELEMENT_ACTION(action)

static const struct argument arguments[] = {
    {.name = "LENGTH", .kind = ARG_REQUIRED, .type = &arg_unsigned,
     .offset = offsetof(struct unstrip, length), .help = "bytes to put back"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct unstrip, drops), .help = "packets dropped for lack of memory"},
    {0},
};

ELEMENT_CLASS(unstrip) = {
    .name = "Unstrip", .ports = PORTS_1_1, .processing = AGNOSTIC, .size = sizeof(struct unstrip),
    .arguments = arguments, .handlers = handlers, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct unstrip, drops)),
    .offload = true, .group = "standard", .purpose = "puts bytes back in front of packets",
    .manual = "Bytes that Strip removed come back as they were; others are zero.",
};
