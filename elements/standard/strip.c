// SPDX-License-Identifier: BSD-2-Clause
/*
 * strip.c - Strip(LENGTH): removes LENGTH bytes from the front of each packet.
 *
 * A shorter packet loses all its bytes and goes on, empty, as in Click.
 */
#include "router/element.h"

struct strip {
    struct element base;
    uint32_t length;
};

static inline struct packet *action(struct element *e, struct packet *p)
{
    uint32_t n = element_as(struct strip, e)->length;

    packet_pull(p, n < p->length ? n : p->length);
    return p;
}
ELEMENT_ACTION(action)

static const struct argument arguments[] = {
    {.name = "LENGTH", .kind = ARG_REQUIRED, .type = &arg_unsigned,
     .offset = offsetof(struct strip, length), .help = "bytes to remove"},
    {0},
};

ELEMENT_CLASS(strip) = {
    .name = "Strip", .ports = PORTS_1_1, .processing = AGNOSTIC, .size = sizeof(struct strip),
    .arguments = arguments, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .offload = true, .group = "standard", .purpose = "removes bytes from the front of packets",
    .manual = "A packet that is shorter loses all its bytes and goes on, empty. See also Unstrip.",
};
