// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_hostile_test.c - packets made to hurt, through the elements that read IP headers, under ASan and
 * UBSan: random bytes, good packets with some bytes changed, packets cut short, with marks set or
 * not, alone, in batches and as clones. Nothing may be read outside of a packet, every packet must
 * come back, and what leaves must still be a packet. Also: fragments in numbers.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "router/checksum.h"
#include "router/headers.h"
#include "tests/running.h"

enum { ROUNDS = 6000, LONGEST = 120 };

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_set_report_fd(void *fd);
#else
static void __sanitizer_set_report_fd(void *fd) { (void)fd; }
#endif

/* A plausible packet, so that changes reach beyond the first check. */
static void make_plausible(uint8_t *data, uint32_t length)
{
    struct ip_header *ip = (struct ip_header *)data;
    static const uint8_t protocols[] = {IP_PROTO_ICMP, IP_PROTO_TCP, IP_PROTO_UDP, 99};
    uint32_t header_length = 20 + 4 * random_below(11);

    if (length < header_length)
        return;
    ip->version_ihl = (uint8_t)(0x40 | header_length / 4);
    ip->total_length = be16((uint16_t)length);
    ip->ttl = (uint8_t)(2 + random_below(60));
    ip->protocol = protocols[random_below(4)];
    if (random_below(4))
        ip->fragment = 0;
    for (uint32_t at = 20; at + 4 <= header_length; at += 4) {
        static const uint8_t types[] = {0, 1, 7, 68, 131, 137, 148};

        data[at] = types[random_below(7)];
        data[at + 1] = (uint8_t)random_below(random_below(2) ? 12 : 256);
        data[at + 2] = (uint8_t)random_below(16);
    }
    if (length > header_length)
        data[header_length] = (uint8_t)random_below(20);
    /* Lies about lengths, in packets that are plausible otherwise. */
    if (!random_below(4))
        ip->version_ihl = (uint8_t)(0x40 | random_below(16));
    if (!random_below(6))
        ip->total_length = be16((uint16_t)random_below(2 * LONGEST));
    if (random_below(8)) {
        ip->checksum = 0;
        ip->checksum = checksum_of(ip, header_length);
    }
}

/*
 * The bytes end where the buffer ends, and half of the buffers come from the heap because of their
 * headroom, so that ASan sees the first byte too many.
 */
static struct packet *make_hostile(void)
{
    uint32_t length = random_below(LONGEST);
    uint32_t room = packet_pool_capacity() - length + LONGEST * random_below(2);
    struct packet *p = packet_make(room, NULL, length, 0);

    assert_non_null(p);
    for (uint32_t i = 0; i < length; i++)
        p->data[i] = (uint8_t)random_below(256);
    if (random_below(8))
        make_plausible(p->data, length);
    p->anno[ANNO_FIX_IP_SRC] = (uint8_t)random_below(2);
    p->anno[ANNO_ICMP_PARAMPROB] = (uint8_t)random_below(256);
    packet_set_dst_ip(p, random_below(3) ? be32(0x0A000000 + random_below(5)) : random_below(1000));
    return p;
}

static void feed(struct router *r, const char *name)
{
    struct element *e = router_find(r, name);
    struct batch batch = {.n = 0};
    unsigned n = random_below(3) ? 1 : 1 + random_below(BATCH_NORMAL);
    struct packet *clones[BATCH_NORMAL];
    unsigned n_clones = 0;

    assert_non_null(e);
    for (unsigned i = 0; i < n; i++) {
        struct packet *p = make_hostile();

        if (!random_below(4))
            clones[n_clones++] = packet_clone(p);
        batch_add(&batch, p);
    }
    bounds_renew();
    if (n == 1 && e->class->push_one)
        e->class->push_one(e, 0, batch.pkt[0]);
    else
        e->class->push(e, 0, &batch);
    while (n_clones)
        packet_free(clones[--n_clones]);
}

static const char *const configs[] = {
    /* With every element on packets that were only marked, or not even that. */
    "m :: MarkIPHeader -> DecIPTTL -> IPPrint(CONTENTS hex) -> Discard",
    "m :: MarkIPHeader(3) -> IPPrint(PAYLOAD ascii) -> Discard",
    "m :: MarkIPHeader(30) -> IPPrint -> IPMirror -> Discard",
    "m :: MarkIPHeader -> g :: IPGWOptions(1.2.3.4, 5.6.7.8) -> Discard;"
    "g[1] -> ICMPError(9.9.9.9, parameterproblem) -> FixIPSrc(1.1.1.1) -> IPPrint -> Discard",
    "m :: MarkIPHeader -> f :: IPFragmenter(40) -> IPPrint -> CheckIPHeader -> Discard;"
    "f[1] -> ICMPError(9.9.9.9, unreachable, needfrag, MTU 68) -> CheckIPHeader -> Discard",
    "m :: MarkIPHeader -> FixIPSrc(1.1.1.1) -> GetIPAddress(IP dst) -> p :: ICMPPingResponder"
    "-> Discard; p[1] -> IPMirror -> Discard",
    "m :: DecIPTTL -> IPMirror -> IPGWOptions(1.1.1.1) -> Discard",
    "m :: IPMirror -> Discard", "m :: IPGWOptions(1.1.1.1) -> Discard",
    "m :: IPFragmenter(20) -> ICMPError(1.1.1.1, timeexceeded) -> Discard",
    "m :: ICMPPingResponder -> Discard", "m :: ICMPError(1.1.1.1, redirect) -> Discard",
    "m :: FixIPSrc(1.1.1.1) -> GetIPAddress(16) -> GetIPAddress(IP src) -> IPPrint -> Discard",
    /* The usual way. */
    "m :: CheckIPHeader(INTERFACES 10.0.0.1/24) -> g :: IPGWOptions(1.1.1.1) -> d :: DecIPTTL"
    "-> f :: IPFragmenter(60) -> e :: EtherEncap(0x800, 1:1:1:1:1:1, 2:2:2:2:2:2) -> EtherMirror -> Discard;"
    "g[1] -> ICMPError(9.9.9.9, parameterproblem) -> e; d[1] -> ICMPError(9.9.9.9, timeexceeded) -> e;"
    "f[1] -> ICMPError(9.9.9.9, unreachable, needfrag) -> e",
    "m :: CheckIPHeader(2) -> ICMPPingResponder -> IPPrint -> Discard",
    /* Whose input is a frame. */
    "m :: EtherMirror -> ARPResponder(0/0 1:1:1:1:1:1) -> Discard",
    "m :: ARPQuerier(10.0.0.1, 1:1:1:1:1:1, CAPACITY 100) -> Discard; Idle -> [1] m",
};

static void nothing_breaks(void **state)
{
    int log = dup(2), nowhere = open("/dev/null", O_WRONLY);

    (void)state;
    assert_true(log >= 0 && nowhere >= 0);
    __sanitizer_set_report_fd((void *)(intptr_t)log);
    for (unsigned c = 0; c < sizeof configs / sizeof *configs; c++) {
        char config[1024];
        struct router *r;

        snprintf(config, sizeof config, "Idle -> %s", configs[c]);
        r = start(config);
        dup2(nowhere, 2);               /* IPPrint says many thousand lines */
        for (unsigned i = 0; i < ROUNDS; i++)
            feed(r, "m");
        dup2(log, 2);
        router_destroy(r);
        assert_int_equal(packet_pool_in_use(), 0);
    }
}

static void thousands_of_fragments(void **state)
{
    struct router *r = start("Idle -> m :: MarkIPHeader -> f :: IPFragmenter(28)"
                             "-> c :: CheckIPHeader -> n :: Counter -> Discard");
    struct element *m = router_find(r, "m");
    struct batch batch = {.n = 0};
    struct ip_header *ip;
    struct packet *p;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t length = i == 1 ? 65535 : 20;

        p = packet_make(PACKET_HEADROOM, NULL, length, 0);
        assert_non_null(p);
        memset(p->data, 0, length);
        ip = (struct ip_header *)p->data;
        ip->version_ihl = 0x45;
        ip->total_length = be16((uint16_t)length);
        ip->checksum = checksum_of_20(ip);
        batch_add(&batch, p);
    }
    m->class->push(m, 0, &batch);
    assert_int_equal(number(r, "f.fragments"), (65515 + 7) / 8);
    assert_int_equal(number(r, "f.drops"), 0);
    assert_int_equal(number(r, "c.drops"), 0);
    assert_int_equal(number(r, "n.count"), (65515 + 7) / 8 + 2);
    assert_int_equal(number(r, "n.byte_count"), 65515 + 20 * ((65515 + 7) / 8 + 2));
    router_destroy(r);
}

int main(void)
{
    return RUN_TESTS(TEST(nothing_breaks), TEST(thousands_of_fragments));
}
