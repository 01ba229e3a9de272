// SPDX-License-Identifier: BSD-2-Clause
/*
 * host_ether_filter.c - HostEtherFilter(ETHER): lets in what a network card called ETHER would.
 *
 * Needed behind a bridge or a promiscuous device, which also bring frames for others: a router
 * must not forward those. See .manual for the user's page.
 */
#include <string.h>

#include "router/element.h"
#include "router/headers.h"

struct host_ether_filter {
    struct element base;
    uint8_t address[6];
    bool drop_own, drop_other;
    uint32_t offset;
    uint64_t drops;
};

static enum packet_type type_of(const struct host_ether_filter *f, const struct eth_header *eth)
{
    static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

    if (memcmp(eth->dst, f->address, 6) == 0)
        return PACKET_HOST;
    if (memcmp(eth->dst, broadcast, 6) == 0)
        return PACKET_BROADCAST;
    return eth->dst[0] & 1 ? PACKET_MULTICAST : PACKET_OTHERHOST;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct host_ether_filter *f = element_as(struct host_ether_filter, e);
    const struct eth_header *eth;

    if (p->length >= sizeof *eth && p->length - sizeof *eth >= f->offset) {
        eth = (const struct eth_header *)(p->data + f->offset);
        p->type = (uint8_t)type_of(f, eth);
        if (!(f->drop_own && memcmp(eth->src, f->address, 6) == 0) &&
            !(f->drop_other && p->type == PACKET_OTHERHOST))
            return p;
    }
    f->drops++;
    element_push_or_free(e, 1, p);
    return NULL;
}
ELEMENT_ACTION(action)

static void setup(struct element *e)
{
    element_as(struct host_ether_filter, e)->drop_other = true;
}

static const struct argument arguments[] = {
    {.name = "ETHER", .kind = ARG_REQUIRED, .type = &arg_ether,
     .offset = offsetof(struct host_ether_filter, address), .help = "the host's address"},
    {.name = "DROP_OWN", .kind = ARG_OPTIONAL, .type = &arg_bool,
     .offset = offsetof(struct host_ether_filter, drop_own),
     .help = "drop frames that come from ETHER; false"},
    {.name = "DROP_OTHER", .kind = ARG_OPTIONAL, .type = &arg_bool,
     .offset = offsetof(struct host_ether_filter, drop_other),
     .help = "drop frames for other hosts; true"},
    {.name = "OFFSET", .kind = ARG_KEYWORD, .type = &arg_unsigned,
     .offset = offsetof(struct host_ether_filter, offset),
     .help = "where the Ethernet header begins; 0"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "ether", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_ether,
     .offset = offsetof(struct host_ether_filter, address), .help = "the host's address"},
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct host_ether_filter, drops), .help = "frames dropped"},
    {0},
};

ELEMENT_CLASS(host_ether_filter) = {
    .name = "HostEtherFilter", .ports = PORTS_1_1X2, .processing = PROCESSING_A_AH,
    .size = sizeof(struct host_ether_filter), .arguments = arguments, .handlers = handlers,
    .live_config = true, .setup = setup, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct host_ether_filter, drops)),
    .offload = true, .group = "ethernet", .purpose = "drops Ethernet frames for other hosts",
    .manual =
        "Sets the packet type annotation (host, broadcast, multicast or otherhost) by the "
        "destination address, as a network card with the address ETHER would. Frames for other "
        "hosts, with DROP_OWN those that come from ETHER, and those too short to tell are "
        "dropped, or go to output 1 if that is used.",
};
