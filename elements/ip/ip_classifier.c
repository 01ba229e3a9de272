// SPDX-License-Identifier: BSD-2-Clause
/*
 * IPClassifier(PATTERN, ..., PATTERN)
 *
 * Sends each packet to the output of the first pattern that it matches. .manual describes the
 * language (read by ip_expression.c), classify_program.h how it runs.
 */
#include <stdlib.h>

#include "elements/ip/ip_rules.h"
#include "router/router.h"

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct ip_rules_element *c = element_as(struct ip_rules_element, e);

    if (rest->n != e->n_outputs)
        return element_error(e, errors, "need %u arguments, one per output port", e->n_outputs);
    if (!ip_rules_make(&c->rules, rest, false, e, errors))
        return false;
    for (unsigned i = 0; i < rest->n && !e->initialized; i++)
        if (classify_rule_is_dead(c->rules.program, i))
            errors_warn(errors, NULL, "output %u matches no packets", i);
    return true;
}

static int read_pattern(struct element *e, const struct handler_call *call, struct text *out)
{
    text_puts(out, element_as(struct ip_rules_element, e)->rules.rule[call->index].text);
    return 0;
}

/* A configuration with one pattern replaced: it is compiled as a whole, or nothing changes. */
static int write_pattern(struct element *e, const struct handler_call *call)
{
    struct text config = {0};
    struct words words;
    unsigned index;
    const struct handler *handler = handler_find(e->router, e, "config", &index);
    int result = -ENOMEM;

    if (!words_split_commas(&words, e->config)) {
        for (unsigned i = 0; i < words.n; i++) {
            text_puts(&config, i ? ", " : "");
            if (i == call->index)
                text_add(&config, call->value, call->length);
            else
                text_puts(&config, words.word[i]);
        }
        if (!config.failed)
            result = handler_call_write(e->router, e, handler, 0, text_string(&config),
                                        config.length, call->errors) ? 0 : -EINVAL;
    }
    if (result == -ENOMEM)
        element_error(e, call->errors, "out of memory");
    words_free(&words);
    text_free(&config);
    return result;
}

static const struct argument arguments[] = {
    {.name = "PATTERN", .kind = ARG_REST, .help = "what goes to this output; one per output"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "pattern%u", .read = read_pattern, .write = write_pattern,
     .help = "the pattern of an output; a write replaces it, unless it has errors"},
    {.name = "program", .read = ip_rules_read_program, .help = "size and shape of the compiled patterns"},
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct ip_rules_element, drops),
     .help = "packets dropped because no pattern matched"},
    {0},
};

ELEMENT_CLASS(ip_classifier) = {
    .name = "IPClassifier", .ports = "1/-", .processing = PUSH,
    .size = sizeof(struct ip_rules_element),
    .arguments = arguments, .handlers = handlers, .live_config = true,
    .configure = configure, .cleanup = ip_rules_cleanup,
    .push = ip_rules_push, .push_one = ip_rules_push_one, IP_RULES_THREADS,
    .offload = true, .group = "ip",
    .purpose = "sends IP packets to outputs by tcpdump-like patterns",
    .manual =
        "There is one pattern per output; a packet goes to the output of the first pattern "
        "that it matches, and is dropped when it matches none. Packets need their network "
        "header marked, as CheckIPHeader and MarkIPHeader do.\n"
        "\n"
        "Patterns are made of these, where DIR is src, dst, src or dst (meant when missing), "
        "or src and dst:\n"
        "  ip proto PROTO            the protocol, by name or number; short: tcp\n"
        "  DIR host ADDRESS          short: ADDRESS\n"
        "  DIR net ADDRESS/BITS      also ADDRESS mask MASK; short: ADDRESS/BITS\n"
        "  DIR [tcp|udp] port PORT   by name or number; short: www\n"
        "  icmp type TYPE            by name or number\n"
        "  tcp opt FLAG              syn, fin, ack, rst, psh, urg; short: syn\n"
        "  tcp win N                 the receive window\n"
        "  ip vers|hl|tos|dscp|ect|len|id|ttl N\n"
        "  ip ect, ip ce             congestion notification possible, experienced\n"
        "  ip frag, ip unfrag        is, is not a fragment\n"
        "  ip[POS:LEN] N             LEN bytes (1 to 4) at byte POS of the IP header\n"
        "  tcp[POS:LEN] N            the same of a transport header: tcp, udp, icmp, transp\n"
        "  DIR ether host ADDRESS    needs the MAC header marked\n"
        "  true, false\n"
        "Before a value may stand ==, !=, <, >, <= or >=, and before that & MASK. Terms combine "
        "by and (also &&, or nothing at all), or (||), not (!), parentheses, and A ? B : C with "
        "spaces around the colon. What was said before need not be said again: src port 80 or "
        "443. The patterns -, any and all match every packet.\n"
        "\n"
        "Ports, ICMP types, TCP flags and fields of transport headers are looked for in "
        "unfragmented packets and first fragments only. Hence port != 80 matches TCP and UDP "
        "packets with other ports, while not port 80 matches all other packets. Likewise no "
        "comparison holds for bytes that a packet is too short to have.\n"
        "\n"
        "Example: IPClassifier(10.0.0.0/24 and syn, dst tcp port 8000 or 8080, tcp, -)",
};
