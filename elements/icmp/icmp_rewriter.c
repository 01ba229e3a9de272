// SPDX-License-Identifier: BSD-2-Clause
/*
 * icmp_rewriter.c - ICMPRewriter(MAPS): takes ICMP errors through a NAT.
 *
 * An error quotes the packet that caused it, as it was after the NAT. The rewriters in MAPS are
 * asked for the flow of the packet that would answer the quoted one; the error is rewritten to
 * quote the packet as it was before the NAT, and sent to who sent that. The checksums of the
 * outer IP header, the ICMP message, the quoted IP header and, as far as it is quoted, the
 * quoted transport header are updated.
 */
#include <stdlib.h>
#include <string.h>

#include "elements/ip/rewriter_base.h"

enum { ECHO_BYTES = 6 };                /* up to and with the identifier */

struct map {
    struct rewriter *rewriter;
    bool offset_given;
    unsigned offset;                    /* of the rewriter's output 0 among ours */
};

struct icmp_rewriter {
    struct element base;
    struct arg_string maps;
    bool set_dst_anno;
    bool reply_anno_given;
    uint32_t reply_anno;
    struct map *map;
    unsigned n_maps;
    bool spare_output;                  /* output 1 is for what no rewriter knows */
    uint64_t drops;
};

/* The quoted packet. */
struct quote {
    struct ip_header *ip;
    uint8_t *transport;                 /* NULL: not in the quote, or nothing that has a flow */
    uint32_t bytes;                     /* of transport */
    struct flow_key answer;             /* the key of the packet that would answer it */
};

static bool is_error(uint8_t type)
{
    return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED ||
           type == ICMP_PARAMETER_PROBLEM || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT;
}

static bool has_ports(uint8_t protocol)
{
    return protocol == IP_PROTO_TCP || protocol == IP_PROTO_UDP || protocol == IP_PROTO_DCCP;
}

static bool read_quote(struct packet *p, struct quote *q)
{
    uint32_t bytes = rewriter_transport_bytes(p), header;
    const struct icmp_header *icmp = (const struct icmp_header *)p->transport;
    uint8_t *transport;

    if (bytes < sizeof *icmp + sizeof *q->ip || !is_error(icmp->type))
        return false;
    bytes -= sizeof *icmp;
    *q = (struct quote){.ip = (struct ip_header *)(p->transport + sizeof *icmp)};
    header = ip_header_length(q->ip);
    if (ip_version(q->ip) != 4 || header < sizeof *q->ip)
        return false;
    q->answer = (struct flow_key){.src = q->ip->dst, .dst = q->ip->src};
    if (header >= bytes || ip_later_fragment(q->ip))
        return true;
    transport = (uint8_t *)q->ip + header;
    bytes -= header;
    if (has_ports(q->ip->protocol) && bytes >= sizeof(struct udp_header)) {
        memcpy(&q->answer.src_port, transport + 2, 2);
        memcpy(&q->answer.dst_port, transport, 2);
    } else if (q->ip->protocol == IP_PROTO_ICMP && bytes >= ECHO_BYTES &&
               transport[0] == ICMP_ECHO) {
        memcpy(&q->answer.src_port, transport + 4, 2);
    } else {
        return true;
    }
    q->transport = transport;
    q->bytes = bytes;
    return true;
}

/* ---- changing bytes, with the checksums that cover them ---- */

/* Puts `value` at `at`; each checksum that covers the place is updated. */
static void change(uint8_t *at, uint16_t value, uint16_t *sum1, uint16_t *sum2)
{
    uint16_t old;

    memcpy(&old, at, sizeof old);
    if (old == value)
        return;
    memcpy(at, &value, sizeof value);
    *sum1 = checksum_update(*sum1, old, value);
    if (sum2)
        *sum2 = checksum_update(*sum2, old, value);
}

static void change_address(uint8_t *at, be32_t value, uint16_t *sum1, uint16_t *sum2)
{
    uint16_t half[2];

    memcpy(half, &value, sizeof half);
    change(at, half[0], sum1, sum2);
    change(at + 2, half[1], sum1, sum2);
}

/* A quoted checksum of the transport header, where the quote has one in use. */
static uint8_t *transport_checksum(const struct quote *q)
{
    static const uint8_t none[2];
    unsigned at = q->ip->protocol == IP_PROTO_TCP ? offsetof(struct tcp_header, checksum)
                : q->ip->protocol == IP_PROTO_UDP ? offsetof(struct udp_header, checksum) : 0;

    if (!at || q->bytes < at + 2 ||
        (q->ip->protocol == IP_PROTO_UDP && memcmp(q->transport + at, none, 2) == 0))
        return NULL;
    return q->transport + at;
}

/*
 * Turns the quoted packet back into what the NAT received. `icmp`, which covers all of the
 * quote, is updated for each change, those of quoted checksums included.
 */
static void rewrite_quote(struct quote *q, const struct flow_key *answer, uint16_t *icmp)
{
    uint8_t *ip = (uint8_t *)q->ip, *checksum_at;
    uint16_t ip_sum = q->ip->checksum, transport_sum = 0;
    uint8_t *src = ip + offsetof(struct ip_header, src);
    uint8_t *dst = ip + offsetof(struct ip_header, dst);
    bool ports = q->transport && has_ports(q->ip->protocol);

    checksum_at = ports ? transport_checksum(q) : NULL;
    if (checksum_at) {
        be32_t old[2];

        memcpy(&transport_sum, checksum_at, 2);
        memcpy(old, src, sizeof old);
        transport_sum = checksum_update32(transport_sum, old[0], answer->dst);
        transport_sum = checksum_update32(transport_sum, old[1], answer->src);
    }
    change_address(src, answer->dst, icmp, &ip_sum);
    change_address(dst, answer->src, icmp, &ip_sum);
    change(ip + offsetof(struct ip_header, checksum), ip_sum, icmp, NULL);
    if (ports) {
        change(q->transport, answer->dst_port, icmp, &transport_sum);
        change(q->transport + 2, answer->src_port, icmp, &transport_sum);
        if (checksum_at)
            change(checksum_at, transport_sum, icmp, NULL);
    } else if (q->transport) {
        /* A request's identifier is the port that its answer goes to: see icmp_ping_rewriter.c. */
        memcpy(&transport_sum, q->transport + offsetof(struct icmp_header, checksum), 2);
        change(q->transport + offsetof(struct icmp_header, echo.id), answer->dst_port, icmp,
               &transport_sum);
        change(q->transport + offsetof(struct icmp_header, checksum), transport_sum, icmp, NULL);
    }
}

/* The output for the rewritten packet; -1: no rewriter knows the flow. */
static int translate(struct icmp_rewriter *r, struct packet *p)
{
    struct ip_header *ip = (struct ip_header *)p->network;
    struct icmp_header *icmp = (struct icmp_header *)p->transport;
    struct flow_hit hit = {NULL, 0};
    struct flow_key answer;
    struct quote q;
    uint16_t ip_sum, icmp_sum;
    unsigned m;

    if (!read_quote(p, &q))
        return -1;
    for (m = 0; m < r->n_maps; m++) {
        struct rewriter *rw = r->map[m].rewriter;

        hit = rw->find(rw, q.ip->protocol, &q.answer);
        if (hit.flow)
            break;
    }
    if (!hit.flow)
        return -1;
    answer = flow_key_reverse(&hit.flow->key[!hit.direction]);

    ip_sum = ip->checksum;
    if (ip->dst == q.answer.dst) {
        change_address(p->network + offsetof(struct ip_header, dst), answer.dst, &ip_sum, NULL);
        if (r->set_dst_anno)
            packet_set_dst_ip(p, answer.dst);
    }
    /* An error from the other end itself, which may have another address on this side. */
    if (ip->src == q.answer.src)
        change_address(p->network + offsetof(struct ip_header, src), answer.src, &ip_sum, NULL);
    ip->checksum = ip_sum;
    if (hit.direction == FLOW_REPLY && r->reply_anno_given)
        p->anno[r->reply_anno] = hit.flow->reply_anno;

    icmp_sum = icmp->checksum;
    rewrite_quote(&q, &answer, &icmp_sum);
    icmp->checksum = icmp_sum;
    return r->map[m].offset_given ? (int)(r->map[m].offset + hit.flow->output[hit.direction]) : 0;
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    struct icmp_rewriter *r = element_as(struct icmp_rewriter, e);
    int out;

    (void)port;
    p = packet_writable(p);
    if (!p) {
        r->drops++;
        return;
    }
    /* Not ICMP at all, or only a part of it: nothing for output 1 either. */
    if (!rewriter_transport_bytes(p) ||
        ((const struct ip_header *)p->network)->protocol != IP_PROTO_ICMP) {
        r->drops++;
        packet_free(p);
        return;
    }
    out = ip_later_fragment((const struct ip_header *)p->network) ? -1 : translate(r, p);
    if (out < 0 && r->spare_output)
        out = 1;
    if (out >= 0 && out < (int)e->n_outputs) {
        element_push_one(e, (unsigned)out, p);
    } else {
        r->drops++;
        packet_free(p);
    }
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    for (unsigned i = 0; i < batch->n; i++)
        push_one(e, port, batch->pkt[i]);
}

/* ---- configuration ---- */

static void setup(struct element *e)
{
    element_as(struct icmp_rewriter, e)->set_dst_anno = true;
}

static bool read_map(struct icmp_rewriter *r, char *word, struct errors *errors)
{
    char *colon = strchr(word, ':');
    struct rewriter *rewriter = NULL;
    struct element *e = NULL;
    uint64_t offset = 0;

    if (!colon || args_read_unsigned(colon + 1, UINT16_MAX, &offset)) {
        if (colon)
            *colon = '\0';
        e = element_find_partner(&r->base, word);
        rewriter = e ? rewriter_of(e) : NULL;
        if (colon)
            *colon = ':';
    }
    if (!rewriter)
        return element_error(&r->base, errors, "%s not an IP rewriter", word);
    if (colon && offset + e->n_outputs > r->base.n_outputs)
        return element_error(&r->base, errors, "%s port offset requires more than %u output%s",
                             word, r->base.n_outputs, r->base.n_outputs == 1 ? "" : "s");
    r->map[r->n_maps++] = (struct map){rewriter, colon != NULL, (unsigned)offset};
    return true;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct icmp_rewriter *r = element_as(struct icmp_rewriter, e);
    unsigned before = errors->count;
    struct words words = {0};

    (void)rest;
    if (words_split_spaces(&words, r->maps.s) < 0 ||
        !(r->map = calloc(words.n + 1, sizeof *r->map)))
        element_error(e, errors, "out of memory");
    else
        for (unsigned i = 0; i < words.n; i++)
            read_map(r, words.word[i], errors);
    words_free(&words);
    r->spare_output = e->n_outputs > 1;
    for (unsigned m = 0; m < r->n_maps; m++)
        if (r->map[m].offset_given)
            r->spare_output = false;
    if (!r->n_maps)
        element_error(e, errors, "no IP rewriters supplied");
    return errors->count == before;
}

static void cleanup(struct element *e)
{
    free(element_as(struct icmp_rewriter, e)->map);
}

static const struct argument arguments[] = {
    {.name = "MAPS", .kind = ARG_REQUIRED, .type = &arg_text,
     .offset = offsetof(struct icmp_rewriter, maps),
     .help = "rewriters to ask, separated by spaces; NAME:N sends to output N and following"},
    {.name = "DST_ANNO", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct icmp_rewriter, set_dst_anno),
     .help = "set the destination annotation to the new destination"},
    {.name = "REPLY_ANNO", .kind = ARG_KEYWORD, .type = &arg_anno_u8,
     .offset = offsetof(struct icmp_rewriter, reply_anno),
     .given = offsetof(struct icmp_rewriter, reply_anno_given),
     .help = "an annotation byte that errors in reply take from the packet that began the flow"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct icmp_rewriter, drops), .help = "packets dropped"},
    {0},
};

ELEMENT_CLASS(icmp_rewriter) = {
    .name = "ICMPRewriter", .ports = "1/1-", .processing = PUSH,
    .size = sizeof(struct icmp_rewriter), .arguments = arguments, .handlers = handlers,
    .phase = PHASE_REWRITER,
    .setup = setup, .configure = configure, .cleanup = cleanup, .push = push, .push_one = push_one,
    .group = "icmp", .purpose = "takes ICMP errors through the NAT of other rewriters",
    .manual =
        "An ICMP error about a packet that one of the rewriters in MAPS has rewritten goes back to "
        "who sent the packet, quoting it as that knows it, to output 0 - or, when MAPS says "
        "NAME:N, to output N plus the output at which replies of the flow leave NAME. Errors "
        "about other packets and ICMP that is no error go to output 1, or are dropped when "
        "there is none or MAPS names outputs.",
};
