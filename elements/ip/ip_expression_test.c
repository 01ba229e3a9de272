// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_expression_test.c - what expressions mean, that random ones compile to what they mean,
 * and that a running filter changes its rules as a whole or not at all.
 */
#include <stdio.h>

#include "elements/ip/ip_expression.h"
#include "elements/ip/ip_rules.h"
#include "router/headers.h"
#include "tests/running.h"

enum { PAIRS = 100000, PACKETS = 250, FRAME = 80 };

static uint64_t seed = 4;

static uint32_t chance(uint32_t n)      /* 0 to n-1; xorshift* (Vigna, 2016) */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545F4914F6CDD1Du) >> 33) % n;
}

/* ---- packets: no pool, a frame of our own ---- */

struct frame {
    struct packet p;
    uint8_t bytes[FRAME];
};

/* Ethernet, IP from 10.0.0.1 to 10.0.0.2, and 20 bytes of transport header. */
static struct ip_header *make_frame(struct frame *f, uint8_t protocol, uint16_t src_port,
                                    uint16_t dst_port)
{
    struct ip_header *ip = (struct ip_header *)(f->bytes + 14);

    memset(f, 0, sizeof *f);
    f->p = (struct packet){.data = f->bytes, .head = f->bytes, .capacity = FRAME,
                           .length = 54, .mac = f->bytes, .network = f->bytes + 14,
                           .transport = f->bytes + 34};
    memcpy(f->bytes, "\0\1\2\3\4\5\2\3\4\5\6\7\x08\0", 14);
    ip->version_ihl = 0x45;
    ip->total_length = be16(40);
    ip->ttl = 64;
    ip->protocol = protocol;
    ip->src = be32(0x0A000001);
    ip->dst = be32(0x0A000002);
    be16_put(f->bytes + 34, src_port);
    be16_put(f->bytes + 36, dst_port);
    return ip;
}

static void random_frame(struct frame *f)
{
    static const uint8_t protocols[] = {IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_ICMP, 47};
    static const uint16_t ports[] = {80, 443, 53, 22, 1023, 1024, 8, 5};
    struct ip_header *ip = make_frame(f, protocols[chance(4)], ports[chance(8)],
                                      chance(3) ? ports[chance(8)] : (uint16_t)chance(65536));

    ip->tos = (uint8_t)chance(256);
    ip->fragment = be16((uint16_t)(chance(3) ? 0 : chance(2) ? IP_MF : chance(8192)));
    ip->id = (uint16_t)chance(65536);
    ip->ttl = (uint8_t)chance(256);
    ip->src = be32(0x0A000000 + chance(1024));
    ip->dst = be32(chance(2) ? 0x0A000000 + chance(1024) : 0xC0A80102);
    f->bytes[34 + 13] = (uint8_t)chance(64);
    if (!chance(5))
        f->p.length = chance(55);
    if (!chance(20))
        f->p.network = NULL;
    if (!chance(20))
        f->p.mac = NULL;
}

/* ---- what expressions mean ---- */

static bool matches(const char *expression, const struct packet *p)
{
    struct classify_rules rules = {0};
    struct errors errors = {0};
    uint32_t root = ip_expression_read(&rules, NULL, expression, "", &errors);
    bool result;

    if (errors.count)
        fail_msg("'%s': %s", expression, text_string(&errors.text));
    result = classify_matches(&rules, root, p);
    errors_free(&errors);
    classify_rules_free(&rules);
    return result;
}

/* Expressions about a TCP packet from 10.0.0.1:1024 to 10.0.0.2:80 with SYN and ACK. */
static const struct { const char *expression; bool holds; } meanings[] = {
    {"-", true}, {"any", true}, {"all", true}, {"", true}, {"true", true}, {"false", false},
    {"tcp", true}, {"ip proto 6", true}, {"proto tcp", true}, {"udp", false}, {"tcpudp", true},
    {"src 10.0.0.1", true}, {"dst host 10.0.0.1", false}, {"host 10.0.0.2", true},
    {"10.0.0.0/31", true}, {"src and dst net 10.0.0.0/31", false},
    {"net 10.0.0.0 mask 255.255.255.252", true}, {"src host != 10.0.0.1", false},
    {"dst port 80", true}, {"dst port www", true}, {"www", true}, {"src www", false},
    {"dst udp port 80", false}, {"src port 80 or 1024", true}, {"dst port 81 or 82", false},
    {"port != 80", false}, {"src port != 80", true}, {"port < 1024", false},
    {"dst port < 1024", true}, {"port >= 1024", true}, {"dst port & 0xF0 == 0x50", true},
    {"syn ack", true}, {"syn and not ack", false}, {"tcp opt fin", false},
    {"ip vers 4 and ip hl == 5", true}, {"ttl > 63 && ttl <= 64", true}, {"tos 0", true},
    {"ip frag", false}, {"unfrag", true}, {"ip len 40", true}, {"icmp type echo", false},
    {"not icmp type echo", true}, {"icmp type != echo", false}, {"tcp win 0", true},
    {"ip[9] 6", true}, {"ip[0:2] & 0xF000 == 0x4000", true}, {"tcp[2:2] == 80", true},
    {"transp[0:4] == 0x04000050", true}, {"udp[2:2] 80", false},
    {"ether src 2:3:4:5:6:7", true}, {"ether dst 2:3:4:5:6:7", false},
    {"(tcp ? dst port 80 : udp)", true}, {"udp ? true : icmp ? true : false", false},
    {"! (udp or icmp)", true}, {"not not tcp", true}, {"udp or tcp and false", false},
};

static void expressions_mean_what_the_manual_says(void **state)
{
    struct frame f;

    (void)state;
    make_frame(&f, IP_PROTO_TCP, 1024, 80);
    f.bytes[34 + 13] = TCP_SYN | TCP_ACK;
    for (unsigned i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (matches(meanings[i].expression, &f.p) != meanings[i].holds)
            fail_msg("'%s' should be %s", meanings[i].expression,
                     meanings[i].holds ? "true" : "false");
}

static void later_fragments_have_no_ports(void **state)
{
    struct frame f;

    (void)state;
    make_frame(&f, IP_PROTO_TCP, 1024, 80)->fragment = be16(5);
    assert_false(matches("dst port 80", &f.p));
    assert_false(matches("dst port != 81", &f.p));
    assert_true(matches("not dst port 80", &f.p));
    assert_true(matches("tcp and frag", &f.p));
}

/* An address that a packet is too short to have neither is another one nor differs from it. */
static void addresses_cut_short_do_not_compare(void **state)
{
    struct frame f;

    (void)state;
    make_frame(&f, IP_PROTO_TCP, 1024, 80);
    f.p.length = 11;
    assert_true(matches("ether dst != 9:9:9:9:9:9", &f.p));
    assert_false(matches("ether src != 9:9:9:9:9:9", &f.p));
    assert_true(matches("ether src & ff:ff:ff:ff:0:0 != 9:9:9:9:9:9", &f.p));
    assert_true(matches("not ether src 2:3:4:5:6:7", &f.p));
}

static void errors_are_bounded(void **state)
{
    struct classify_rules rules = {0};
    struct errors errors = {0};
    static const char alphabet[] = "tcp port 80 or and not()?:[]&<>!=/.-,\"src dst ip";
    char deep[4001];

    (void)state;
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    ip_expression_read(&rules, NULL, deep, "", &errors);
    assert_true(errors.count > 0 && errors.count < 200);
    errors_free(&errors);
    for (unsigned i = 0; i < 2000; i++) {       /* any bytes: an answer or an error */
        unsigned n = chance(40);

        for (unsigned k = 0; k < n; k++)
            deep[k] = alphabet[chance(sizeof alphabet - 1)];
        deep[n] = 0;
        ip_expression_read(&rules, NULL, deep, "", &errors);
        errors_free(&errors);
    }
    classify_rules_free(&rules);
}

/* ---- random rule sets ---- */

static void add_random_term(struct text *t)
{
    static const char *const directions[] = {"", "src ", "dst ", "src or dst ", "src and dst "};
    static const char *const relations[] = {"", "", "== ", "!= ", "< ", "> ", "<= ", ">= "};
    static const char *const ports[] = {"80", "www", "1023 or 443", "53", "1024 and 80"};
    static const char *const plain[] = {"tcp", "udp", "icmp type echo", "syn", "ip frag", "unfrag",
                                        "ip ect", "true", "false", "ether src 2:3:4:5:6:7"};
    const char *direction = directions[chance(5)], *relation = relations[chance(8)];

    switch (chance(6)) {
    case 0: text_printf(t, "%sport %s%s", direction, relation, ports[chance(5)]); break;
    case 1: text_printf(t, "%snet %s10.0.%u.0/%u", direction, chance(4) ? "" : "!= ", chance(4),
                        8 + chance(25)); break;
    case 2: text_printf(t, "%shost 10.0.%u.%u", direction, chance(4), chance(256)); break;
    case 3: text_printf(t, "%s %s%u", chance(2) ? "ttl" : "dscp", relation, chance(64)); break;
    case 4: text_printf(t, "tcp[%u:2] & %u %s%u", 2 * chance(8), 1 + chance(65535), relation,
                        chance(65536)); break;
    default: text_puts(t, plain[chance(10)]); break;
    }
}

static void add_random_expression(struct text *t, unsigned depth)
{
    unsigned kind = depth ? chance(6) : 0;

    if (kind < 2) {
        add_random_term(t);
        return;
    }
    text_puts(t, kind == 5 ? "not (" : "(");
    add_random_expression(t, depth - 1);
    if (kind == 2 || kind == 3) {
        text_puts(t, kind == 2 ? ") and (" : ") or (");
        add_random_expression(t, depth - 1);
    } else if (kind == 4) {
        text_puts(t, ") ? (");
        add_random_expression(t, depth - 1);
        text_puts(t, ") : (");
        add_random_expression(t, depth - 1);
    }
    text_putc(t, ')');
}

static void compiled_equals_naive(void **state)
{
    static struct frame frames[PACKETS];
    struct packet *packets[PACKETS];
    unsigned want[PACKETS], got[PACKETS], matched = 0, done = 0;

    (void)state;
    for (; done < PAIRS; done += PACKETS) {
        struct classify_rules rules = {0};
        struct classify_program *program;
        struct errors errors = {0};

        for (unsigned n = 1 + chance(chance(10) ? 10 : 100); n; n--) {
            struct text t = {0};

            add_random_expression(&t, chance(4));
            text_puts(&t, " and (");
            add_random_expression(&t, 1);
            text_puts(&t, ")");
            classify_add_rule(&rules, ip_expression_read(&rules, NULL, text_string(&t), "",
                                                         &errors));
            if (errors.count)
                fail_msg("'%s': %s", text_string(&t), text_string(&errors.text));
            text_free(&t);
        }
        for (unsigned i = 0; i < PACKETS; i++) {
            random_frame(&frames[i]);
            packets[i] = &frames[i].p;
            want[i] = classify_naive(&rules, packets[i]);
            matched += want[i] != (unsigned)CLASSIFY_NONE;
        }
        program = classify_compile(&rules);
        assert_non_null(program);
        classify_run(program, packets, PACKETS, got);
        assert_memory_equal(got, want, sizeof got);
        classify_free(program);
        errors_free(&errors);
    }
    print_message("%u pairs, %u matched\n", done, matched);
    assert_true(matched > done / 10 && matched < done);
}

/* ---- a running filter ---- */

static void rules_change_as_a_whole(void **state)
{
    static const char config[] =
        "Idle -> f :: IPFilter(deny udp, allow all) -> c :: IPClassifier(tcp, udp, -) -> Discard;"
        "c[1] -> Discard; c[2] -> Discard;";
    struct router *r = start(config);

    (void)state;
    reads(r, "f.rules", "deny\t0\tudp\nallow\t0\tall\n");
    assert_false(writes(r, "f.config", "deny tcp, allow port"));
    reads(r, "f.config", "deny udp, allow all");
    reads(r, "f.rules", "deny\t0\tudp\nallow\t0\tall\n");
    assert_true(writes(r, "f.config", "deny tcp dst port 22, allow all"));
    reads(r, "f.rules", "deny\t0\ttcp dst port 22\nallow\t0\tall\n");
    assert_false(writes(r, "c.pattern1", "udp port"));
    assert_false(writes(r, "c.pattern1", "udp, tcp"));
    reads(r, "c.pattern1", "udp");
    assert_true(writes(r, "c.pattern1", "dst udp port 53 or 54"));
    reads(r, "c.pattern1", "dst udp port 53 or 54");
    reads(r, "c.config", "tcp, dst udp port 53 or 54, -");
    router_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_mean_what_the_manual_says),
        cmocka_unit_test(later_fragments_have_no_ports),
        cmocka_unit_test(addresses_cut_short_do_not_compare),
        cmocka_unit_test(errors_are_bounded),
        cmocka_unit_test(compiled_equals_naive),
        TEST(rules_change_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
