// SPDX-License-Identifier: BSD-2-Clause
/*
 * IPGWOptions(MYADDR, [OTHERADDRS])
 *
 * The options that every router on the way serves (RFC 791, 1812): Record Route and
 * Timestamp. Packets without options, nearly all, pass after one look at the first byte.
 */
#include "elements/ip/ip_address_list.h"
#include "elements/ip/ip_options.h"
#include "elements/ip/ip_packet.h"
#include "platform/platform.h"
#include "router/checksum.h"
#include "router/element.h"

struct ip_gw_options {
    struct element base;
    uint32_t address;
    struct ip_address_list others;
    uint64_t drops;
};

/* Each handler of an option returns 0, or where in the option it is wrong. */

static unsigned record_route(const struct ip_gw_options *g, uint8_t *option, unsigned length)
{
    unsigned at;

    if (length < 3)
        return 1;
    at = option[2] - 1u;                            /* the pointer counts from 1 */
    if (at >= 3 && at < length && at + 4 <= length) {
        memcpy(option + at, &g->address, 4);
        option[2] += 4;
    } else if (at != length) {                      /* a full one is no error */
        return 2;
    }
    return 0;
}

enum timestamp_kind { TIMES_ONLY = 0, ADDRESSES_AND_TIMES = 1, PRESPECIFIED = 3 };

static unsigned count_overflow(uint8_t *option)
{
    if (option[3] >> 4 == 15)
        return 3;
    option[3] += 1 << 4;
    return 0;
}

static unsigned timestamp(const struct ip_gw_options *g, uint8_t *option, unsigned length)
{
    uint32_t ms = be32((uint32_t)(platform_wall_ns() / 1000000 % 86400000)), address;
    unsigned at;

    if (length < 4)
        return 1;
    at = option[2] - 1u;
    if (at < 4 || at > 0xFF)
        return 2;
    switch (option[3] & 15) {
    case TIMES_ONLY:
        if (at + 4 > length)
            return count_overflow(option);
        memcpy(option + at, &ms, 4);
        option[2] += 4;
        return 0;
    case ADDRESSES_AND_TIMES:
        if (at + 8 > length)
            return count_overflow(option);
        memcpy(option + at, &g->address, 4);
        memcpy(option + at + 4, &ms, 4);
        option[2] += 8;
        return 0;
    case PRESPECIFIED:
        if (at + 8 > length)
            return 3;
        memcpy(&address, option + at, 4);
        if (address == g->address || ip_address_list_has(&g->others, address)) {
            memcpy(option + at + 4, &ms, 4);
            option[2] += 8;
        }
        return 0;
    default:
        return 3;
    }
}

static struct packet *reject(struct ip_gw_options *g, struct packet *p, unsigned pointer)
{
    g->drops++;
    p->anno[ANNO_ICMP_PARAMPROB] = (uint8_t)pointer;
    element_push_or_free(&g->base, 1, p);
    return NULL;
}

static __attribute__((noinline)) struct packet *serve(struct ip_gw_options *g, struct packet *p,
                                                      struct ip_view *view)
{
    uint8_t options[IP_OPTIONS_MAX];    /* our own copy: what we checked cannot change any more */
    unsigned length = view->header_length - (unsigned)sizeof *view->ip, next = 0, wrong = 0;
    struct ip_option option;
    bool changed = false;

    memcpy(options, view->ip + 1, length);
    while (!wrong && ip_options_next(options, length, &next, &option)) {
        if (option.type == IP_OPTION_RECORD_ROUTE)
            wrong = record_route(g, options + option.at, option.length);
        else if (option.type == IP_OPTION_TIMESTAMP)
            wrong = timestamp(g, options + option.at, option.length);
        else
            continue;
        changed = changed || !wrong;
    }
    if (!wrong && option.bad)
        wrong = 1;
    if (wrong)                          /* as it came, so that the ICMP error quotes that */
        return reject(g, p, (unsigned)sizeof *view->ip + option.at + wrong);
    if (!changed)
        return p;
    p = packet_writable(p);
    if (!p) {
        g->drops++;
        return NULL;
    }
    view->ip = (struct ip_header *)p->network;
    memcpy(view->ip + 1, options, length);
    view->ip->checksum = 0;
    view->ip->checksum = checksum_of(view->ip, view->header_length);
    return p;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct ip_gw_options *g = element_as(struct ip_gw_options, e);
    struct ip_view view;

    if (__builtin_expect(!ip_packet_view(p, &view), 0)) {
        g->drops++;
        packet_free(p);
        return NULL;
    }
    if (__builtin_expect(view.header_length > sizeof *view.ip, 0))
        return serve(g, p, &view);
    return p;
}
ELEMENT_ACTION(action)

#define AT(member) offsetof(struct ip_gw_options, member)

static const struct argument arguments[] = {
    {"MYADDR", ARG_REQUIRED, &arg_ip, AT(address),
     .help = "this router's address on the interface that packets leave by"},
    {"OTHERADDRS", ARG_OPTIONAL, &arg_ip_address_list, AT(others),
     .help = "its other addresses, for timestamps with prespecified addresses"},
    {0},
};

static const struct handler handlers[] = {
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = AT(drops),
     .help = "packets with a malformed option"},
    {0},
};

ELEMENT_CLASS(ip_gw_options) = {
    .name = "IPGWOptions", .ports = PORTS_1_1X2, .processing = PROCESSING_A_AH,
    .size = sizeof(struct ip_gw_options), .arguments = arguments, .handlers = handlers,
    ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_gw_options, drops)),
    .offload = true, .group = "ip", .purpose = "serves the Record Route and Timestamp options",
    .manual = "Belongs on the output path, where the address of the leaving interface is known. A "
              "packet with a malformed option goes to output 1 as it came, with the parameter problem "
              "annotation set to the wrong byte, for ICMPError(ADDR, parameterproblem); without "
              "output 1 it is dropped. Packets without a marked IP header are dropped.",
};
