// SPDX-License-Identifier: BSD-2-Clause
/*
 * FixIPSrc(IPADDR)
 *
 * ICMPError does not know by which interface its packet will leave, so it asks for its source
 * address to be set where that is known: here, on the output path.
 */
#include "elements/ip/ip_packet.h"
#include "router/checksum.h"
#include "router/element.h"

struct fix_ip_src {
    struct element base;
    uint32_t address;
    uint64_t drops;
};

static __attribute__((noinline)) struct packet *fix(struct fix_ip_src *f, struct packet *p)
{
    struct ip_view view;

    p = packet_writable(p);
    if (!p || !ip_packet_view(p, &view)) {
        f->drops++;
        if (p)
            packet_free(p);
        return NULL;
    }
    p->anno[ANNO_FIX_IP_SRC] = 0;
    view.ip->src = f->address;
    view.ip->checksum = 0;
    view.ip->checksum = checksum_of(view.ip, view.header_length);
    return p;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    if (__builtin_expect(p->anno[ANNO_FIX_IP_SRC] && p->network, 0))
        return fix(element_as(struct fix_ip_src, e), p);
    return p;
}
ELEMENT_ACTION(action)

static const struct argument arguments[] = {
    {"IPADDR", ARG_REQUIRED, &arg_ip, offsetof(struct fix_ip_src, address),
     .help = "the source address to set"},
    {0},
};

static const struct handler handlers[] = {
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = offsetof(struct fix_ip_src, drops),
     .help = "packets that should have been changed and could not be"},
    {0},
};

ELEMENT_CLASS(fix_ip_src) = {
    .name = "FixIPSrc", .ports = PORTS_1_1, .processing = AGNOSTIC,
    .size = sizeof(struct fix_ip_src), .arguments = arguments, .handlers = handlers,
    ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct fix_ip_src, drops)),
    .group = "ip", .purpose = "sets the source address of packets that ask for it",
    .manual = "When the fix-source annotation is set (ICMPError does so) and the IP header is marked, "
              "the source address becomes IPADDR, the checksum is recomputed and the annotation is "
              "cleared. Other packets pass untouched.",
};
