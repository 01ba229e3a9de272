// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_ring_test.c - the rings against a backend in the same process, an honest one and one that
 * writes anything anywhere in the shared pages.
 *
 * Whatever the backend does, each packet is in the pool, in a ring or with the caller, once, and all come back at
 * the end. fuzz_netfront.c goes further.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAKE_MUST assert_true
#include "drivers/fake_rings_test.h"

enum { MAC = 6 };

static struct vif vif;
static RING_IDX backend_rx, backend_tx;
static struct netfront_queue *const queue = &vif.queue[0];
static RING_IDX backend_rx, backend_tx;         /* where the backend goes on */

static void open_vif_in(unsigned modes, unsigned limit, unsigned buffers)
{
    memset(&vif, 0, sizeof vif);
    backend_rx = backend_tx = 0;
    pool_limit = limit;
    notified = raised = failed = n_grants = n_revokes = still_held = 0;
    failed_by = NULL;
    backend_rx = backend_tx = 0;
    queue->modes = modes;
    queue->vif = &vif;
    vif.mtu = 1500;
    memcpy(vif.mac, "\x00\x16\x3e\x01\x02\x03", MAC);
    assert_int_equal(netfront_rings_open(queue, buffers), 0);
    vif.up = true;
}

static void open_vif(unsigned limit, unsigned buffers)
{
    open_vif_in(NETFRONT_MODES_ALL, limit, buffers);
}

static void close_vif(void)
{
    vif.up = false;
    netfront_rings_close(queue);
    assert_int_equal(n_taken, 0);
    assert_int_equal(n_lent, 0);
    assert_int_equal(queue->own_grants, 0);
    assert_int_equal(ring_pages, 0);
}

static void free_batch(struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++)
        test_packet_free(b->pkt[i]);
    b->n = 0;
}

/* ---- an honest backend ---- */

/* Puts a frame into the next posted buffer; false: none. */
static bool deliver(const void *frame, uint16_t length, uint16_t offset)
{
    netif_rx_sring_t *ring = queue->rx.sring;

    if (backend_rx == ring->req_prod)
        return false;
    netif_rx_request_t request = ring->ring[backend_rx & MASK].req;
    memcpy(lent_page(request.gref) + offset, frame, length);
    ring->ring[backend_rx & MASK].rsp = (netif_rx_response_t){ .id = request.id, .offset = offset,
                                                              .status = (int16_t)length };
    backend_rx++;
    ring->rsp_prod = backend_rx;
    return true;
}

static void test_receive(void **state)
{
    uint8_t frame[1514] = { 0, 0x16, 0x3e, 1, 2, 3 };
    struct batch batch = { .n = 0 };

    (void)state;
    open_vif(PACKETS, 100);
    for (unsigned n = 0; n < 5000; n++) {
        frame[20] = (uint8_t)n;
        assert_true(deliver(frame, (uint16_t)(14 + n % 1501), (uint16_t)(n % 100)));
        assert_true(netfront_rx_pending(queue));
        assert_int_equal(netfront_receive(queue, &batch, 32, false), 1);
        assert_int_equal(batch.pkt[0]->length, 14 + n % 1501);
        if (batch.pkt[0]->length > 20)
            assert_int_equal(batch.pkt[0]->data[20], (uint8_t)n);
        assert_int_equal(batch.pkt[0]->type, PACKET_HOST);
        assert_ptr_equal(batch.pkt[0]->mac, batch.pkt[0]->data);
        free_batch(&batch);
        assert_int_equal(n_taken, 100);             /* the ring is as full as before */
        assert_int_equal(queue->rx.sring->rsp_event, queue->rx.rsp_cons + 1);  /* the next one tells */
    }
    assert_int_equal(queue->counts.rx_packets, 5000);
    close_vif();
}

/* An empty pool drops and counts; the ring stays full, and goes on when packets come back. */
static void test_empty_pool(void **state)
{
    static const uint8_t frame[60];
    struct batch batch = { .n = 0 };

    (void)state;
    open_vif(40, 32);
    for (unsigned i = 0; i < 32; i++)
        assert_true(deliver(frame, sizeof frame, 0));
    assert_int_equal(netfront_receive(queue, &batch, BATCH_MAX, false), 8);
    assert_int_equal(queue->counts.drops[DROP_NO_BUFFER], 24);
    for (unsigned i = 0; i < 32; i++)
        assert_true(deliver(frame, sizeof frame, 0));
    assert_false(deliver(frame, sizeof frame, 0));
    free_batch(&batch);
    assert_int_equal(netfront_receive(queue, &batch, BATCH_MAX, false), 8);
    free_batch(&batch);
    close_vif();
}

static void test_bad_answers(void **state)
{
    const struct { netif_rx_response_t answer; unsigned reason; } cases[] = {
        { { .id = 7, .status = 60 }, DROP_BAD_SLOT },
        { { .offset = 4090, .status = 60 }, DROP_BAD_SLOT },
        { { .offset = 65535, .status = 32767 }, DROP_BAD_SLOT },
        { { .status = -1 }, DROP_BACKEND_ERROR },
        { { .status = 13 }, DROP_SHORT },
        { { .status = 0 }, DROP_SHORT },
        { { .status = 60, .flags = NETRXF_csum_blank }, DROP_BLANK_CHECKSUM },
    };
    struct batch batch = { .n = 0 };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_vif(PACKETS, 20);
        RING_IDX at = queue->rx.rsp_cons;
        netif_rx_response_t answer = cases[i].answer;
        if (i > 0)
            answer.id = (uint16_t)at;
        queue->rx.sring->ring[at & MASK].rsp = answer;
        queue->rx.sring->rsp_prod = at + 1;
        uint64_t before = queue->counts.drops[cases[i].reason];
        assert_int_equal(netfront_receive(queue, &batch, 32, false), 0);
        assert_int_equal(queue->counts.drops[cases[i].reason], before + 1);
        assert_int_equal(n_taken, 20);
        assert_int_equal(failed, 0);
        close_vif();
    }
}

/* More answers than requests: the vif is given up at once. */
static void test_overrun(void **state)
{
    struct batch batch = { .n = 0 };

    (void)state;
    open_vif(PACKETS, 20);
    queue->rx.sring->rsp_prod = 21;
    assert_int_equal(netfront_receive(queue, &batch, 32, false), 0);
    assert_int_equal(failed, 1);
    assert_string_equal(failed_by, "answered more requests than there were");
    assert_int_equal(netfront_receive(queue, &batch, 32, false), 0);
    close_vif();
}

/* Frames in the wrong place are dropped, but not for ever. */
static void test_too_many_bad_answers(void **state)
{
    struct batch batch = { .n = 0 };

    (void)state;
    open_vif(PACKETS, 20);
    for (unsigned n = 0; n <= BAD_ANSWERS_MAX; n++) {
        assert_int_equal(failed, 0);
        RING_IDX at = queue->rx.rsp_cons;
        queue->rx.sring->ring[at & MASK].rsp = (netif_rx_response_t){ .id = (uint16_t)(at + 1), .status = 60 };
        queue->rx.sring->rsp_prod = at + 1;
        netfront_receive(queue, &batch, 32, false);
    }
    assert_int_equal(failed, 1);
    assert_non_null(strstr(failed_by, "too many frames"));
    close_vif();
}

/* ---- frames in several slots ---- */

/* One byte of a long frame. */
static uint8_t byte_at(uint32_t i)
{
    return (uint8_t)(i * 31 + i / 4096);
}

static void answer(const netif_rx_response_t *r)
{
    queue->rx.sring->ring[backend_rx & MASK].rsp = *r;
    queue->rx.sring->rsp_prod = ++backend_rx;
}

static void describe_as(const struct netif_extra_info *extra)
{
    netif_rx_response_t r;

    memcpy(&r, extra, sizeof r);
    answer(&r);
}

static void describe(uint16_t size, uint8_t type)
{
    describe_as(&(struct netif_extra_info){ .type = XEN_NETIF_EXTRA_TYPE_GSO, .u.gso = { .size = size, .type = type } });
}

/* A page of a long frame, `at` bytes of which went before. */
static void deliver_page(uint32_t at, uint16_t n, uint16_t flags)
{
    netif_rx_request_t request = queue->rx.sring->ring[backend_rx & MASK].req;
    uint8_t *page = lent_page(request.gref);

    for (uint32_t i = 0; i < n; i++)
        page[i] = byte_at(at + i);
    answer(&(netif_rx_response_t){ .id = request.id, .status = (int16_t)n, .flags = flags });
}

static void receive_one_frame(uint32_t length, uint16_t segment_size, bool blank)
{
    struct batch batch = { .n = 0 };
    struct packet *p;

    assert_int_equal(netfront_receive(queue, &batch, 32, false), 1);
    p = batch.pkt[0];
    assert_int_equal(p->length, length);
    assert_int_equal(p->segment_size, segment_size);
    assert_int_equal((p->flags & PACKET_F_BLANK) != 0, blank);
    assert_ptr_equal(p->mac, p->data);
    for (uint32_t i = 0; i < length; i++)
        if (p->data[i] != byte_at(i))
            assert_int_equal(i, length);
    free_batch(&batch);
}

static void nothing_yet(void)
{
    struct batch batch = { .n = 0 };

    assert_int_equal(netfront_receive(queue, &batch, 32, false), 0);
}

static void test_long_frames(void **state)
{
    (void)state;
    for (unsigned modes = 0; modes <= NETFRONT_MODES_ALL; modes++) {
        open_vif_in(modes, PACKETS, 100);
        vif.takes = NETFRONT_FEATURES_ALL;
        for (unsigned round = 0; round < 40; round++) {
            uint32_t length = 4096 * (1 + round % 15) + 1 + round * 100 % 4096, at = 0;
            bool gso = round % 2;

            /* In as many looks as it has slots, or in one. */
            for (unsigned slot = 0; at < length; slot++) {
                uint16_t n = (uint16_t)(length - at < PAGE_SIZE ? length - at : PAGE_SIZE);
                uint16_t flags = at + n < length ? NETRXF_more_data : 0;

                deliver_page(at, n, (uint16_t)(flags | (slot == 0 && gso ? NETRXF_extra_info | NETRXF_csum_blank : 0)));
                if (round % 3 && at + n < length)
                    nothing_yet();
                if (slot == 0 && gso)
                    describe(1448, XEN_NETIF_GSO_TYPE_TCPV4);
                at += n;
            }
            receive_one_frame(length, gso ? 1448 : 0, gso);
            assert_int_equal(n_taken, netfront_rx_posted(queue));
            assert_int_equal(queue->own_grants, n_lent);
        }
        assert_int_equal(queue->counts.rx_large, 40);
        assert_int_equal(queue->counts.rx_gso, 20);
        assert_int_equal(queue->counts.rx_packets, 40);
        close_vif();
    }
}

/* A description alone needs no copy. A blank checksum alone is no more than a flag. */
static void test_short_unfinished_frames(void **state)
{
    (void)state;
    open_vif(PACKETS, 100);
    vif.takes = NETFRONT_FEATURES_ALL;
    for (unsigned round = 0; round < 300; round++) {
        deliver_page(0, 3000, NETRXF_extra_info | NETRXF_csum_blank);
        describe_as(&(struct netif_extra_info){ .type = 9, .flags = XEN_NETIF_EXTRA_FLAG_MORE });   /* who knows what */
        describe(1000, XEN_NETIF_GSO_TYPE_TCPV6);
        receive_one_frame(3000, 1000, true);
        deliver_page(0, 100, NETRXF_csum_blank);
        receive_one_frame(100, 0, true);
        assert_int_equal(n_taken, 100);
    }
    assert_int_equal(queue->counts.rx_large, 0);
    close_vif();
}

/* What is wrong within a frame spoils it alone, whatever follows; it is counted once. */
static void test_bad_chains(void **state)
{
    enum { GSO = NETRXF_extra_info | NETRXF_csum_blank, MORE = NETRXF_more_data };
    const struct {
        unsigned takes;
        uint16_t flags;                 /* of the first page */
        uint16_t size;                  /* of the description, if there is one */
        uint8_t type;
        int16_t status[3];              /* of the pages that follow */
        unsigned reason;
    } cases[] = {
        { 0, MORE, 0, 0, { 60 }, DROP_CHAINED },
        { NETFRONT_SG, MORE, 0, 0, { -1, 60 }, DROP_BACKEND_ERROR },
        { NETFRONT_SG, MORE, 0, 0, { 60, 4097, 60 }, DROP_BAD_SLOT },
        { NETFRONT_FEATURES_ALL, GSO, 63, XEN_NETIF_GSO_TYPE_TCPV4, { 0 }, DROP_BAD_EXTRA },
        { NETFRONT_FEATURES_ALL, GSO, 1448, XEN_NETIF_GSO_TYPE_NONE, { 0 }, DROP_BAD_EXTRA },
        { NETFRONT_FEATURES_ALL, GSO, 1448, 99, { 0 }, DROP_BAD_EXTRA },
        { NETFRONT_FEATURES_ALL, NETRXF_extra_info, 1448, XEN_NETIF_GSO_TYPE_TCPV4, { 0 }, DROP_BAD_EXTRA },
        { NETFRONT_FEATURES_ALL & ~NETFRONT_GSO6, GSO, 1448, XEN_NETIF_GSO_TYPE_TCPV6, { 0 }, DROP_BAD_EXTRA },
        { NETFRONT_CSUM4, GSO | MORE, 1448, XEN_NETIF_GSO_TYPE_TCPV4, { 60 }, DROP_CHAINED },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_vif(PACKETS, 100);
        vif.takes = cases[i].takes;
        deliver_page(0, 60, cases[i].flags);
        if (cases[i].size)
            describe(cases[i].size, cases[i].type);
        for (unsigned k = 0; k < 3 && cases[i].status[k]; k++)
            answer(&(netif_rx_response_t){ .id = backend_rx & MASK, .status = cases[i].status[k],
                                           .flags = k < 2 && cases[i].status[k + 1] ? MORE : 0 });
        nothing_yet();
        if (queue->counts.drops[cases[i].reason] != 1)
            fail_msg("case %u", i);
        vif.takes = NETFRONT_FEATURES_ALL;
        deliver_page(0, 60, 0);
        receive_one_frame(60, 0, false);
        assert_int_equal(n_taken, 100);
        assert_int_equal(failed, 0);
        close_vif();
    }
}

/* Too long for an IP packet, or for its bytes, or without an end: dropped, and nothing is held. */
static void test_endless_frames(void **state)
{
    (void)state;
    open_vif(PACKETS, 100);
    vif.takes = NETFRONT_FEATURES_ALL;
    for (unsigned n = 0; n < 17; n++)
        deliver_page(0, PAGE_SIZE, n < 16 ? NETRXF_more_data : 0);
    nothing_yet();
    assert_int_equal(queue->counts.drops[DROP_CHAINED], 1);
    for (unsigned n = 0; n < 5000; n++) {
        deliver_page(0, 14, NETRXF_more_data);
        nothing_yet();
        assert_int_equal(n_taken, n < NETFRONT_CHAIN_MAX ? 101 : 100);
    }
    deliver_page(0, 14, 0);
    nothing_yet();
    assert_int_equal(queue->counts.drops[DROP_CHAINED], 2);
    deliver_page(0, 14, NETRXF_more_data);      /* and one that is cut off by the end of the connection */
    nothing_yet();
    close_vif();
}

/* No large buffer: frames are dropped until one is free. */
static void test_no_large_buffer(void **state)
{
    struct batch held = { .n = 0 };

    (void)state;
    open_vif(PACKETS, 100);
    vif.takes = NETFRONT_FEATURES_ALL;
    for (unsigned n = 0; n < LARGE + 3; n++) {
        deliver_page(0, PAGE_SIZE, NETRXF_more_data);
        deliver_page(PAGE_SIZE, 100, 0);
        netfront_receive(queue, &held, 1, false);
    }
    assert_int_equal(held.n, LARGE);
    assert_int_equal(queue->counts.drops[DROP_NO_BUFFER], 3);
    free_batch(&held);
    deliver_page(0, PAGE_SIZE, NETRXF_more_data);
    deliver_page(PAGE_SIZE, 100, 0);
    receive_one_frame(PAGE_SIZE + 100, 0, false);
    close_vif();
}

/* ---- sending ---- */

static void fill(struct batch *batch, unsigned n, uint32_t length)
{
    batch->n = 0;
    for (unsigned i = 0; i < n; i++) {
        struct packet *p = test_packet_new();
        p->length = length;
        batch_add(batch, p);
    }
}

static unsigned backend_send(unsigned n)
{
    netif_tx_sring_t *ring = queue->tx.sring;
    unsigned done = 0;

    for (; done < n && backend_tx != ring->req_prod; done++, backend_tx++) {
        netif_tx_request_t request = ring->ring[backend_tx & MASK].req;
        assert_true(request.offset + request.size <= PAGE_SIZE);
        ring->ring[backend_tx & MASK].rsp = (netif_tx_response_t){ .id = request.id };
        ring->rsp_prod = backend_tx + 1;
    }
    return done;
}

static void test_transmit(void **state)
{
    struct batch batch;

    (void)state;
    open_vif(PACKETS, 10);
    for (unsigned round = 0; round < 200; round++) {
        fill(&batch, 40, 60 + round);
        assert_int_equal(netfront_transmit(queue, &batch), 40);
        assert_int_equal(backend_send(40), 40);
        netfront_sent(queue);
        assert_int_equal(n_taken, 10);
    }
    assert_int_equal(queue->counts.tx_packets, 8000);
    /* The last one under way asks for an event. */
    fill(&batch, 1, 60);
    netfront_transmit(queue, &batch);
    assert_int_equal(queue->tx.sring->rsp_event, queue->tx.rsp_cons + 1);
    close_vif();
}

/* Each lie about what was sent ends the connection, with its own reason. */
static void test_bad_sent(void **state)
{
    const struct { netif_tx_response_t answer[2]; const char *reason; } cases[] = {
        { { { .id = 255 }, { .id = 255 } }, "answered a request twice" },
        { { { .id = 0 }, { .id = 0 } }, "answered a request twice" },
        { { { .id = 256 } }, "answered a request that cannot be" },
        { { { .id = 65535, .status = NETIF_RSP_ERROR } }, "answered a request that cannot be" },
        { { { .id = 0, .status = NETIF_RSP_NULL } }, "answered that it was not asked" },
    };
    struct batch batch;

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_vif(PACKETS, 10);
        fill(&batch, 3, 60);
        assert_int_equal(netfront_transmit(queue, &batch), 3);
        assert_null(failed_by);
        for (unsigned at = 0; at < 2; at++) {
            queue->tx.sring->ring[at].rsp = cases[i].answer[at];
            queue->tx.sring->rsp_prod = at + 1;
            netfront_sent(queue);
        }
        assert_string_equal(failed_by, cases[i].reason);
        fill(&batch, 3, 60);
        assert_int_equal(netfront_transmit(queue, &batch), 0);
        free_batch(&batch);
        close_vif();
    }
}

static void test_full_ring(void **state)
{
    struct batch batch;
    unsigned sent = 0;

    (void)state;
    open_vif(PACKETS, 10);
    for (unsigned i = 0; i < 4; i++) {
        fill(&batch, 64, 60);
        sent += netfront_transmit(queue, &batch);
    }
    assert_int_equal(sent, 256);
    fill(&batch, 20, 60);
    assert_int_equal(netfront_transmit(queue, &batch), 0);     /* ours still */
    backend_send(5);
    assert_int_equal(netfront_transmit(queue, &batch), 5);
    for (unsigned i = 5; i < 20; i++)
        test_packet_free(batch.pkt[i]);
    close_vif();
}

static void test_frames_that_cannot_be_sent(void **state)
{
    struct batch batch;

    (void)state;
    open_vif(PACKETS, 10);
    vif.gives = NETFRONT_FEATURES_ALL;
    fill(&batch, 3, 60);
    batch.pkt[0]->length = 13;
    batch.pkt[1]->length = 1519;
    batch.pkt[2]->data = batch.pkt[2]->head + PAGE_SIZE - 59;
    assert_int_equal(netfront_transmit(queue, &batch), 3);
    assert_int_equal(queue->counts.drops[DROP_TX_SHORT], 1);
    assert_int_equal(queue->counts.drops[DROP_TX_LONG], 2);
    assert_int_equal(n_taken, 10);
    close_vif();
}

/* ---- unfinished packets, and long ones ---- */

/* A TCP segment in IPv4, of so many bytes of payload. */
static struct packet *tcp(uint32_t payload, uint16_t segment_size)
{
    struct packet *p = test_packet_make(64, NULL, 54 + payload, 0);

    memset(p->data, 0, 54);
    p->mac = p->data;
    p->data[12] = 8;
    p->data[14] = 0x45;
    p->data[16] = (uint8_t)((40 + payload) >> 8);
    p->data[17] = (uint8_t)(40 + payload);
    p->data[23] = IP_PROTO_TCP;
    p->data[46] = 0x50;
    for (uint32_t i = 0; i < payload; i++)
        p->data[54 + i] = byte_at(i);
    p->flags |= PACKET_F_BLANK;
    p->segment_size = segment_size;
    return p;
}

/* What the backend finds from `index` on is this packet; how many slots it has. */
static unsigned check_slots(RING_IDX index, const struct packet *p, uint16_t segment_size)
{
    netif_tx_sring_t *ring = queue->tx.sring;
    netif_tx_request_t request = ring->ring[index & MASK].req;
    uint32_t done = 0;
    unsigned slots = 1;

    assert_int_equal(request.size, p->length);
    assert_int_equal((request.flags & NETTXF_csum_blank) != 0, (p->flags & PACKET_F_BLANK) != 0);
    assert_int_equal((request.flags & NETTXF_extra_info) != 0, segment_size != 0);
    if (request.flags & NETTXF_extra_info) {
        struct netif_extra_info extra;

        memcpy(&extra, &ring->ring[(index + slots++) & MASK].req, sizeof extra);
        assert_int_equal(extra.type, XEN_NETIF_EXTRA_TYPE_GSO);
        assert_int_equal(extra.flags, 0);
        assert_int_equal(extra.u.gso.type, XEN_NETIF_GSO_TYPE_TCPV4);
        assert_int_equal(extra.u.gso.size, segment_size);
    }
    for (;;) {
        uint32_t room = PAGE_SIZE - (uint32_t)request.offset, left = p->length - done;

        assert_ptr_equal(lent_page(request.gref) + request.offset, p->data + done);
        if (done > 0)
            assert_int_equal(request.size, left < room ? left : room);
        done += left < room ? left : room;
        assert_int_equal((request.flags & NETTXF_more_data) != 0, done < p->length);
        if (done == p->length)
            return slots;
        request = ring->ring[(index + slots++) & MASK].req;
    }
}

/* Answers all slots, descriptions in their way. */
static void backend_send_all(void)
{
    netif_tx_sring_t *ring = queue->tx.sring;
    bool description = false;

    for (; backend_tx != ring->req_prod; backend_tx++) {
        netif_tx_request_t request = ring->ring[backend_tx & MASK].req;

        ring->ring[backend_tx & MASK].rsp = description ? (netif_tx_response_t){ .status = NETIF_RSP_NULL }
                                                        : (netif_tx_response_t){ .id = request.id };
        description = !description && request.flags & NETTXF_extra_info;
        ring->rsp_prod = backend_tx + 1;
    }
}

static void test_send_unfinished(void **state)
{
    static const struct { uint32_t payload; uint16_t segment_size; unsigned slots; } cases[] = {
        { 100, 0, 1 }, { 1446, 0, 1 }, { 3000, 1448, 2 }, { 5000, 1448, 3 }, { 60000, 1448, 16 }, { 65481, 1460, 18 },
    };

    (void)state;
    for (unsigned modes = 0; modes <= NETFRONT_MODES_ALL; modes++) {
        open_vif_in(modes, PACKETS, 10);
        vif.gives = NETFRONT_FEATURES_ALL;
        backend_tx = 0;
        for (unsigned round = 0; round < 100; round++) {
            unsigned which = round % (sizeof cases / sizeof *cases);
            struct batch batch = { .n = 0 };
            RING_IDX at = queue->tx.req_prod_pvt;

            batch_add(&batch, tcp(cases[which].payload, cases[which].segment_size));
            assert_int_equal(netfront_transmit(queue, &batch), 1);
            assert_int_equal(check_slots(at, batch.pkt[0], cases[which].segment_size), cases[which].slots);
            assert_int_equal(queue->tx.req_prod_pvt - at, cases[which].slots);
            assert_int_equal(queue->own_grants, n_lent);
            backend_send_all();
            netfront_sent(queue);
            assert_null(failed_by);
            assert_int_equal(n_taken, netfront_rx_posted(queue));
            assert_int_equal(queue->tx_n_free, NETFRONT_SLOTS);
        }
        close_vif();
    }
}

/* Pages of one packet are answered in any order, over any time; it is free with the last of them. */
static void test_answers_in_any_order(void **state)
{
    struct batch batch = { .n = 0 };

    (void)state;
    open_vif(PACKETS, 10);
    vif.gives = NETFRONT_FEATURES_ALL;
    batch_add(&batch, tcp(40000, 1448));
    assert_int_equal(netfront_transmit(queue, &batch), 1);
    unsigned slots = queue->tx.req_prod_pvt, n = 0;
    netif_tx_response_t answers[NETFRONT_SLOTS];
    for (unsigned i = slots; i-- > 0;)          /* backwards; the description's, which has no id, in the midst of them */
        if (i != 1)
            answers[n++] = (netif_tx_response_t){ .id = queue->tx.sring->ring[i].req.id };
    answers[n++] = answers[3];
    answers[3] = (netif_tx_response_t){ .status = NETIF_RSP_NULL };
    assert_int_equal(n, slots);
    for (unsigned i = 0; i < slots; i++) {
        assert_int_equal(n_taken, 11);
        queue->tx.sring->ring[i].rsp = answers[i];
        queue->tx.sring->rsp_prod = i + 1;
        netfront_sent(queue);
    }
    assert_null(failed_by);
    assert_int_equal(n_taken, 10);
    close_vif();
}

/* Descriptions answered as requests, requests as descriptions: ids would run out. */
static void test_bad_sent_descriptions(void **state)
{
    const struct { netif_tx_response_t answers[3]; const char *reason; } cases[] = {
        { { { .status = NETIF_RSP_NULL }, { .status = NETIF_RSP_NULL } }, "answered that it was not asked" },
        { { { .id = 0 }, { .id = 0 } }, "answered a request twice" },
        { { { .id = 0 }, { .id = 1 }, { .id = 2 } }, "answered a description as if it were a request" },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct batch batch = { .n = 0 };

        open_vif(PACKETS, 10);
        vif.gives = NETFRONT_FEATURES_ALL;
        batch_add(&batch, tcp(5000, 1448));
        assert_int_equal(netfront_transmit(queue, &batch), 1);
        for (unsigned k = 0; k < 3 && vif.up; k++) {
            queue->tx.sring->ring[k].rsp = cases[i].answers[k];
            queue->tx.sring->rsp_prod = k + 1;
            netfront_sent(queue);
        }
        assert_non_null(failed_by);
        if (i != 2)
            assert_string_equal(failed_by, cases[i].reason);
        close_vif();
    }
}

/* Where the backend does not take it: cut, and with checksums. What it takes is not touched. */
static void test_finished_for_the_backend(void **state)
{
    struct batch batch = { .n = 0 };

    (void)state;
    for (unsigned gives = 0; gives <= NETFRONT_FEATURES_ALL; gives++) {
        bool whole = gives & NETFRONT_GSO4, blank = gives & NETFRONT_CSUM4;

        if (whole && (~gives & (NETFRONT_SG | NETFRONT_CSUM4)))
            continue;                           /* is not agreed upon */
        open_vif(PACKETS, 10);
        vif.gives = gives;
        backend_tx = 0;
        batch.n = 0;
        batch_add(&batch, tcp(4344, 1448));
        batch_add(&batch, tcp(100, 0));
        assert_int_equal(netfront_transmit(queue, &batch), 2);
        assert_int_equal(queue->counts.tx_packets, whole ? 2 : 4);
        assert_int_equal(queue->counts.tx_finished, !whole + !blank);
        assert_int_equal(queue->counts.tx_blank, whole + blank);
        for (RING_IDX i = 0; i < queue->tx.req_prod_pvt && !whole; i++) {
            const netif_tx_request_t *r = &queue->tx.sring->ring[i].req;

            assert_int_equal(r->size, i < 3 ? 54 + 1448 : 154);
            assert_int_equal((r->flags & NETTXF_csum_blank) != 0, i == 3 && blank);
            if (i < 3 || !blank)
                assert_int_not_equal(*(uint16_t *)(lent_page(r->gref) + r->offset + 50), 0);
        }
        backend_send_all();
        netfront_sent(queue);
        assert_int_equal(n_taken, 10);
        close_vif();
    }
}

/* Cut into more than there is room for: the rest is lost and counted, as on any wire. */
static void test_cut_without_room(void **state)
{
    struct batch batch;
    unsigned sent = 0;

    (void)state;
    open_vif(PACKETS, 10);
    while (sent < 250) {
        fill(&batch, 50, 60);
        sent += netfront_transmit(queue, &batch);
    }
    batch.n = 0;
    batch_add(&batch, tcp(14480, 1448));
    assert_int_equal(netfront_transmit(queue, &batch), 1);
    assert_int_equal(queue->counts.tx_packets, 256);
    assert_int_equal(queue->counts.drops[DROP_TX_NO_ROOM], 4);
    close_vif();
}

/* Without headers that say how. */
static void test_send_what_cannot_be_finished(void **state)
{
    struct batch batch = { .n = 0 };

    (void)state;
    for (unsigned gives = 0; gives <= NETFRONT_FEATURES_ALL; gives += NETFRONT_FEATURES_ALL) {
        open_vif(PACKETS, 10);
        vif.gives = gives;
        batch.n = 0;
        batch_add(&batch, tcp(100, 0));
        batch.pkt[0]->data[23] = IP_PROTO_ICMP;
        batch_add(&batch, tcp(5000, 1448));
        batch.pkt[1]->data[14] = 0x41;
        assert_int_equal(netfront_transmit(queue, &batch), 2);
        assert_int_equal(queue->counts.drops[DROP_TX_UNFINISHED], 2);
        assert_int_equal(queue->counts.tx_packets, 0);
        assert_int_equal(n_taken, 10);
        close_vif();
    }
}

/* ---- modes ---- */

static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* Takes what is there, one call after the other as an element would; the frames' numbers must go on from *next. */
static unsigned receive_all(unsigned *next)
{
    struct batch batch = { .n = 0 };
    unsigned n, sum = 0, was_raised;

    do {
        was_raised = raised;
        n = netfront_receive(queue, &batch, BATCH_MAX, false);
        assert_true(n <= 1 || queue->modes & NETFRONT_POLL);
        for (unsigned i = 0; i < n; i++) {
            uint32_t number;
            memcpy(&number, batch.pkt[i]->data + 16, sizeof number);
            assert_int_equal(number, (*next)++);
            assert_int_equal(batch.pkt[i]->length, 60 + number % 1400);
        }
        free_batch(&batch);
        sum += n;
    } while (n == BATCH_MAX || raised != was_raised);
    return sum;
}

static bool deliver_number(uint32_t number)
{
    uint8_t frame[1514] = { 0, 0x16, 0x3e, 1, 2, 3 };

    memcpy(frame + 16, &number, sizeof number);
    return deliver(frame, (uint16_t)(60 + number % 1400), (uint16_t)(number % 64));
}

static void test_receive_in_each_mode(void **state)
{
    (void)state;
    for (unsigned modes = 0; modes <= NETFRONT_MODES_ALL; modes++) {
        unsigned sent = 0, next = 0, lowest = 100, events = 0;

        open_vif_in(modes, PACKETS, 100);
        assert_int_equal(n_lent, modes & NETFRONT_GRU ? 0 : 100);
        while (sent < 3000) {
            for (unsigned burst = 1 + chance(70); burst > 0 && deliver_number(sent); burst--)
                sent++;
            receive_all(&next);
            assert_int_equal(next, sent);
            assert_int_equal(queue->rx.sring->rsp_event, queue->rx.rsp_cons + 1);
            assert_int_equal(n_taken, netfront_rx_posted(queue));
            assert_int_equal(n_lent, modes & NETFRONT_GRU ? 0 : n_taken);
            if (netfront_rx_posted(queue) < lowest)
                lowest = netfront_rx_posted(queue);
            events++;
        }
        assert_int_equal(queue->counts.rx_packets, sent);
        assert_int_equal(queue->counts.batches[NETFRONT_RX][0] == sent, !(modes & NETFRONT_POLL));
        assert_int_equal(raised, modes & NETFRONT_POLL ? 0 : sent - events);
        assert_int_equal(queue->counts.notifications_raised, raised);
        assert_int_equal(n_revokes, modes & NETFRONT_GRU ? 0 : sent);
        if (modes & NETFRONT_FR)
            assert_int_equal(lowest, 100);
        else
            assert_in_range(lowest, 25, 60);        /* filled up from 24 on */
        close_vif();
    }
}

static void test_transmit_in_each_mode(void **state)
{
    struct batch batch;

    (void)state;
    for (unsigned modes = 0; modes <= NETFRONT_MODES_ALL; modes++) {
        unsigned sent = 0;

        open_vif_in(modes, PACKETS, 10);
        for (unsigned round = 0; round < 100; round++) {
            unsigned n = 1 + chance(BATCH_MAX);
            fill(&batch, n, 60 + round);
            assert_int_equal(netfront_transmit(queue, &batch), n);
            assert_int_equal(n_lent, modes & NETFRONT_GRU ? 0 : netfront_rx_posted(queue) + n);
            for (unsigned i = 0; i < n; i++) {
                netif_tx_request_t request = queue->tx.sring->ring[(backend_tx + i) & MASK].req;
                assert_ptr_equal(lent_page(request.gref) + request.offset, batch.pkt[i]->data);
                assert_int_equal(request.size, 60 + round);
            }
            assert_int_equal(backend_send(n), n);
            netfront_sent(queue);
            assert_int_equal(n_taken, 10);
            sent += n;
        }
        assert_int_equal(queue->counts.tx_packets, sent);
        assert_int_equal(queue->counts.batches[NETFRONT_TX][0] == sent, !(modes & NETFRONT_POLL));
        fill(&batch, 9, 60);
        netfront_transmit(queue, &batch);
        assert_int_equal(queue->tx.sring->rsp_event, queue->tx.rsp_cons + (modes & NETFRONT_POLL ? 5 : 1));
        close_vif();
    }
}

/* A backend domain too many: NETFRONT_GRU does what it can, and that is to lend frame by frame. */
static void test_no_loans(void **state)
{
    struct batch batch;
    unsigned sent = 0, next = 0;

    (void)state;
    no_loans = true;
    open_vif(PACKETS, 100);
    while (sent < 1000) {
        for (unsigned burst = 1 + chance(70); burst > 0 && deliver_number(sent); burst--)
            sent++;
        receive_all(&next);
        assert_int_equal(next, sent);
        assert_int_equal(n_lent, 100);
        fill(&batch, 20, 60);
        assert_int_equal(netfront_transmit(queue, &batch), 20);
        assert_int_equal(n_lent, 120);
        assert_int_equal(backend_send(20), 20);
        netfront_sent(queue);
    }
    close_vif();
    no_loans = false;
}

/* A full grant table costs frames, and buffers until there are grants again. */
static void test_no_grants(void **state)
{
    struct batch batch;
    unsigned sent = 0, next = 0;

    (void)state;
    open_vif_in(NETFRONT_POLL | NETFRONT_FR, PACKETS, 100);
    no_grants = true;
    for (unsigned i = 0; i < 5; i++)
        assert_true(deliver_number(sent++));
    assert_int_equal(receive_all(&next), 0);
    assert_int_equal(queue->counts.drops[DROP_NO_BUFFER], 5);
    assert_int_equal(netfront_rx_posted(queue), 95);
    assert_int_equal(n_taken, 95);
    fill(&batch, 3, 60);
    assert_int_equal(netfront_transmit(queue, &batch), 3);
    assert_int_equal(queue->counts.drops[DROP_TX_NO_GRANT], 3);
    assert_int_equal(n_taken, 95);
    no_grants = false;
    assert_true(deliver_number(next = sent));
    assert_int_equal(receive_all(&next), 1);
    assert_int_equal(netfront_rx_posted(queue), 100);
    close_vif();
}

/* At any time, in the midst of bursts both ways: none is lost, doubled or out of order, and no grant stays behind. */
static void test_switching_modes(void **state)
{
    unsigned sent = 0, next = 0, under_way = 0;
    struct batch batch;

    (void)state;
    open_vif(PACKETS, 100);
    while (sent < 20000) {
        for (unsigned burst = 1 + chance(40); burst > 0 && deliver_number(sent); burst--)
            sent++;
        if (chance(2))
            netfront_set_modes(queue, chance(NETFRONT_MODES_ALL + 1));
        if (chance(2)) {
            fill(&batch, 1 + chance(20), 60);
            under_way += batch.n;
            assert_int_equal(netfront_transmit(queue, &batch), batch.n);
        }
        if (chance(2))
            netfront_set_modes(queue, chance(NETFRONT_MODES_ALL + 1));
        receive_all(&next);
        assert_int_equal(next, sent);
        under_way -= backend_send(under_way);
        netfront_sent(queue);
        assert_int_equal(n_taken, netfront_rx_posted(queue));
        assert_int_equal(queue->own_grants, n_lent);
    }
    netfront_set_modes(queue, NETFRONT_MODES_ALL);
    assert_int_equal(netfront_rx_posted(queue), 100);
    for (unsigned i = 0; i < 100; i++)
        assert_true(deliver_number(sent++));
    receive_all(&next);
    assert_int_equal(n_lent, 0);
    close_vif();
}

/* Late or not, the ring does not run dry when the pool is empty, and fills up when packets come back. */
static void test_empty_pool_in_each_mode(void **state)
{
    struct batch held_back = { .n = 0 };

    (void)state;
    for (unsigned modes = 0; modes <= NETFRONT_MODES_ALL; modes++) {
        unsigned sent = 0, posted = 40;

        open_vif_in(modes, 60, posted);
        for (unsigned i = 0; i < 200; i++)
            if (deliver_number(sent)) {
                sent++;
                netfront_receive(queue, &held_back, 1, false);
            }
        assert_int_equal(sent, 200);
        assert_int_equal(queue->counts.drops[DROP_NO_BUFFER], sent - held_back.n);
        assert_in_range(netfront_rx_posted(queue), modes & NETFRONT_FR ? posted : queue->rx_late, posted);
        assert_int_equal(n_taken, 60);
        free_batch(&held_back);
        netfront_set_modes(queue, modes | NETFRONT_FR);
        assert_int_equal(netfront_rx_posted(queue), posted);
        close_vif();
    }
}

/* A backend that answers and keeps the page: the reference is given up, and when that goes on, the vif is. */
static void test_pages_that_are_held(void **state)
{
    unsigned sent = 0, next = 0;

    (void)state;
    open_vif_in(NETFRONT_POLL | NETFRONT_FR, PACKETS, 100);
    holds_on = true;
    while (!failed && deliver_number(sent)) {
        sent++;
        receive_all(&next);
    }
    assert_int_equal(failed, 1);
    assert_int_equal(still_held, NETFRONT_SLOTS);
    close_vif();
    holds_on = false;
}

/* Who looks again anyway does not ask the backend for events. */
static void test_looking_again(void **state)
{
    struct batch batch = { .n = 0 };

    (void)state;
    open_vif(PACKETS, 100);
    for (unsigned n = 0; n < 10; n++) {
        RING_IDX asked = queue->rx.sring->rsp_event;

        assert_true(deliver_number(n));
        assert_int_equal(netfront_receive(queue, &batch, 32, true), 1);
        free_batch(&batch);
        assert_int_equal(netfront_receive(queue, &batch, 32, true), 0);
        assert_int_equal(queue->rx.sring->rsp_event, asked);
        assert_int_equal(netfront_receive(queue, &batch, 32, false), 0);
        assert_int_equal(queue->rx.sring->rsp_event, queue->rx.rsp_cons + 1);
    }
    assert_int_equal(queue->counts.polls_empty, 20);
    close_vif();
}

/* ---- a backend that writes anything ---- */

static void scribble(void *page)
{
    uint32_t *words = page;

    switch (chance(40) ? 2 + (chance(4) == 0) : chance(2)) {
    case 0:                                         /* anything, indexes as well */
        words[chance(PAGE_SIZE / 4)] = chance(2) ? chance(300) : seed;
        break;
    case 1:
        words[2] += chance(4);                      /* rsp_prod: credible */
        break;
    case 2: {                                       /* an answer that may well be right, and its index */
        RING_IDX at = words[2]++;
        words[16 + (at & MASK) * 2] = (at & MASK) | chance(8000) << 16;
        words[17 + (at & MASK) * 2] = (chance(10) ? 0 : chance(32)) | (chance(3000) - 10) << 16;
        break;
    }
    default:                                        /* a part of one */
        words[16 + chance(PAGE_SIZE / 4 - 16)] = chance(2) ? chance(65536) : chance(256) << 16 | chance(256);
    }
}

/* backend_send() without its assertions: the ring has been scribbled on. */
static void backend_send_what_it_can(unsigned n)
{
    netif_tx_sring_t *ring = queue->tx.sring;

    for (; n > 0 && ring->rsp_prod != queue->tx.req_prod_pvt; n--, ring->rsp_prod++)
        ring->ring[ring->rsp_prod & MASK].rsp =
            (netif_tx_response_t){ .id = ring->ring[ring->rsp_prod & MASK].req.id };
}

static void test_hostile_backend(void **state)
{
    struct batch in, out;
    unsigned received = 0;

    (void)state;
    for (unsigned life = 0; life < 3000; life++) {
        open_vif_in(chance(NETFRONT_MODES_ALL + 1), 200 + chance(100), 1 + chance(128));
        holds_on = chance(3) == 0;
        for (unsigned step = 0; step < 60 && vif.up; step++) {
            for (unsigned n = chance(8); n > 0; n--)
                scribble(queue->rx.sring);
            if (chance(10) == 0)
                netfront_set_modes(queue, chance(NETFRONT_MODES_ALL + 1));
            if (chance(40) == 0)
                scribble(queue->tx.sring);
            else
                backend_send_what_it_can(chance(20));
            in.n = 0;
            received += netfront_receive(queue, &in, 1 + chance(BATCH_MAX), false);
            for (unsigned i = 0; i < in.n; i++)
                assert_true(in.pkt[i]->data >= in.pkt[i]->head &&
                            in.pkt[i]->data + in.pkt[i]->length <= in.pkt[i]->head + PAGE_SIZE);
            out = in;
            unsigned sent = netfront_transmit(queue, &out);
            assert_in_range(sent, 0, out.n);
            for (unsigned i = sent; i < out.n; i++)
                test_packet_free(out.pkt[i]);
            netfront_sent(queue);
            assert_in_range(n_taken, 0, PACKETS);
        }
        close_vif();
    }
    holds_on = false;
    assert_true(received > 10000);                      /* it did get to say something */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receive),
        cmocka_unit_test(test_empty_pool),
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_too_many_bad_answers),
        cmocka_unit_test(test_long_frames),
        cmocka_unit_test(test_short_unfinished_frames),
        cmocka_unit_test(test_bad_chains),
        cmocka_unit_test(test_endless_frames),
        cmocka_unit_test(test_no_large_buffer),
        cmocka_unit_test(test_transmit),
        cmocka_unit_test(test_send_unfinished),
        cmocka_unit_test(test_answers_in_any_order),
        cmocka_unit_test(test_bad_sent_descriptions),
        cmocka_unit_test(test_finished_for_the_backend),
        cmocka_unit_test(test_cut_without_room),
        cmocka_unit_test(test_send_what_cannot_be_finished),
        cmocka_unit_test(test_bad_sent),
        cmocka_unit_test(test_full_ring),
        cmocka_unit_test(test_frames_that_cannot_be_sent),
        cmocka_unit_test(test_receive_in_each_mode),
        cmocka_unit_test(test_transmit_in_each_mode),
        cmocka_unit_test(test_no_loans),
        cmocka_unit_test(test_no_grants),
        cmocka_unit_test(test_switching_modes),
        cmocka_unit_test(test_empty_pool_in_each_mode),
        cmocka_unit_test(test_pages_that_are_held),
        cmocka_unit_test(test_looking_again),
        cmocka_unit_test(test_hostile_backend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
