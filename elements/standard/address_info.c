// SPDX-License-Identifier: BSD-2-Clause
/*
 * address_info.c - AddressInfo(NAME ADDRESS..., ...): names for addresses and prefixes.
 *
 * Each argument gives one name to an IP address, an IP prefix and an Ethernet address, any
 * of them. "10.0.0.5/24" is both a prefix and, as it has bits beyond it, an address. Names
 * count in the compound of the AddressInfo and in what that contains, also above it in the
 * file.
 */
#include <stdlib.h>
#include <string.h>

#include "router/element.h"
#include "router/names.h"

enum { IS_ETHER = 1, IS_IP = 2, IS_PREFIX = 4 };

struct reading {
    unsigned types;
    uint8_t ether[6];
    uint32_t ip;
    struct arg_prefix prefix;
};

static void read_address(struct element *e, const char *text, struct reading *r)
{
    r->types = 0;
    if (args_read_ether(e, text, r->ether))
        r->types |= IS_ETHER;
    if (args_read_ip(e, text, &r->ip)) {
        r->types |= IS_IP;
    } else if (args_read_prefix(e, text, &r->prefix)) {
        r->types |= IS_PREFIX;
        r->ip = r->prefix.address;
        if (r->prefix.address & ~r->prefix.mask)
            r->types |= IS_IP;
    }
}

/*
 * What can be read in one way only counts as that, even if the name has one already;
 * what can be read in several adds only what the name has not.
 */
static int define(struct element *e, const char *name, const struct reading *r, unsigned have)
{
    unsigned wanted = r->types & (r->types - 1) ? r->types & ~have : r->types;
    struct arg_prefix net = r->prefix;
    int error = 0;

    if (wanted & IS_ETHER)
        error = names_define(e, NAME_ETHER, name, r->ether, sizeof r->ether);
    if (!error && wanted & IS_IP)
        error = names_define(e, NAME_IP, name, &r->ip, sizeof r->ip);
    if (!error && wanted & IS_PREFIX)
        error = names_define(e, NAME_IP_PREFIX, name, &net, sizeof net);
    return error;
}

static bool define_all(struct element *e, const struct words *words, struct errors *errors)
{
    unsigned types = 0;
    struct reading r;
    bool ok = true;

    if (words->n == 1)
        ok = element_error(e, errors, "expected 'NAME [ADDRS]'");
    for (unsigned i = 1; i < words->n; i++) {
        read_address(e, words->word[i], &r);
        if (!r.types)
            ok = element_error(e, errors, "'%s' is not a recognizable address", words->word[i]);
        else if (define(e, words->word[0], &r, types) < 0)
            ok = element_error(e, errors, "out of memory");
        types |= r.types;
    }
    return ok;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    return names_configure(e, rest, errors, define_all);
}

static const struct argument arguments[] = {
    {.name = "NAME ADDRESS...", .kind = ARG_REST, .type = &arg_text,
     .help = "a name, and its IP address, IP prefix, Ethernet address"},
    {0},
};

ELEMENT_CLASS(address_info) = {
    .name = "AddressInfo", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct element), .arguments = arguments, .phase = PHASE_INFO,
    .configure = configure,
    .group = "standard", .purpose = "names for addresses and prefixes",
    .manual = "A name stands wherever an address may. From a prefix come also NAME:bcast, its "
              "broadcast address, and NAME:gw, its first host; NAME:ip, NAME:net and NAME:eth say "
              "which of a name's addresses is meant. Names count in the compound element that "
              "the AddressInfo stands in and in those inside it.",
};
