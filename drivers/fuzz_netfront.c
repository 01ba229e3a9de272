// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_netfront.c - libFuzzer target: a script for a backend that lies, and for the vif that it serves.
 *
 * The input is a row of steps, a byte each with its operands behind it (next()). Steps of the frontend
 * are what elements and events make the ring code do; steps of the backend write into the rings.
 * STEP_AT plans a step of the backend for one of the looks of the next call, in the middle of the
 * ring code's work, and STEP_ALWAYS for all of them, two in turn: so a value may change between any two
 * looks, once or every time. tests/corpus/netfront/ has one input for each lie that we thought of, and
 * what the search made of them.
 *
 * What must hold, whatever the backend does:
 * - no access outside (ASan, UBSan), no look at a slot but by the ring macros (fake_rings_test.h);
 * - a call ends after as many looks as what was asked of the backend explains;
 * - a packet is with the ring code, with us, or free, and changes hands once; at the end all are free;
 * - what is received lies in its buffer; what is sent is shown to the backend with the bounds of its page;
 * - when the connection is given up, there is a reason, and from then on nothing passes; it is given up when there
 *   are more answers than requests.
 */
#include <stdint.h>

#include "drivers/fake_rings_test.h"

enum {
    STEPS_MAX = 400, PLANS_MAX = 8,
    RX_BUFFERS = 64,
    MODES_FROM = 0xf7,
    /* Looks per answer, and per call besides. */
    LOOKS_AN_ANSWER = 8, LOOKS_A_CALL = 16,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vif vif;
static struct netfront_queue *const queue = &vif.queue[0];
static const uint8_t *at, *end;

static uint8_t next(void)
{
    return at < end ? *at++ : 0;
}

static uint16_t next16(void)
{
    uint16_t low = next();

    return (uint16_t)(low | next() << 8);
}

/* Mostly what is near: 0x80 and above leads to any 32 bits. */
static uint32_t next_difference(void)
{
    uint8_t n = next();

    if (n < 0x80)
        return (uint32_t)(n - 0x40);
    return (uint32_t)next16() | (uint32_t)next16() << 16;
}

/* ---- the backend ---- */

enum backend_step {
    RX_HONEST, RX_ANSWER, RX_PRODUCER, TX_HONEST, TX_ANSWER, TX_PRODUCER, EVENT_INDEX, ANY_WORD, ALL_WORDS,
    BACKEND_STEPS,
};

/* In an answer's first byte; the rest says how far beyond the producer it is. */
enum { WRONG_ID = 0x80, NOT_SHOWN = 0x40, AHEAD = 0x3f };

struct step {
    uint8_t what;
    uint8_t n;
    uint16_t a, b, c;
    uint32_t word;
};

static struct step read_step(void)
{
    struct step s = { .what = next() % BACKEND_STEPS };

    switch (s.what) {
    case RX_HONEST:
        s.n = next();
        s.a = next16();                 /* length */
        break;
    case RX_ANSWER:                     /* how and where, flags, offset, status, wrong id */
        s.n = next();
        s.word = next();
        s.b = next16();
        s.c = next16();
        s.a = s.n & WRONG_ID ? next16() : 0;
        break;
    case TX_HONEST:
        s.n = next();
        break;
    case TX_ANSWER:                     /* how and where, status, wrong id */
        s.n = next();
        s.b = next();
        s.a = s.n & WRONG_ID ? next16() : 0;
        break;
    case RX_PRODUCER: case TX_PRODUCER:
        s.word = next_difference();
        break;
    case ALL_WORDS:
        s.n = next();
        s.a = next();
        break;
    default:
        s.a = next16();
        s.word = next_difference();
    }
    return s;
}

/* Answers in order, as many as asked for, each frame `length` bytes. */
static void deliver(netif_rx_sring_t *ring, unsigned n, uint16_t length)
{
    for (; n > 0 && ring->rsp_prod != ring->req_prod; n--, ring->rsp_prod++) {
        union netif_rx_sring_entry *slot = &ring->ring[ring->rsp_prod & MASK];

        slot->rsp = (netif_rx_response_t){ .id = (uint16_t)(ring->rsp_prod & MASK),
                                           .status = (int16_t)(length % (PAGE_SIZE + 1)) };
    }
}

static void complete(netif_tx_sring_t *ring, unsigned n)
{
    for (; n > 0 && ring->rsp_prod != ring->req_prod; n--, ring->rsp_prod++)
        ring->ring[ring->rsp_prod & MASK].rsp =
            (netif_tx_response_t){ .id = ring->ring[ring->rsp_prod & MASK].req.id };
}

static uint16_t ahead(RING_IDX producer, const struct step *s)
{
    return (uint16_t)((producer + (s->n & AHEAD)) & MASK);
}

static void backend(const struct step *s)
{
    netif_rx_sring_t *rx = queue->rx.sring;
    netif_tx_sring_t *tx = queue->tx.sring;
    uint32_t *words = s->a & 0x8000 ? (uint32_t *)rx : (uint32_t *)tx;

    show_slots();
    switch (s->what) {
    case RX_HONEST:
        deliver(rx, s->n, s->a);
        break;
    case RX_ANSWER:
        rx->ring[ahead(rx->rsp_prod, s)].rsp =
            (netif_rx_response_t){ .id = s->n & WRONG_ID ? s->a : ahead(rx->rsp_prod, s), .offset = s->b,
                                   .flags = (uint16_t)s->word, .status = (int16_t)s->c };
        rx->rsp_prod += !(s->n & NOT_SHOWN);
        break;
    case RX_PRODUCER:
        rx->rsp_prod += s->word;
        break;
    case TX_HONEST:
        complete(tx, s->n);
        break;
    case TX_ANSWER:
        tx->ring[ahead(tx->rsp_prod, s)].rsp =
            (netif_tx_response_t){ .id = s->n & WRONG_ID ? s->a : tx->ring[ahead(tx->rsp_prod, s)].req.id,
                                   .status = (int8_t)s->b };
        tx->rsp_prod += !(s->n & NOT_SHOWN);
        break;
    case TX_PRODUCER:
        tx->rsp_prod += s->word;
        break;
    case EVENT_INDEX:                           /* req_prod, req_event, rsp_prod or rsp_event */
        words[s->a % 4] += s->word;
        break;
    case ANY_WORD:
        words[s->a % (PAGE_SIZE / 4)] = s->word;
        break;
    case ALL_WORDS:
        memset(words, s->n, PAGE_SIZE);
        break;
    }
    hide_again();
}

/* ---- in the middle of the ring code's work ---- */

static struct {
    unsigned look;
    struct step step;
} plans[PLANS_MAX];
static unsigned n_plans, n_always, looks;
static struct step always[2];

static void look(void)
{
    looks++;
    for (unsigned i = 0; i < n_plans; i++)
        if (plans[i].look == looks)
            backend(&plans[i].step);
    if (n_always)
        backend(&always[looks % n_always]);
}

static void begin(void)
{
    looks = 0;
    on_look = look;
}

/* `answers`: as many as the backend may have given in this call. */
static void finish(unsigned answers)
{
    on_look = NULL;
    n_plans = n_always = 0;
    FAKE_MUST(looks <= LOOKS_A_CALL + LOOKS_AN_ANSWER * answers);
    FAKE_MUST(vif.up == !vif.broken);
    FAKE_MUST(!vif.broken || (failed_by && *failed_by));
}

static void plan(void)
{
    uint8_t when = next();
    struct step s = read_step();

    if (n_plans < PLANS_MAX) {
        plans[n_plans].look = when + 1u;
        plans[n_plans++].step = s;
    }
}

/* ---- the frontend, and what it owns ---- */

static struct packet *ours[PACKETS + LARGE];
static unsigned n_ours;
static bool is_ours[PACKETS + LARGE];

static void hold(struct packet *p)
{
    unsigned i = packet_number(p);

    FAKE_MUST(in_use[i] && !is_ours[i]);
    is_ours[i] = true;
    ours[n_ours++] = p;
}

static struct packet *let_go(void)
{
    struct packet *p = ours[--n_ours];

    is_ours[packet_number(p)] = false;
    return p;
}

static void check_ours(void)
{
    for (unsigned i = 0; i < n_ours; i++)
        FAKE_MUST(in_use[packet_number(ours[i])]);
}

static unsigned buffers;                        /* as many as the vif wants to post */

static void open_rings(void)
{
    if (netfront_rings_open(queue, buffers))
        return;
    vif.up = true;
    failed = 0;
    failed_by = NULL;
    hide_slots(queue);
}

static void read_settings(void)
{
    uint8_t how = next(), pool_bits = next();

    buffers = how & 1 ? NETFRONT_SLOTS : RX_BUFFERS;
    queue->modes = (how >> 1 & NETFRONT_MODES_ALL) ^ NETFRONT_MODES_ALL;
    holds_on = how & 0x80;
    pool_limit = pool_bits < 0x80 ? PACKETS : n_ours + RX_BUFFERS / 2;
}

static void close_rings(void)
{
    if (!queue->rx.sring)
        return;
    vif.up = false;
    netfront_rings_close(queue);
    FAKE_MUST(ring_pages == 0 && n_lent == 0 && queue->own_grants == 0);
    FAKE_MUST(n_taken == n_ours);
}

/* Whether more answers are shown than were asked for, and nothing is planned that changes it. */
static bool overruns(RING_IDX produced, RING_IDX consumed, unsigned asked)
{
    return vif.up && n_plans == 0 && n_always == 0 && produced - consumed > asked;
}

static void receive(void)
{
    struct batch batch = { .n = 0 };
    unsigned answers = queue->rx.req_prod_pvt - queue->rx.rsp_cons, max = next() % BATCH_MAX + 1;
    bool was_up = vif.up, lies = overruns(queue->rx.sring->rsp_prod, queue->rx.rsp_cons, answers);

    begin();
    unsigned n = netfront_receive(queue, &batch, max, max & 1);
    finish(answers);
    FAKE_MUST(n == batch.n && n <= max && (was_up || n == 0) && (!lies || vif.broken));
    for (unsigned i = 0; i < n; i++) {
        struct packet *p = batch.pkt[i];

        FAKE_MUST(p->data >= p->head && p->data + p->length <= p->head + p->capacity && p->length >= ETHER_HEADER);
        FAKE_MUST(vif.takes || !packet_is_unfinished(p));
        hold(p);
    }
}

/* A TCP segment, as long as there is room for, with work left to do on it. */
static void dress(struct packet *p, uint16_t length)
{
    uint32_t most = p->capacity - PACKET_HEADROOM, size = 54 + length * 16u % most;
    static const uint8_t headers[54] = { [12] = 8, [14] = 0x45, [23] = IP_PROTO_TCP, [46] = 0x50 };

    p->data = p->mac = p->head + PACKET_HEADROOM;
    p->length = size < most ? size : most;
    p->network = NULL;
    memcpy(p->data, headers, sizeof headers);
    be16_put(p->data + 16, (uint16_t)(p->length - ETHER_HEADER));
    p->flags |= PACKET_F_BLANK;
    p->segment_size = length & 4 ? 200 + length % 1300 : 0;
}

static void transmit(void)
{
    unsigned want = next() % BATCH_MAX + 1, answers = queue->tx.req_prod_pvt - queue->tx.rsp_cons;
    uint16_t length = next16() % (PAGE_SIZE + 8);
    struct batch batch = { .n = 0 };

    while (batch.n < want) {
        struct packet *p = n_ours ? let_go() : test_packet_new();
        if (!p)
            break;
        if ((length & 3) == 3)
            dress(p, length);
        else if (length & 1)
            p->length = length;
        batch_add(&batch, p);
    }
    begin();
    unsigned sent = netfront_transmit(queue, &batch);
    finish(answers + batch.n + NETFRONT_SLOTS);
    FAKE_MUST(sent <= batch.n);
    for (unsigned i = sent; i < batch.n; i++)
        hold(batch.pkt[i]);
}

static void sent(void)
{
    unsigned answers = queue->tx.req_prod_pvt - queue->tx.rsp_cons;
    bool lies = overruns(queue->tx.sring->rsp_prod, queue->tx.rsp_cons, answers);

    begin();
    netfront_sent(queue);
    finish(answers);
    FAKE_MUST(!lies || vif.broken);
}

static void reconnect(void)
{
    close_rings();
    read_settings();
    open_rings();
}

/* More than there ever are: another mode instead, or others of what the sides take, for which they connect again. */
static void free_some(void)
{
    unsigned n = next();

    if (n > MODES_FROM - 64 && n <= MODES_FROM) {
        close_rings();
        *(n & 32 ? &vif.takes : &vif.gives) = n & NETFRONT_FEATURES_ALL;
        open_rings();
        return;
    }
    if (n > MODES_FROM) {
        netfront_set_modes(queue, n & NETFRONT_MODES_ALL);
        return;
    }
    for (; n > 0 && n_ours > 0; n--)
        test_packet_free(let_go());
}

enum { STEP_RECEIVE, STEP_TRANSMIT, STEP_SENT, STEP_RECONNECT, STEP_FREE, STEP_AT, STEP_ALWAYS, STEP_PENDING, STEP_BACKEND };

static void step(void)
{
    struct step s;

    switch (next() % (STEP_BACKEND + 2)) {
    case STEP_RECEIVE: receive(); break;
    case STEP_TRANSMIT: transmit(); break;
    case STEP_SENT: sent(); break;
    case STEP_RECONNECT: reconnect(); break;
    case STEP_FREE: free_some(); break;
    case STEP_AT: plan(); break;
    case STEP_ALWAYS:
        s = read_step();
        if (n_always < 2)
            always[n_always++] = s;
        break;
    case STEP_PENDING:
        begin();
        netfront_rx_pending(queue);
        finish(0);
        break;
    default:
        s = read_step();
        backend(&s);
    }
    check_ours();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    at = data;
    end = data + size;
    memset(&vif, 0, sizeof vif);
    queue->vif = &vif;
    vif.mtu = 1500;
    memcpy(vif.mac, "\x00\x16\x3e\x01\x02\x03", sizeof vif.mac);
    failed = 0;
    failed_by = NULL;
    n_plans = n_always = 0;
    read_settings();
    open_rings();
    for (unsigned i = 0; i < STEPS_MAX && at < end && queue->rx.sring; i++)
        step();
    close_rings();
    while (n_ours > 0)
        test_packet_free(let_go());
    FAKE_MUST(n_taken == 0);
    return 0;
}
