// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_rewriter.c - IPRewriter(INPUTSPEC, ...): NAPT, rewrites addresses and ports of TCP and UDP.
 *
 * See .manual below for the user's page, and elements/ip/rewriter_base.h for what rewriters share.
 *
 * Per packet of a known flow: the packet's header line, one line of the index, one of the flow;
 * these are fetched ahead a batch at a time. Branches that depend on traffic: hit or miss, TCP
 * or UDP, direction.
 */
#include <string.h>

#include "elements/ip/rewriter_base.h"

enum { MAP_TCP, MAP_UDP, MAPS };
enum { KIND_UDP = REWRITER_TCP_KINDS, KIND_UDP_STREAMING, KINDS };

struct ip_rewriter {
    struct element base;
    struct rewriter rewriter;           /* timeout_s: TCP_NODATA_TIMEOUT; guarantee_s: TCP's */
    uint32_t tcp_timeout_s, tcp_done_timeout_s;
    uint32_t udp_timeout_s, udp_streaming_timeout_s, udp_guarantee_s;
    bool udp_streaming_given;
};

/* By protocol: its map + 1; 0: it has none. */
static const uint8_t map_of[256] = {[IP_PROTO_TCP] = MAP_TCP + 1, [IP_PROTO_UDP] = MAP_UDP + 1};

/* The packet's map, key and bytes of transport header; FLOW_MAP_NONE for what has no ports. */
static inline uint16_t classify(const struct rewriter *rw, const struct packet *p,
                                struct flow_key *key, uint32_t *transport_bytes)
{
    uint32_t bytes = rewriter_transport_bytes(p);
    const struct ip_header *ip = (const struct ip_header *)p->network;
    unsigned map;

    *transport_bytes = bytes;
    if (bytes < sizeof(struct udp_header) || ip_later_fragment(ip) || !(map = map_of[ip->protocol])) {
        *key = (struct flow_key){0};
        return FLOW_MAP_NONE;
    }
    memcpy(key, &p->network[offsetof(struct ip_header, src)], 8);
    memcpy(&key->src_port, p->transport, 4);
    return (uint16_t)rewriter_map_number(rw, map - 1);
}

/* The first packet of a flow: REWRITER_MAP with the flow made, or what becomes of the packet instead. */
static __attribute__((noinline)) int begin(struct rewriter *rw, unsigned port, struct packet *p, bool tcp,
                                           const struct flow_key *key, uint32_t now, struct flow **flow)
{
    const struct rewriter_begin how = {
        .port = port, .map = tcp ? MAP_TCP : MAP_UDP, .now = now,
        .kind = tcp ? (unsigned)REWRITER_TCP_NODATA : (unsigned)KIND_UDP,
        .protocol = tcp ? IP_PROTO_TCP : IP_PROTO_UDP,
    };

    return rewriter_begin(rw, &how, key, p, flow);
}

/* Rewrites the packet; says which output it goes to, or REWRITER_DROP. */
static inline int translate(struct ip_rewriter *r, unsigned port, struct packet *p, unsigned map,
                            const struct flow_key *key, uint32_t bytes, struct flow_hit hit, uint32_t now)
{
    struct rewriter *rw = &r->rewriter;
    unsigned kind;
    bool tcp;

    if (map == FLOW_MAP_NONE)
        return rewriter_unmappable(rw, port);
    tcp = map == rewriter_map_number(rw, MAP_TCP);
    if (!hit.flow) {
        int what = begin(rw, port, p, tcp, key, now, &hit.flow);

        if (what != REWRITER_MAP)
            return what;
        hit.direction = FLOW_FORWARD;
    }
    rewriter_apply_network(rw, hit.flow, hit.direction, p);
    rewriter_apply_transport(hit.flow, hit.direction, p, bytes);
    if (tcp)
        kind = rewriter_track_tcp(hit.flow, hit.direction, p, bytes);
    else
        kind = rewriter_track_udp(hit.flow, hit.direction) ? KIND_UDP_STREAMING : KIND_UDP;
    flow_table_used(rw->flows, hit.flow, &rw->owner, kind, now);
    return hit.flow->output[hit.direction];
}

__attribute__((flatten))
static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct ip_rewriter *r = element_as(struct ip_rewriter, e);
    uint32_t now = flow_ticks(platform_now_ns());
    struct flow_hit hit[BATCH_MAX];
    struct flow_key key[BATCH_MAX];
    uint16_t map[BATCH_MAX];
    uint32_t bytes[BATCH_MAX];
    unsigned out[BATCH_MAX], n = 0;
    uint64_t changes;

    for (unsigned i = 0; i < batch->n; i++) {
        struct packet *p = packet_writable(batch->pkt[i]);

        if (!p) {
            r->rewriter.drops++;
            continue;
        }
        batch->pkt[n] = p;
        map[n] = classify(&r->rewriter, p, &key[n], &bytes[n]);
        n++;
    }
    batch->n = n;
    if (!n)
        return;
    flow_table_find_batch(r->rewriter.flows, n, map, key, hit);
    changes = flow_table_changes(r->rewriter.flows);
    for (unsigned i = 0; i < n; i++) {
        /* A new flow for an earlier packet may be this one's, or have removed this one's. */
        if (flow_table_changes(r->rewriter.flows) != changes && map[i] != FLOW_MAP_NONE)
            hit[i] = flow_table_find(r->rewriter.flows, map[i], &key[i]);
        out[i] = (unsigned)translate(r, port, batch->pkt[i], map[i], &key[i], bytes[i], hit[i], now);
    }
    element_dispatch(e, batch, out, &r->rewriter.drops);
}

__attribute__((flatten))
static void push_one(struct element *e, unsigned port, struct packet *p)
{
    struct ip_rewriter *r = element_as(struct ip_rewriter, e);
    struct flow_hit hit = {NULL, 0};
    struct flow_key key;
    uint32_t bytes;
    unsigned map;
    int out = REWRITER_DROP;

    p = packet_writable(p);
    if (p) {
        map = classify(&r->rewriter, p, &key, &bytes);
        if (map != FLOW_MAP_NONE)
            hit = flow_table_find(r->rewriter.flows, map, &key);
        out = translate(r, port, p, map, &key, bytes, hit, flow_ticks(platform_now_ns()));
    }
    if (out >= 0) {
        element_push_one(e, (unsigned)out, p);
        return;
    }
    r->rewriter.drops++;
    if (p)
        packet_free(p);
}

/* ---- life ---- */

static struct flow_hit find(struct rewriter *rw, unsigned protocol, const struct flow_key *key)
{
    if (protocol != IP_PROTO_TCP && protocol != IP_PROTO_UDP)
        return (struct flow_hit){NULL, 0};
    return flow_table_find(rw->flows,
                           rewriter_map_number(rw, protocol == IP_PROTO_TCP ? MAP_TCP : MAP_UDP),
                           key);
}

static void setup(struct element *e)
{
    struct ip_rewriter *r = element_as(struct ip_rewriter, e);

    rewriter_setup(&r->rewriter, e);
    r->rewriter.find = find;
    r->tcp_timeout_s = 86400;
    r->tcp_done_timeout_s = 240;
    r->udp_timeout_s = 300;
    r->udp_guarantee_s = 5;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct ip_rewriter *r = element_as(struct ip_rewriter, e);

    if (!r->udp_streaming_given)
        r->udp_streaming_timeout_s = r->udp_timeout_s;
    return rewriter_configure(&r->rewriter, rest, errors);
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct ip_rewriter *r = element_as(struct ip_rewriter, e);
    const struct flow_lifetime kinds[KINDS] = {
        [REWRITER_TCP_NODATA] = {r->rewriter.timeout_s, r->rewriter.guarantee_s},
        [REWRITER_TCP_DATA] = {r->tcp_timeout_s, r->rewriter.guarantee_s},
        [REWRITER_TCP_DONE] = {r->tcp_done_timeout_s, r->rewriter.guarantee_s},
        [KIND_UDP] = {r->udp_timeout_s, r->udp_guarantee_s},
        [KIND_UDP_STREAMING] = {r->udp_streaming_timeout_s, r->udp_guarantee_s},
    };

    return rewriter_initialize(&r->rewriter, MAPS, kinds, KINDS, errors);
}

static void take_state(struct element *e, struct element *predecessor)
{
    rewriter_take(rewriter_of(e), rewriter_of(predecessor), false);
}

static void cleanup(struct element *e)
{
    rewriter_cleanup(&element_as(struct ip_rewriter, e)->rewriter);
}

static void *cast(struct element *e, const char *interface)
{
    return strcmp(interface, "IPRewriterBase") == 0
        ? &element_as(struct ip_rewriter, e)->rewriter : NULL;
}

/* ---- handlers ---- */

static int read_tcp_table(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    rewriter_format_table(&element_as(struct ip_rewriter, e)->rewriter, MAP_TCP, out);
    return 0;
}

static int read_udp_table(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    rewriter_format_table(&element_as(struct ip_rewriter, e)->rewriter, MAP_UDP, out);
    return 0;
}

static int read_tcp_lookup(struct element *e, const struct handler_call *call, struct text *out)
{
    return rewriter_lookup(&element_as(struct ip_rewriter, e)->rewriter, MAP_TCP, call, out);
}

static const struct argument arguments[] = {
    {.name = "UDP_TIMEOUT", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, udp_timeout_s),
     .help = "seconds that an idle UDP flow lives; 300"},
    {.name = "UDP_STREAMING_TIMEOUT", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, udp_streaming_timeout_s),
     .given = offsetof(struct ip_rewriter, udp_streaming_given),
     .help = "the same for UDP flows of three packets and more, with replies; as UDP_TIMEOUT"},
    {.name = "UDP_GUARANTEE", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, udp_guarantee_s),
     .help = "seconds that a UDP flow is not given up for a newer one; 5"},
    {.name = "TCP_NODATA_TIMEOUT", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, rewriter.timeout_s),
     .help = "seconds that an idle TCP flow without data in both directions lives; 300"},
    {.name = "GUARANTEE", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, rewriter.guarantee_s),
     .help = "the same as TCP_GUARANTEE"},
    {.name = "TCP_GUARANTEE", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, rewriter.guarantee_s),
     .help = "seconds that a TCP flow is not given up for a newer one; 5"},
    {.name = "TIMEOUT", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, tcp_timeout_s), .help = "the same as TCP_TIMEOUT"},
    {.name = "TCP_TIMEOUT", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, tcp_timeout_s),
     .help = "seconds that an idle TCP flow lives once data went both ways; 86400"},
    {.name = "TCP_DONE_TIMEOUT", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct ip_rewriter, tcp_done_timeout_s),
     .help = "seconds that a TCP flow lives after both ends finished or one reset it; 240"},
    REWRITER_ARGUMENTS(struct ip_rewriter, rewriter),
    {0},
};

static const struct handler handlers[] = {
    {.name = "tcp_table", .read = read_tcp_table,
     .help = "each TCP flow in both directions; * marks the output of the direction"},
    {.name = "udp_table", .read = read_udp_table,
     .help = "each UDP flow in both directions"},
    {.name = "tcp_mappings", .flags = HANDLER_DEPRECATED, .read = read_tcp_table,
     .help = "old name of tcp_table"},
    {.name = "udp_mappings", .flags = HANDLER_DEPRECATED, .read = read_udp_table,
     .help = "old name of udp_table"},
    {.name = "tcp_lookup", .flags = HANDLER_PARAMETER, .read = read_tcp_lookup,
     .help = "what the TCP flow \"saddr sport daddr dport\" turns into; empty: no such flow"},
    REWRITER_HANDLERS,
    {0},
};

ELEMENT_CLASS(ip_rewriter) = {
    .name = "IPRewriter", .ports = "1-/1-", .processing = PUSH,
    .size = sizeof(struct ip_rewriter), .arguments = arguments, .handlers = handlers,
    .phase = PHASE_REWRITER, .keywords_anywhere = true, .order = ORDER_OWN,
    .setup = setup, .configure = configure, .initialize = initialize, .cleanup = cleanup,
    .take_state = take_state, .push = push, .push_one = push_one, .cast = cast,
    .group = "tcpudp", .purpose = "network address and port translation (NAPT) for TCP and UDP",
    .manual =
        "Packets of a flow that the rewriter knows are rewritten and leave at the flow's output. "
        "The first packet of another flow is treated as the specification of its input says:\n"
        "drop (discard) - dropped.\n"
        "pass OUTPUT (passthrough, nochange) - sent to OUTPUT as it is; no flow is kept.\n"
        "keep FOUTPUT ROUTPUT - a flow that is not changed; replies leave at ROUTPUT.\n"
        "pattern SADDR SPORT DADDR DPORT FOUTPUT ROUTPUT - a flow with new addresses and ports. "
        "A dash keeps a field. SPORT may be a range such as 1024-65535: the packet's own port if "
        "it is free, else a random one; with # behind it the ports are taken in order, with ? "
        "at random always.\n"
        "pattern NAME FOUTPUT ROUTPUT - a pattern of IPRewriterPatterns.\n"
        "ELEMENT - a mapper such as RoundRobinIPMapper decides.\n"
        "The packets' IP headers must be marked (CheckIPHeader). Other protocols and fragments "
        "other than the first are dropped, except at inputs that pass. Checksums are updated; a "
        "UDP checksum of 0 stays.\n"
        "When MAPPING_CAPACITY is reached, or memory is short, the flow closest to its time-out that is not "
        "guaranteed is given up; if all are guaranteed, packets of new flows are dropped. So is a packet that finds "
        "none of the 1,024 values free that it looks at in a range; the next one goes on searching there.\n"
        "When another configuration takes the place of this one, an IPRewriter of the same name goes on with the flows "
        "that the specification of their input could have made; those of inputs that make no such flows any more "
        "are forgotten.",
};
