// SPDX-License-Identifier: BSD-2-Clause
/*
 * CheckIPHeader([OFFSET], [INTERFACES, BADSRC, GOODDST, CHECKSUM, VERBOSE, DETAILS])
 *
 * Lets valid IPv4 packets through, marked and without link padding; see .manual. Costs one
 * cache line of the packet and one of its struct; the plain header (no options, nearly
 * all) is recognised by one compare and summed without a call.
 */
#include "elements/ip/ip_address_list.h"
#include "elements/ip/ip_packet.h"
#include "router/checksum.h"
#include "router/element.h"

enum reason { TINY, BAD_VERSION, BAD_HEADER_LENGTH, BAD_LENGTH, BAD_CHECKSUM, BAD_SOURCE, REASONS };

static const char *const reason_text[REASONS] = {
    [TINY] = "tiny packet",
    [BAD_VERSION] = "bad IP version",
    [BAD_HEADER_LENGTH] = "bad IP header length",
    [BAD_LENGTH] = "bad IP length",
    [BAD_CHECKSUM] = "bad IP checksum",
    [BAD_SOURCE] = "bad source address",
};

struct check_ip_header {
    struct element base;
    uint32_t offset;
    bool checksum;
    bool verbose;
    bool details;
    bool bad_sources;                   /* there are any */
    struct ip_interfaces interfaces;
    struct ip_address_list bad_src, good_dst;
    uint64_t drops;
    uint64_t reasons[REASONS];
};

static void setup(struct element *e)
{
    element_as(struct check_ip_header, e)->checksum = true;
}

/* The packet is bad: counted, mentioned once, and sent to output 1 or freed. */
static __attribute__((noinline, cold)) struct packet *reject(struct check_ip_header *c,
                                                             struct packet *p, enum reason reason)
{
    if (!c->drops || c->verbose)
        element_log(&c->base, "IP header check failed: %s", reason_text[reason]);
    c->drops++;
    c->reasons[reason]++;
    element_push_or_free(&c->base, 1, p);
    return NULL;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct check_ip_header *c = element_as(struct check_ip_header, e);

    (void)rest;
    (void)errors;
    c->bad_sources = c->bad_src.n || c->interfaces.broadcast.n;
    return true;
}

static __attribute__((noinline)) bool bad_source(const struct check_ip_header *c, uint32_t src, uint32_t dst)
{
    return (ip_address_list_has(&c->bad_src, src) ||
            ip_address_list_has(&c->interfaces.broadcast, src)) &&
           !ip_address_list_has(&c->good_dst, dst) && !ip_address_list_has(&c->interfaces.own, dst);
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct check_ip_header *c = element_as(struct check_ip_header, e);
    struct ip_header *ip = (struct ip_header *)(p->data + c->offset);
    uint32_t have = p->length - c->offset, length, header_length = sizeof *ip;
    uint8_t version_ihl;

    if (p->length < c->offset + sizeof *ip)
        return reject(c, p, TINY);
    version_ihl = *(volatile const uint8_t *)&ip->version_ihl;  /* once: the page may be shared */
    length = be16_get(&ip->total_length);
    if (__builtin_expect(version_ihl == 0x45, 1)) {
        if (length > have || length < sizeof *ip)
            return reject(c, p, BAD_LENGTH);
        if (c->checksum && checksum_of_20(ip))
            return reject(c, p, BAD_CHECKSUM);
    } else {
        if (version_ihl >> 4 != 4)
            return reject(c, p, BAD_VERSION);
        header_length = (version_ihl & 15u) * 4;
        if (header_length < sizeof *ip)
            return reject(c, p, BAD_HEADER_LENGTH);
        if (length > have || length < header_length)
            return reject(c, p, BAD_LENGTH);
        if (c->checksum && checksum_of(ip, header_length))
            return reject(c, p, BAD_CHECKSUM);
    }
    if (__builtin_expect(c->bad_sources, 0) && bad_source(c, ip->src, ip->dst))
        return reject(c, p, BAD_SOURCE);

    packet_set_network(p, (uint8_t *)ip, header_length);
    p->length = c->offset + length;
    packet_set_dst_ip(p, ip->dst);
    return p;
}
ELEMENT_ACTION(action)

static int read_details(struct element *e, const struct handler_call *call, struct text *out)
{
    struct check_ip_header *c = element_as(struct check_ip_header, e);

    (void)call;
    for (unsigned i = 0; i < REASONS; i++)
        text_printf(out, "%llu\t%s\n", (unsigned long long)c->reasons[i], reason_text[i]);
    return 0;
}

#define AT(member) offsetof(struct check_ip_header, member)

static const struct argument arguments[] = {
    {"OFFSET", ARG_OPTIONAL, &arg_unsigned, AT(offset), .max = 65535,
     .help = "where the IP header begins, bytes; default 0"},
    {"INTERFACES", ARG_KEYWORD, &arg_ip_interfaces, AT(interfaces),
     .help = "this router's addresses with prefixes: their broadcast addresses are bad sources, "
             "packets to the addresses themselves are exempt"},
    {"BADSRC", ARG_KEYWORD, &arg_ip_address_list, AT(bad_src),
     .help = "source addresses that are refused"},
    {"GOODDST", ARG_KEYWORD, &arg_ip_address_list, AT(good_dst),
     .help = "destinations for which bad sources are let through"},
    {"CHECKSUM", ARG_KEYWORD, &arg_bool, AT(checksum),
     .help = "check the header checksum; default true"},
    {"VERBOSE", ARG_KEYWORD, &arg_bool, AT(verbose),
     .help = "print a line for every bad packet, not only the first; default false"},
    {"DETAILS", ARG_KEYWORD, &arg_bool, AT(details),
     .help = "accepted for Click's configurations: drop_details is always kept"},
    {0},
};

static const struct handler handlers[] = {
    {"drop_details", .read = read_details, .help = "bad packets by reason, one per line"},
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = AT(drops), .help = "bad packets so far"},
    {0},
};

ELEMENT_CLASS(check_ip_header) = {
    .name = "CheckIPHeader", .ports = PORTS_1_1X2, .processing = PROCESSING_A_AH,
    .size = sizeof(struct check_ip_header), .arguments = arguments, .handlers = handlers,
    .keywords_anywhere = true, .setup = setup, .configure = configure, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .counts = COUNTS(AT(drops), AT(reasons[TINY]), AT(reasons[BAD_VERSION]), AT(reasons[BAD_HEADER_LENGTH]),
                     AT(reasons[BAD_LENGTH]), AT(reasons[BAD_CHECKSUM]), AT(reasons[BAD_SOURCE])),
    .offload = true, .group = "ip", .purpose = "validates and marks the IPv4 header, trims link padding",
    .manual =
        "A packet passes when from OFFSET on it has a whole IPv4 header whose version, header "
        "length, total length and checksum are right, and whose source address is not refused. "
        "Its network and transport headers are marked, bytes behind the IP total length (link "
        "padding) are cut off, and the destination annotation is set to the header's destination.\n"
        "Other packets go to output 1, or are dropped when that is not connected. They are counted "
        "by reason in either case. The first one is mentioned in the log.",
};
