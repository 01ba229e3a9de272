// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_ring.c - the fast half of a vif: packets in and out of the rings.
 *
 * - A buffer's page is lent to the backend once and for ever (buffer_grant()), so neither receiving
 *   nor sending asks Xen for anything but the notification, and that only when the ring macros say
 *   that the backend sleeps.
 * - Every receive slot that was used is filled again at once. When the pool is empty the frame is
 *   dropped and its own buffer posted again: the ring never runs dry.
 * - Answers come in the order of requests, so the slot's index says which packet it is; the id that
 *   the backend wrote must agree.
 * - The ring lies in memory that the backend writes: each field is copied once, then checked.
 */
#include <errno.h>
#include <string.h>

#include "drivers/netfront.h"
#include "platform/platform.h"

enum { MASK = NETFRONT_SLOTS - 1, ETHER_HEADER = 14, VLAN_TAG = 4 };

static void *ring_page(struct vif *vif, uint32_t *reference)
{
    void *page = pages_alloc(1);

    if (!page)
        return NULL;
    memset(page, 0, PAGE_SIZE);
    *reference = grant_page(vif->backend_domain, page, false);
    if (*reference == GRANT_NONE) {
        pages_free(page);
        return NULL;
    }
    return page;
}

/* Puts a buffer into the next receive slot; false: it cannot be lent. */
static bool post(struct vif *vif, struct packet *p)
{
    RING_IDX index = vif->rx.req_prod_pvt;
    netif_rx_request_t *request = RING_GET_REQUEST(&vif->rx, index);
    uint32_t reference = buffer_grant(vif->backend_domain, p->head);

    if (reference == GRANT_NONE)
        return false;
    request->id = index & MASK;
    request->pad = 0;
    request->gref = reference;
    vif->rx_packet[index & MASK] = p;
    vif->rx.req_prod_pvt = index + 1;
    return true;
}

int netfront_rings_open(struct vif *vif, unsigned buffers)
{
    netif_rx_sring_t *rx = ring_page(vif, &vif->rx_reference);
    netif_tx_sring_t *tx = rx ? ring_page(vif, &vif->tx_reference) : NULL;

    if (!tx) {
        if (rx)
            grant_revoke_later(vif->rx_reference, rx);
        return -ENOMEM;
    }
    XEN_FRONT_RING_INIT(&vif->rx, rx, PAGE_SIZE);
    XEN_FRONT_RING_INIT(&vif->tx, tx, PAGE_SIZE);
    vif->broken = vif->rx_skip_more = vif->rx_skip_extra = false;
    for (unsigned i = 0; i < NETFRONT_SLOTS; i++)
        vif->tx_free[i] = (uint16_t)(NETFRONT_SLOTS - 1 - i);
    vif->tx_n_free = NETFRONT_SLOTS;

    for (vif->rx_posted = 0; vif->rx_posted < buffers && vif->rx_posted < NETFRONT_SLOTS;
         vif->rx_posted++) {
        struct packet *p = packet_new();
        if (!p)
            break;
        if (!post(vif, p)) {
            packet_free(p);
            break;
        }
    }
    RING_PUSH_REQUESTS(&vif->rx);
    if (vif->rx_posted == 0) {
        netfront_rings_close(vif);
        return -ENOMEM;
    }
    return 0;
}

/* Pool pages stay lent to this backend, so their packets may go back whatever it still does. */
void netfront_rings_close(struct vif *vif)
{
    for (unsigned i = 0; i < NETFRONT_SLOTS; i++) {
        if (vif->rx_packet[i])
            packet_free(vif->rx_packet[i]);
        if (vif->tx_packet[i])
            packet_free(vif->tx_packet[i]);
        vif->rx_packet[i] = vif->tx_packet[i] = NULL;
    }
    vif->rx_posted = 0;
    grant_revoke_later(vif->rx_reference, vif->rx.sring);
    grant_revoke_later(vif->tx_reference, vif->tx.sring);
    vif->rx.sring = NULL;
    vif->tx.sring = NULL;
}

/* How many answers wait; the backend cannot answer more than was asked. */
static unsigned answers(struct vif *vif, RING_IDX produced, RING_IDX consumed, RING_IDX asked)
{
    unsigned n = produced - consumed;

    if (n > asked - consumed) {
        netfront_fail(vif);
        return 0;
    }
    return n;
}

bool netfront_rx_pending(const struct vif *vif)
{
    return vif->up && *(volatile RING_IDX *)&vif->rx.sring->rsp_prod != vif->rx.rsp_cons;
}

static uint8_t packet_type(const struct vif *vif, const uint8_t *frame)
{
    static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

    if (!memcmp(frame, vif->mac, 6))
        return PACKET_HOST;
    if (!(frame[0] & 1))
        return PACKET_OTHERHOST;
    return memcmp(frame, everybody, 6) ? PACKET_MULTICAST : PACKET_BROADCAST;
}

/* Why a frame is not taken; DROP_REASONS: it is good. */
static unsigned judge(struct vif *vif, const netif_rx_response_t *r, RING_IDX index)
{
    /* What follows a frame that we drop: its other pages, or descriptions of it. */
    if (vif->rx_skip_extra) {
        const struct netif_extra_info *extra = (const void *)r;
        vif->rx_skip_extra = extra->flags & XEN_NETIF_EXTRA_FLAG_MORE;
        return DROP_CHAINED;
    }
    if (vif->rx_skip_more || (r->flags & (NETRXF_more_data | NETRXF_extra_info))) {
        vif->rx_skip_more = r->flags & NETRXF_more_data;
        vif->rx_skip_extra = r->flags & NETRXF_extra_info;
        return DROP_CHAINED;
    }
    if (r->id != (index & MASK))
        return DROP_BAD_SLOT;
    if (r->status < 0)
        return DROP_BACKEND_ERROR;
    if ((uint32_t)r->offset + (uint32_t)r->status > PAGE_SIZE)
        return DROP_BAD_SLOT;
    if (r->status < ETHER_HEADER)
        return DROP_SHORT;
    if (r->flags & NETRXF_csum_blank)
        return DROP_BLANK_CHECKSUM;
    return DROP_REASONS;
}

/* One answer: the frame goes into the batch, or its buffer back into the ring. */
static void receive_one(struct vif *vif, RING_IDX index, struct batch *into, uint64_t now)
{
    netif_rx_response_t r;
    struct packet *p = vif->rx_packet[index & MASK], *fresh;

    RING_COPY_RESPONSE(&vif->rx, index, &r);
    vif->rx_packet[index & MASK] = NULL;
    unsigned reason = judge(vif, &r, index);
    if (reason == DROP_REASONS) {
        fresh = packet_new();
        if (fresh && !post(vif, fresh)) {
            packet_free(fresh);
            fresh = NULL;
        }
        if (fresh) {
            p->data = p->mac = p->head + r.offset;
            p->length = (uint32_t)r.status;
            p->type = packet_type(vif, p->data);
            p->timestamp_ns = now;
            vif->rx_packets++;
            vif->rx_bytes += p->length;
            batch_add(into, p);
            return;
        }
        reason = DROP_NO_BUFFER;
    }
    vif->drops[reason]++;
    post(vif, p);                               /* it is lent already: cannot fail */
}

unsigned netfront_receive(struct vif *vif, struct batch *into, unsigned max)
{
    unsigned before = into->n;
    RING_IDX first = vif->rx.rsp_cons, asked = vif->rx.req_prod_pvt;
    int more, notify;

    if (max > BATCH_MAX - before)
        max = BATCH_MAX - before;
    if (!vif->up || max == 0)
        return 0;
    uint64_t now = platform_wall_ns();
    /* Slots filled again are shown to the backend only at the end: so this loop ends, whatever it does. */
    do {
        RING_IDX produced = *(volatile RING_IDX *)&vif->rx.sring->rsp_prod;
        xen_rmb();                              /* the answers, only after the index */
        unsigned n = answers(vif, produced, vif->rx.rsp_cons, asked);
        while (n-- > 0 && into->n - before < max)
            receive_one(vif, vif->rx.rsp_cons++, into, now);
        if (into->n - before == max || vif->broken)
            break;
        RING_FINAL_CHECK_FOR_RESPONSES(&vif->rx, more);
    } while (more);

    if (vif->rx.rsp_cons != first && !vif->broken) {
        RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&vif->rx, notify);
        if (notify)
            event_notify(vif->port);
    }
    return into->n - before;
}

/* ---- sending ---- */

/* Frees what has been sent. True when there is room to send. */
static bool reap(struct vif *vif)
{
    if (!vif->up)
        return false;
    RING_IDX produced = *(volatile RING_IDX *)&vif->tx.sring->rsp_prod;
    xen_rmb();
    unsigned n = answers(vif, produced, vif->tx.rsp_cons, vif->tx.req_prod_pvt);
    while (n-- > 0) {
        netif_tx_response_t r;
        RING_COPY_RESPONSE(&vif->tx, vif->tx.rsp_cons, &r);
        vif->tx.rsp_cons++;
        if (r.status == NETIF_RSP_NULL)
            continue;
        if (r.id >= NETFRONT_SLOTS || !vif->tx_packet[r.id]) {
            netfront_fail(vif);                 /* an id twice: our slots would run out */
            return false;
        }
        if (r.status != NETIF_RSP_OKAY)
            vif->drops[DROP_TX_BACKEND_ERROR]++;
        packet_free(vif->tx_packet[r.id]);
        vif->tx_packet[r.id] = NULL;
        vif->tx_free[vif->tx_n_free++] = r.id;
    }
    return vif->tx_n_free > 0;
}

/*
 * An event after half of what is under way has been sent: seldom while we keep sending (each transmit
 * reaps), and at last one for the last packet, so that none stays behind.
 */
static void ask_for_event(struct vif *vif)
{
    unsigned under_way = vif->tx.req_prod_pvt - vif->tx.rsp_cons;

    vif->tx.sring->rsp_event = vif->tx.rsp_cons + under_way / 2 + 1;
    xen_mb();                                   /* before we look at rsp_prod again */
}

void netfront_sent(struct vif *vif)
{
    do {
        reap(vif);
        if (!vif->up)
            return;
        ask_for_event(vif);
    } while (*(volatile RING_IDX *)&vif->tx.sring->rsp_prod - vif->tx.rsp_cons >
             (vif->tx.req_prod_pvt - vif->tx.rsp_cons) / 2);
}

/* DROP_REASONS: the packet was put into the ring. */
static unsigned send_one(struct vif *vif, struct packet *p)
{
    uint32_t offset = (uint32_t)((uintptr_t)p->data % PAGE_SIZE);
    RING_IDX index = vif->tx.req_prod_pvt;
    netif_tx_request_t *request = RING_GET_REQUEST(&vif->tx, index);

    if (p->length < ETHER_HEADER)
        return DROP_TX_SHORT;
    if (p->length > vif->mtu + ETHER_HEADER + VLAN_TAG || offset + p->length > PAGE_SIZE ||
        (p->owner->flags & PACKET_F_HEAP))
        return DROP_TX_LONG;
    uint32_t reference = buffer_grant(vif->backend_domain, p->data);
    if (reference == GRANT_NONE)
        return DROP_TX_NO_GRANT;
    uint16_t id = vif->tx_free[--vif->tx_n_free];
    vif->tx_packet[id] = p;
    request->gref = reference;
    request->offset = (uint16_t)offset;
    request->flags = 0;
    request->id = id;
    request->size = (uint16_t)p->length;
    vif->tx.req_prod_pvt = index + 1;
    vif->tx_packets++;
    vif->tx_bytes += p->length;
    return DROP_REASONS;
}

static unsigned send_some(struct vif *vif, const struct batch *from, unsigned taken)
{
    RING_IDX before = vif->tx.req_prod_pvt;
    int notify;

    while (taken < from->n && vif->tx_n_free > 0) {
        struct packet *p = from->pkt[taken++];
        unsigned reason = send_one(vif, p);
        if (reason != DROP_REASONS) {
            vif->drops[reason]++;
            packet_free(p);
        }
    }
    if (vif->tx.req_prod_pvt != before) {
        RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&vif->tx, notify);
        if (notify)
            event_notify(vif->port);
    }
    return taken;
}

unsigned netfront_transmit(struct vif *vif, const struct batch *from)
{
    unsigned taken = 0;

    if (!reap(vif))
        return 0;
    /* Stops short only while something is under way, whose end brings an event. */
    do {
        taken = send_some(vif, from, taken);
        netfront_sent(vif);
    } while (taken < from->n && vif->up && vif->tx_n_free > 0);
    return taken;
}
