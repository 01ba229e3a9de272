// SPDX-License-Identifier: BSD-2-Clause
/*
 * icmp_rewriter_test.c - packets made to hurt, through the rewriters, under ASan and UBSan.
 *
 * Good packets and good ICMP errors that quote them, with bytes changed and cut short, so that
 * wrong lengths stand at every depth. The bytes end where their buffer ends: ASan sees the first
 * one too many, and every packet must come back.
 */
#include "router/checksum.h"
#include "router/headers.h"
#define TEST_POOL 1024
#include "tests/running.h"

enum { ROUNDS = 60000, LONGEST = 20 + 8 + 20 + 20 + 8 };

static const char config[] =
    "Idle -> m :: MarkIPHeader -> t :: Tee;"
    "rw :: IPRewriter(pattern 1.0.0.1 1024-2000# - - 0 1, drop, MAPPING_CAPACITY 300,"
    "                 TCP_GUARANTEE 0, UDP_GUARANTEE 0);"
    "ping :: ICMPPingRewriter(pattern 1.0.0.1 1-500# - - 0 1, drop, MAPPING_CAPACITY rw,"
    "                         GUARANTEE 0);"
    "t[0] -> rw; t[1] -> [1] rw; t[2] -> ping; t[3] -> [1] ping;"
    "t[4] -> errors :: ICMPRewriter(rw ping) -> translated :: Counter -> Discard;"
    "errors[1] -> Discard;"
    "rw[0], rw[1], ping[0], ping[1] -> rewritten :: Counter -> Discard;";

static void put_ip(uint8_t *at, uint8_t protocol, be32_t src, be32_t dst, uint32_t length)
{
    struct ip_header *ip = (struct ip_header *)at;

    *ip = (struct ip_header){.version_ihl = 0x45, .total_length = be16((uint16_t)length),
                             .ttl = 64, .protocol = protocol, .src = src, .dst = dst};
    ip->checksum = checksum_of(ip, sizeof *ip);
}

/* A packet of one of a few flows, as `src` sends it. Says how long. */
static uint32_t put_packet(uint8_t *at, be32_t src, uint16_t port)
{
    static const uint8_t protocols[] = {IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_ICMP};
    uint8_t protocol = protocols[random_below(3)];
    uint32_t length = 20 + (protocol == IP_PROTO_TCP ? 20 : 8 + random_below(9));

    memset(at, 0, length);
    put_ip(at, protocol, src, be32(0x02000001), length);
    if (protocol == IP_PROTO_ICMP) {
        at[20] = ICMP_ECHO;
        be16_put(at + 24, port);
        be16_put(at + 22, checksum_of(at + 20, length - 20));
    } else {
        be16_put(at + 20, port);
        be16_put(at + 22, 80);
        be16_put(at + 26, (uint16_t)random_below(3));       /* a UDP checksum, maybe none */
    }
    return length;
}

static struct packet *make_hostile(void)
{
    static const uint8_t types[] = {3, 4, 5, 11, 12, 0, 13};
    uint8_t bytes[LONGEST] = {0};
    uint32_t length;
    struct packet *p;

    if (random_below(2)) {
        length = put_packet(bytes, be32(0x0A000001 + random_below(200)),
                            (uint16_t)random_below(30));
    } else {
        length = put_packet(bytes + 28, be32(0x01000001), (uint16_t)(1 + random_below(1500))) + 28;
        put_ip(bytes, IP_PROTO_ICMP, be32(0x09000009), be32(0x01000001), length);
        bytes[20] = types[random_below(7)];
    }
    for (unsigned n = random_below(4); n; n--)
        bytes[random_below(length)] = (uint8_t)random_below(256);
    if (!random_below(3))
        length = random_below(length + 1);
    p = packet_make(packet_pool_capacity() - length, bytes, length, 0);
    assert_non_null(p);
    return p;
}

static void nothing_breaks(void **state)
{
    struct router *r = start(config);
    struct element *m = router_find(r, "m");

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct batch batch = {.n = 0};

        for (unsigned n = 1 + random_below(random_below(4) ? 1 : BATCH_NORMAL); n; n--)
            batch_add(&batch, make_hostile());
        bounds_renew();
        m->class->push(m, 0, &batch);
    }
    /* They came far: flows were made and pushed out, errors translated. */
    assert_true(number(r, "rewritten.count") > ROUNDS / 4);
    assert_true(number(r, "translated.count") > ROUNDS / 100);
    assert_true(number(r, "rw.evictions") > 1000);
    assert_true(number(r, "rw.size") == 300);
    router_destroy(r);
}

int main(void)
{
    return RUN_TESTS(TEST(nothing_breaks));
}
