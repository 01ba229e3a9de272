// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_ring.c - the fast half of a vif: packets in and out of the rings.
 *
 * Modes (netfront.h) say how; with all of them, as by default:
 * - NETFRONT_GRU: a buffer's page is lent to the backend once and for ever (buffer_grant()), so neither
 *   receiving nor sending asks Xen for anything but the notification, and that only when the ring macros
 *   say that the backend sleeps. Where a page cannot be (too many backends, too few grants), it is lent
 *   for this time as without the mode.
 * - NETFRONT_FR: every receive slot that was used is filled again at once.
 * - NETFRONT_POLL: a call takes or sends as many frames as there are.
 * They may change between any two calls: each slot remembers whether its grant is for this time only.
 *
 * Always:
 * - When the pool is empty the frame is dropped and its own buffer posted again: the ring never runs dry.
 * - Answers come in the order of requests, so the slot's index says which packet it is; the id that
 *   the backend wrote must agree.
 * - The ring lies in memory that the backend writes: each field is copied once, then checked. What
 *   breaks the protocol ends the connection, netfront_fail(); what only spoils a frame is counted.
 * - No call does more than what was asked of the backend when it began, however that moves its indexes.
 */
#include <errno.h>
#include <string.h>

#include "drivers/netfront.h"
#include "platform/platform.h"
#include "router/headers.h"
#include "router/offload.h"

enum {
    MASK = NETFRONT_SLOTS - 1, BAD_ANSWERS_MAX = 1000,
    LATE = 24,                  /* "nearly empty"; a backend waits until there is room for a frame of 64 KB, 18 slots */
};

/* An index that the backend writes: one look. */
#ifndef LOOK
#define LOOK(index) (*(const volatile RING_IDX *)&(index))
#endif

static void *ring_page(struct netfront_queue *q, uint32_t *reference)
{
    void *page = pages_alloc(1);

    if (!page)
        return NULL;
    memset(page, 0, PAGE_SIZE);
    *reference = grant_page(q->vif->backend_domain, page, false);
    if (*reference == GRANT_NONE) {
        pages_free(page);
        return NULL;
    }
    return page;
}

unsigned netfront_rx_posted(const struct netfront_queue *q)
{
    return q->rx.sring ? q->rx.req_prod_pvt - q->rx.rsp_cons : 0;
}

unsigned netfront_tx_under_way(const struct netfront_queue *q)
{
    return q->tx.sring ? q->tx.req_prod_pvt - q->tx.rsp_cons : 0;
}

/* ---- lending a packet's page ---- */

/* The reference by which the backend may use it; one for this time only goes into *own. */
static uint32_t lend(struct netfront_queue *q, const uint8_t *bytes, uint32_t *own)
{
    if (q->modes & NETFRONT_GRU) {
        uint32_t reference = buffer_grant(q->loans, bytes);
        if (__builtin_expect(reference != GRANT_NONE, 1))
            return reference;
    }
    *own = grant_page(q->vif->backend_domain, bytes - (uintptr_t)bytes % PAGE_SIZE, false);
    q->own_grants += *own != GRANT_NONE;
    return *own;
}

/*
 * Revokes a reference that was for this time only. A backend that answers before it has let go of the page costs us the
 * reference until it does; one that makes a habit of it is given up. What it may still write is no worse than
 * what it may with a page that is lent for life: a packet's bytes, never what we know of it.
 */
static void __attribute__((noinline)) revoke(struct netfront_queue *q, uint32_t *own)
{
    uint32_t reference = *own;

    *own = GRANT_NONE;
    q->own_grants--;
    if (grant_revoke(reference))
        return;
    grant_revoke_later(reference, NULL);
    if (++q->held_grants >= NETFRONT_SLOTS && q->vif->up)
        netfront_fail(q->vif, "holds on to the pages of too many frames that it has answered");
}

static inline void take_back(struct netfront_queue *q, uint32_t *own)
{
    if (__builtin_expect(q->own_grants > 0 && *own != GRANT_NONE, 0))
        revoke(q, own);
}

/* ---- receive buffers ---- */

/* Puts a buffer into the next receive slot; false: it cannot be lent. */
static bool post(struct netfront_queue *q, struct packet *p)
{
    RING_IDX index = q->rx.req_prod_pvt;
    netif_rx_request_t *request = RING_GET_REQUEST(&q->rx, index);
    uint32_t reference = lend(q, p->head, &q->rx_own[index & MASK]);

    if (reference == GRANT_NONE)
        return false;
    request->id = index & MASK;
    request->pad = 0;
    request->gref = reference;
    q->rx_packet[index & MASK] = p;
    q->rx.req_prod_pvt = index + 1;
    return true;
}

/* A fresh buffer into the next receive slot; false: there is none, or it cannot be lent. */
static bool post_fresh(struct netfront_queue *q)
{
    struct packet *p = packet_new();

    if (!p)
        return false;
    if (post(q, p))
        return true;
    packet_free(p);
    return false;
}

/* Fills the ring as far as it goes. */
static void refill(struct netfront_queue *q)
{
    while (netfront_rx_posted(q) < q->rx_buffers && post_fresh(q))
        ;
}

static void notify(struct netfront_queue *q, enum netfront_direction direction)
{
    q->counts.notified[direction]++;
    event_notify(q->port);
}

/* Shows the backend what was posted. */
static void push_buffers(struct netfront_queue *q)
{
    int sleeps;

    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&q->rx, sleeps);
    if (sleeps)
        notify(q, NETFRONT_RX);
}

void netfront_set_modes(struct netfront_queue *q, unsigned modes)
{
    RING_IDX before = q->rx.req_prod_pvt;

    q->modes = modes;
    if (!q->vif->up || !(modes & NETFRONT_FR))
        return;
    refill(q);
    if (q->rx.req_prod_pvt != before)
        push_buffers(q);
}

/* ---- connecting ---- */

int netfront_rings_open(struct netfront_queue *q, unsigned buffers)
{
    netif_rx_sring_t *rx = ring_page(q, &q->rx_reference);
    netif_tx_sring_t *tx = rx ? ring_page(q, &q->tx_reference) : NULL;

    if (!tx) {
        if (rx)
            grant_revoke_later(q->rx_reference, rx);
        q->rx_reference = GRANT_NONE;
        return -ENOMEM;
    }
    XEN_FRONT_RING_INIT(&q->rx, rx, PAGE_SIZE);
    XEN_FRONT_RING_INIT(&q->tx, tx, PAGE_SIZE);
    q->vif->broken = false;
    q->rx_chain = (struct netfront_chain){ .reason = DROP_REASONS };
    q->bad_answers = q->tx_extras = 0;
    for (unsigned i = 0; i < NETFRONT_SLOTS; i++)
        q->tx_free[i] = (uint16_t)(NETFRONT_SLOTS - 1 - i);
    q->tx_n_free = NETFRONT_SLOTS;

    q->quiet_rounds = q->held_grants = 0;
    q->loans = buffer_loans_open(q->vif->backend_domain);

    q->rx_buffers = buffers < NETFRONT_SLOTS ? buffers : NETFRONT_SLOTS;
    refill(q);
    q->rx_buffers = netfront_rx_posted(q);
    q->rx_late = q->rx_buffers / 2 < LATE ? q->rx_buffers / 2 : LATE;
    RING_PUSH_REQUESTS(&q->rx);
    if (q->rx_buffers == 0) {
        netfront_rings_close(q);
        return -ENOMEM;
    }
    return 0;
}

/* A packet in several slots is free when the last of them is: until then segment_size says how many there are besides. */
static inline void free_sent(struct packet *p)
{
    if (__builtin_expect(p->segment_size, 0))
        p->segment_size--;
    else
        packet_free(p);
}

/* Pool pages stay lent to this backend, so their packets may go back whatever it still does. */
void netfront_rings_close(struct netfront_queue *q)
{
    for (unsigned i = 0; i < NETFRONT_SLOTS; i++) {
        take_back(q, &q->rx_own[i]);
        take_back(q, &q->tx_own[i]);
        if (q->rx_packet[i])
            packet_free(q->rx_packet[i]);
        if (q->tx_packet[i])
            free_sent(q->tx_packet[i]);
        q->rx_packet[i] = q->tx_packet[i] = NULL;
    }
    netfront_chain_drop(&q->rx_chain);
    q->rx_buffers = 0;
    buffer_loans_close(q->loans);
    q->loans = NULL;
    grant_revoke_later(q->rx_reference, q->rx.sring);
    grant_revoke_later(q->tx_reference, q->tx.sring);
    q->rx_reference = q->tx_reference = GRANT_NONE;
    q->rx.sring = NULL;
    q->tx.sring = NULL;
}

/* How many answers wait; the backend cannot answer more than was asked. */
static unsigned answers(struct netfront_queue *q, RING_IDX produced, RING_IDX consumed, RING_IDX asked)
{
    unsigned n = produced - consumed;

    if (n > asked - consumed) {
        netfront_fail(q->vif, "answered more requests than there were");
        return 0;
    }
    return n;
}

/* 1, 2, up to 4, up to 8, ... */
static void count_batch(struct netfront_queue *q, enum netfront_direction direction, unsigned n)
{
    q->counts.batches[direction][n < 2 ? 0 : 32 - __builtin_clz(n - 1)]++;
}

bool netfront_rx_pending(const struct netfront_queue *q)
{
    return q->vif->up && LOOK(q->rx.sring->rsp_prod) != q->rx.rsp_cons;
}

static uint8_t packet_type(const struct netfront_queue *q, const uint8_t *frame)
{
    static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

    if (!memcmp(frame, q->vif->mac, 6))
        return PACKET_HOST;
    if (!(frame[0] & 1))
        return PACKET_OTHERHOST;
    return memcmp(frame, everybody, 6) ? PACKET_MULTICAST : PACKET_BROADCAST;
}

/* What is wrong with an answer that stands for a page; DROP_REASONS: nothing. */
static unsigned judge_page(const netif_rx_response_t *r, RING_IDX index)
{
    if (r->id != (index & MASK))
        return DROP_BAD_SLOT;
    if (r->status < 0)
        return DROP_BACKEND_ERROR;
    if ((uint32_t)r->offset + (uint32_t)r->status > PAGE_SIZE)
        return DROP_BAD_SLOT;
    return DROP_REASONS;
}

/* Why a frame is not taken, by its first answer; DROP_REASONS: it is good. */
static unsigned judge(const struct netfront_queue *q, const netif_rx_response_t *r, RING_IDX index)
{
    unsigned reason = judge_page(r, index), takes = q->vif->takes;

    if (reason != DROP_REASONS)
        return reason;
    if (r->status < ETHER_HEADER)
        return DROP_SHORT;
    if ((r->flags & NETRXF_csum_blank) && !(takes & (NETFRONT_CSUM4 | NETFRONT_CSUM6)))
        return DROP_BLANK_CHECKSUM;
    if ((r->flags & NETRXF_more_data) && !(takes & NETFRONT_SG))
        return DROP_CHAINED;
    return DROP_REASONS;
}

/* Whether a frame may be taken away, because its slot or another one is filled again, or need not be yet. */
static bool replace(struct netfront_queue *q)
{
    RING_IDX before = q->rx.req_prod_pvt;

    if (q->modes & NETFRONT_FR)
        return post_fresh(q);
    if (netfront_rx_posted(q) > q->rx_late)
        return true;
    refill(q);
    return q->rx.req_prod_pvt != before;
}

static void hand_over(struct netfront_queue *q, struct packet *p, uint16_t flags, struct batch *into, uint64_t now)
{
    p->mac = p->data;
    p->type = packet_type(q, p->data);
    p->timestamp_ns = now;
    if (flags & NETRXF_csum_blank) {
        p->flags |= PACKET_F_BLANK;
        q->counts.rx_blank++;
    }
    q->counts.rx_packets++;
    q->counts.rx_bytes += p->length;
    batch_add(into, p);
}

static void set_page(struct packet *p, const netif_rx_response_t *r)
{
    p->data = p->head + r->offset;
    p->length = (uint32_t)r->status;
}

/* The buffer goes back into the ring. */
static void put_back(struct netfront_queue *q, struct packet *p)
{
    if (!post(q, p))                            /* only one that was lent for once; refill() makes up for it */
        packet_free(p);
}

static void drop(struct netfront_queue *q, unsigned reason)
{
    q->counts.drops[reason]++;
    if (reason == DROP_BAD_SLOT && ++q->bad_answers > BAD_ANSWERS_MAX)
        netfront_fail(q->vif, "gave too many frames a wrong number or a place outside of their page");
}

/* An answer that is not a frame by itself: begins one, or belongs to the one that began. */
static void __attribute__((noinline)) receive_part(struct netfront_queue *q, const netif_rx_response_t *r, RING_IDX index,
                                                   struct packet *p, struct batch *into, uint64_t now)
{
    struct netfront_chain *c = &q->rx_chain;
    bool kept = false;

    if (netfront_chain_open(c)) {
        netfront_chain_add(c, r, c->extra ? DROP_REASONS : judge_page(r, index), p->head, q->vif->takes);
    } else {
        netfront_chain_begin(c, r, judge(q, r, index));
        if (c->reason == DROP_REASONS && c->more) {
            netfront_chain_start_copy(c, p->head + r->offset, (uint32_t)r->status);
        } else if (c->reason == DROP_REASONS && replace(q)) {
            set_page(p, r);
            c->packet = p;
            kept = true;
        } else if (c->reason == DROP_REASONS) {
            c->reason = DROP_NO_BUFFER;
        }
    }
    if (!kept)
        put_back(q, p);
    if (netfront_chain_open(c))
        return;
    /* What stands for many has its checksum blank, or they could not have theirs. */
    if (c->packet && c->segment_size && !(c->flags & NETRXF_csum_blank))
        c->reason = DROP_BAD_EXTRA;
    if (c->reason == DROP_REASONS) {
        c->packet->segment_size = c->segment_size;
        q->counts.rx_gso += c->segment_size != 0;
        q->counts.rx_large += (c->packet->flags & PACKET_F_LARGE) != 0;
        hand_over(q, c->packet, c->flags, into, now);
        c->packet = NULL;
    } else {
        drop(q, c->reason);
    }
    netfront_chain_drop(c);
}

/* One answer: the frame goes into the batch, or its buffer back into the ring. */
static void receive_one(struct netfront_queue *q, RING_IDX index, struct batch *into, uint64_t now)
{
    netif_rx_response_t r;
    struct packet *p = q->rx_packet[index & MASK];

    RING_COPY_RESPONSE(&q->rx, index, &r);
    q->rx_packet[index & MASK] = NULL;
    take_back(q, &q->rx_own[index & MASK]);
    if (__builtin_expect((r.flags & (NETRXF_more_data | NETRXF_extra_info)) | netfront_chain_open(&q->rx_chain), 0)) {
        receive_part(q, &r, index, p, into, now);
        return;
    }
    unsigned reason = judge(q, &r, index);
    if (reason == DROP_REASONS) {
        if (replace(q)) {
            set_page(p, &r);
            hand_over(q, p, r.flags, into, now);
            return;
        }
        reason = DROP_NO_BUFFER;
    }
    put_back(q, p);
    drop(q, reason);
}

/* Takes what is there, at most `max`; when there is no more, asks for an event about the next one if it is wanted. */
static void take(struct netfront_queue *q, struct batch *into, unsigned max, bool event)
{
    RING_IDX asked = q->rx.req_prod_pvt;
    unsigned end = into->n + max;
    uint64_t now = 0;
    int more = 0;

    /* Slots filled again are shown to the backend only at the end: so this loop ends, whatever it does. */
    do {
        RING_IDX produced = LOOK(q->rx.sring->rsp_prod);
        xen_rmb();                              /* the answers, only after the index */
        unsigned n = answers(q, produced, q->rx.rsp_cons, asked);
        if (more && n == 0)
            netfront_fail(q->vif, "took answers back");
        if (n > 0) {
            q->counts.rx_ring_empty += n == asked - q->rx.rsp_cons;
            if (now == 0)
                now = platform_wall_ns();
        }
        while (n-- > 0 && into->n < end)
            receive_one(q, q->rx.rsp_cons++, into, now);
        if (into->n == end || q->vif->broken || !event)
            return;
        RING_FINAL_CHECK_FOR_RESPONSES(&q->rx, more);
    } while (more);
}

unsigned netfront_receive(struct netfront_queue *q, struct batch *into, unsigned max, bool looks_again)
{
    unsigned before = into->n, room = BATCH_MAX - before;
    RING_IDX first = q->rx.rsp_cons, posted = q->rx.req_prod_pvt;
    int more;

    if (max > room)
        max = room;
    if (!q->vif->up || max == 0)
        return 0;
    q->counts.poll_rounds++;
    take(q, into, q->modes & NETFRONT_POLL ? max : 1, !looks_again);
    if (q->rx.rsp_cons == first)
        q->counts.polls_empty++;
    if (into->n > before)
        count_batch(q, NETFRONT_RX, into->n - before);
    if (q->vif->broken)
        return into->n - before;
    /* Where the pool was empty once, or grants were. */
    if ((q->modes & NETFRONT_FR) && netfront_rx_posted(q) < q->rx_buffers)
        refill(q);
    if (q->rx.req_prod_pvt != posted)
        push_buffers(q);
    if (!(q->modes & NETFRONT_POLL)) {
        /* One frame an event: those that the backend put behind the same one get another, as if from there. */
        RING_FINAL_CHECK_FOR_RESPONSES(&q->rx, more);
        if (more) {
            q->counts.notifications_raised++;
            event_raise(q->port);
        }
    }
    return into->n - before;
}

/* ---- sending ---- */

/* What is wrong with an answer; NULL: nothing. */
static const char *judge_sent(const struct netfront_queue *q, const netif_tx_response_t *r)
{
    if (r->status == NETIF_RSP_NULL)
        return "answered that it was not asked";
    if (r->id >= NETFRONT_SLOTS)
        return "answered a request that cannot be";
    return q->tx_packet[r->id] ? NULL : "answered a request twice";
}

/* Frees what has been sent; how many. */
static unsigned reap(struct netfront_queue *q)
{
    RING_IDX produced = LOOK(q->tx.sring->rsp_prod);
    xen_rmb();                                  /* the answers, only after the index */
    unsigned n = answers(q, produced, q->tx.rsp_cons, q->tx.req_prod_pvt);
    for (unsigned i = 0; i < n; i++) {
        netif_tx_response_t r;
        RING_COPY_RESPONSE(&q->tx, q->tx.rsp_cons, &r);
        if (r.status == NETIF_RSP_NULL && q->tx_extras > 0) {   /* so a description's slot is answered */
            q->tx_extras--;
            q->tx.rsp_cons++;
            continue;
        }
        const char *wrong = judge_sent(q, &r);
        if (wrong) {                            /* our ids would run out */
            netfront_fail(q->vif, wrong);
            return i;
        }
        q->tx.rsp_cons++;
        if (r.status != NETIF_RSP_OKAY)
            q->counts.drops[DROP_TX_BACKEND_ERROR]++;
        take_back(q, &q->tx_own[r.id]);
        free_sent(q->tx_packet[r.id]);
        q->tx_packet[r.id] = NULL;
        q->tx_free[q->tx_n_free++] = r.id;
    }
    if (__builtin_expect(q->tx_extras > 0 && q->tx.rsp_cons == q->tx.req_prod_pvt, 0))
        netfront_fail(q->vif, "answered a description as if it were a request");
    return n;
}

/*
 * After how many more answers there is to be an event. Half of what is under way: seldom while we keep sending (each
 * transmit reaps), and at last one for the last packet, so that none stays behind.
 */
static unsigned event_distance(const struct netfront_queue *q)
{
    return q->modes & NETFRONT_POLL ? (q->tx.req_prod_pvt - q->tx.rsp_cons) / 2 + 1 : 1;
}

/* Another round only when as much was answered since the last one as an event would have told of. */
void netfront_sent(struct netfront_queue *q)
{
    bool more = false;

    if (!q->vif->up)
        return;
    do {
        if (reap(q) == 0 && more)
            netfront_fail(q->vif, "took answers back");
        if (!q->vif->up)
            return;
        q->tx.sring->rsp_event = q->tx.rsp_cons + event_distance(q);
        xen_mb();                               /* before we look at rsp_prod again */
        more = LOOK(q->tx.sring->rsp_prod) - q->tx.rsp_cons >= event_distance(q);
    } while (more);
}

static uint32_t page_offset(const struct packet *p)
{
    return (uint32_t)((uintptr_t)p->data % PAGE_SIZE);
}

static unsigned pages_of(const struct packet *p)
{
    return (page_offset(p) + p->length + PAGE_SIZE - 1) / PAGE_SIZE;
}

/*
 * Whether there are slots for it, and for its description. All slots under way but descriptions have an id, so there is one
 * for each page, too: as long as the backend does not take one for the other, which reap() finds out.
 */
static inline bool has_room(const struct netfront_queue *q, const struct packet *p)
{
    unsigned left = NETFRONT_SLOTS - netfront_tx_under_way(q);

    if (q->tx_n_free < left)
        left = q->tx_n_free;
    return left > NETFRONT_TX_SLOTS_MAX || pages_of(p) + (p->segment_size != 0) <= left;
}

/* Writes a request for so many bytes at `bytes`, which was lent as `reference`, with the id on top of the stack. */
static inline netif_tx_request_t *add_request(struct netfront_queue *q, struct packet *p, const uint8_t *bytes,
                                              uint32_t size, uint32_t reference)
{
    netif_tx_request_t *request = RING_GET_REQUEST(&q->tx, q->tx.req_prod_pvt);
    uint16_t id = q->tx_free[--q->tx_n_free];

    q->tx_packet[id] = p;
    request->gref = reference;
    request->offset = (uint16_t)((uintptr_t)bytes % PAGE_SIZE);
    request->flags = 0;
    request->id = id;
    request->size = (uint16_t)size;
    q->tx.req_prod_pvt++;
    return request;
}

/* Lends all of its pages, or none. The last id on the stack gets the first of them. */
static bool lend_pages(struct netfront_queue *q, const struct packet *p, unsigned n, uint32_t *references)
{
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *page = p->data - page_offset(p) + (size_t)i * PAGE_SIZE;

        references[i] = lend(q, page, &q->tx_own[q->tx_free[q->tx_n_free - 1 - i]]);
        if (references[i] == GRANT_NONE) {
            while (i-- > 0)
                take_back(q, &q->tx_own[q->tx_free[q->tx_n_free - 1 - i]]);
            return false;
        }
    }
    return true;
}

static void add_description(struct netfront_queue *q, const struct netif_extra_info *extra)
{
    memcpy(RING_GET_REQUEST(&q->tx, q->tx.req_prod_pvt), extra, sizeof *extra);
    q->tx.req_prod_pvt++;
    q->tx_extras++;
}

/* netif.h: the first request has the size of all, a description follows it, then the other pages. */
static unsigned send_parts(struct netfront_queue *q, struct packet *p, uint16_t flags, unsigned gso_type)
{
    unsigned n = pages_of(p);
    uint32_t references[NETFRONT_TX_SLOTS_MAX], at = PAGE_SIZE - page_offset(p);
    netif_tx_request_t *request;

    /* The last: nobody should make such a packet, but it would lend somebody else's page. */
    if (n > NETFRONT_TX_SLOTS_MAX || p->length > NETFRONT_TX_LENGTH_MAX || (n > 1 && !(q->vif->gives & NETFRONT_SG)) ||
        packet_headroom(p) + p->length > p->capacity)
        return DROP_TX_LONG;
    if (!lend_pages(q, p, n, references))
        return DROP_TX_NO_GRANT;
    request = add_request(q, p, p->data, p->length, references[0]);
    request->flags = (uint16_t)(flags | (n > 1 ? NETTXF_more_data : 0) | (gso_type ? NETTXF_extra_info : 0));
    if (gso_type) {
        add_description(q, &(struct netif_extra_info){
            .type = XEN_NETIF_EXTRA_TYPE_GSO, .u.gso = { .size = p->segment_size, .type = (uint8_t)gso_type },
        });
        q->counts.tx_gso++;
    }
    for (unsigned i = 1; i < n; i++) {
        uint32_t left = p->length - at, size = left < PAGE_SIZE ? left : PAGE_SIZE;

        request = add_request(q, p, p->data + at, size, references[i]);
        request->flags = left > size ? NETTXF_more_data : 0;
        at += size;
    }
    p->segment_size = (uint16_t)(n - 1);        /* free_sent() */
    q->counts.tx_large += n > 1;
    q->counts.tx_blank += (flags & NETTXF_csum_blank) != 0;
    q->counts.tx_packets++;
    q->counts.tx_bytes += p->length;
    return DROP_REASONS;
}

static bool can_be_lent(const struct packet *p)
{
    return !(p->owner->flags & PACKET_F_HEAP);
}

/* One that is finished. DROP_REASONS: it was put into the ring. */
static unsigned send_one(struct netfront_queue *q, struct packet *p)
{
    uint32_t offset = page_offset(p);

    if (p->length < ETHER_HEADER)
        return DROP_TX_SHORT;
    if (p->length > q->vif->mtu + ETHER_HEADER + VLAN_TAG || !can_be_lent(p))
        return DROP_TX_LONG;
    if (offset + p->length > PAGE_SIZE)
        return send_parts(q, p, 0, 0);
    uint32_t reference = lend(q, p->data, &q->tx_own[q->tx_free[q->tx_n_free - 1]]);
    if (reference == GRANT_NONE)
        return DROP_TX_NO_GRANT;
    add_request(q, p, p->data, p->length, reference);
    q->counts.tx_packets++;
    q->counts.tx_bytes += p->length;
    return DROP_REASONS;
}

/* The backend does not take it as it is. What finds no room is lost, as on any wire: TCP sends it again. */
static unsigned finish_and_send(struct netfront_queue *q, struct packet *p)
{
    struct offload_cut cut = { .failed = 0 };

    offload_cut_begin(&cut, p);
    while ((p = offload_cut_next(&cut))) {
        unsigned reason = has_room(q, p) ? send_one(q, p) : DROP_TX_NO_ROOM;

        if (reason != DROP_REASONS) {
            q->counts.drops[reason]++;
            packet_free(p);
        }
    }
    q->counts.tx_finished++;
    q->counts.drops[DROP_TX_UNFINISHED] += cut.failed;
    return DROP_REASONS;
}

/* One that is not finished: as it is, where the backend takes that. DROP_REASONS: the packet is ours no more. */
static unsigned __attribute__((noinline)) send_unfinished(struct netfront_queue *q, struct packet *p)
{
    struct offload_layout at;
    unsigned needs, gso_type = 0;

    if (!offload_find(p, &at) || (p->segment_size && at.protocol != IP_PROTO_TCP))
        return DROP_TX_UNFINISHED;
    needs = at.ip6 ? NETFRONT_CSUM6 : NETFRONT_CSUM4;
    if (p->segment_size) {
        needs |= at.ip6 ? NETFRONT_GSO6 : NETFRONT_GSO4;
        gso_type = at.ip6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
    } else if (p->length > q->vif->mtu + ETHER_HEADER + VLAN_TAG) {
        return DROP_TX_LONG;
    }
    if (at.ip < ETHER_HEADER || (q->vif->gives & needs) != needs || !can_be_lent(p) ||
        p->length > NETFRONT_TX_LENGTH_MAX || pages_of(p) > NETFRONT_TX_SLOTS_MAX)
        return finish_and_send(q, p);
    return send_parts(q, p, NETTXF_csum_blank | NETTXF_data_validated, gso_type);
}

/* Shows the backend n packets that stand in the ring. */
static void push_packets(struct netfront_queue *q, unsigned n)
{
    int sleeps;

    count_batch(q, NETFRONT_TX, n < BATCH_MAX ? n : BATCH_MAX);     /* more, when some were cut */
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&q->tx, sleeps);
    if (sleeps)
        notify(q, NETFRONT_TX);
}

/* As many as there is room for; all at once, or one after the other. How many of the batch are taken then. */
static unsigned send_some(struct netfront_queue *q, const struct batch *from, unsigned taken)
{
    bool one_by_one = !(q->modes & NETFRONT_POLL);
    uint64_t before = q->counts.tx_packets;

    while (taken < from->n && has_room(q, from->pkt[taken])) {
        struct packet *p = from->pkt[taken++];
        unsigned reason = __builtin_expect(packet_is_unfinished(p), 0) ? send_unfinished(q, p) : send_one(q, p);
        if (reason != DROP_REASONS) {
            q->counts.drops[reason]++;
            packet_free(p);
        }
        if (one_by_one && q->counts.tx_packets != before) {
            push_packets(q, (unsigned)(q->counts.tx_packets - before));
            before = q->counts.tx_packets;
        }
    }
    if (q->counts.tx_packets != before)
        push_packets(q, (unsigned)(q->counts.tx_packets - before));
    return taken;
}

/* The request before it stands for no frame; a backend looks at its flags only. */
bool netfront_describe(struct netfront_queue *q, const struct netif_extra_info *extra)
{
    uint32_t reference;
    struct packet *p;
    int sleeps;

    netfront_sent(q);
    if (!q->vif->up || NETFRONT_SLOTS - netfront_tx_under_way(q) < 2 || q->tx_n_free == 0 || !(p = packet_new()))
        return false;
    p->length = ETHER_HEADER;
    if (!lend_pages(q, p, 1, &reference)) {
        packet_free(p);
        return false;
    }
    add_request(q, p, p->data, p->length, reference)->flags = NETTXF_extra_info;
    add_description(q, extra);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&q->tx, sleeps);
    if (sleeps)
        notify(q, NETFRONT_TX);
    netfront_sent(q);
    return true;
}

unsigned netfront_transmit(struct netfront_queue *q, const struct batch *from)
{
    unsigned taken = 0;

    if (!q->vif->up)
        return 0;
    reap(q);
    if (!q->vif->up)
        return 0;
    /* Stops short only while something is under way, whose end brings an event. */
    do {
        taken = send_some(q, from, taken);
        netfront_sent(q);
    } while (taken < from->n && q->vif->up && has_room(q, from->pkt[taken]));
    q->counts.tx_ring_full += taken < from->n && q->vif->up;
    return taken;
}
