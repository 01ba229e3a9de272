// SPDX-License-Identifier: BSD-2-Clause
/*
 * rewriter_base.h - what the rewriters (NAT elements) have in common: input specifications,
 * the flow table, mappers, reaping, handlers.
 *
 * A rewriter's struct holds a struct rewriter; rewriter_of(e) finds it, also for other
 * elements that name a rewriter. Its life follows the element's: rewriter_setup(), arguments by
 * REWRITER_ARGUMENTS, rewriter_configure() with the input specifications, rewriter_initialize(),
 * rewriter_take() as its take_state, rewriter_cleanup().
 *
 * On the packet path:
 *
 *     flow_table_find_batch(rw->flows, ...)                whose flow is it?
 *     rewriter_begin(rw, port, ...)                        nobody's: what the specification says
 *     rewriter_apply_network(rw, flow, direction, p)       addresses, IP checksum, annotations
 *     rewriter_apply_transport(...), flow_table_used(...)  ports, and the flow lives on
 *
 * Several rewriters may share the capacity of one flow table (MAPPING_CAPACITY other).
 */
#ifndef ELEMENTS_IP_REWRITER_BASE_H
#define ELEMENTS_IP_REWRITER_BASE_H

#include "elements/ip/flow_table.h"
#include "elements/ip/rewriter_pattern.h"
#include "platform/platform.h"
#include "router/checksum.h"
#include "router/element.h"
#include "router/headers.h"

struct rewriter;

/* What to do with a packet that belongs to no flow: these, or the output to pass it to. */
enum { REWRITER_DROP = -1, REWRITER_MAP = -2 };

/*
 * What RoundRobinIPMapper and its like offer: element_cast(e, "IPMapper").
 */
struct ip_mapper {
    struct element *element;
    /* Can it serve this rewriter? False with an error added; `prefix` opens the message. */
    bool (*check)(struct ip_mapper *mapper, const struct rewriter *rewriter, const char *prefix,
                  struct errors *errors);
    /* Fills in rewritten and output and answers REWRITER_MAP, or REWRITER_DROP. p may be NULL. */
    int (*map)(struct ip_mapper *mapper, const struct rewriter_query *query, struct packet *p,
               struct flow_key *rewritten, uint16_t output[2]);
    /* Whether it could have answered so for query->key; the outputs are filled in. */
    bool (*covers)(struct ip_mapper *mapper, const struct rewriter_query *query,
                   const struct flow_key *rewritten, uint16_t output[2]);
};

enum rewriter_input_kind {
    REWRITER_INPUT_DROP, REWRITER_INPUT_PASS, REWRITER_INPUT_KEEP, REWRITER_INPUT_PATTERN,
    REWRITER_INPUT_MAPPER,
};

struct rewriter_input {
    enum rewriter_input_kind kind;
    uint16_t output[2];                 /* by direction */
    struct rewriter_pattern *pattern;
    struct ip_mapper *mapper;
    uint32_t flows;                     /* that it made and that live */
    uint64_t failures;                  /* packets for which no flow could be made */
};

struct rewriter {
    struct element *element;
    struct flow_table *flows;           /* NULL before rewriter_initialize() */
    struct flow_owner owner;
    struct rewriter_input *input;
    unsigned n_inputs;
    uint64_t drops;

    /* The class's: how ICMPRewriter asks for the flow of a packet quoted in an error... */
    struct flow_hit (*find)(struct rewriter *rw, unsigned protocol, const struct flow_key *key);
    /* ...and how a key is printed; NULL: as (src, sport, dst, dport). */
    void (*format_key)(const struct flow_key *key, struct text *out);

    /* Arguments. */
    struct arg_string capacity_words[2];
    uint32_t timeout_s, guarantee_s, reap_interval_s;
    bool set_dst_anno;
    bool reply_anno_given;
    uint32_t reply_anno;

    uint32_t capacity;                  /* of a table of its own */
    struct element *shares_with;        /* whose table it uses; NULL: its own */
    struct timer reaper;
};

/* Arguments that all have; TIMEOUT and GUARANTEE, which mean different things, are the class's. */
#define REWRITER_ARGUMENTS(structure, member)                                                      \
    {.name = "INPUTSPEC", .kind = ARG_REST,                                                        \
     .help = "one for each input: drop, pass, keep, pattern or a mapper's name"},                  \
    {.name = "CAPACITY", .kind = ARG_KEYWORD, .type = &arg_word,                                   \
     .offset = offsetof(structure, member.capacity_words[0]), .help = "as MAPPING_CAPACITY"}, \
    {.name = "MAPPING_CAPACITY", .kind = ARG_KEYWORD, .type = &arg_word,                           \
     .offset = offsetof(structure, member.capacity_words[1]),                                      \
     .help = "flows at most, or the rewriter whose capacity to share"},                            \
    {.name = "REAP_INTERVAL", .kind = ARG_KEYWORD, .type = &arg_seconds_u32,                       \
     .offset = offsetof(structure, member.reap_interval_s),                                        \
     .help = "seconds between looks for flows that timed out"},                                    \
    {.name = "REAP_TIME", .kind = ARG_IGNORED, .type = &arg_seconds_u32,                           \
     .help = "old name of REAP_INTERVAL"},                                                         \
    REWRITER_ANNO_ARGUMENTS(structure, member)

#define REWRITER_ANNO_ARGUMENTS(structure, member)                                                 \
    {.name = "DST_ANNO", .kind = ARG_KEYWORD, .type = &arg_bool,                                   \
     .offset = offsetof(structure, member.set_dst_anno),                                           \
     .help = "set the destination annotation to the new destination"},                             \
    {.name = "REPLY_ANNO", .kind = ARG_KEYWORD, .type = &arg_anno_u8,                              \
     .offset = offsetof(structure, member.reply_anno),                                             \
     .given = offsetof(structure, member.reply_anno_given),                                        \
     .help = "an annotation byte that replies take from the packet that began the flow"}

#define REWRITER_HANDLERS                                                                       \
    {.name = "table_size", .read = rewriter_read_table_size,                                    \
     .help = "flows of this rewriter"},                                                         \
    {.name = "nmappings", .flags = HANDLER_DEPRECATED, .read = rewriter_read_table_size,        \
     .help = "old name of table_size"},                                                         \
    {.name = "mapping_failures", .read = rewriter_read_failures,                                \
     .help = "packets for which no flow could be made: nothing free, or no room"},              \
    {.name = "patterns", .read = rewriter_read_patterns,                                        \
     .help = "each input's specification, with its number of flows"},                           \
    {.name = "size", .read = rewriter_read_size,                                                \
     .help = "flows in the table, those of rewriters that share it included"},                  \
    {.name = "capacity", .read = rewriter_read_capacity, .write = rewriter_write_capacity,      \
     .help = "flows that the table may hold"},                                                  \
    {.name = "evictions", .read = rewriter_read_evictions,                                      \
     .help = "flows given up for newer ones, because the table was full"},                      \
    {.name = "drops", .read = rewriter_read_drops, .help = "packets dropped"},                  \
    {.name = "clear", .write = rewriter_write_clear, .help = "forgets all flows"},              \
    {.name = "pattern%u", .read = rewriter_read_pattern, .write = rewriter_write_pattern,       \
     .count = rewriter_count_inputs,                                                            \
     .help = "an input's specification; writing forgets the input's flows"}

handler_read_function rewriter_read_table_size, rewriter_read_failures, rewriter_read_patterns,
    rewriter_read_size, rewriter_read_capacity, rewriter_read_pattern, rewriter_read_evictions,
    rewriter_read_drops;
handler_write_function rewriter_write_capacity, rewriter_write_clear, rewriter_write_pattern;
unsigned rewriter_count_inputs(struct element *e);

/* Defaults of the arguments. */
void rewriter_setup(struct rewriter *rw, struct element *e);
bool rewriter_configure(struct rewriter *rw, const struct words *specs, struct errors *errors);
bool rewriter_initialize(struct rewriter *rw, unsigned n_maps, const struct flow_lifetime *kinds,
                         unsigned n_kinds, struct errors *errors);
/*
 * Goes on with the flows of another one of its class: those that the specification of their input could have
 * made as they are now, which then have the outputs that it names. `ping` as in struct rewriter_begin.
 */
void rewriter_take(struct rewriter *rw, struct rewriter *from, bool ping);
void rewriter_cleanup(struct rewriter *rw);

static inline struct rewriter *rewriter_of(struct element *e)
{
    return element_cast(e, "IPRewriterBase");
}

/* Lines of the `table` handlers: each flow in both directions. */
void rewriter_format_table(struct rewriter *rw, unsigned map, struct text *out);

/* The map's number in the flow table. */
static inline unsigned rewriter_map_number(const struct rewriter *rw, unsigned map)
{
    return rw->owner.first_map + map;
}

/* The `lookup` handlers: "saddr sport daddr dport" in, the same rewritten out. */
int rewriter_lookup(struct rewriter *rw, unsigned map, const struct handler_call *call,
                    struct text *out);

struct rewriter_begin {
    unsigned port;                      /* the input that the packet came in at */
    unsigned map;                       /* of this rewriter: 0, 1... */
    unsigned kind;                      /* of flow, to begin with */
    uint8_t protocol;
    bool ping;
    uint32_t now;
};

/*
 * For a packet of no flow: REWRITER_MAP and *flow is new, REWRITER_DROP (not yet counted as a
 * drop), or the output that the unchanged packet goes to.
 */
int rewriter_begin(struct rewriter *rw, const struct rewriter_begin *how,
                   const struct flow_key *key, struct packet *p, struct flow **flow);

/* For packets that have no flow (later fragments, other protocols): an output or REWRITER_DROP. */
static inline int rewriter_unmappable(const struct rewriter *rw, unsigned port)
{
    return rw->input[port].kind == REWRITER_INPUT_PASS ? rw->input[port].output[0] : REWRITER_DROP;
}

/* ---- packets ---- */

/* Bytes of the transport header that there are; 0 when the marks are missing or astray. */
static inline uint32_t rewriter_transport_bytes(const struct packet *p)
{
    if (!p->network || !p->transport || p->network < p->data ||
        p->transport < p->network + sizeof(struct ip_header) || p->transport > packet_end(p))
        return 0;
    return packet_transport_length(p);
}

/* The checksum after what the flow changes in one direction (RFC 1624, equation 3). */
static inline uint16_t rewriter_checksum(uint16_t checksum, uint16_t delta, unsigned direction)
{
    uint32_t sum;

    if (!delta)
        return checksum;
    sum = (uint16_t)~checksum + (uint32_t)(direction == FLOW_FORWARD ? delta : (uint16_t)~delta);
    return (uint16_t)~((sum & 0xFFFF) + (sum >> 16));
}

/* The packet is writable and has an IP header. */
static inline void rewriter_apply_network(const struct rewriter *rw, const struct flow *flow,
                                          unsigned direction, struct packet *p)
{
    struct ip_header *ip = (struct ip_header *)p->network;
    const struct flow_key *other = &flow->key[!direction];

    ip->src = other->dst;
    ip->dst = other->src;
    ip->checksum = rewriter_checksum(ip->checksum, flow->ip_delta, direction);
    if (rw->set_dst_anno)
        packet_set_dst_ip(p, other->src);
    if (rw->reply_anno_given && direction == FLOW_REPLY)
        p->anno[rw->reply_anno] = flow->reply_anno;
}

/*
 * First fragments with at least 8 bytes of UDP, TCP or DCCP. No branch tells TCP from UDP: in mixed traffic it would be
 * mispredicted for every other packet.
 */
static inline void rewriter_apply_transport(const struct flow *flow, unsigned direction,
                                            struct packet *p, uint32_t bytes)
{
    const struct ip_header *ip = (const struct ip_header *)p->network;
    struct udp_header *ports = (struct udp_header *)p->transport;       /* TCP's stand at the same place */
    const struct flow_key *other = &flow->key[!direction];
    bool tcp = ip->protocol == IP_PROTO_TCP, udp = ip->protocol == IP_PROTO_UDP;
    uint32_t at = tcp ? offsetof(struct tcp_header, checksum) : offsetof(struct udp_header, checksum);
    uint16_t checksum;

    ports->src_port = other->dst_port;
    ports->dst_port = other->src_port;
    if (!(tcp | udp) | (bytes < at + sizeof checksum))
        return;
    memcpy(&checksum, p->transport + at, sizeof checksum);
    if (udp & !checksum)
        return;
    checksum = rewriter_checksum(checksum, flow->transport_delta, direction);
    checksum |= (uint16_t)-(udp & !checksum);       /* zero would say that there is none (RFC 768) */
    memcpy(p->transport + at, &checksum, sizeof checksum);
}

/* The same one's complement difference for any run of 16-bit words. */
uint16_t rewriter_delta(const void *from, const void *to, unsigned words);

/* ---- TCP and UDP flows: kinds by what was seen of them ---- */

enum { REWRITER_TCP_NODATA, REWRITER_TCP_DATA, REWRITER_TCP_DONE, REWRITER_TCP_KINDS };

/* Notes flags and payload in the flow's state; says which kind it is now. */
static inline unsigned rewriter_track_tcp(struct flow *flow, unsigned direction,
                                          const struct packet *p, uint32_t bytes)
{
    enum { DONE = 1, DONE_BOTH = 3, DATA = 4, DATA_BOTH = 12 };
    const struct ip_header *ip = (const struct ip_header *)p->network;
    const struct tcp_header *tcp = (const struct tcp_header *)p->transport;
    uint8_t state = flow->state;
    bool payload;

    if (bytes >= offsetof(struct tcp_header, urgent)) {
        payload = ip_header_length(ip) + (tcp->offset >> 4) * 4u < be16(ip->total_length);
        if (tcp->flags & TCP_RST)
            state |= DONE_BOTH;
        else if (tcp->flags & TCP_FIN)
            state |= (uint8_t)(DONE << direction);
        else if ((tcp->flags & TCP_SYN) || payload)
            state &= (uint8_t)~(DONE << direction);
        if (payload)
            state |= (uint8_t)(DATA << direction);
        flow->state = state;
    }
    return (state & DONE_BOTH) == DONE_BOTH ? REWRITER_TCP_DONE
         : (state & DATA_BOTH) == DATA_BOTH ? REWRITER_TCP_DATA : REWRITER_TCP_NODATA;
}

/* A UDP flow is streaming once three packets have passed, one of them a reply. */
static inline bool rewriter_track_udp(struct flow *flow, unsigned direction)
{
    if (direction == FLOW_REPLY)
        flow->state |= 1;
    if (flow->state < 6)
        flow->state += 2;
    return flow->state > 6;
}

#endif
