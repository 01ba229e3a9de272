// SPDX-License-Identifier: BSD-2-Clause
/*
 * IPFragmenter(MTU, [HONOR_DF], [VERBOSE], [HEADROOM])
 *
 * Splits packets above the MTU (RFC 791, 3.2). Fragments leave in order, and together with
 * the packets around them: a batch that comes in goes out as few batches, not one
 * per fragment. Packets that fit cost one compare.
 */
#include <stdio.h>

#include "elements/ip/ip_options.h"
#include "elements/ip/ip_packet.h"
#include "platform/platform.h"
#include "router/checksum.h"
#include "router/element.h"

enum { DF_MENTIONED = 5, MTU_MIN = 8 };

struct ip_fragmenter {
    struct element base;
    uint32_t mtu;
    uint32_t headroom;
    bool honor_df;
    bool verbose;
    uint64_t drops;
    uint64_t fragments;
};

static void setup(struct element *e)
{
    struct ip_fragmenter *f = element_as(struct ip_fragmenter, e);

    f->honor_df = true;
    f->headroom = PACKET_HEADROOM;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    (void)rest;
    if (element_as(struct ip_fragmenter, e)->mtu < MTU_MIN)
        return element_error(e, errors, "MTU must be at least %d", MTU_MIN);
    return true;
}

static void flush(struct element *e, struct batch *out)
{
    if (out->n)
        element_push(e, 0, out);
    out->n = 0;
}

static void emit(struct element *e, struct batch *out, struct packet *p)
{
    if (out->n == BATCH_MAX)
        flush(e, out);
    batch_add(out, p);
}

/* The options that every fragment carries, padded to whole words; says how many bytes. */
static unsigned copy_options(const uint8_t *from, unsigned length, uint8_t *to)
{
    struct ip_option option;
    unsigned next = 0, n = 0;

    while (ip_options_next(from, length, &next, &option)) {
        if (!(option.type & IP_OPTION_COPIED))
            continue;
        memcpy(to + n, from + option.at, option.length);
        n += option.length;
    }
    while (n & 3)
        to[n++] = IP_OPTION_END;
    return n;
}

static void mention(const struct ip_fragmenter *f, const struct packet *p,
                    const struct ip_header *ip)
{
    char line[128], src[16], dst[16];
    int n;

    n = snprintf(line, sizeof line, "IPFragmenter(%u) DF %s %s len=%u\n", f->mtu,
                 args_format_ip(src, ip->src), args_format_ip(dst, ip->dst), p->length);
    platform_log(line, (size_t)n);
}

/* What one packet is cut into. */
struct cut {
    struct ip_header header;        /* our own copy, of fixed-size part */
    uint8_t options[IP_OPTIONS_MAX];
    uint32_t header_length;         /* of the first fragment: all options */
    uint32_t later_header_length;
    uint32_t payload;               /* bytes in all */
    uint32_t first, later;          /* payload of the first, of one of the others; multiples of 8 */
};

static void finish_header(struct ip_header *ip, uint32_t header_length, uint32_t length,
                          uint16_t fragment)
{
    ip->version_ihl = (uint8_t)(0x40 | header_length / 4);
    ip->total_length = be16((uint16_t)length);
    ip->fragment = be16(fragment);
    ip->checksum = 0;
    ip->checksum = checksum_of(ip, header_length);
}

/* A fragment other than the first, from `at` in the payload on. NULL: no packet to be had. */
static struct packet *make_later(const struct ip_fragmenter *f, const struct cut *cut,
                                 const struct packet *whole, const uint8_t *payload, uint32_t at,
                                 uint16_t fragment)
{
    uint32_t n = cut->payload - at < cut->later ? cut->payload - at : cut->later;
    struct packet *p = packet_make(f->headroom, NULL, cut->later_header_length + n, 0);
    struct ip_header *ip;

    if (!p)
        return NULL;
    ip = (struct ip_header *)p->data;
    memcpy(ip, &cut->header, sizeof *ip);
    memcpy(ip + 1, cut->options, cut->later_header_length - sizeof *ip);
    memcpy(p->data + cut->later_header_length, payload + at, n);
    packet_set_network(p, p->data, cut->later_header_length);
    packet_copy_annotations(p, whole);
    finish_header(ip, cut->later_header_length, cut->later_header_length + n,
                  (uint16_t)(fragment + at / 8));
    return p;
}

static void fragment_packet(struct ip_fragmenter *f, struct packet *p, const struct cut *cut,
                            struct batch *out)
{
    struct element *e = &f->base;
    uint16_t fragment = be16(cut->header.fragment) & (uint16_t)~IP_DF;
    bool more_follow = fragment & IP_MF;
    struct packet *first;
    uint8_t *payload;

    /* The first fragment shares the bytes, so that `p` stays whole however many follow. */
    first = packet_clone(p);
    if (first) {
        uint32_t before = (uint32_t)(p->network - p->data);

        packet_take(first, first->length - before - cut->header_length - cut->first);
        finish_header((struct ip_header *)p->network, cut->header_length,
                      cut->header_length + cut->first, fragment | IP_MF);
        f->fragments++;
        emit(e, out, first);
    } else {
        f->drops++;
    }
    payload = p->network + cut->header_length;
    for (uint32_t at = cut->first; at < cut->payload; at += cut->later) {
        bool last = cut->payload - at <= cut->later;
        struct packet *q = make_later(f, cut, p, payload, at,
                                      last && !more_follow ? fragment & (uint16_t)~IP_MF
                                                           : fragment | IP_MF);
        if (q) {
            f->fragments++;
            emit(e, out, q);
        } else {
            f->drops++;
        }
    }
    packet_free(p);
}

static void drop(struct ip_fragmenter *f, struct packet *p)
{
    f->drops++;
    packet_free(p);
}

/* A packet longer than the MTU: cut, sent to output 1, or dropped when its header lies. */
static __attribute__((noinline)) void handle_long(struct ip_fragmenter *f, struct packet *p,
                                                  struct batch *out)
{
    struct ip_view view;
    struct cut cut = {0};
    uint32_t total, offset;
    uint16_t flags;

    if (!ip_packet_view(p, &view) || p->network < p->data) {
        drop(f, p);
        return;
    }
    memcpy(&cut.header, view.ip, sizeof cut.header);
    cut.header_length = view.header_length;
    total = be16(cut.header.total_length);
    flags = be16(cut.header.fragment);
    offset = (flags & IP_OFFSET_MASK) * 8u;
    if (total < view.header_length || total > view.length || offset + total > 65535u) {
        drop(f, p);
        return;
    }
    if (total <= f->mtu) {              /* only padding makes it long */
        packet_take(p, view.length - total);
        emit(&f->base, out, p);
        return;
    }
    cut.payload = total - view.header_length;
    cut.first = f->mtu > view.header_length ? (f->mtu - view.header_length) & ~7u : 0;
    if ((flags & IP_DF && f->honor_df) || cut.first < 8) {
        if (f->verbose || f->drops < DF_MENTIONED)
            mention(f, p, view.ip);
        f->drops++;
        element_push_or_free(&f->base, 1, p);
        return;
    }
    p = packet_writable(p);
    if (!p) {
        f->drops++;
        return;
    }
    /* A sender that sets DF need not give each packet an id of its own. */
    if (flags & IP_DF)
        cut.header.id = (uint16_t)platform_random();
    ((struct ip_header *)p->network)->id = cut.header.id;
    cut.later_header_length =
        (uint32_t)sizeof cut.header + copy_options(p->network + sizeof cut.header,
                                                   view.header_length - (uint32_t)sizeof cut.header,
                                                   cut.options);
    cut.later = (f->mtu - cut.later_header_length) & ~7u;
    fragment_packet(f, p, &cut, out);
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct ip_fragmenter *f = element_as(struct ip_fragmenter, e);
    struct batch out;
    unsigned i = 0;

    (void)port;
    while (i < batch->n && packet_network_length(batch->pkt[i]) <= f->mtu)
        i++;
    if (__builtin_expect(i == batch->n, 1)) {
        element_push(e, 0, batch);
        return;
    }
    out.n = i;
    memcpy(out.pkt, batch->pkt, i * sizeof *out.pkt);
    for (; i < batch->n; i++) {
        if (packet_network_length(batch->pkt[i]) <= f->mtu)
            emit(e, &out, batch->pkt[i]);
        else
            handle_long(f, batch->pkt[i], &out);
    }
    flush(e, &out);
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    struct ip_fragmenter *f = element_as(struct ip_fragmenter, e);
    struct batch out;

    (void)port;
    if (__builtin_expect(packet_network_length(p) <= f->mtu, 1)) {
        element_push_one(e, 0, p);
        return;
    }
    out.n = 0;
    handle_long(f, p, &out);
    flush(e, &out);
}

#define AT(member) offsetof(struct ip_fragmenter, member)

static const struct argument arguments[] = {
    {"MTU", ARG_REQUIRED, &arg_unsigned, AT(mtu), .help = "longest IP packet that may leave, bytes"},
    {"HONOR_DF", ARG_OPTIONAL, &arg_bool, AT(honor_df),
     .help = "false: fragment packets that say don't fragment as well; default true"},
    {"VERBOSE", ARG_OPTIONAL, &arg_bool, AT(verbose),
     .help = "mention every don't-fragment packet, not only five; default false"},
    {"HEADROOM", ARG_KEYWORD, &arg_unsigned, AT(headroom), .max = PACKET_LENGTH_MAX,
     .help = "free bytes in front of later fragments; default 64"},
    {0},
};

static const struct handler handlers[] = {
    {"fragments", HANDLER_READ, .type = &arg_u64, .offset = AT(fragments),
     .help = "fragments made"},
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = AT(drops),
     .help = "long packets that were not fragmented, and fragments lost for want of memory"},
    {0},
};

ELEMENT_CLASS(ip_fragmenter) = {
    .name = "IPFragmenter", .ports = PORTS_1_1X2, .processing = PUSH,
    .size = sizeof(struct ip_fragmenter), .arguments = arguments, .handlers = handlers,
    .setup = setup, .configure = configure, .push = push, .push_one = push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_fragmenter, drops), offsetof(struct ip_fragmenter, fragments)),
    .group = "ip", .purpose = "splits IP packets that are longer than the MTU",
    .manual =
        "Packets up to MTU bytes, counted from the marked IP header, pass. Longer ones are cut into "
        "fragments, which leave output 0 in order and carry all annotations. A longer packet that "
        "says don't fragment goes to output 1 (usually ICMPError(ADDR, unreachable, needfrag)), or "
        "is dropped. Bytes in front of the IP header stay with the first fragment only, so strip "
        "link headers before. Packets whose total length is not true are dropped.",
};
