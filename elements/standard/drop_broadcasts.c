// SPDX-License-Identifier: BSD-2-Clause
/*
 * drop_broadcasts.c - DropBroadcasts(): drops frames that were broadcast or multicast.
 *
 * Looks at the packet type annotation, which devices and HostEtherFilter set. What it
 * drops goes to output 1 where there is one.
 *
 * Handlers: drops (read).
 */
#include "router/element.h"

struct drop_broadcasts {
    struct element base;
    uint64_t drops;
};

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct drop_broadcasts *d = element_as(struct drop_broadcasts, e);

    if (p->type != PACKET_BROADCAST && p->type != PACKET_MULTICAST)
        return p;
    d->drops++;
    element_push_or_free(e, 1, p);
    return NULL;
}
ELEMENT_ACTION(action)

static const struct handler handlers[] = {
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct drop_broadcasts, drops), .help = "packets dropped"},
    {0},
};

ELEMENT_CLASS(drop_broadcasts) = {
    .name = "DropBroadcasts", .ports = PORTS_1_1X2, .processing = PROCESSING_A_AH,
    .size = sizeof(struct drop_broadcasts), .handlers = handlers, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct drop_broadcasts, drops)),
    .offload = true, .group = "standard", .purpose = "drops frames that were broadcast or multicast",
    .manual = "Looks at the packet type annotation. Dropped packets go to output 1, if it is used.",
};
