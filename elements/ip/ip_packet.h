// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_packet.h - the IPv4 header of a packet, safely.
 *
 * A frame's page may be granted to a backend that can change it under our eyes, so an
 * element cannot rely on what CheckIPHeader saw: it reads the header length once, here,
 * and bounds what it does by that and by the packet's end.
 */
#ifndef ELEMENTS_IP_PACKET_H
#define ELEMENTS_IP_PACKET_H

#include "router/headers.h"
#include "router/packet.h"

struct ip_view {
    struct ip_header *ip;
    uint32_t header_length;         /* 20 to 60, all of it inside the packet */
    uint32_t length;                /* bytes from the IP header to the packet's end */
};

/* False: no network mark, or not a whole IPv4 header from there to the packet's end. */
static inline bool ip_packet_view(const struct packet *p, struct ip_view *view)
{
    view->length = packet_network_length(p);
    if (__builtin_expect(view->length < sizeof(struct ip_header), 0))
        return false;
    view->ip = (struct ip_header *)p->network;
    view->header_length = (*(volatile const uint8_t *)&view->ip->version_ihl & 15u) * 4;
    return __builtin_expect(view->header_length >= sizeof(struct ip_header) &&
                            view->header_length <= view->length, 1);
}

static inline uint8_t *ip_packet_payload(const struct ip_view *view)
{
    return (uint8_t *)view->ip + view->header_length;
}

/*
 * Bytes of IP payload that are there: what the header's total length says, never more
 * than the packet has (padding is not payload, and a lie is not believed).
 */
static inline uint32_t ip_packet_payload_length(const struct ip_view *view)
{
    uint32_t total = be16_get(&view->ip->total_length);

    if (total > view->length)
        total = view->length;
    return total > view->header_length ? total - view->header_length : 0;
}

/* 224.0.0.0/4; the address as it stands in the frame. */
static inline bool ip_is_multicast(uint32_t address)
{
    return (address & be32(0xF0000000)) == be32(0xE0000000);
}

#endif
