// SPDX-License-Identifier: BSD-2-Clause
/*
 * icmp_ping_rewriter.c - ICMPPingRewriter(INPUTSPEC, ...): lets pings through a NAT.
 *
 * A ping is a flow by addresses and identifier. In the flow table an echo request with identifier I
 * has the ports (I, I+1) and a reply (I+1, I), so that the reply's key is the request's
 * reversed, and requests that cross from the other side are flows of their own.
 */
#include <string.h>

#include "elements/ip/rewriter_base.h"

enum { PING_BYTES = 6 };                /* up to and with the identifier */

struct icmp_ping_rewriter {
    struct element base;
    struct rewriter rewriter;
};

static struct flow_key key_of(be32_t src, be32_t dst, be16_t identifier, bool request)
{
    be16_t mate = rewriter_ping_port(identifier);

    return request ? (struct flow_key){src, dst, identifier, mate}
                   : (struct flow_key){src, dst, mate, identifier};
}

/* Puts the new identifier in. Updating gets one checksum wrong, that of a message of zeros. */
static void apply_icmp(const struct flow *flow, unsigned direction, bool request,
                       struct packet *p, uint32_t bytes)
{
    struct icmp_header *icmp = (struct icmp_header *)p->transport;
    const struct flow_key *other = &flow->key[!direction];

    icmp->echo.id = request ? other->dst_port : other->src_port;
    icmp->checksum = rewriter_checksum(icmp->checksum, flow->transport_delta, direction);
    if (!icmp->checksum && !ip_is_fragment((const struct ip_header *)p->network))
        icmp->checksum = checksum_of(icmp, bytes);
}

static int translate(struct icmp_ping_rewriter *r, unsigned port, struct packet *p, uint32_t now)
{
    struct rewriter *rw = &r->rewriter;
    uint32_t bytes = rewriter_transport_bytes(p);
    const struct ip_header *ip = (const struct ip_header *)p->network;
    const struct icmp_header *icmp = (const struct icmp_header *)p->transport;
    struct flow_key key;
    struct flow_hit hit;
    bool request;

    if (bytes < PING_BYTES || ip->protocol != IP_PROTO_ICMP || ip_later_fragment(ip) ||
        (icmp->type != ICMP_ECHO && icmp->type != ICMP_ECHO_REPLY))
        return rewriter_unmappable(rw, port);
    request = icmp->type == ICMP_ECHO;
    key = key_of(ip->src, ip->dst, icmp->echo.id, request);
    hit = flow_table_find(rw->flows, rewriter_map_number(rw, 0), &key);
    if (!hit.flow) {
        const struct rewriter_begin how = {
            .port = port, .protocol = IP_PROTO_ICMP, .ping = true, .now = now,
        };
        int what;

        if (!request)                   /* nobody asked */
            return rewriter_unmappable(rw, port);
        what = rewriter_begin(rw, &how, &key, p, &hit.flow);
        if (what != REWRITER_MAP)
            return what;
        hit.direction = FLOW_FORWARD;
    }
    rewriter_apply_network(rw, hit.flow, hit.direction, p);
    apply_icmp(hit.flow, hit.direction, request, p, bytes);
    flow_table_used(rw->flows, hit.flow, &rw->owner, 0, now);
    return hit.flow->output[hit.direction];
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct icmp_ping_rewriter *r = element_as(struct icmp_ping_rewriter, e);
    uint32_t now = flow_ticks(platform_now_ns());
    unsigned out[BATCH_MAX], n = 0;

    for (unsigned i = 0; i < batch->n; i++) {
        struct packet *p = packet_writable(batch->pkt[i]);

        if (!p) {
            r->rewriter.drops++;
            continue;
        }
        out[n] = (unsigned)translate(r, port, p, now);
        batch->pkt[n++] = p;
    }
    batch->n = n;
    if (n)
        element_dispatch(e, batch, out, &r->rewriter.drops);
}

static struct flow_hit find(struct rewriter *rw, unsigned protocol, const struct flow_key *key)
{
    struct flow_key reply;

    if (protocol != IP_PROTO_ICMP)
        return (struct flow_hit){NULL, 0};
    reply = key_of(key->src, key->dst, key->src_port, false);
    return flow_table_find(rw->flows, rewriter_map_number(rw, 0), &reply);
}

static void format_key(const struct flow_key *key, struct text *out)
{
    char src[16], dst[16];

    text_printf(out, "(%s, %s, %u)", args_format_ip(src, key->src), args_format_ip(dst, key->dst),
                be16(key->src_port));
}

static void setup(struct element *e)
{
    struct icmp_ping_rewriter *r = element_as(struct icmp_ping_rewriter, e);

    rewriter_setup(&r->rewriter, e);
    r->rewriter.find = find;
    r->rewriter.format_key = format_key;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    return rewriter_configure(&element_as(struct icmp_ping_rewriter, e)->rewriter, rest, errors);
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct icmp_ping_rewriter *r = element_as(struct icmp_ping_rewriter, e);
    const struct flow_lifetime kind = {r->rewriter.timeout_s, r->rewriter.guarantee_s};

    return rewriter_initialize(&r->rewriter, 1, &kind, 1, errors);
}

static void take_state(struct element *e, struct element *predecessor)
{
    rewriter_take(rewriter_of(e), rewriter_of(predecessor), true);
}

static void cleanup(struct element *e)
{
    rewriter_cleanup(&element_as(struct icmp_ping_rewriter, e)->rewriter);
}

static void *cast(struct element *e, const char *interface)
{
    return strcmp(interface, "IPRewriterBase") == 0
        ? &element_as(struct icmp_ping_rewriter, e)->rewriter : NULL;
}

static int read_table(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    rewriter_format_table(&element_as(struct icmp_ping_rewriter, e)->rewriter, 0, out);
    return 0;
}

static const struct argument arguments[] = {
    {.name = "TIMEOUT", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct icmp_ping_rewriter, rewriter.timeout_s),
     .help = "seconds that an idle flow lives; 300"},
    {.name = "GUARANTEE", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,
     .offset = offsetof(struct icmp_ping_rewriter, rewriter.guarantee_s),
     .help = "seconds that a flow is not given up for a newer one; 5"},
    REWRITER_ARGUMENTS(struct icmp_ping_rewriter, rewriter),
    {0},
};

static const struct handler handlers[] = {
    {.name = "table", .read = read_table,
     .help = "each flow in both directions: (source, destination, identifier)"},
    {.name = "mappings", .flags = HANDLER_DEPRECATED, .read = read_table,
     .help = "old name of table"},
    REWRITER_HANDLERS,
    {0},
};

ELEMENT_CLASS(icmp_ping_rewriter) = {
    .name = "ICMPPingRewriter", .ports = "1-/1-", .processing = PUSH,
    .size = sizeof(struct icmp_ping_rewriter), .arguments = arguments, .handlers = handlers,
    .phase = PHASE_REWRITER, .keywords_anywhere = true,
    .setup = setup, .configure = configure, .initialize = initialize, .cleanup = cleanup,
    .take_state = take_state, .push = push, .push_one = element_push_one_by_batch, .cast = cast,
    .group = "icmp", .purpose = "network address translation for ICMP echo requests and replies",
    .manual =
        "Input specifications are those of IPRewriter; a pattern's source port stands for the "
        "identifier of the request. Requests make flows, replies only follow them: a reply that "
        "belongs to no flow, fragments other than the first and other packets are dropped, except "
        "at inputs that pass. Flows go on in another configuration as IPRewriter's do.",
};
