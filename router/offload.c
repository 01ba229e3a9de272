// SPDX-License-Identifier: BSD-2-Clause
/*
 * offload.c - does what a device left to be done; see offload.h.
 *
 * The bytes may lie in memory that another domain writes to at any time: each one that decides where something is
 * gets looked at once, what was found stands in the layout.
 *
 * The checksum is computed from nothing, whatever stands in its field: who left it blank is not trusted
 * to have begun it well. Cutting copies: headers and a part of the payload into a packet of the pool for each
 * segment, as a network card would (IP id, length and checksum, TCP sequence number, flags and checksum anew).
 */
#include "router/offload.h"

#include <stdlib.h>

#include "router/checksum.h"
#include "router/graph.h"
#include "router/headers.h"
#include "router/router.h"

enum { VLAN_TAGS_MAX = 2, IP6_HEADER = 40, IP6_EXTENSIONS_MAX = 8, ETHERTYPE_QINQ = 0x88A8 };

/* ---- where headers stand ---- */

/* The offset of the IP header from data; negative: before it, or not to be found. */
static int64_t find_ip(const struct packet *p)
{
    int64_t at;

    if (p->network)
        return p->network - p->data;
    if (!p->mac)
        return -1;
    at = p->mac - p->data + ETHER_HEADER;
    for (unsigned tags = 0; tags < VLAN_TAGS_MAX && at + VLAN_TAG <= p->length; tags++) {
        uint16_t type = be16_get(p->data + at - 2);     /* at - 2 may lie before data, in the buffer as the mark does */

        if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
            break;
        at += VLAN_TAG;
    }
    return at;
}

static bool find_ip4(const struct packet *p, struct offload_layout *at)
{
    uint32_t left = p->length - at->ip, length, header_length;
    struct ip_header ip;

    if (left < sizeof ip)
        return false;
    memcpy(&ip, p->data + at->ip, sizeof ip);
    header_length = ip_header_length(&ip);
    length = be16(ip.total_length);
    if (ip_version(&ip) != 4 || ip_is_fragment(&ip) || header_length < sizeof ip || length < header_length || length > left)
        return false;
    at->transport = at->ip + header_length;
    at->end = at->ip + length;
    at->protocol = ip.protocol;
    return true;
}

/* RFC 8200, section 4: extension headers that may stand before a whole packet's transport header. */
static bool find_ip6(const struct packet *p, struct offload_layout *at)
{
    const uint8_t *ip = p->data + at->ip;
    uint32_t left = p->length - at->ip, length;

    if (left < IP6_HEADER || ip[0] >> 4 != 6)
        return false;
    length = IP6_HEADER + be16_get(ip + 4);
    if (length > left)
        return false;
    at->ip6 = true;
    at->transport = at->ip + IP6_HEADER;
    at->end = at->ip + length;
    at->protocol = ip[6];
    for (unsigned n = 0; at->protocol == 0 || at->protocol == 43 || at->protocol == 60; n++) {
        if (n == IP6_EXTENSIONS_MAX || at->end - at->transport < 8)
            return false;
        at->protocol = p->data[at->transport];
        length = 8 * (1u + p->data[at->transport + 1]);
        if (length > at->end - at->transport)
            return false;
        at->transport += length;
    }
    return true;
}

bool offload_find(const struct packet *p, struct offload_layout *at)
{
    int64_t ip = find_ip(p);
    uint32_t length, header;

    *at = (struct offload_layout){0};
    if (ip < 0 || ip >= p->length)
        return false;
    at->ip = (uint32_t)ip;
    if (!find_ip4(p, at) && !find_ip6(p, at))
        return false;
    length = at->end - at->transport;
    switch (at->protocol) {
    case IP_PROTO_TCP:
        if (length < sizeof(struct tcp_header))
            return false;
        header = (p->data[at->transport + 12] >> 4) * 4u;
        at->payload = at->transport + header;
        return header >= sizeof(struct tcp_header) && header <= length;
    case IP_PROTO_UDP:
        at->payload = at->transport + (uint32_t)sizeof(struct udp_header);
        return length >= sizeof(struct udp_header);
    default:
        return false;
    }
}

/* ---- checksums ---- */

static uint16_t transport_checksum(const struct packet *p, const struct offload_layout *at)
{
    const uint8_t *ip = p->data + at->ip, *segment = p->data + at->transport;
    uint32_t length = at->end - at->transport;
    uint64_t sum;

    if (!at->ip6)
        return checksum_transport((const struct ip_header *)ip, segment, length);
    sum = checksum_add(0, ip + 8, 32);          /* the addresses, then as RFC 8200, section 8.1 */
    sum += be32(length) + (uint64_t)be16(at->protocol);
    return checksum_fold(checksum_add(sum, segment, length));
}

static void fill_in(struct packet *p, const struct offload_layout *at)
{
    uint8_t *field = p->data + at->transport + (at->protocol == IP_PROTO_TCP ? offsetof(struct tcp_header, checksum)
                                                                              : offsetof(struct udp_header, checksum));
    uint16_t checksum = 0;

    memcpy(field, &checksum, sizeof checksum);
    checksum = transport_checksum(p, at);
    if (checksum == 0 && at->protocol == IP_PROTO_UDP)
        checksum = 0xFFFF;                      /* 0 says that there is none */
    memcpy(field, &checksum, sizeof checksum);
    p->flags &= (uint8_t)~PACKET_F_BLANK;
}

/* ---- cutting ---- */

static void give_up(struct offload_cut *cut)
{
    packet_free(cut->whole);
    cut->whole = NULL;
    cut->failed++;
}

void offload_cut_begin(struct offload_cut *cut, struct packet *p)
{
    cut->whole = p;
    cut->offset = 0;
    if (!offload_find(p, &cut->at) || (p->segment_size && cut->at.protocol != IP_PROTO_TCP))
        give_up(cut);
}

/* What is different in a segment at this offset, last or not. */
static void adapt(struct packet *p, const struct offload_layout *at, uint32_t number, uint32_t offset, bool last)
{
    uint8_t *ip = p->data + at->ip;
    struct tcp_header *tcp = (void *)(p->data + at->transport);

    if (at->ip6) {
        be16_put(ip + 4, (uint16_t)(at->end - at->ip - IP6_HEADER));
    } else {
        struct ip_header *ip4 = (void *)ip;

        ip4->total_length = be16((uint16_t)(at->end - at->ip));
        ip4->id = be16((uint16_t)(be16(ip4->id) + number));
        ip4->checksum = 0;
        ip4->checksum = checksum_of(ip4, at->transport - at->ip);
    }
    tcp->seq = be32(be32(tcp->seq) + offset);
    if (!last)
        tcp->flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
    if (offset)
        tcp->flags &= (uint8_t)~TCP_CWR;        /* RFC 3168: it is said once */
}

static struct packet *cut_one(struct offload_cut *cut)
{
    struct packet *whole = cut->whole, *p;
    uint32_t size = whole->segment_size, left = cut->at.end - cut->at.payload - cut->offset;
    uint32_t n = left < size ? left : size, headroom = packet_headroom(whole), kept;
    struct offload_layout at = cut->at;

    kept = headroom < PACKET_HEADROOM ? headroom : PACKET_HEADROOM;    /* with what was stripped off: it may be wanted again */
    p = packet_make(PACKET_HEADROOM, NULL, cut->at.payload + n, 0);
    if (!p)
        return NULL;
    memcpy(p->data - kept, whole->data - kept, kept + cut->at.payload);
    memcpy(p->data + cut->at.payload, whole->data + cut->at.payload + cut->offset, n);
    packet_copy_annotations(p, whole);
    p->mac = whole->mac && whole->data - whole->mac <= (ptrdiff_t)kept ? p->data + (whole->mac - whole->data) : NULL;
    p->network = p->data + at.ip;
    p->transport = p->data + at.transport;
    at.end = at.payload + n;
    adapt(p, &at, cut->offset / size, cut->offset, left == n);
    fill_in(p, &at);
    cut->offset += n;
    return p;
}

struct packet *offload_cut_next(struct offload_cut *cut)
{
    struct packet *p = cut->whole;

    if (!p)
        return NULL;
    if (p->segment_size && cut->at.end - cut->at.payload > p->segment_size) {
        struct packet *segment = cut_one(cut);

        if (!segment) {
            give_up(cut);
        } else if (cut->offset == cut->at.end - cut->at.payload) {
            packet_free(p);
            cut->whole = NULL;
        }
        return segment;
    }
    cut->whole = NULL;
    p->segment_size = 0;
    p = packet_writable(p);
    if (!p)
        cut->failed++;
    else if (p->flags & PACKET_F_BLANK)
        fill_in(p, &cut->at);
    return p;
}

/* ---- on the way into an element ---- */

/* Packets keep their order; a batch may become several. */
void offload_push(struct element *e, unsigned port, struct batch *batch)
{
    struct offload_cut cut = {.failed = 0};
    struct batch out;
    unsigned i = 0;

    while (i < batch->n && !packet_is_unfinished(batch->pkt[i]))
        i++;
    if (i == batch->n) {
        e->class->push(e, port, batch);
        return;
    }
    memcpy(out.pkt, batch->pkt, i * sizeof *out.pkt);
    out.n = i;
    for (; i < batch->n; i++) {
        struct packet *p = batch->pkt[i];

        if (packet_is_unfinished(p)) {
            offload_cut_begin(&cut, p);
            p = offload_cut_next(&cut);
        }
        for (; p; p = offload_cut_next(&cut)) {
            if (out.n == BATCH_NORMAL) {
                e->class->push(e, port, &out);
                out.n = 0;
            }
            batch_add(&out, p);
        }
    }
    e->router->unfinished_drops += cut.failed;
    if (out.n)
        e->class->push(e, port, &out);
}

void offload_push_one(struct element *e, unsigned port, struct packet *p)
{
    struct batch batch = {.n = 1, .pkt = {p}};

    if (packet_is_unfinished(p) || !e->class->push_one)
        offload_push(e, port, &batch);
    else
        e->class->push_one(e, port, p);
}

static void add(struct element *e, struct element **list, unsigned *n)
{
    if (e->finished_only)
        return;
    e->finished_only = true;
    list[(*n)++] = e;
}

/* What is pulled is not finished on the way: one packet asked for would become many. So it is on its way into the queue. */
bool offload_place(struct router *r)
{
    struct element **list = calloc(r->n_elements + 1, sizeof *list);
    unsigned n = 0;

    if (!list)
        return false;
    for (unsigned i = 0; i < r->n_elements; i++)
        if (!r->elements[i]->class->offload)
            add(r->elements[i], list, &n);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < list[i]->n_inputs; k++)
            if (list[i]->input_is_pull[k])
                add(list[i]->inputs[k].peer, list, &n);
    free(list);
    for (unsigned i = 0; i < r->n_elements; i++)
        for (unsigned k = 0; k < r->elements[i]->n_outputs; k++)
            graph_set_entries(element_output(r->elements[i], k));
    return true;
}
