// SPDX-License-Identifier: BSD-2-Clause
/*
 * GetIPAddress([OFFSET], [ANNO], [IP])
 *
 * Puts an address out of the packet into an annotation, by default the destination
 * annotation that lookups and ARPQuerier go by. A packet too short for it gets 0.0.0.0, which
 * these refuse.
 */
#include "elements/ip/ip_packet.h"
#include "router/element.h"

enum { FROM_SRC = -1, FROM_DST = -2 };

struct get_ip_address {
    struct element base;
    int32_t offset;                 /* or FROM_* */
    uint32_t anno;
    struct arg_string which;        /* "src", "dst" */
    bool offset_given;
};

static void setup(struct element *e)
{
    struct get_ip_address *g = element_as(struct get_ip_address, e);

    g->offset = FROM_SRC;
    g->anno = ANNO_DST_IP;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct get_ip_address *g = element_as(struct get_ip_address, e);
    bool offset = g->offset_given && g->offset >= 0;

    (void)rest;
    if (offset == (g->which.s != NULL))
        return element_error(e, errors, "set one of OFFSET, IP");
    if (offset)
        return true;
    if (strcmp(g->which.s, "src") != 0 && strcmp(g->which.s, "dst") != 0)
        return element_error(e, errors, "bad IP");
    g->offset = g->which.s[0] == 's' ? FROM_SRC : FROM_DST;
    return true;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct get_ip_address *g = element_as(struct get_ip_address, e);
    uint32_t address = 0;

    if (g->offset >= 0) {
        if ((uint64_t)g->offset + sizeof address <= p->length)
            memcpy(&address, p->data + g->offset, sizeof address);
    } else if (packet_network_length(p) >= sizeof(struct ip_header)) {
        const struct ip_header *ip = (const struct ip_header *)p->network;

        address = g->offset == FROM_SRC ? ip->src : ip->dst;
    }
    packet_set_anno_u32(p, g->anno, address);
    return p;
}
ELEMENT_ACTION(action)

#define AT(member) offsetof(struct get_ip_address, member)

static const struct argument arguments[] = {
    {"OFFSET", ARG_OPTIONAL, &arg_int, AT(offset), .given = AT(offset_given),
     .help = "where in the packet the address stands, bytes; 16 for an IP header's destination"},
    {"ANNO", ARG_OPTIONAL, &arg_anno_u32, AT(anno), .help = "the annotation; default DST_IP"},
    {"IP", ARG_KEYWORD, &arg_string, AT(which),
     .help = "instead of OFFSET: src or dst of the marked IP header"},
    {0},
};

ELEMENT_CLASS(get_ip_address) = {
    .name = "GetIPAddress", .ports = PORTS_1_1, .processing = AGNOSTIC,
    .size = sizeof(struct get_ip_address), .arguments = arguments, .setup = setup,
    .configure = configure, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .offload = true, .group = "ip", .purpose = "sets the destination annotation from the packet",
    .manual = "Packets that are too short, or that have no marked IP header when IP is given, get "
              "0.0.0.0.",
};
