// SPDX-License-Identifier: BSD-2-Clause
/*
 * MarkIPHeader([OFFSET])
 *
 * Says that the IP header begins OFFSET bytes into the packet. Nothing is checked beyond
 * there being a byte to read the header length from: a packet shorter than that loses its marks.
 */
#include "elements/ip/ip_packet.h"
#include "router/element.h"

struct mark_ip_header {
    struct element base;
    uint32_t offset;
};

static inline struct packet *action(struct element *e, struct packet *p)
{
    uint32_t offset = element_as(struct mark_ip_header, e)->offset;

    if (offset < p->length) {
        const struct ip_header *ip = (const struct ip_header *)(p->data + offset);
        uint32_t header_length = ip_header_length(ip);

        p->network = p->data + offset;
        p->transport = header_length <= p->length - offset ? p->network + header_length : NULL;
    } else {
        p->network = p->transport = NULL;
    }
    return p;
}
ELEMENT_ACTION(action)

static const struct argument arguments[] = {
    {"OFFSET", ARG_OPTIONAL, &arg_unsigned, offsetof(struct mark_ip_header, offset), .max = 65535,
     .help = "where the IP header begins, bytes; default 0"},
    {0},
};

ELEMENT_CLASS(mark_ip_header) = {
    .name = "MarkIPHeader", .ports = PORTS_1_1, .processing = AGNOSTIC,
    .size = sizeof(struct mark_ip_header), .arguments = arguments, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .offload = true, .group = "ip", .purpose = "marks the IP header without checking it",
    .manual = "For packets that are known to be IPv4. Use CheckIPHeader for those that come from "
              "outside.",
};
