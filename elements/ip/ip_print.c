// SPDX-License-Identifier: BSD-2-Clause
/*
 * IPPrint([LABEL], [CONTENTS, PAYLOAD, MAXLENGTH, ID, TIMESTAMP, PAINT, TOS, TTL, SWAP, LENGTH,
 *         AGGREGATE, ACTIVE, OUTFILE])
 *
 * One line per packet, Click's words exactly, since scripts read them. Every byte is looked
 * for before it is read; what is missing shows as "truncated-...". The line is built in a
 * buffer that stays with the element, so printing allocates only while that grows. With OUTFILE lines
 * collect there until they are worth a write.
 */
#include <stdio.h>

#include "elements/icmp/icmp_names.h"
#include "elements/ip/ip_packet.h"
#include "platform/platform.h"
#include "router/element.h"
#include "router/names.h"

enum contents { NONE, HEX, ASCII };
enum { BYTES_DEFAULT = 1500, WRITE_SIZE = 1 << 16 };

struct ip_print {
    struct element base;
    struct arg_string label;
    struct arg_string contents_text, payload_text, outfile, channel;
    int32_t max_bytes;
    bool id, timestamp, paint, tos, ttl, swap, length, aggregate, active;
    enum contents contents;
    bool payload_only;
    struct text line;                   /* lines that wait to be written, when there is an OUTFILE */
    uint64_t failures;
};

static void setup(struct element *e)
{
    struct ip_print *i = element_as(struct ip_print, e);

    i->max_bytes = BYTES_DEFAULT;
    i->timestamp = i->swap = i->active = true;
}

/* Says once what is wrong with the file. */
static void write_lines(struct ip_print *i)
{
    struct errors errors = {0};

    if (!platform_file_write(i->outfile.s, true, text_string(&i->line), i->line.length, &errors) &&
        !i->failures++)
        element_log(&i->base, "OUTFILE: %s", text_string(&errors.text));
    errors_free(&errors);
    text_truncate(&i->line, 0);
}

static void cleanup(struct element *e)
{
    struct ip_print *i = element_as(struct ip_print, e);

    if (i->outfile.s && i->line.length)
        write_lines(i);
    text_free(&i->line);
}

/* ---- the configuration ---- */

static void to_upper(char *s)
{
    for (; *s; s++)
        if (*s >= 'a' && *s <= 'z')
            *s = (char)(*s - 'a' + 'A');
}

/* "none" or a boolean, "hex", "ascii", in any case. */
static bool read_contents(struct arg_string *text, enum contents *contents)
{
    static const struct { const char *word; enum contents contents; } words[] = {
        {"NONE", NONE}, {"NO", NONE}, {"FALSE", NONE}, {"0", NONE},
        {"HEX", HEX}, {"YES", HEX}, {"TRUE", HEX}, {"1", HEX}, {"ASCII", ASCII},
    };

    *contents = NONE;
    if (!text->s)
        return true;
    to_upper(text->s);
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text->s, words[i].word) == 0) {
            *contents = words[i].contents;
            return true;
        }
    }
    return false;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct ip_print *i = element_as(struct ip_print, e);
    enum contents payload;

    (void)rest;
    if (!read_contents(&i->contents_text, &i->contents))
        return element_error(e, errors,
                             "bad contents value '%s'; should be 'NONE', 'HEX', or 'ASCII'",
                             i->contents_text.s);
    if (!read_contents(&i->payload_text, &payload))
        return element_error(e, errors,
                             "bad payload value '%s'; should be 'false', 'hex', or 'ascii'",
                             i->payload_text.s);
    if (payload && i->contents)
        return element_error(e, errors, "specify at most one of PAYLOAD and CONTENTS");
    if (payload) {
        i->contents = payload;
        i->payload_only = true;
    }
    return true;
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct ip_print *i = element_as(struct ip_print, e);

    return !i->outfile.s || platform_file_write(i->outfile.s, false, "", 0, errors);
}

/* ---- the line ---- */

/* What of a packet the line is about; lengths are of bytes that are there. */
struct view {
    const struct packet *packet;
    struct ip_header ip;                /* copied: nobody can change it under us */
    const uint8_t *transport;
    uint32_t transport_length;
    int32_t payload_length;             /* as the header says */
};

static bool look(const struct packet *p, struct view *v)
{
    uint32_t have = packet_network_length(p), header_length;

    if (have < sizeof v->ip)
        return false;
    memcpy(&v->ip, p->network, sizeof v->ip);
    v->packet = p;
    header_length = ip_header_length(&v->ip);
    v->payload_length = (int32_t)be16(v->ip.total_length) - (int32_t)header_length;
    v->transport = p->network + (header_length < have ? header_length : have);
    v->transport_length = (uint32_t)(packet_end(p) - v->transport);
    if ((int32_t)v->transport_length > v->payload_length)
        v->transport_length = v->payload_length > 0 ? (uint32_t)v->payload_length : 0;
    return true;
}

static void add_addresses(struct text *line, const struct ip_header *ip)
{
    char src[16], dst[16];

    text_printf(line, "%s > %s", args_format_ip(src, ip->src), args_format_ip(dst, ip->dst));
}

/* "1.0.0.1.80 > 2.0.0.2.3000: "; false: no ports to be had, and the line says so. */
static bool add_ports(struct text *line, const struct view *v, const char *protocol)
{
    char src[16], dst[16];

    if (v->transport_length < 4 || ip_later_fragment(&v->ip)) {
        add_addresses(line, &v->ip);
        text_printf(line, ": %s%s", ip_later_fragment(&v->ip) ? "" : "truncated-", protocol);
        return false;
    }
    text_printf(line, "%s.%u > %s.%u: ", args_format_ip(src, v->ip.src), be16_get(v->transport),
                args_format_ip(dst, v->ip.dst), be16_get(v->transport + 2));
    return true;
}

static void add_tcp(struct text *line, const struct view *v)
{
    struct tcp_header tcp = {0};
    int32_t length;
    uint32_t seq;

    if (!add_ports(line, v, "tcp"))
        return;
    if (v->transport_length < 14) {
        text_puts(line, "truncated-tcp");
        return;
    }
    memcpy(&tcp, v->transport,
           v->transport_length < sizeof tcp ? v->transport_length : sizeof tcp);
    length = v->payload_length - (tcp.offset >> 4) * 4;
    length += !!(tcp.flags & TCP_SYN) + !!(tcp.flags & TCP_FIN);
    text_printf(line, "%s%s%s%s%s", tcp.flags & TCP_SYN ? "S" : "", tcp.flags & TCP_FIN ? "F" : "",
                tcp.flags & TCP_RST ? "R" : "", tcp.flags & TCP_PSH ? "P" : "",
                tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_PSH) ? "" : ".");
    seq = be32(tcp.seq);
    text_printf(line, " %u:%u(%d,%u,%u)", seq, seq + (uint32_t)length, length, v->packet->length,
                be16(v->ip.total_length));
    if (tcp.flags & TCP_ACK)
        text_printf(line, " ack %u", be32(tcp.ack));
    if (v->transport_length < 16)
        text_puts(line, "truncated-tcp");
    else
        text_printf(line, " win %u", be16(tcp.window));
}

static void add_udp(struct text *line, const struct view *v)
{
    if (!add_ports(line, v, "udp"))
        return;
    if (v->transport_length < sizeof(struct udp_header))
        text_puts(line, "truncated-udp");
    else
        text_printf(line, "udp %u", be16_get(v->transport + 4));
}

static void add_protocol(struct text *line, uint8_t protocol, const char *before_number)
{
    const char *name = names_of(NAME_IP_PROTO, protocol);

    if (name)
        text_puts(line, name);
    else
        text_printf(line, "%s%u", before_number, protocol);
}

/* What could not be reached, from the packet that the error quotes. */
static void add_unreachable(struct text *line, const struct icmp_header *icmp,
                            const uint8_t *quoted, uint32_t length)
{
    enum { PROTOCOL = 2, PORT = 3, NEED_FRAGMENTS = 4 };
    const char *code = icmp_code_name(ICMP_UNREACHABLE, icmp->code);
    char unknown[16], dst[16];
    struct ip_header ip;
    uint32_t header_length;

    if (!code) {
        snprintf(unknown, sizeof unknown, "code %u", icmp->code);
        code = unknown;
    }
    if (length < sizeof ip) {
        text_printf(line, "icmp unreachable %s truncated-icmp", code);
        return;
    }
    memcpy(&ip, quoted, sizeof ip);
    header_length = ip_header_length(&ip);
    text_printf(line, "icmp %s unreachable %s", args_format_ip(dst, ip.dst), code);
    if (icmp->code == PROTOCOL) {
        text_putc(line, ' ');
        add_protocol(line, ip.protocol, "");
    } else if (icmp->code == PORT) {
        text_putc(line, ' ');
        add_protocol(line, ip.protocol, "protocol ");
        if (length < header_length + 4)
            text_puts(line, "truncated-icmp");
        else
            text_printf(line, "/%u", be16_get(quoted + header_length + 2));
    } else if (icmp->code == NEED_FRAGMENTS && icmp->echo.sequence) {
        text_printf(line, " (mtu %u)", be16(icmp->echo.sequence));
    }
}

static void add_echo(struct text *line, const struct ip_print *i, const struct icmp_header *icmp)
{
    uint16_t id = icmp->echo.id, sequence = icmp->echo.sequence;

    text_printf(line, "(%u, %u)", i->swap ? be16(id) : id, i->swap ? be16(sequence) : sequence);
}

static void add_other_icmp(struct text *line, const struct icmp_header *icmp)
{
    const char *type = names_of(NAME_ICMP_TYPE, icmp->type);
    const char *code = icmp_code_name(icmp->type, icmp->code);

    text_puts(line, "icmp ");
    if (type)
        text_puts(line, type);
    else
        text_printf(line, "type %u", icmp->type);
    if (code)
        text_printf(line, " %s", code);
    else if (icmp->code)
        text_printf(line, " code %u", icmp->code);
}

static void add_icmp(struct text *line, const struct ip_print *i, const struct view *v)
{
    struct icmp_header icmp = {0};
    uint32_t have = v->transport_length;

    add_addresses(line, &v->ip);
    text_puts(line, ": ");
    if (ip_later_fragment(&v->ip)) {
        text_puts(line, "icmp");
        return;
    }
    if (have < 2) {
        text_puts(line, "truncated-icmp");
        return;
    }
    memcpy(&icmp, v->transport, have < sizeof icmp ? have : sizeof icmp);
    if (icmp.type == ICMP_ECHO || icmp.type == ICMP_ECHO_REPLY) {
        text_printf(line, "icmp echo%s ", icmp.type == ICMP_ECHO ? "" : "-reply");
        if (have < sizeof icmp)
            text_puts(line, "truncated-icmp");
        else
            add_echo(line, i, &icmp);
    } else if (icmp.type == ICMP_UNREACHABLE) {
        add_unreachable(line, &icmp, v->transport + sizeof icmp,
                        have < sizeof icmp ? 0 : have - (uint32_t)sizeof icmp);
    } else {
        add_other_icmp(line, &icmp);
    }
}

/* ---- bytes ---- */

static const uint8_t *payload_of(const struct view *v)
{
    uint32_t skip = 0;

    if (!ip_later_fragment(&v->ip)) {
        if (v->ip.protocol == IP_PROTO_UDP)
            skip = sizeof(struct udp_header);
        else if (v->ip.protocol == IP_PROTO_TCP && v->transport_length >= 13)
            skip = (uint32_t)(v->transport[12] >> 4) * 4;
    }
    return skip < (uint32_t)(packet_end(v->packet) - v->transport) ? v->transport + skip
                                                                    : packet_end(v->packet);
}

static void add_bytes(struct text *line, const struct ip_print *i, const struct view *v)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *data = i->payload_only ? payload_of(v) : v->packet->data;
    uint32_t n = (uint32_t)(packet_end(v->packet) - data);
    uint32_t a_line = i->contents == HEX ? 24 : 48, a_group = i->contents == HEX ? 4 : 8;

    if (i->max_bytes >= 0 && n > (uint32_t)i->max_bytes)
        n = (uint32_t)i->max_bytes;
    for (uint32_t at = 0; at < n; at++) {
        if (at % a_line == 0)
            text_puts(line, "\n  ");
        else if (at % a_group == 0)
            text_putc(line, ' ');
        if (i->contents == HEX) {
            text_putc(line, digits[data[at] >> 4]);
            text_putc(line, digits[data[at] & 15]);
        } else {
            text_putc(line, data[at] < 32 || data[at] > 126 ? '.' : (char)data[at]);
        }
    }
}

/* ---- */

static void add_prefix(struct text *line, const struct ip_print *i, const struct packet *p)
{
    if (i->label.length)
        text_printf(line, "%s: ", i->label.s);
    if (i->timestamp) {
        args_format_ns(line, p->timestamp_ns);
        text_puts(line, ": ");
    }
    if (i->aggregate)
        text_printf(line, "#%u", packet_anno_u32(p, ANNO_AGGREGATE));
    if (i->paint)
        text_printf(line, "%s%u", i->aggregate ? "." : "paint ", p->anno[ANNO_PAINT]);
    if (i->aggregate || i->paint)
        text_puts(line, ": ");
}

static void add_ip(struct text *line, const struct ip_print *i, const struct view *v)
{
    const struct ip_header *ip = &v->ip;
    uint16_t fragment = be16(ip->fragment);

    if (i->id)
        text_printf(line, "id %u ", be16(ip->id));
    if (i->ttl)
        text_printf(line, "ttl %u ", ip->ttl);
    if (i->tos)
        text_printf(line, "tos %u ", ip->tos);
    if (i->length)
        text_printf(line, "length %u ", be16(ip->total_length));
    if (ip->protocol == IP_PROTO_TCP) {
        add_tcp(line, v);
    } else if (ip->protocol == IP_PROTO_UDP) {
        add_udp(line, v);
    } else if (ip->protocol == IP_PROTO_ICMP) {
        add_icmp(line, i, v);
    } else {
        add_addresses(line, ip);
        text_printf(line, ": ip-proto-%u", ip->protocol);
    }
    if (ip_is_fragment(ip))
        text_printf(line, " (frag %u:%d@%u%s)", be16(ip->id), v->payload_length,
                    (fragment & IP_OFFSET_MASK) * 8u, fragment & IP_MF ? "+" : "");
    if (i->contents)
        add_bytes(line, i, v);
}

static struct packet *action(struct element *e, struct packet *p)
{
    struct ip_print *i = element_as(struct ip_print, e);
    struct view v;

    if (!i->active || !p->network)
        return p;
    if (!i->outfile.s)
        text_truncate(&i->line, 0);
    i->line.failed = false;
    add_prefix(&i->line, i, p);
    if (look(p, &v))
        add_ip(&i->line, i, &v);
    else
        text_puts(&i->line, "truncated-ip");
    text_putc(&i->line, '\n');
    if (!i->outfile.s)
        platform_log(text_string(&i->line), i->line.length);
    else if (i->line.length >= WRITE_SIZE)
        write_lines(i);
    return p;
}
ELEMENT_ACTION(action)

#define AT(member) offsetof(struct ip_print, member)
#define SWITCH(argument, member, text) \
    {argument, ARG_KEYWORD, &arg_bool, AT(member), .help = text}

static const struct argument arguments[] = {
    {"LABEL", ARG_OPTIONAL, &arg_string, AT(label), .help = "begins every line"},
    {"CONTENTS", ARG_KEYWORD, &arg_word, AT(contents_text),
     .help = "none, hex or ascii: the packet's bytes below the line; default none"},
    {"PAYLOAD", ARG_KEYWORD, &arg_word, AT(payload_text),
     .help = "false, hex or ascii: like CONTENTS, only the bytes behind the headers"},
    {"MAXLENGTH", ARG_KEYWORD, &arg_int, AT(max_bytes),
     .help = "bytes to print at most, -1 for all; default 1500"},
    {"NBYTES", ARG_KEYWORD, &arg_int, AT(max_bytes), .help = "old name of MAXLENGTH"},
    SWITCH("ID", id, "print the IP id; default false"),
    SWITCH("TIMESTAMP", timestamp, "print the packet's timestamp; default true"),
    SWITCH("PAINT", paint, "print the paint annotation; default false"),
    SWITCH("TOS", tos, "print the type of service; default false"),
    SWITCH("TTL", ttl, "print the time to live; default false"),
    SWITCH("SWAP", swap, "read ICMP echo id and sequence in network order; default true"),
    SWITCH("LENGTH", length, "print the IP total length; default false"),
    SWITCH("AGGREGATE", aggregate, "print the aggregate annotation; default false"),
    SWITCH("ACTIVE", active, "false: print nothing; default true"),
    {"OUTFILE", ARG_KEYWORD, &arg_string, AT(outfile), .help = "a file for the lines, instead of the log"},
    {"CHANNEL", ARG_KEYWORD, &arg_word, AT(channel),
     .help = "accepted for Click's configurations: there is one log"},
    {0},
};

static const struct handler handlers[] = {
    {"active", HANDLER_READ | HANDLER_WRITE | HANDLER_CALM | HANDLER_CHECKBOX, .type = &arg_bool,
     .offset = AT(active), .help = "whether anything is printed"},
    {0},
};

ELEMENT_CLASS(ip_print) = {
    .name = "IPPrint", .ports = PORTS_1_1, .processing = AGNOSTIC, .size = sizeof(struct ip_print),
    .arguments = arguments, .handlers = handlers, .setup = setup, .configure = configure,
    .initialize = initialize, .cleanup = cleanup, ELEMENT_ENTRIES(action),
    .offload = true, .group = "ip", .purpose = "prints IP packets in readable form",
    .manual = "One line per packet that has a marked IP header, much like tcpdump's. Printing is slow: "
              "put a RatedSplitter or RandomSample in front where many packets pass.",
};
