// SPDX-License-Identifier: BSD-2-Clause
/*
 * ARPQuerier(IP, ETH, [TABLE, CAPACITY, ENTRY_CAPACITY, ENTRY_PACKET_CAPACITY,
 *            CAPACITY_SLIM_FACTOR, TIMEOUT, BROADCAST, POLL_TIMEOUT, BROADCAST_POLL])
 * ARPQuerier(NAME, ...)
 *
 * Finds the Ethernet address for a packet's next hop and prepends the header; see .manual.
 * Per packet to a known address: the annotation, one entry of the cache (a line), 14 bytes
 * written. A packet to an unknown one is handed to arp_cache.c with its header room made and its
 * Ethernet type set, so that only addresses are missing when it leaves.
 *
 * Order: a query caused by a packet goes out before what comes after it; on a shared output
 * queries stand in the batch among the packets.
 */
#include <stdlib.h>

#include "elements/ethernet/arp_cache.h"
#include "elements/ip/ip_packet.h"
#include "platform/platform.h"
#include "router/headers.h"

#define SECOND 1000000000ull
#define FOR_EVER (1000000000 * SECOND)
enum { POLL_DEFAULT_S = 60 };

/* The first argument: an address with prefix, by a name that may also give the second. */
struct own_address {
    struct arg_prefix prefix;
    uint8_t ether[6];
    bool has_ether;
};

struct arp_querier {
    struct element base;
    uint32_t ip;
    uint8_t ether[6];
    bool broadcast_poll, broadcast_given, ether_given, zero_mentioned;
    uint32_t broadcast;
    uint64_t poll_ns;
    struct arp_cache *cache;        /* NULL before configure */
    uint64_t queries, responses, drops;
    struct own_address address;
    uint8_t ether_argument[6];
    struct element *table;
    struct arp_cache own;
};

/* ---- life ---- */

static void setup(struct element *e)
{
    struct arp_querier *q = element_as(struct arp_querier, e);

    arp_cache_setup(&q->own, e);
    q->poll_ns = POLL_DEFAULT_S * SECOND;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct arp_querier *q = element_as(struct arp_querier, e);
    const struct arg_prefix *prefix = &q->address.prefix;
    bool live = q->cache != NULL;
    bool ether_given = q->ether_given, broadcast_given = q->broadcast_given;
    const uint8_t *ether = ether_given ? q->ether_argument : q->address.ether;

    (void)rest;
    /* Written again while running, these must be given again. */
    q->ether_given = q->broadcast_given = false;
    if (!live)                      /* a running querier keeps its table */
        q->cache = q->table ? element_cast(q->table, ARP_CACHE_INTERFACE) : &q->own;
    if (!q->cache)
        return element_error(e, errors, "TABLE: element type mismatch, expected ARPTable");
    if (!ether_given && !q->address.has_ether)
        return element_error(e, errors, "ETH: required argument missing");
    arp_cache_configure(&q->own);
    if (q->poll_ns > FOR_EVER)
        q->poll_ns = 0;
    if (live && q->cache == &q->own &&
        (q->ip != prefix->address || memcmp(q->ether, ether, 6) != 0))
        arp_cache_clear(&q->own);
    q->ip = prefix->address;
    memcpy(q->ether, ether, 6);
    if (!broadcast_given) {
        q->broadcast = prefix->address | ~prefix->mask;
        if (q->broadcast == prefix->address)
            q->broadcast = UINT32_MAX;
    }
    return true;
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct arp_querier *q = element_as(struct arp_querier, e);

    if (q->cache == &q->own && arp_cache_start(&q->own) < 0)
        return element_error(e, errors, "out of memory");
    return true;
}

/* Another address may mean another network, where other hosts have these addresses. */
static void take_state(struct element *e, struct element *predecessor)
{
    struct arp_querier *q = element_as(struct arp_querier, e);
    struct arp_querier *old = element_as(struct arp_querier, predecessor);

    q->queries += old->queries;
    q->responses += old->responses;
    q->drops += old->drops;
    if (old->cache != &old->own)        /* an ARPTable, which sees to itself */
        return;
    if (q->cache == &q->own && q->ip == old->ip && memcmp(q->ether, old->ether, 6) == 0)
        arp_cache_take(&q->own, &old->own);
    else
        q->drops += old->own.drops + old->own.n_packets;
}

static void cleanup(struct element *e)
{
    arp_cache_destroy(&element_as(struct arp_querier, e)->own);
}

static void *cast(struct element *e, const char *interface)
{
    return strcmp(interface, ARP_CACHE_INTERFACE) == 0 ? element_as(struct arp_querier, e)->cache : NULL;
}

/* ---- queries ---- */

/* Who has `ip`? Sent to `ether`, or to all when that is NULL. NULL: no packet to be had. */
static struct packet *make_query(struct arp_querier *q, const struct packet *cause, uint32_t ip,
                                 const uint8_t *ether)
{
    struct arp_header arp = {
        .hardware = be16(ARP_HARDWARE_ETHERNET), .protocol = be16(ETHERTYPE_IPV4),
        .hardware_length = 6, .protocol_length = 4, .operation = be16(ARP_REQUEST),
        .sender_ip = q->ip, .target_ip = ip,
    };
    struct packet *p = packet_make(PACKET_HEADROOM, NULL, sizeof(struct eth_header) + sizeof arp, 0);
    struct eth_header *eth;

    if (!p)
        return NULL;
    eth = (struct eth_header *)p->data;
    if (ether)
        memcpy(eth->dst, ether, 6);
    else
        memset(eth->dst, 0xFF, 6);
    memcpy(eth->src, q->ether, 6);
    eth->ethertype = be16(ETHERTYPE_ARP);
    memcpy(arp.sender_mac, q->ether, 6);
    memcpy(eth + 1, &arp, sizeof arp);
    p->mac = p->data;
    p->timestamp_ns = cause->timestamp_ns;
    packet_set_anno_u16(p, ANNO_VLAN_TCI, packet_anno_u16(cause, ANNO_VLAN_TCI));
    q->queries++;
    return p;
}

static struct packet *drop(struct arp_querier *q, struct packet *p)
{
    q->drops++;
    packet_free(p);
    return NULL;
}

static __attribute__((cold)) void mention_zero(struct arp_querier *q)
{
    q->zero_mentioned = true;
    element_log_declared(&q->base, "would query for 0.0.0.0; missing dest IP addr annotation?");
}

/* No entry for the next hop: a broadcast or multicast address, or one to ask for. */
static __attribute__((noinline)) struct packet *resolve_other(struct arp_querier *q,
                                                              struct packet *p, uint32_t dst,
                                                              uint64_t now, struct packet **query)
{
    if (dst == UINT32_MAX || dst == q->broadcast) {
        memset(p->data, 0xFF, 6);
        return p;
    }
    if (ip_is_multicast(dst)) {
        uint32_t group = be32(dst);     /* RFC 1112, 6.4: the lower 23 bits */
        uint8_t ether[6] = {0x01, 0x00, 0x5E, group >> 16 & 0x7F, group >> 8 & 0xFF, group & 0xFF};

        memcpy(p->data, ether, 6);
        return p;
    }
    if (!dst) {
        if (!q->zero_mentioned)
            mention_zero(q);
        return drop(q, p);
    }
    if (arp_cache_append(q->cache, dst, p, now))    /* true: it kept p, and we may look at it */
        *query = make_query(q, p, dst, NULL);
    return NULL;
}

/* The packet with its Ethernet header, or NULL; *query is to be sent before it. */
static inline struct packet *resolve(struct arp_querier *q, struct packet *p, uint64_t now,
                                     struct packet **query)
{
    uint32_t dst = packet_dst_ip(p);
    enum arp_answer answer;

    *query = NULL;
    if (__builtin_expect(!q->ip, 0))
        return drop(q, p);
    p = packet_push(p, sizeof(struct eth_header));
    if (__builtin_expect(!p, 0)) {
        q->drops++;
        return NULL;
    }
    p->mac = p->data;
    be16_put(p->data + offsetof(struct eth_header, ethertype), ETHERTYPE_IPV4);
    answer = arp_cache_lookup(q->cache, dst, now, q->poll_ns, p->data);
    if (__builtin_expect(answer == ARP_UNKNOWN, 0)) {
        p = resolve_other(q, p, dst, now, query);
        if (!p)
            return NULL;
    } else if (__builtin_expect(answer == ARP_KNOWN_POLL, 0)) {
        *query = make_query(q, p, dst, q->broadcast_poll ? NULL : p->data);
    }
    memcpy(p->data + 6, q->ether, 6);
    return p;
}

/* ---- batches out ---- */

struct burst {
    struct batch packets;           /* for output 0 */
    struct batch queries;           /* for output 1, when there is one */
};

static void flush(struct element *e, struct burst *burst)
{
    if (burst->queries.n)
        element_push(e, 1, &burst->queries);
    if (burst->packets.n)
        element_push(e, 0, &burst->packets);
    burst->queries.n = burst->packets.n = 0;
}

static void emit(struct element *e, struct burst *burst, struct batch *which, struct packet *p)
{
    if (which->n == BATCH_MAX)
        flush(e, burst);
    batch_add(which, p);
}

static void handle_packets(struct element *e, struct batch *batch)
{
    struct arp_querier *q = element_as(struct arp_querier, e);
    uint64_t now = arp_cache_now(q->cache);
    struct burst burst;
    struct batch *queries = e->n_outputs > 1 ? &burst.queries : &burst.packets;

    burst.packets.n = burst.queries.n = 0;
    for (unsigned i = 0; i < batch->n; i++) {
        struct packet *query, *p = resolve(q, batch->pkt[i], now, &query);

        if (query)
            emit(e, &burst, queries, query);
        if (p)
            emit(e, &burst, &burst.packets, p);
    }
    flush(e, &burst);
}

/* ---- answers ---- */

static bool is_reply(const struct packet *p, const struct arp_header *arp)
{
    return be16_get(p->data + offsetof(struct eth_header, ethertype)) == ETHERTYPE_ARP &&
           arp->hardware == be16(ARP_HARDWARE_ETHERNET) && arp->protocol == be16(ETHERTYPE_IPV4) &&
           arp->operation == be16(ARP_REPLY) && !(arp->sender_mac[0] & 1);
}

/* Sends what waited for this answer, in the order it came. */
static void release(struct arp_querier *q, struct packet *waiting, const uint8_t ether[6])
{
    struct batch out = {.n = 0};

    while (waiting) {
        struct packet *next = waiting->next;

        waiting->next = NULL;
        if (q->ip) {
            memcpy(waiting->data, ether, 6);
            memcpy(waiting->data + 6, q->ether, 6);
            batch_add(&out, waiting);
        } else {
            drop(q, waiting);
        }
        if (out.n == BATCH_NORMAL || (!next && out.n)) {
            element_push(&q->base, 0, &out);
            out.n = 0;
        }
        waiting = next;
    }
}

static void handle_response(struct element *e, struct packet *p)
{
    struct arp_querier *q = element_as(struct arp_querier, e);
    struct packet *waiting = NULL;
    struct arp_header arp;
    bool reply;

    if (p->length < sizeof(struct eth_header) + sizeof arp) {
        packet_free(p);
        return;
    }
    q->responses++;
    memcpy(&arp, p->data + sizeof(struct eth_header), sizeof arp);
    reply = is_reply(p, &arp);
    packet_free(p);
    if (reply && arp_cache_insert(q->cache, arp.sender_ip, arp.sender_mac, &waiting) == 0)
        release(q, waiting, arp.sender_mac);
}

/* ---- entries ---- */

static void push(struct element *e, unsigned port, struct batch *batch)
{
    if (port == 0) {
        handle_packets(e, batch);
        return;
    }
    for (unsigned i = 0; i < batch->n; i++)
        handle_response(e, batch->pkt[i]);
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    struct arp_querier *q = element_as(struct arp_querier, e);
    struct packet *query;

    if (port == 1) {
        handle_response(e, p);
        return;
    }
    p = resolve(q, p, arp_cache_now(q->cache), &query);
    if (query)
        element_push_one(e, e->n_outputs - 1, query);
    if (p)
        element_push_one(e, 0, p);
}

/* ---- handlers ---- */

static int read_table(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    arp_cache_format(element_as(struct arp_querier, e)->cache, out);
    return 0;
}

static int read_stats(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct arp_querier *q = element_as(struct arp_querier, e);

    (void)call;
    text_printf(out, "%llu packets killed\n%llu ARP queries sent\n",
                (unsigned long long)(q->drops + q->cache->drops), (unsigned long long)q->queries);
    return 0;
}

static int read_count(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_printf(out, "%u", element_as(struct arp_querier, e)->cache->n_entries);
    return 0;
}

static int read_length(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_printf(out, "%u", element_as(struct arp_querier, e)->cache->n_packets);
    return 0;
}

static int write_insert(struct element *e, const struct handler_call *call)
{
    return arp_cache_write_insert(element_as(struct arp_querier, e)->cache, e, call);
}

static int write_delete(struct element *e, const struct handler_call *call)
{
    return arp_cache_write_delete(element_as(struct arp_querier, e)->cache, e, call);
}

static int write_clear(struct element *e, const struct handler_call *call)
{
    struct arp_querier *q = element_as(struct arp_querier, e);

    (void)call;
    q->queries = q->responses = q->drops = 0;
    arp_cache_clear(q->cache);
    return 0;
}

/* ---- tables ---- */

static bool parse_address(const struct arg_context *context, const char *text, void *value)
{
    struct own_address address = {0};

    if (!args_read_prefix(context->element, text, &address.prefix))
        return false;
    address.has_ether = args_read_ether(context->element, text, address.ether);
    memcpy(value, &address, sizeof address);
    return true;
}

static void format_address(const void *value, struct text *out)
{
    const struct own_address *address = value;

    args_format_prefix(out, address->prefix.address, address->prefix.mask);
}

static const struct arg_type arg_own_address = {
    .name = "IP address", .size = sizeof(struct own_address), .parse = parse_address,
    .format = format_address,
};

#define AT(member) offsetof(struct arp_querier, member)

static const struct argument arguments[] = {
    {"IP", ARG_REQUIRED, &arg_own_address, AT(address),
     .help = "this router's address, perhaps with prefix; or a name for both IP and ETH"},
    {"ETH", ARG_OPTIONAL, &arg_ether, AT(ether_argument), .given = AT(ether_given),
     .help = "its Ethernet address; only a name as IP can stand for it"},
    ARP_CACHE_ARGUMENTS(struct arp_querier, own),
    {"BROADCAST", ARG_KEYWORD, &arg_ip, AT(broadcast), .given = AT(broadcast_given),
     .help = "the subnet's broadcast address; default from IP's prefix"},
    {"TABLE", ARG_KEYWORD, &arg_element, AT(table),
     .help = "an ARPTable to share; the limits above are then that table's"},
    {"POLL_TIMEOUT", ARG_KEYWORD, &arg_seconds, AT(poll_ns),
     .help = "ask again for an address in use that was told so long ago; default 1 minute; 0: never"},
    {"BROADCAST_POLL", ARG_KEYWORD, &arg_bool, AT(broadcast_poll),
     .help = "ask all, not the known address, when asking again; default false"},
    {0},
};

static const struct handler handlers[] = {
    {"clear", .write = write_clear,
     .help = "empties the table, drops waiting packets, zeroes the counts"},
    {"delete", .write = write_delete, .help = "IP: makes that address unknown"},
    {"insert", .write = write_insert, .help = "IP ETH: adds or replaces an entry"},
    {"ipaddr", HANDLER_READ | HANDLER_WRITE, .type = &arg_ip, .offset = AT(ip),
     .help = "our address in queries; while it is 0.0.0.0 all packets are dropped"},
    {"broadcast", HANDLER_READ | HANDLER_WRITE, .type = &arg_ip, .offset = AT(broadcast),
     .help = "the subnet's broadcast address"},
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = AT(drops),
     .help = "packets dropped here, not counting those that the table dropped"},
    {"responses", HANDLER_READ, .type = &arg_u64, .offset = AT(responses),
     .help = "ARP packets received"},
    {"queries", HANDLER_READ, .type = &arg_u64, .offset = AT(queries), .help = "queries sent"},
    {"length", .read = read_length, .help = "packets that wait for answers"},
    {"count", .read = read_count, .help = "entries in the table"},
    {"stats", .read = read_stats, .help = "packets dropped, by the table as well, and queries sent"},
    {"table", .read = read_table, .help = "the table, as ARPTable's handler of this name"},
    {0},
};

ELEMENT_CLASS(arp_querier) = {
    .name = "ARPQuerier", .ports = "2/1-2", .processing = PUSH, .flow = "xy/x",
    .size = sizeof(struct arp_querier), .arguments = arguments, .handlers = handlers,
    .keywords_anywhere = true, .live_config = true, .setup = setup, .configure = configure,
    .initialize = initialize, .cleanup = cleanup, .take_state = take_state, .push = push,
    .push_one = push_one, .cast = cast,
    .offload = true, .group = "ethernet", .purpose = "finds next hops by ARP and prepends Ethernet headers",
    .manual =
        "IP packets enter input 0 with their next hop in the destination annotation. When its Ethernet "
        "address is known they leave output 0 in a frame for it. Otherwise they wait, and an ARP query "
        "leaves output 1, or output 0 when that is the only one. ARP replies, with their Ethernet "
        "header, enter input 1; packets that waited for them leave in the order they came.\n"
        "Packets to 255.255.255.255 or the BROADCAST address go to the Ethernet broadcast address, "
        "packets to multicast groups to the group's Ethernet address; packets to 0.0.0.0 are dropped.\n"
        "An address is asked for ten times a second at most, and after ten queries without an answer "
        "every two seconds. At most half of the packet pool can wait.\n"
        "When another configuration takes the place of this one, an ARPQuerier of the same name and addresses "
        "goes on with the table and with the packets that wait.",
};
