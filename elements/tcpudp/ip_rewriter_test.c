// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_rewriter_test.c - IPRewriter where a batch matters, time passes, or ports run out.
 *
 * What single packets turn into is shown by the conformance cases beside this file.
 */
#include <time.h>

#include "elements/ip/rewriter_base.h"
#include "platform/platform.h"
#include "router/checksum.h"
#include "router/headers.h"
#define TEST_POOL 512
#include "tests/running.h"

/* ---- a class that keeps what it gets ---- */

struct t_keep {
    struct element base;
    struct batch got;
};

static void keep_push(struct element *e, unsigned port, struct batch *batch)
{
    (void)port;
    for (unsigned i = 0; i < batch->n; i++)
        batch_add(&element_as(struct t_keep, e)->got, batch->pkt[i]);
}

static void keep_cleanup(struct element *e)
{
    batch_free(&element_as(struct t_keep, e)->got);
}

ELEMENT_CLASS(t_keep) = {
    .name = "TKeep", .ports = "1/0", .processing = PUSH, .size = sizeof(struct t_keep),
    .push = keep_push, .push_one = element_push_one_by_batch, .cleanup = keep_cleanup,
};

/* ---- helpers ---- */

/* A rewriter "rw" with the arguments; its outputs go to k0 and k1. */
static struct router *start_rewriter(const char *arguments)
{
    struct text config = {0};
    struct router *r;

    text_printf(&config, "Idle -> rw :: IPRewriter(%s); rw[0] -> k0 :: TKeep; rw[1] -> k1 :: TKeep",
                arguments);
    r = start(text_string(&config));
    text_free(&config);
    return r;
}

/* From 10.0.0.`host` port `port` to 2.0.0.1 port 53, with right checksums. */
static struct packet *udp(unsigned host, unsigned port)
{
    uint8_t bytes[20 + 8 + 4] = {0};
    struct ip_header *ip = (struct ip_header *)bytes;
    struct udp_header *header = (struct udp_header *)(bytes + 20);
    struct packet *p;

    ip->version_ihl = 0x45;
    ip->total_length = be16(sizeof bytes);
    ip->ttl = 64;
    ip->protocol = IP_PROTO_UDP;
    ip->src = be32(0x0A000000 + host);
    ip->dst = be32(0x02000001);
    ip->checksum = checksum_of(ip, sizeof *ip);
    header->src_port = be16((uint16_t)port);
    header->dst_port = be16(53);
    header->length = be16(12);
    header->checksum = checksum_transport(ip, header, 12);
    p = packet_make(PACKET_HEADROOM, bytes, sizeof bytes, 0);
    assert_non_null(p);
    packet_set_network(p, p->data, sizeof *ip);
    return p;
}

static void send(struct router *r, struct batch *batch)
{
    struct element *rw = router_find(r, "rw");

    rw->class->push(rw, 0, batch);
}

static struct batch *kept(struct router *r, const char *name)
{
    return &element_as(struct t_keep, router_find(r, name))->got;
}

static unsigned source_port(const struct packet *p)
{
    return be16_get(p->transport);
}

static void checksums_are_right(const struct packet *p)
{
    const struct ip_header *ip = (const struct ip_header *)p->network;

    assert_int_equal(checksum_of(ip, sizeof *ip), 0);
    assert_int_equal(checksum_transport(ip, p->transport, 12), 0);
}

static char *read_handler(struct router *r, const char *name, const char *parameter, bool ok)
{
    struct errors errors = {0};
    struct text out = {0};

    assert_int_equal(router_read(r, name, parameter, &out, &errors), ok);
    if (!ok) {
        text_free(&out);
        return text_take(&errors.text);
    }
    errors_free(&errors);
    return text_take(&out);
}

static void reads_with(struct router *r, const char *name, const char *parameter, const char *value)
{
    char *s = read_handler(r, name, parameter, true);

    assert_string_equal(s ? s : "", value);
    free(s);
}

/* ---- tests ---- */

/* Packets of one new flow in a batch are one flow. */
static void a_flow_within_a_batch(void **state)
{
    struct router *r = start_rewriter("pattern 1.0.0.1 5000-5999# - - 0 1");
    struct batch batch = {4, {udp(1, 7), udp(2, 7), udp(1, 7), udp(2, 7)}};
    static const unsigned ports[] = {5000, 5001, 5000, 5001};

    (void)state;
    send(r, &batch);
    assert_int_equal(kept(r, "k0")->n, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(source_port(kept(r, "k0")->pkt[i]), ports[i]);
        checksums_are_right(kept(r, "k0")->pkt[i]);
    }
    reads_with(r, "rw.table_size", NULL, "2");
    router_destroy(r);
}

/* Found flows that a newer one of the same batch pushes out are made again, not used. */
static void flows_replaced_within_a_batch(void **state)
{
    struct router *r = start_rewriter("pattern 1.0.0.1 5000-5999# - - 0 1, MAPPING_CAPACITY 1, "
                             "UDP_GUARANTEE 0");
    struct batch batch = {4, {udp(1, 7), udp(2, 7), udp(1, 7), udp(1, 7)}};
    static const unsigned ports[] = {5000, 5001, 5002, 5002};

    (void)state;
    send(r, &(struct batch){1, {udp(1, 7)}});
    assert_int_equal(source_port(kept(r, "k0")->pkt[0]), 5000);
    send(r, &batch);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(source_port(kept(r, "k0")->pkt[1 + i]), ports[i]);
    reads_with(r, "rw.evictions", NULL, "2");
    reads_with(r, "rw.size", NULL, "1");
    router_destroy(r);
}

static void ports_run_out(void **state)
{
    struct router *r = start_rewriter("pattern 1.0.0.1 5000-5001 - - 0 1");
    struct element *rw = router_find(r, "rw");
    struct errors errors = {0};

    (void)state;
    for (unsigned host = 1; host <= 4; host++)
        rw->class->push_one(rw, 0, udp(host, 5001));
    assert_int_equal(kept(r, "k0")->n, 2);
    /* The first has the port that it came with. */
    assert_int_equal(source_port(kept(r, "k0")->pkt[0]), 5001);
    assert_int_equal(source_port(kept(r, "k0")->pkt[1]), 5000);
    reads_with(r, "rw.mapping_failures", NULL, "2");
    reads_with(r, "rw.drops", NULL, "2");
    assert_true(router_write(r, "rw.clear", "", 0, &errors));
    reads_with(r, "rw.table_size", NULL, "0");
    rw->class->push_one(rw, 0, udp(4, 5001));
    assert_int_equal(kept(r, "k0")->n, 3);
    router_destroy(r);
}

/* That TCP has no port left does not concern UDP. */
static void ports_run_out_by_protocol(void **state)
{
    struct router *r = start_rewriter("pattern 1.0.0.1 5000-5001 - - 0 1");
    struct element *rw = router_find(r, "rw");

    (void)state;
    for (unsigned host = 1; host <= 3; host++) {
        struct packet *p = udp(host, 7);

        ((struct ip_header *)p->network)->protocol = IP_PROTO_TCP;
        rw->class->push_one(rw, 0, p);
    }
    reads_with(r, "rw.mapping_failures", NULL, "1");
    rw->class->push_one(rw, 0, udp(3, 7));
    reads_with(r, "rw.mapping_failures", NULL, "1");
    assert_int_equal(kept(r, "k0")->n, 3);
    router_destroy(r);
}

/* A flow from 10.0.0.`host` port `port` to 2.0.0.`server` is begun with a packet that leaves at once. */
static void begin_flow(struct router *r, unsigned host, unsigned port, unsigned server)
{
    struct element *rw = router_find(r, "rw");
    struct packet *p = udp(host, port);

    ((struct ip_header *)p->network)->dst = be32(0x02000000 + server);
    rw->class->push_one(rw, 0, p);
    batch_free(kept(r, "k0"));
}

/*
 * Two servers for which every port is taken, and packets to one and the other in turns: no packet costs more than
 * its share of the search. For one server alone the search comes to an end, and nothing is searched any more.
 */
static void a_full_range_is_searched_in_steps(void **state)
{
    enum { FIRST = 1024, RANGE = 65536 - FIRST };
    struct router *r = start_rewriter("pattern 1.0.0.1 1024-65535 - - 0 1");
    const struct rewriter_pattern *pattern = rewriter_of(router_find(r, "rw"))->input[0].pattern;

    (void)state;
    for (unsigned server = 1; server <= 2; server++)
        for (unsigned port = FIRST; port < 65536; port++)
            begin_flow(r, 1, port, server);
    reads_with(r, "rw.mapping_failures", NULL, "0");
    for (unsigned i = 0; i < 100; i++) {
        begin_flow(r, 2, FIRST + i, 1 + i % 2);
        assert_in_range(pattern->tried, 1, REWRITER_PATTERN_TRIES);
    }
    reads_with(r, "rw.mapping_failures", NULL, "100");
    for (unsigned i = 0; i <= RANGE / REWRITER_PATTERN_TRIES; i++) {
        uint32_t before = pattern->tried;

        begin_flow(r, 2, 7, 1);
        assert_in_range(pattern->tried - before, 0, REWRITER_PATTERN_TRIES);
    }
    assert_int_equal(pattern->tried, RANGE);
    begin_flow(r, 2, 7, 1);
    assert_int_equal(pattern->tried, RANGE);
    router_destroy(r);
}

/* Far more flows than there is room for: new ones push out old ones, or are refused, as their guarantee says. */
static void a_flood_is_borne(void **state)
{
    static const struct { const char *arguments, *evictions, *failures; } cases[] = {
        {"keep 0 1, MAPPING_CAPACITY 100, UDP_GUARANTEE 0", "19900", "0"},
        {"keep 0 1, MAPPING_CAPACITY 100, UDP_GUARANTEE 60", "0", "19900"},
    };

    (void)state;
    for (unsigned c = 0; c < 2; c++) {
        struct router *r = start_rewriter(cases[c].arguments);

        for (unsigned i = 0; i < 20000; i++)
            begin_flow(r, i / 1000, i, 1);
        reads_with(r, "rw.size", NULL, "100");
        reads_with(r, "rw.evictions", NULL, cases[c].evictions);
        reads_with(r, "rw.mapping_failures", NULL, cases[c].failures);
        reads_with(r, "rw.drops", NULL, cases[c].failures);
        router_destroy(r);
    }
}

/* A packet whose bytes somebody else holds as well is copied before it is rewritten. */
static void shared_bytes_stay(void **state)
{
    struct router *r = start_rewriter("pattern 1.0.0.1 - - - 0 1");
    struct packet *p = udp(1, 7), *clone = packet_clone(p);

    (void)state;
    assert_non_null(clone);
    send(r, &(struct batch){1, {clone}});
    assert_int_equal(be32_get(&((struct ip_header *)p->network)->src), 0x0A000001);
    checksums_are_right(kept(r, "k0")->pkt[0]);
    packet_free(p);
    router_destroy(r);
}

/* Packets without marks, or whose marks lead nowhere, are dropped and counted. */
static void packets_without_headers(void **state)
{
    struct router *r = start_rewriter("keep 0 1");
    struct packet *none = udp(1, 7), *cut = udp(1, 7), *beyond = udp(1, 7);

    (void)state;
    none->network = NULL;
    packet_take(cut, 5);
    beyond->transport = packet_end(beyond) + 4;
    send(r, &(struct batch){4, {none, cut, udp(2, 7), beyond}});
    assert_int_equal(kept(r, "k0")->n, 1);
    reads_with(r, "rw.drops", NULL, "3");
    router_destroy(r);
}

static void lookup(void **state)
{
    struct router *r = start_rewriter("pattern 1.0.0.1 5000-5999# - - 0 1");
    struct packet *p = udp(1, 7);
    char *message;

    (void)state;
    ((struct ip_header *)p->network)->protocol = IP_PROTO_TCP;
    send(r, &(struct batch){1, {p}});
    reads_with(r, "rw.tcp_lookup", "10.0.0.1 7 2.0.0.1 53", "1.0.0.1 5000 2.0.0.1 53");
    reads_with(r, "rw.tcp_lookup", "2.0.0.1 domain 1.0.0.1 5000", "2.0.0.1 53 10.0.0.1 7");
    reads_with(r, "rw.tcp_lookup", "10.0.0.1 8 2.0.0.1 53", "");
    message = read_handler(r, "rw.tcp_lookup", "10.0.0.1 7 2.0.0.1", false);
    assert_non_null(strstr(message, "DPORT"));
    free(message);
    message = read_handler(r, "rw.tcp_lookup", "10.0.0.1 7 2.0.0.1 70000", false);
    assert_non_null(strstr(message, "DPORT"));
    free(message);
    router_destroy(r);
}

/* A wrong specification leaves the old one, and its flows, in place. */
static void wrong_pattern_changes_nothing(void **state)
{
    struct router *r = start_rewriter("pattern 1.0.0.1 5000-5999# - - 0 1");
    struct errors errors = {0};

    (void)state;
    send(r, &(struct batch){1, {udp(1, 7)}});
    assert_false(router_write(r, "rw.pattern0", "keep 0 9", 8, &errors));
    assert_non_null(strstr(text_string(&errors.text), "output port out of range"));
    errors_free(&errors);
    reads_with(r, "rw.patterns", NULL, "1.0.0.1 5000-5999 - - [1]\n");
    router_destroy(r);
}

/* Timed out flows go by themselves, those with time left stay. */
static void reaped_by_the_timer(void **state)
{
    struct router *r = start_rewriter("keep 0 1, REAP_INTERVAL 1, UDP_TIMEOUT 0, UDP_GUARANTEE 0");
    uint64_t end = platform_now_ns() + 5000000000u;
    struct packet *tcp = udp(1, 7);
    char *size = NULL;

    (void)state;
    ((struct ip_header *)tcp->network)->protocol = IP_PROTO_TCP;
    send(r, &(struct batch){3, {udp(1, 7), tcp, udp(2, 7)}});
    reads_with(r, "rw.size", NULL, "3");
    do {
        struct timespec pause = {0, 50000000};

        nanosleep(&pause, NULL);
        scheduler_run(&scheduler, 1);
        free(size);
        size = read_handler(r, "rw.size", NULL, true);
    } while (strcmp(size, "3") == 0 && platform_now_ns() < end);
    assert_string_equal(size, "1");
    free(size);
    router_destroy(r);
}

/* All flows end at once: between two slices of them others get their turn. */
static void many_flows_are_reaped_in_slices(void **state)
{
    enum { FLOWS = 50000, SLICE = 4096 };
    static const char config[] =
        "Idle -> rw :: IPRewriter(keep 0 1, REAP_INTERVAL 1, UDP_TIMEOUT 0, UDP_GUARANTEE 0);"
        "rw[0] -> k0 :: TKeep; rw[1] -> TKeep; InfiniteSource(BURST 2) -> c :: Counter -> Discard";
    struct router *r = start(config);
    struct flow_table *flows = rewriter_of(router_find(r, "rw"))->flows;
    uint64_t end = platform_now_ns() + 20000000000u;
    unsigned slices = 0;

    (void)state;
    for (unsigned i = 0; i < FLOWS; i++)
        begin_flow(r, i / 1000, i, 1);
    assert_int_equal(flows->count, FLOWS);
    while (flows->count && platform_now_ns() < end) {
        uint64_t removals = flows->removals;
        unsigned long long turns = number(r, "c.count");

        scheduler_run(&scheduler, 1);
        slices += flows->removals != removals;
        assert_true(flows->removals - removals <= SLICE);
        assert_int_equal(number(r, "c.count"), turns + 2);
    }
    assert_int_equal(slices, (FLOWS + SLICE - 1) / SLICE);
    router_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flow_within_a_batch), TEST(flows_replaced_within_a_batch), TEST(ports_run_out), TEST(ports_run_out_by_protocol),
        TEST(a_full_range_is_searched_in_steps), TEST(a_flood_is_borne), TEST(many_flows_are_reaped_in_slices),
       
        TEST(shared_bytes_stay), TEST(packets_without_headers), TEST(lookup),
        TEST(wrong_pattern_changes_nothing), TEST(reaped_by_the_timer),
    };

    return cmocka_run_group_tests_name("ip_rewriter", tests, NULL, NULL);
}
