// SPDX-License-Identifier: BSD-2-Clause
/*
 * offload_test.c - packets that a device left unfinished: what they become, what is refused, and who gets them
 * finished.
 */
#include "tests/running.h"

#include "router/checksum.h"
#include "router/headers.h"
#include "router/offload.h"

enum { ETHER = 14, TCP = 20, PAYLOAD_MAX = 65535 - 20 - TCP, FLAGS = TCP_CWR | TCP_PSH | TCP_ACK | TCP_FIN };

/* What a frame is made of. */
struct kind {
    bool ip6, udp, vlan;
    uint32_t options;               /* bytes of IPv4 options, or of one IPv6 extension header */
};

static uint32_t transport_of(const struct kind *k)
{
    return (k->vlan ? ETHER + 4 : ETHER) + (k->ip6 ? 40 : 20) + k->options;
}

static void fill_ip(uint8_t *ip, const struct kind *k, uint32_t length)
{
    uint8_t protocol = k->udp ? IP_PROTO_UDP : IP_PROTO_TCP;

    if (k->ip6) {
        ip[0] = 0x60;
        be16_put(ip + 4, (uint16_t)(k->options + length));
        ip[6] = k->options ? 60 : protocol;
        ip[40] = protocol;          /* overwritten by the transport header when there are no options */
        ip[41] = (uint8_t)(k->options / 8 - (k->options != 0));
        ip[8 + 15] = 1;
        ip[24 + 15] = 2;
        return;
    }
    struct ip_header *h = (void *)ip;
    h->version_ihl = (uint8_t)(0x40 | (5 + k->options / 4));
    h->total_length = be16((uint16_t)(20 + k->options + length));
    h->id = be16(0xFFFE);
    h->ttl = 64;
    h->protocol = protocol;
    h->src = be32(0x0A000001);
    h->dst = be32(0x0A000002);
    h->checksum = checksum_of(h, ip_header_length(h));
}

/* A frame with a blank checksum whose field has nonsense, and six bytes of padding behind it. */
static struct packet *frame(const struct kind *k, uint32_t payload, uint16_t segment_size)
{
    uint32_t transport = transport_of(k), header = k->udp ? 8 : TCP;
    struct packet *p = packet_make(PACKET_HEADROOM, NULL, transport + header + payload + 6, 0);
    uint8_t *at;

    assert_non_null(p);
    memset(p->data, 0, p->length);
    p->mac = p->data;
    if (k->vlan)
        be16_put(p->data + 12, ETHERTYPE_VLAN);
    be16_put(p->data + (k->vlan ? 16 : 12), k->ip6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
    fill_ip(p->data + (k->vlan ? ETHER + 4 : ETHER), k, header + payload);
    at = p->data + transport;
    be16_put(at, 1000);
    be16_put(at + 2, 2000);
    if (k->udp) {
        be16_put(at + 4, (uint16_t)(header + payload));
        be16_put(at + 6, 0xBEEF);
    } else {
        be32_put(at + 4, 0xFFFFFF00);
        at[12] = 0x50;
        at[13] = FLAGS;
        be16_put(at + 16, 0xBEEF);
    }
    for (uint32_t i = 0; i < payload; i++)
        at[header + i] = (uint8_t)(i * 7 + i / 251);
    p->flags |= PACKET_F_BLANK;
    p->segment_size = segment_size;
    p->timestamp_ns = 77;
    p->anno[5] = 9;
    return p;
}

/* The sum of pseudo-header and segment, as a receiver makes it: 0 when right. Written apart from what is tested. */
static uint16_t received_sum(const struct packet *p, const struct kind *k, uint32_t transport, uint32_t end)
{
    const uint8_t *ip = p->data + (k->vlan ? ETHER + 4 : ETHER);
    uint32_t sum = (k->udp ? 17 : 6) + (end - transport);

    for (unsigned i = k->ip6 ? 8 : 12; i < (k->ip6 ? 40u : 20u); i += 2)
        sum += be16_get(ip + i);
    for (uint32_t i = transport; i < end; i += 2)
        sum += i + 1 < end ? be16_get(p->data + i) : p->data[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

static const struct kind kinds[] = {
    {0}, {.ip6 = true}, {.vlan = true}, {.vlan = true, .ip6 = true}, {.options = 12}, {.ip6 = true, .options = 24},
    {.udp = true}, {.udp = true, .ip6 = true}, {.udp = true, .options = 4, .vlan = true},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void test_a_blank_checksum_is_filled_in(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        for (uint32_t payload = 0; payload < 70; payload += 23) {
            struct offload_cut cut = {.failed = 0};
            struct packet *p;

            offload_cut_begin(&cut, frame(&kinds[i], payload, 0));
            p = offload_cut_next(&cut);
            assert_non_null(p);
            assert_null(offload_cut_next(&cut));
            assert_false(packet_is_unfinished(p));
            assert_int_equal(received_sum(p, &kinds[i], transport_of(&kinds[i]), p->length - 6), 0);
            packet_free(p);
        }
    }
}

/* A UDP checksum that comes out as 0 is sent as 0xFFFF (RFC 768). */
static void test_udp_never_says_that_it_has_none(void **state)
{
    const struct kind udp = {.udp = true};
    unsigned seen = 0;

    (void)state;
    for (unsigned v = 0; v < 65536; v++) {
        struct offload_cut cut = {.failed = 0};
        struct packet *p = frame(&udp, 2, 0);

        be16_put(p->data + transport_of(&udp) + 8, (uint16_t)v);
        offload_cut_begin(&cut, p);
        p = offload_cut_next(&cut);
        assert_int_not_equal(be16_get(p->data + transport_of(&udp) + 6), 0);
        seen += be16_get(p->data + transport_of(&udp) + 6) == 0xFFFF;
        packet_free(p);
    }
    assert_int_equal(seen, 1);
}

static void cut_and_check(const struct kind *k, uint32_t payload, uint16_t size)
{
    uint32_t transport = transport_of(k), header = transport + TCP, offset = 0, number = 0;
    struct packet *whole = frame(k, payload, size), *p;
    uint8_t *bytes = malloc(payload + 1);
    struct offload_cut cut = {.failed = 0};

    memcpy(bytes, whole->data + header, payload);
    offload_cut_begin(&cut, whole);
    for (; (p = offload_cut_next(&cut)); number++) {
        uint32_t left = payload - offset, n = left < size ? left : size;
        bool only = payload <= size, last = n == left;
        const uint8_t *ip = p->data + (k->vlan ? ETHER + 4 : ETHER), *tcp = p->data + transport;

        assert_int_equal(p->length, header + n + (only ? 6 : 0));
        assert_memory_equal(p->data + header, bytes + offset, n);
        assert_int_equal(received_sum(p, k, transport, header + n), 0);
        assert_int_equal(be32_get(tcp + 4), 0xFFFFFF00 + offset);
        assert_int_equal(tcp[13], FLAGS & ~(offset ? TCP_CWR : 0) & ~(last ? 0 : TCP_FIN | TCP_PSH));
        if (k->ip6) {
            assert_int_equal(be16_get(ip + 4), k->options + TCP + n);
        } else {
            assert_int_equal(be16_get(ip + 2), 20 + k->options + TCP + n);
            assert_int_equal(be16_get(ip + 4), (uint16_t)(0xFFFE + number));
            assert_int_equal(checksum_of(ip, 20 + k->options), 0);
        }
        assert_false(packet_is_unfinished(p));
        assert_ptr_equal(p->mac, p->data);
        assert_int_equal(p->timestamp_ns, 77);
        assert_int_equal(p->anno[5], 9);
        offset += n;
        packet_free(p);
    }
    assert_int_equal(offset, payload);
    assert_int_equal(number, payload <= size ? 1 : (payload + size - 1) / size);
    assert_int_equal(cut.failed, 0);
    free(bytes);
}

static void test_long_segments_are_cut(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        if (kinds[i].udp)
            continue;
        cut_and_check(&kinds[i], 0, 100);
        cut_and_check(&kinds[i], 100, 100);
        cut_and_check(&kinds[i], 101, 100);
        cut_and_check(&kinds[i], 1000, 1);
        cut_and_check(&kinds[i], 60000, 1448);
    }
    cut_and_check(&kinds[0], PAYLOAD_MAX, 1460);
}

/* What was stripped off stands in front of each segment. */
static void test_segments_keep_what_was_stripped(void **state)
{
    struct offload_cut cut = {.failed = 0};
    struct packet *whole = frame(&kinds[0], 300, 100), *p;

    (void)state;
    packet_pull(whole, ETHER);
    packet_set_network(whole, whole->data, 20);
    whole->mac[0] = 0x42;
    offload_cut_begin(&cut, whole);
    for (unsigned i = 0; i < 3; i++) {
        p = offload_cut_next(&cut);
        assert_int_equal(p->length, 20 + TCP + 100);
        assert_ptr_equal(p->network, p->data);
        assert_ptr_equal(p->mac, p->data - ETHER);
        assert_int_equal(p->mac[0], 0x42);
        packet_free(p);
    }
    assert_null(offload_cut_next(&cut));
}

static void refused(struct packet *p)
{
    struct offload_cut cut = {.failed = 0};

    offload_cut_begin(&cut, p);
    assert_null(offload_cut_next(&cut));
    assert_int_equal(cut.failed, 1);
}

static void test_what_cannot_be_finished(void **state)
{
    struct packet *p;

    (void)state;
    refused(frame(&kinds[6], 3000, 1000));                      /* UDP to be cut */
    p = frame(&kinds[0], 100, 0);
    p->data[ETHER + 9] = IP_PROTO_ICMP;
    refused(p);
    p = frame(&kinds[0], 100, 0);
    p->data[ETHER + 6] = 0x20;                                  /* a fragment */
    refused(p);
    p = frame(&kinds[0], 100, 0);
    p->data[ETHER] = 0x44;                                      /* a header of 16 bytes */
    refused(p);
    p = frame(&kinds[0], 100, 0);
    p->data[transport_of(&kinds[0]) + 12] = 0x40;
    refused(p);
    p = frame(&kinds[0], 100, 0);
    p->data[transport_of(&kinds[0]) + 12] = 0xF0;               /* a TCP header longer than, */
    packet_take(p, 100);                                        /* and an IP packet as long as was promised */
    refused(p);
    p = frame(&kinds[0], 100, 0);
    packet_pull(p, ETHER + 4);                                  /* a part of the IP header is gone */
    refused(p);
    p = frame(&kinds[0], 100, 0);
    p->mac = NULL;                                              /* nobody knows where */
    refused(p);
}

/* Bytes, marks and sizes out of a hat: nothing is read or written outside (ASan), nothing is lost. */
static void test_nonsense(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        struct packet *p = frame(&kinds[random_below(KINDS)], random_below(200), (uint16_t)random_below(3) * 30);
        struct offload_cut cut = {.failed = 0};

        for (unsigned i = random_below(4); i > 0; i--)
            p->data[random_below(80) % p->length] = (uint8_t)random_below(256);
        packet_take(p, random_below(2) ? random_below(p->length + 1) : 0);
        packet_pull(p, random_below(2) ? random_below(p->length + 1) : 0);
        if (random_below(4) == 0)
            p->network = p->head + random_below(300);
        offload_cut_begin(&cut, p);
        while ((p = offload_cut_next(&cut)))
            packet_free(p);
    }
}

static void test_no_memory(void **state)
{
    struct packet *whole = frame(&kinds[0], 60000, 100), *held[TEST_POOL], *p;
    struct offload_cut cut = {.failed = 0};
    unsigned n = 0, got = 0;

    (void)state;
    while (n < TEST_POOL - 10 && (p = packet_new()))
        held[n++] = p;
    offload_cut_begin(&cut, whole);
    for (; (p = offload_cut_next(&cut)); got++)
        held[n++] = p;
    assert_int_equal(got, 10);
    assert_int_equal(cut.failed, 1);
    while (n > 0)
        packet_free(held[--n]);
}

/* ---- who gets them finished ---- */

static void push_unfinished(struct router *r, const char *into)
{
    struct element *e = router_find(r, into);
    struct batch batch = {.n = 0};

    batch_add(&batch, frame(&kinds[0], 10, 0));
    batch.pkt[0]->flags = 0;
    batch_add(&batch, frame(&kinds[0], 4500, 1000));
    batch_add(&batch, frame(&kinds[6], 10, 0));
    element_push(e, 0, &batch);
}

static void test_elements_get_what_they_take(void **state)
{
    struct router *r = start("Idle -> s :: Null -> MarkIPHeader(14) -> a :: Counter -> IPMirror -> b :: Counter -> Discard;"
                             "Idle -> s2 :: Null -> q :: Queue -> u :: Unqueue -> c :: Counter -> Discard");

    (void)state;
    assert_true(offload_place(r));
    push_unfinished(r, "s");
    assert_int_equal(number(r, "a.count"), 3);
    assert_int_equal(number(r, "b.count"), 7);
    push_unfinished(r, "s2");
    assert_int_equal(number(r, "q.length"), 3);
    router_destroy(r);
}

int main(void)
{
    return RUN_TESTS(TEST(test_a_blank_checksum_is_filled_in), TEST(test_udp_never_says_that_it_has_none),
                     TEST(test_long_segments_are_cut), TEST(test_segments_keep_what_was_stripped),
                     TEST(test_what_cannot_be_finished), TEST(test_nonsense), TEST(test_no_memory),
                     TEST(test_elements_get_what_they_take));
}
