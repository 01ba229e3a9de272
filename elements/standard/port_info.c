// SPDX-License-Identifier: BSD-2-Clause
/*
 * port_info.c - PortInfo(NAME PORT[/PROTOCOL], ...): names for TCP and UDP ports.
 *
 * Without a protocol the name means both. As in /etc/services: more names for the port may
 * follow, and a word that begins with # ends the argument. Scopes as for AddressInfo.
 */
#include <stdlib.h>
#include <string.h>

#include "router/element.h"
#include "router/headers.h"
#include "router/names.h"

/* "80", "80/tcp" */
static bool read_port(struct element *e, const char *text, uint32_t *port, uint32_t *protocol)
{
    char number[16];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    uint64_t v;

    if (length >= sizeof number)
        return false;
    memcpy(number, text, length);
    number[length] = '\0';
    if (!args_read_unsigned(number, UINT16_MAX, &v))
        return false;
    *port = (uint32_t)v;
    *protocol = NAMES_PROTO_TCP_OR_UDP;
    return !slash || names_find(e, NAME_IP_PROTO, slash + 1, protocol, sizeof *protocol);
}

static bool define(struct element *e, const char *name, uint32_t port, uint32_t protocol)
{
    bool tcp = protocol == IP_PROTO_TCP || protocol == NAMES_PROTO_TCP_OR_UDP;
    bool udp = protocol == IP_PROTO_UDP || protocol == NAMES_PROTO_TCP_OR_UDP;

    return (!tcp || names_define(e, NAME_TCP_PORT, name, &port, sizeof port) == 0) &&
           (!udp || names_define(e, NAME_UDP_PORT, name, &port, sizeof port) == 0);
}

static bool define_all(struct element *e, const struct words *words, struct errors *errors)
{
    uint32_t port, protocol;
    bool ok = true;

    if (words->n && words->word[0][0] != '#') {
        if (words->n < 2 || !read_port(e, words->word[1], &port, &protocol)) {
            ok = element_error(e, errors, "expected 'NAME PORT/PROTO'");
        } else {
            if (protocol != IP_PROTO_TCP && protocol != IP_PROTO_UDP &&
                protocol != NAMES_PROTO_TCP_OR_UDP)
                errors_warn(errors, NULL, "'%s': only ports of TCP and UDP have names",
                            words->word[1]);
            for (unsigned i = 0; ok && i < words->n && words->word[i][0] != '#'; i++)
                if (i != 1 && !define(e, words->word[i], port, protocol))
                    ok = element_error(e, errors, "out of memory");
        }
    }
    return ok;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    return names_configure(e, rest, errors, define_all);
}

static const struct argument arguments[] = {
    {.name = "NAME PORT/PROTOCOL", .kind = ARG_REST, .type = &arg_text,
     .help = "a name, and its port; protocol tcp or udp, default both"},
    {0},
};

ELEMENT_CLASS(port_info) = {
    .name = "PortInfo", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct element), .arguments = arguments, .phase = PHASE_INFO,
    .configure = configure,
    .group = "standard", .purpose = "names for TCP and UDP ports",
};
