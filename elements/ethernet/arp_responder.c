// SPDX-License-Identifier: BSD-2-Clause
/*
 * ARPResponder(IP/MASK [IP/MASK...] ETH, ...)
 *
 * Answers ARP requests (RFC 826) for its own addresses or, as proxy, for whole networks. The
 * request becomes the reply in place. The table is kept so that a prefix stands before
 * all that contain it, and the first match is the longest.
 */
#include <stdlib.h>

#include "router/element.h"
#include "router/headers.h"

struct entry {
    struct arg_prefix prefix;       /* address already masked */
    uint8_t ether[6];
};

struct table {
    struct entry *entries;
    unsigned n;
};

struct arp_responder {
    struct element base;
    struct table table;
    uint64_t drops;
};

/* ---- the table ---- */

static bool contains(const struct arg_prefix *outer, const struct arg_prefix *inner)
{
    return (inner->address & outer->mask) == outer->address &&
           (inner->mask & outer->mask) == outer->mask;
}

static bool same(const struct arg_prefix *a, const struct arg_prefix *b)
{
    return a->address == b->address && a->mask == b->mask;
}

/* 1: took the place of an entry for the same prefix; 0: added; -ENOMEM. */
static int put(struct table *table, const struct entry *entry)
{
    struct entry *grown;
    unsigned at = 0;

    for (unsigned i = 0; i < table->n; i++) {
        if (same(&table->entries[i].prefix, &entry->prefix)) {
            table->entries[i] = *entry;
            return 1;
        }
    }
    grown = realloc(table->entries, (table->n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    table->entries = grown;
    while (at < table->n && !contains(&grown[at].prefix, &entry->prefix))
        at++;
    memmove(&grown[at + 1], &grown[at], (table->n - at) * sizeof *grown);
    grown[at] = *entry;
    table->n++;
    return 0;
}

static const uint8_t *look_up(const struct table *table, uint32_t address)
{
    for (unsigned i = 0; i < table->n; i++)
        if ((address & table->entries[i].prefix.mask) == table->entries[i].prefix.address)
            return table->entries[i].ether;
    return NULL;
}

/*
 * "1.0.0.1 2.0.0.0/8 0:1:2:3:4:5" into the table. A lone name may stand for both kinds
 * of address. NULL, or what is wrong; then the table is untouched, unless memory ran out.
 */
static const char *add_text(struct element *e, struct table *table, const char *text,
                            struct errors *warn)
{
    const char *wrong = NULL;
    uint8_t ether[6];
    struct words words;
    unsigned n_prefixes = 0, n_ethers = 0;
    struct entry entry;

    if (words_split_spaces(&words, text) < 0) {
        words_free(&words);
        return "out of memory";
    }
    for (unsigned i = 0; !wrong && i < words.n; i++) {
        if (args_read_prefix(e, words.word[i], &entry.prefix))
            n_prefixes++;
        else if (args_read_ether(e, words.word[i], ether))
            wrong = n_ethers++ ? "more than one ETH" : NULL;
        else
            wrong = "expected IP/MASK ETH";
    }
    for (unsigned i = 0; !wrong && !n_ethers && i < words.n; i++)
        n_ethers = args_read_ether(e, words.word[i], ether);
    if (!wrong && !n_prefixes)
        wrong = "missing IP/MASK";
    else if (!wrong && !n_ethers)
        wrong = "missing ETH";
    for (unsigned i = 0; !wrong && i < words.n; i++) {
        struct text prefix = {0};
        int rc;

        if (!args_read_prefix(e, words.word[i], &entry.prefix))
            continue;
        entry.prefix.address &= entry.prefix.mask;
        memcpy(entry.ether, ether, sizeof ether);
        rc = put(table, &entry);
        if (rc < 0)
            wrong = "out of memory";
        if (rc > 0 && warn) {
            args_format_prefix(&prefix, entry.prefix.address, entry.prefix.mask);
            errors_warn(warn, NULL, "multiple entries for %s", text_string(&prefix));
            text_free(&prefix);
        }
    }
    words_free(&words);
    return wrong;
}

/* A new table takes the place of the old only when all of it is right. */
static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct arp_responder *r = element_as(struct arp_responder, e);
    struct table table = {0};
    bool ok = true;

    for (unsigned i = 0; i < rest->n; i++) {
        const char *wrong = add_text(e, &table, rest->word[i], ok ? errors : NULL);

        if (wrong)
            ok = element_error(e, errors, "argument %u: %s", i, wrong);
    }
    if (!ok) {
        free(table.entries);
        return false;
    }
    free(r->table.entries);
    r->table = table;
    return true;
}

static void cleanup(struct element *e)
{
    free(element_as(struct arp_responder, e)->table.entries);
}

/* ---- packets ---- */

static bool is_request(const struct packet *p, struct arp_header *arp)
{
    if (p->length < sizeof(struct eth_header) + sizeof *arp ||
        be16_get(p->data + offsetof(struct eth_header, ethertype)) != ETHERTYPE_ARP)
        return false;
    memcpy(arp, p->data + sizeof(struct eth_header), sizeof *arp);
    return arp->hardware == be16(ARP_HARDWARE_ETHERNET) && arp->protocol == be16(ETHERTYPE_IPV4) &&
           arp->operation == be16(ARP_REQUEST);
}

/* Nothing of the request stays but its buffer and its VLAN. */
static void make_reply(struct packet *p, const struct arp_header *request, const uint8_t ether[6])
{
    struct eth_header *eth = (struct eth_header *)p->data;
    struct arp_header reply = {
        .hardware = be16(ARP_HARDWARE_ETHERNET), .protocol = be16(ETHERTYPE_IPV4),
        .hardware_length = 6, .protocol_length = 4, .operation = be16(ARP_REPLY),
        .sender_ip = request->target_ip, .target_ip = request->sender_ip,
    };
    uint16_t vlan = packet_anno_u16(p, ANNO_VLAN_TCI);

    memcpy(reply.sender_mac, ether, 6);
    memcpy(reply.target_mac, request->sender_mac, 6);
    packet_take(p, p->length - (uint32_t)(sizeof *eth + sizeof reply));
    memcpy(eth->dst, request->sender_mac, 6);
    memcpy(eth->src, ether, 6);
    eth->ethertype = be16(ETHERTYPE_ARP);
    memcpy(eth + 1, &reply, sizeof reply);
    memset(p->anno, 0, sizeof p->anno);
    packet_set_anno_u16(p, ANNO_VLAN_TCI, vlan);
    p->timestamp_ns = 0;
    p->type = PACKET_HOST;
    p->mac = p->data;
    p->network = p->transport = NULL;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct arp_responder *r = element_as(struct arp_responder, e);
    struct arp_header request;
    const uint8_t *ether = NULL;

    if (is_request(p, &request))
        ether = look_up(&r->table, request.target_ip);
    if (!ether) {
        if (e->n_outputs < 2)
            r->drops++;
        element_push_or_free(e, 1, p);
        return NULL;
    }
    p = packet_writable(p);
    if (!p) {
        r->drops++;
        return NULL;
    }
    make_reply(p, &request, ether);
    return p;
}
ELEMENT_ACTION(action)

/* ---- handlers ---- */

static int read_table(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct table *table = &element_as(struct arp_responder, e)->table;
    char ether[18];

    (void)call;
    for (unsigned i = 0; i < table->n; i++) {
        args_format_prefix(out, table->entries[i].prefix.address, table->entries[i].prefix.mask);
        text_printf(out, " %s\n", args_format_ether(ether, table->entries[i].ether));
    }
    return 0;
}

static int read_lookup(struct element *e, const struct handler_call *call, struct text *out)
{
    const uint8_t *found;
    uint32_t address;
    char ether[18];

    if (!args_read_ip(e, call->value, &address)) {
        errors_add(call->errors, NULL, "expected IP address");
        return -EINVAL;
    }
    found = look_up(&element_as(struct arp_responder, e)->table, address);
    if (found)
        text_puts(out, args_format_ether(ether, found));
    return 0;
}

static int write_add(struct element *e, const struct handler_call *call)
{
    const char *wrong = add_text(e, &element_as(struct arp_responder, e)->table, call->value, NULL);

    if (!wrong)
        return 0;
    errors_add(call->errors, NULL, "%s", wrong);
    return -EINVAL;
}

static int write_remove(struct element *e, const struct handler_call *call)
{
    struct table *table = &element_as(struct arp_responder, e)->table;
    struct arg_prefix prefix;
    struct text text = {0};

    if (!args_read_prefix(e, call->value, &prefix)) {
        errors_add(call->errors, NULL, "expected IP/MASK");
        return -EINVAL;
    }
    prefix.address &= prefix.mask;
    for (unsigned i = 0; i < table->n; i++) {
        if (same(&table->entries[i].prefix, &prefix)) {
            table->n--;
            memmove(&table->entries[i], &table->entries[i + 1],
                    (table->n - i) * sizeof *table->entries);
            return 0;
        }
    }
    args_format_prefix(&text, prefix.address, prefix.mask);
    errors_add(call->errors, NULL, "%s not found", text_string(&text));
    text_free(&text);
    return -ENOENT;
}

static const struct argument arguments[] = {
    {"ENTRY", ARG_REST, .help = "IP/MASK [IP/MASK...] ETH: addresses, and the Ethernet address to "
                                "answer with"},
    {0},
};

static const struct handler handlers[] = {
    {"remove", .write = write_remove, .help = "IP/MASK: deletes that entry"},
    {"add", .write = write_add, .help = "IP/MASK [IP/MASK...] ETH: adds or replaces entries"},
    {"lookup", HANDLER_PARAMETER, .read = read_lookup,
     .help = "the Ethernet address that the address given is answered with"},
    {"table", .read = read_table, .help = "IP/MASK ETH, one entry per line"},
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = offsetof(struct arp_responder, drops),
     .help = "packets that were not for us to answer and had no output 1 to go to"},
    {0},
};

ELEMENT_CLASS(arp_responder) = {
    .name = "ARPResponder", .ports = PORTS_1_1X2, .processing = PROCESSING_A_AH,
    .size = sizeof(struct arp_responder), .arguments = arguments, .handlers = handlers,
    .live_config = true, .configure = configure, .cleanup = cleanup, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct arp_responder, drops)),
    .offload = true, .group = "ethernet", .purpose = "answers ARP requests",
    .manual =
        "Takes ARP requests with their Ethernet header. One for an address that matches an entry (the "
        "longest prefix counts) comes out as the reply; anything else goes to output 1, or is "
        "dropped when that is not connected. The VLAN annotation is kept.\n"
        "A name that AddressInfo gives to both an IP and an Ethernet address is an entry by itself.",
};
