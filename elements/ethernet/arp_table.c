// SPDX-License-Identifier: BSD-2-Clause
/*
 * ARPTable([CAPACITY, ENTRY_CAPACITY, ENTRY_PACKET_CAPACITY, CAPACITY_SLIM_FACTOR, TIMEOUT])
 *
 * A cache of Ethernet addresses that several ARPQueriers share. It has no ports; the work
 * is in arp_cache.c.
 */
#include "elements/ethernet/arp_cache.h"

struct arp_table {
    struct element base;
    struct arp_cache cache;
};

static struct arp_cache *cache_of(struct element *e)
{
    return &element_as(struct arp_table, e)->cache;
}

static void setup(struct element *e)
{
    arp_cache_setup(cache_of(e), e);
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    (void)rest;
    (void)errors;
    arp_cache_configure(cache_of(e));
    return true;
}

static bool initialize(struct element *e, struct errors *errors)
{
    return arp_cache_start(cache_of(e)) == 0 || element_error(e, errors, "out of memory");
}

static void take_state(struct element *e, struct element *predecessor)
{
    arp_cache_take(cache_of(e), cache_of(predecessor));
}

static void cleanup(struct element *e)
{
    arp_cache_destroy(cache_of(e));
}

static void *cast(struct element *e, const char *interface)
{
    return strcmp(interface, ARP_CACHE_INTERFACE) == 0 ? cache_of(e) : NULL;
}

static int read_table(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    arp_cache_format(cache_of(e), out);
    return 0;
}

static int write_insert(struct element *e, const struct handler_call *call)
{
    return arp_cache_write_insert(cache_of(e), e, call);
}

static int write_delete(struct element *e, const struct handler_call *call)
{
    return arp_cache_write_delete(cache_of(e), e, call);
}

static int write_clear(struct element *e, const struct handler_call *call)
{
    (void)call;
    arp_cache_clear(cache_of(e));
    return 0;
}

static const struct argument arguments[] = {
    ARP_CACHE_ARGUMENTS(struct arp_table, cache),
    {0},
};

#define AT(member) offsetof(struct arp_table, member)

static const struct handler handlers[] = {
    {"clear", .write = write_clear,
     .help = "forgets all entries and drops the packets that wait"},
    {"delete", .write = write_delete, .help = "IP: makes that address unknown"},
    {"insert", .write = write_insert, .help = "IP ETH: adds or replaces an entry"},
    {"length", HANDLER_READ, .type = &arg_unsigned, .offset = AT(cache.n_packets),
     .help = "packets that wait for answers"},
    {"count", HANDLER_READ, .type = &arg_unsigned, .offset = AT(cache.n_entries),
     .help = "entries in the table"},
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = AT(cache.drops),
     .help = "packets dropped because no answer came or there was no room"},
    {"table", .read = read_table,
     .help = "one entry per line, oldest first: IP, 1 if its address is known, ETH, seconds since it "
             "was told"},
    {0},
};

ELEMENT_CLASS(arp_table) = {
    .name = "ARPTable", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct arp_table), .arguments = arguments, .handlers = handlers,
    .live_config = true, .setup = setup, .configure = configure, .initialize = initialize,
    .cleanup = cleanup, .take_state = take_state, .cast = cast,
    .group = "ethernet", .purpose = "holds Ethernet addresses for several ARPQueriers",
    .manual = "Give its name to ARPQuerier's TABLE argument. An entry whose TIMEOUT is over is no "
              "longer used and is removed within a moment; packets that waited for it are dropped. When another "
              "configuration takes the place of this one, an ARPTable of the same name goes on with its entries and "
              "with the packets that wait.",
};
