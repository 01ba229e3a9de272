// SPDX-License-Identifier: BSD-2-Clause
/*
 * offload.h - packets that a device left work to do on: a transport checksum to be filled in, a TCP segment
 * to be cut into several.
 *
 * A virtual device's other side is often in the same machine, where a checksum protects nothing and frames
 * of 1,500 bytes only cost. So it hands over frames with the checksum left blank (PACKET_F_BLANK), and TCP segments
 * as long as an IP packet may be, with the payload that each segment on a wire would have (segment_size).
 *
 * - Elements whose class says `.offload` take such packets as they are: they pass on what they get, and neither read
 *   nor change what would be different on a wire: transport checksums, IP lengths, TCP sequence numbers, nor
 *   addresses and ports, which the blank checksum's start has in it.
 * - To all others packets come finished: what is pushed into them is, on the way (offload_place()).
 * - A device sends them on as they are if its other side takes such frames, else finishes them.
 */
#ifndef ROUTER_OFFLOAD_H
#define ROUTER_OFFLOAD_H

#include "router/element.h"

static inline bool packet_is_unfinished(const struct packet *p)
{
    return (p->flags & PACKET_F_BLANK) | p->segment_size;
}

/* Where the headers stand, in bytes from `data`. */
struct offload_layout {
    uint32_t ip, transport, payload, end;   /* end: of the IP packet, without padding */
    uint8_t protocol;                       /* TCP or UDP */
    bool ip6;
};

/*
 * Finds a TCP or UDP header in IPv4 or IPv6, by the network mark, or from the Ethernet header that the mac mark shows.
 * False: there is none, or it stands in part before `data` or behind the end, or belongs to a fragment.
 */
bool offload_find(const struct packet *p, struct offload_layout *at);

/*
 * One packet cut into what goes onto a wire: give it, then take packets until there are no more. Each has its
 * checksums, marks, annotations and time. What cannot be finished (no such header, no memory) ends it, counted as failed.
 */
struct offload_cut {
    struct packet *whole;               /* NULL: no more */
    struct offload_layout at;
    uint32_t offset;                    /* of the payload that comes next, from at.payload */
    uint64_t failed;                    /* packets of which something was lost; counted on */
};
void offload_cut_begin(struct offload_cut *cut, struct packet *p);
struct packet *offload_cut_next(struct offload_cut *cut);

/*
 * Settles which elements get finished packets only: those that want it, and queues from which such elements pull. For
 * routers whose devices offload; before packets move. False: no memory.
 */
bool offload_place(struct router *r);
/* The entries of elements so settled: finish what comes, then call the class's own. */
push_function offload_push;
push_one_function offload_push_one;

#endif
