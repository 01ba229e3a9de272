// SPDX-License-Identifier: BSD-2-Clause
/*
 * ICMPError(SRC, TYPE, [CODE], [BADADDRS], [MTU, PMTU, SET_FIX_ANNO])
 *
 * Answers a packet that could not be forwarded with an ICMP error that quotes it
 * (RFC 792; RFC 1812, 4.3.2). What must not be answered is listed in may_answer().
 */
#include "elements/icmp/icmp_names.h"
#include "elements/ip/ip_address_list.h"
#include "elements/ip/ip_options.h"
#include "elements/ip/ip_packet.h"
#include "platform/platform.h"
#include "router/checksum.h"
#include "router/element.h"

enum {
    MTU_DEFAULT = 576,              /* RFC 1812, 4.3.2.3 */
    TTL = 200,
    CODE_ERROR_AT_POINTER = 0,      /* of a parameter problem */
    CODE_NEED_FRAGMENTS = 4,        /* of unreachable */
};

struct icmp_error {
    struct element base;
    uint32_t src;
    uint32_t type, code;
    uint32_t type_argument;         /* these three become the two above when they are right */
    struct arg_string code_argument;
    bool code_given;
    struct ip_address_list bad_addrs;
    uint32_t mtu;
    uint32_t pmtu;
    bool set_fix_anno;
    uint64_t drops;
};

/* Shared by all, as one host's packets must not repeat an id soon. */
static uint16_t next_id = 1;

static void setup(struct element *e)
{
    struct icmp_error *i = element_as(struct icmp_error, e);

    i->mtu = MTU_DEFAULT;
    i->set_fix_anno = true;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct icmp_error *i = element_as(struct icmp_error, e);

    const char *text = i->code_given ? i->code_argument.s : "0";
    uint32_t code;

    (void)rest;
    i->code_given = false;          /* a configuration written while running must give it again */
    if (!icmp_code_read(e, i->type_argument, text, &code))
        return element_error(e, errors, "argument 2 takes ICMP code (integer between 0 and 255)");
    i->type = i->type_argument;
    i->code = code;
    return true;
}

static bool is_unicast(const struct icmp_error *i, uint32_t address)
{
    return address != UINT32_MAX && !ip_is_multicast(address) &&
           !ip_address_list_has(&i->bad_addrs, address);
}

/* RFC 1812, 5.3.7: not net 0, not loopback, not class E. */
static bool is_valid_source(const struct icmp_error *i, uint32_t address)
{
    uint8_t net = (uint8_t)(be32(address) >> 24);

    return is_unicast(i, address) && net != 0 && net != 127 && net < 240;
}

/* RFC 1812, 4.3.2.7. */
static bool may_answer(const struct icmp_error *i, const struct packet *p,
                       const struct ip_view *view)
{
    const struct ip_header *ip = view->ip;

    if (ip_later_fragment(ip))
        return false;
    if (ip->protocol == IP_PROTO_ICMP &&
        (view->length - view->header_length < 4 || icmp_is_error(ip_packet_payload(view)[0])))
        return false;
    return is_unicast(i, ip->dst) && is_valid_source(i, ip->src) &&
           p->type != PACKET_BROADCAST && p->type != PACKET_MULTICAST;
}

/*
 * The answer follows a source route back: its option is the travelled part of the packet's own,
 * reversed (RFC 1812, 4.3.2.6). Writes it with padding; says how many bytes, 0 for none.
 */
struct source_route {
    bool present;
    unsigned at;                    /* from the beginning of the IP header */
    unsigned length;                /* of the packet's option */
    uint8_t answer[IP_OPTIONS_MAX];
    unsigned answer_length;
};

static void find_source_route(const struct ip_view *view, struct source_route *route)
{
    const uint8_t *options = (const uint8_t *)(view->ip + 1);
    unsigned length = view->header_length - (unsigned)sizeof *view->ip, next = 0;
    uint8_t copy[IP_OPTIONS_MAX];
    struct ip_option option;

    route->present = false;
    route->answer_length = 0;
    memcpy(copy, options, length);
    while (ip_options_next(copy, length, &next, &option)) {
        unsigned pointer;

        if (option.type != IP_OPTION_LOOSE_ROUTE && option.type != IP_OPTION_STRICT_ROUTE)
            continue;
        pointer = option.length > 2 ? copy[option.at + 2] : 0;
        if (pointer < 4 || pointer % 4 || pointer > option.length + 1)
            continue;
        route->present = true;
        route->at = (unsigned)sizeof *view->ip + option.at;
        route->length = option.length;
        route->answer[0] = option.type;
        route->answer[1] = (uint8_t)(pointer - 1);
        route->answer[2] = 4;
        for (unsigned to = 3, from = pointer - 1; from > 3; to += 4) {
            from -= 4;
            memcpy(route->answer + to, copy + option.at + from, 4);
        }
        route->answer[pointer - 1] = IP_OPTION_END;
        route->answer_length = pointer;         /* a multiple of 4 */
        return;
    }
}

static void write_ip_header(const struct icmp_error *i, struct ip_header *to, uint32_t dst,
                            const struct source_route *route, uint32_t total)
{
    uint32_t header_length = (uint32_t)sizeof *to + route->answer_length;

    *to = (struct ip_header){
        .version_ihl = (uint8_t)(0x40 | header_length / 4),
        .total_length = be16((uint16_t)total), .id = be16(__atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED)), .ttl = TTL,
        .protocol = IP_PROTO_ICMP, .src = i->src, .dst = dst,
    };
    memcpy(to + 1, route->answer, route->answer_length);
    to->checksum = checksum_of(to, header_length);
}

static void write_icmp(const struct icmp_error *i, uint8_t *at, const struct packet *p,
                       const uint8_t *quoted, uint32_t length)
{
    struct icmp_header *icmp = (struct icmp_header *)at;

    *icmp = (struct icmp_header){.type = (uint8_t)i->type, .code = (uint8_t)i->code};
    if (i->type == ICMP_PARAMETER_PROBLEM && i->code == CODE_ERROR_AT_POINTER)
        icmp->pointer = p->anno[ANNO_ICMP_PARAMPROB];
    if (i->type == ICMP_REDIRECT)
        icmp->word = packet_dst_ip(p);
    if (i->type == ICMP_UNREACHABLE && i->code == CODE_NEED_FRAGMENTS)
        icmp->echo.sequence = be16((uint16_t)i->pmtu);      /* RFC 1191: the last two bytes */
    memcpy(icmp + 1, quoted, length);
    icmp->checksum = checksum_of(icmp, sizeof *icmp + length);
}

/* The answer to p, or NULL when there must be none. p stays with the caller. */
static struct packet *answer(const struct icmp_error *i, const struct packet *p)
{
    struct ip_view view;
    struct source_route route;
    uint32_t header_length, quoted;
    struct packet *q;

    if (!ip_packet_view(p, &view) || !may_answer(i, p, &view))
        return NULL;
    find_source_route(&view, &route);
    if (route.present) {
        unsigned pointer = p->anno[ANNO_ICMP_PARAMPROB];

        if (i->type == ICMP_REDIRECT)                       /* RFC 1812, 5.2.7.2 */
            return NULL;
        if (i->type == ICMP_PARAMETER_PROBLEM && i->code == CODE_ERROR_AT_POINTER &&
            pointer >= route.at && pointer < route.at + route.length)
            route.answer_length = 0;                        /* the route itself is what is wrong */
    }
    header_length = (uint32_t)sizeof(struct ip_header) + route.answer_length;
    if (i->mtu < header_length + sizeof(struct icmp_header))
        return NULL;
    quoted = i->mtu - header_length - (uint32_t)sizeof(struct icmp_header);
    if (quoted > view.length)
        quoted = view.length;
    q = packet_make(PACKET_HEADROOM, NULL,
                    header_length + (uint32_t)sizeof(struct icmp_header) + quoted, 0);
    if (!q)
        return NULL;
    write_ip_header(i, (struct ip_header *)q->data, view.ip->src, &route, q->length);
    packet_set_network(q, q->data, header_length);
    write_icmp(i, q->transport, p, p->network, quoted);
    packet_set_dst_ip(q, ((struct ip_header *)q->data)->dst);
    q->anno[ANNO_FIX_IP_SRC] = i->set_fix_anno;
    q->timestamp_ns = platform_wall_ns();
    return q;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct icmp_error *i = element_as(struct icmp_error, e);
    struct packet *q = answer(i, p);

    if (!q)
        i->drops++;
    packet_free(p);
    return q;
}
ELEMENT_ACTION(action)

#define AT(member) offsetof(struct icmp_error, member)
#define SHORTEST (sizeof(struct ip_header) + sizeof(struct icmp_header))

static const struct argument arguments[] = {
    {"SRC", ARG_REQUIRED, &arg_ip, AT(src), .help = "source address of the errors"},
    {"TYPE", ARG_REQUIRED, &arg_icmp_error_type, AT(type_argument),
     .help = "unreachable, sourcequench, redirect, timeexceeded, parameterproblem, or a number"},
    {"CODE", ARG_OPTIONAL, &arg_word, AT(code_argument), .given = AT(code_given),
     .help = "number, or name that the type has (port, needfrag, transit, ...); default 0"},
    {"BADADDRS", ARG_OPTIONAL, &arg_ip_address_list, AT(bad_addrs),
     .help = "addresses, such as subnet broadcasts: packets from or to them are not answered"},
    {"MTU", ARG_KEYWORD, &arg_unsigned, AT(mtu), .min = SHORTEST, .max = 65535,
     .help = "longest error to send, bytes; default 576"},
    {"PMTU", ARG_KEYWORD, &arg_unsigned, AT(pmtu), .max = 65535,
     .help = "the MTU that unreachable, needfrag reports"},
    {"SET_FIX_ANNO", ARG_KEYWORD, &arg_bool, AT(set_fix_anno),
     .help = "ask FixIPSrc to set the source address; default true"},
    {0},
};

static const struct handler handlers[] = {
    {"pmtu", HANDLER_READ | HANDLER_WRITE, .type = &arg_unsigned, .offset = AT(pmtu), .min = 0,
     .max = 65535, .help = "the PMTU argument"},
    {"mtu", HANDLER_READ | HANDLER_WRITE, .type = &arg_unsigned, .offset = AT(mtu),
     .min = SHORTEST, .max = 65535, .help = "the MTU argument"},
    {"src", HANDLER_READ | HANDLER_WRITE, .type = &arg_ip, .offset = AT(src),
     .help = "the SRC argument"},
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = AT(drops),
     .help = "packets that were not answered"},
    {0},
};

ELEMENT_CLASS(icmp_error) = {
    .name = "ICMPError", .ports = PORTS_1_1, .processing = AGNOSTIC,
    .size = sizeof(struct icmp_error), .arguments = arguments, .handlers = handlers,
    .live_config = true, .setup = setup, .configure = configure, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct icmp_error, drops)),
    .group = "icmp", .purpose = "makes ICMP errors about packets",
    .manual =
        "Takes the packets that other elements could not forward (output 1 of DecIPTTL, IPFragmenter, "
        "IPGWOptions) and puts out ICMP errors addressed to their senders, each quoting as much of the "
        "packet as fits in MTU. The destination annotation is set; connect the output to the routing "
        "table.\n"
        "No answer is made to ICMP errors, to fragments other than the first, to packets that came by "
        "link broadcast or multicast, to multicast and broadcast destinations, or to sources that "
        "cannot be one host. Limit the rate behind it, with RatedSplitter say.\n"
        "A redirect names the gateway in the destination annotation. A parameter problem points at "
        "the byte in the parameter problem annotation. Source routes are answered by their reverse.",
};
