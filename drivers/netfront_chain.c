// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_chain.c - a received frame that takes more than one slot of the ring.
 *
 * After its first slot come descriptions ("extra info", each in the place of an answer), if its flags say so, then the
 * pages with the rest of it. Slots may be answered at any time, so what there is of a frame waits for the next look.
 *
 * - A frame of several pages is copied into one of the pool's large buffers: elements read packets whole, and 64 KB
 *   that were copied once cost less than forty frames.
 * - The first thing that is wrong decides what the frame is dropped for; the rest of it is skipped.
 * - A frame that does not end is dropped at NETFRONT_CHAIN_MAX slots, and what follows is still its rest.
 */
#include <string.h>

#include "drivers/netfront.h"

enum { SEGMENT_MIN = 64 };      /* less would make thousands of packets of one */

static void spoil(struct netfront_chain *c, unsigned reason)
{
    if (c->packet)
        packet_free(c->packet);
    c->packet = NULL;
    if (c->reason == DROP_REASONS)
        c->reason = reason;
}

static bool append(struct netfront_chain *c, const uint8_t *bytes, uint32_t n)
{
    if (n > packet_tailroom(c->packet) || c->packet->length + n > PACKET_LENGTH_MAX)
        return false;
    memcpy(packet_end(c->packet), bytes, n);
    c->packet->length += n;
    return true;
}

void netfront_chain_begin(struct netfront_chain *c, const netif_rx_response_t *r, unsigned reason)
{
    *c = (struct netfront_chain){
        .reason = reason, .flags = r->flags, .slots = 1,
        .more = r->flags & NETRXF_more_data, .extra = r->flags & NETRXF_extra_info,
    };
}

void netfront_chain_start_copy(struct netfront_chain *c, const uint8_t *bytes, uint32_t n)
{
    c->packet = packet_make(PACKET_HEADROOM, NULL, 0, PACKET_LARGE_CAPACITY - PACKET_HEADROOM);
    if (c->packet && (c->packet->flags & PACKET_F_HEAP))
        spoil(c, DROP_NO_BUFFER);        /* it could never be sent on */
    else if (!c->packet)
        c->reason = DROP_NO_BUFFER;
    else
        append(c, bytes, n);
}

/* One description. Those that we know nothing of (hashes) do not matter. */
static void add_extra(struct netfront_chain *c, const struct netif_extra_info *extra, unsigned features)
{
    unsigned needs = extra->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4 ? NETFRONT_GSO4
                   : extra->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6 ? NETFRONT_GSO6 : ~0u;

    c->extra = extra->flags & XEN_NETIF_EXTRA_FLAG_MORE;
    if (extra->type != XEN_NETIF_EXTRA_TYPE_GSO || c->reason != DROP_REASONS)
        return;
    if ((features & needs) != needs || extra->u.gso.size < SEGMENT_MIN)
        spoil(c, DROP_BAD_EXTRA);
    else
        c->segment_size = extra->u.gso.size;
}

static void add_page(struct netfront_chain *c, const netif_rx_response_t *r, unsigned reason, const uint8_t *page)
{
    c->more = r->flags & NETRXF_more_data;
    if (c->reason != DROP_REASONS)
        return;
    if (reason != DROP_REASONS)
        spoil(c, reason);
    else if (!append(c, page + r->offset, (uint32_t)r->status))
        spoil(c, DROP_CHAINED);
}

void netfront_chain_add(struct netfront_chain *c, const netif_rx_response_t *r, unsigned reason, const uint8_t *page,
                        unsigned features)
{
    _Static_assert(sizeof *r == sizeof(struct netif_extra_info), "one stands in the place of the other");

    if (++c->slots > NETFRONT_CHAIN_MAX)
        spoil(c, DROP_CHAINED);
    if (c->extra) {
        struct netif_extra_info extra;

        memcpy(&extra, r, sizeof extra);
        add_extra(c, &extra, features);
    } else {
        add_page(c, r, reason, page);
    }
}

void netfront_chain_drop(struct netfront_chain *c)
{
    if (c->packet)
        packet_free(c->packet);
    *c = (struct netfront_chain){.reason = DROP_REASONS};
}
