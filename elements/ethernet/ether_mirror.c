// SPDX-License-Identifier: BSD-2-Clause
/*
 * EtherMirror()
 *
 * Exchanges the Ethernet addresses of a frame, so that it goes back to its sender.
 */
#include "router/element.h"
#include "router/headers.h"

struct ether_mirror {
    struct element base;
    uint64_t drops;
};

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct ether_mirror *m = element_as(struct ether_mirror, e);
    uint8_t dst[6];

    if (__builtin_expect(p->length < sizeof dst * 2, 0)) {
        m->drops++;
        packet_free(p);
        return NULL;
    }
    p = packet_writable(p);
    if (__builtin_expect(!p, 0)) {
        m->drops++;
        return NULL;
    }
    memcpy(dst, p->data, 6);
    memcpy(p->data, p->data + 6, 6);
    memcpy(p->data + 6, dst, 6);
    return p;
}
ELEMENT_ACTION(action)

static const struct handler handlers[] = {
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = offsetof(struct ether_mirror, drops),
     .help = "frames too short for addresses"},
    {0},
};

ELEMENT_CLASS(ether_mirror) = {
    .name = "EtherMirror", .ports = PORTS_1_1, .processing = AGNOSTIC,
    .size = sizeof(struct ether_mirror), .handlers = handlers, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ether_mirror, drops)),
    .offload = true, .group = "ethernet", .purpose = "exchanges Ethernet source and destination",
};
