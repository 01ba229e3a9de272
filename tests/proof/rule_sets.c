// SPDX-License-Identifier: BSD-2-Clause
/* rule_sets.c - random rule sets and packets at their borders; see rule_sets.h. */
#include "tests/proof/rule_sets.h"

#include <stdlib.h>
#include <string.h>

#include "router/headers.h"

static uint64_t dice = 1;

void proof_seed(uint64_t seed)
{
    dice = seed * 0x9E3779B97F4A7C15u + 1;
    for (unsigned i = 0; i < 4; i++)
        proof_chance(2);
}

uint32_t proof_chance(uint32_t n)       /* xorshift* (Vigna, 2016) */
{
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (uint32_t)((dice * 0x2545F4914F6CDD1Du) >> 33) % n;
}

#define chance proof_chance
#define ANY_OF(list) ((list)[chance(sizeof(list) / sizeof(list)[0])])

/* ---- what the rules of one set are drawn from: little, so that they overlap ---- */

static uint32_t addresses[6];
static uint16_t ports[6];
static uint64_t ethers[3];

static void draw_pools(void)
{
    static const uint32_t bases[] = {0x0A000000, 0x0A000000, 0xC0A80000, 0x02000000, 0x80000000, 0};
    static const uint16_t known[] = {0, 1, 20, 22, 53, 79, 80, 81, 123, 443, 1023, 1024, 8080, 32767,
                                     32768, 65534, 65535};

    for (unsigned i = 0; i < 6; i++) {
        addresses[i] = ANY_OF(bases) | chance(1u << ANY_OF(((const uint8_t[]){2, 4, 8, 12, 16, 24, 31})));
        ports[i] = chance(3) ? ANY_OF(known) : (uint16_t)chance(65536);
    }
    for (unsigned i = 0; i < 3; i++)
        ethers[i] = (uint64_t)0x0200 << 32 | chance(3) << (chance(2) ? 0 : 16) | (uint64_t)chance(2) << 40;
    ethers[2] = chance(2) ? 0xFFFFFFFFFFFF : ethers[2];
}

/* ---- a rule while it is written ---- */

static struct proof_rule *writing;
static struct pin pins[PROOF_PINS_MAX];
static unsigned n_pins;

static void say(const char *s)
{
    text_puts(&writing->text, s);
}

static void pin(enum pin_place place, unsigned offset, unsigned size, uint64_t mask, uint64_t value)
{
    if (n_pins < PROOF_PINS_MAX)
        pins[n_pins++] = (struct pin){(uint8_t)place, (uint8_t)size, (uint16_t)offset, mask, value};
}

static void pin_first_fragment(void)
{
    pin(PIN_IP, 6, 2, IP_OFFSET_MASK, 0);
}

static const char *side(unsigned *which)
{
    static const char *const words[] = {"", "src ", "dst ", "src or dst ", "src and dst ", "dest "};
    unsigned i = chance(3) ? 1 + chance(2) : chance(6);

    *which = i == 1 ? 1 : i == 2 || i == 5 ? 2 : i == 4 ? 3 : 1 + chance(3);
    if (*words[i] && !chance(20))       /* in the middle of a term, which it inverts as a whole */
        say(ANY_OF(((const char *const[]){"not ", "! "})));
    return words[i];
}

/* As written; people mostly mean "is". */
static const char *relation(void)
{
    static const char *const words[] = {"", "", "", "= ", "== ", "!= ", "< ", "> ", "<= ", ">= "};

    return ANY_OF(words);
}

static uint32_t some_mask(uint32_t full)
{
    uint32_t mask = chance(3) ? full & ~(full >> (1 + chance(8))) : chance(65536) * 65537u & full;

    return mask ? mask : full;
}

/* ---- terms ---- */

static void say_protocol(void)
{
    static const struct { const char *text; uint8_t value; } protocols[] = {
        {"tcp", 6}, {"tcp", 6}, {"udp", 17}, {"udp", 17}, {"icmp", 1}, {"ip proto 47", 47},
        {"proto gre", 47}, {"proto != tcp", 7}, {"proto 6", 6}, {"tcpudp", 17},
        {"ip proto < 17", 17}, {"proto >= 6", 6},
        {"proto & 0x0F == 1", 1}, {"ip proto tcp or 17", 17}, {"proto 1 or udp", 17}, {"proto 255", 255},
        {"ip proto <= 255", 3}, {"ip proto & 0x81 != 1", 1}, {"sctp", 132}, {"transp", 6},
    };
    unsigned i = chance(sizeof protocols / sizeof *protocols);

    say(protocols[i].text);
    pin(PIN_IP, 9, 1, 0xFF, protocols[i].value);
}

static void pin_address(unsigned which, uint32_t mask, uint32_t address)
{
    if (which & 1)
        pin(PIN_IP, 12, 4, mask, address);
    if (which & 2)
        pin(PIN_IP, 16, 4, mask, address);
}

static void say_dotted(uint32_t a)
{
    text_printf(&writing->text, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

static void say_host(void)
{
    uint32_t address = ANY_OF(addresses), mask = UINT32_MAX;
    unsigned which;

    if (!chance(8))
        say(ANY_OF(((const char *const[]){"tcp ", "udp ", "ip "})));
    say(side(&which));
    say(chance(2) ? "host " : "");
    if (!chance(10)) {
        mask = some_mask(UINT32_MAX);
        if (chance(2)) {
            text_printf(&writing->text, "& 0x%X ", mask);
        } else {
            say("& ");
            say_dotted(mask);
            say(" ");
        }
    }
    say(ANY_OF(((const char *const[]){"", "", "= ", "== ", "!= "})));
    say_dotted(address);
    pin_address(which, mask, address);
    while (!chance(4)) {
        say(chance(6) ? " or " : " and ");
        address = ANY_OF(addresses);
        say_dotted(address);
        pin_address(which, UINT32_MAX, address);
    }
}

static void say_net(void)
{
    uint32_t address = ANY_OF(addresses), mask;
    unsigned which, length = ANY_OF(((const uint8_t[]){0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 30, 31, 32}));
    const char *direction = side(&which);

    mask = length ? UINT32_MAX << (32 - length) : 0;
    if (chance(4))                      /* people write the network's address, mostly */
        address &= mask;
    say(direction);
    say(!chance(3) && *direction ? "" : "net ");
    say(ANY_OF(((const char *const[]){"", "", "", "!= "})));
    say_dotted(address);
    switch (chance(6)) {
    case 0:
        say(" mask ");
        mask = chance(2) ? mask : some_mask(UINT32_MAX);
        say_dotted(mask);
        break;
    case 1:
        say("/");
        mask = chance(2) ? mask : some_mask(UINT32_MAX);
        say_dotted(mask);
        break;
    default:
        text_printf(&writing->text, "/%u", length);
    }
    pin_address(which, mask, address);
}

static void pin_port(unsigned which, uint32_t mask, unsigned port)
{
    pin(PIN_IP, 9, 1, 0xFF, chance(2) ? 6 : 17);
    pin_first_fragment();
    if (which & 1)
        pin(PIN_TRANSPORT, 0, 2, mask, port);
    if (which & 2)
        pin(PIN_TRANSPORT, 2, 2, mask, port);
}

static void say_port(void)
{
    static const struct { const char *name; uint16_t port; } named[] = {
        {"www", 80}, {"https", 443}, {"ssh", 22}, {"ftp", 21}, {"ntp", 123}, {"domain", 53},
    };
    static const char *const protocols[] = {"", "", "tcp ", "udp ", "tcpudp "};
    const char *protocol = ANY_OF(protocols), *how = relation();
    unsigned which, port = ANY_OF(ports), mask = 0xFFFF, i = chance(6);

    say(chance(2) ? protocol : "");
    say(side(&which));
    say("port ");
    if (!chance(12)) {
        mask = some_mask(0xFFFF);
        text_printf(&writing->text, "& 0x%x ", mask);
    }
    say(how);
    if (chance(4)) {
        text_printf(&writing->text, "%u", port);
    } else {
        port = named[i].port;
        say(named[i].name);
    }
    pin_port(which, mask, port);
    while (!*how && !chance(3)) {
        port = ANY_OF(ports);
        text_printf(&writing->text, "%s%u", chance(8) ? " or " : " || ", port);
        pin_port(which, 0xFFFF, port);
    }
}

/* src port >= 1024 and src port <= 2047 */
static void say_port_range(void)
{
    unsigned which = 1 + chance(2), low = ANY_OF(ports);
    unsigned high = low + chance(ANY_OF(((const uint16_t[]){3, 400, 9000})));
    const char *direction = which == 1 ? "src" : "dst";

    if (high > 65535)
        high = 65535;
    if (chance(2))
        text_printf(&writing->text, "%s port >= %u && %s port <= %u", direction, low, direction, high);
    else
        text_printf(&writing->text, "%s port > %u and not %s port > %u", direction, low, direction, high);
    pin_port(which, 0xFFFF, low);
    pin_port(which, 0xFFFF, high);
}

static void say_tcp_option(void)
{
    static const struct { const char *name; uint8_t bit; } flags[] = {
        {"syn", TCP_SYN}, {"ack", TCP_ACK}, {"fin", TCP_FIN}, {"rst", TCP_RST}, {"psh", TCP_PSH},
        {"urg", TCP_URG},
    };
    unsigned i = chance(6), bits = flags[i].bit;

    switch (chance(4)) {
    case 0: say(flags[i].name); break;
    case 1: text_printf(&writing->text, "opt %s", flags[i].name); break;
    case 2: text_printf(&writing->text, "tcp opt %u", bits = chance(256)); break;
    default: text_printf(&writing->text, "tcp opt %s", flags[i].name); break;
    }
    pin(PIN_IP, 9, 1, 0xFF, 6);
    pin_first_fragment();
    pin(PIN_TRANSPORT, 13, 1, bits, bits);
}

static void say_icmp(void)
{
    static const struct { const char *name; uint8_t type; } named[] = {
        {"echo", 8}, {"echo-reply", 0}, {"unreachable", 3}, {"timeexceeded", 11}, {"redirect", 5},
    };
    unsigned i = chance(5), type = named[i].type;

    say("icmp type ");
    if (!chance(4))
        say(relation());
    if (chance(3))
        say(named[i].name);
    else
        text_printf(&writing->text, "%u", type = ANY_OF(((const uint8_t[]){0, 3, 5, 8, 9, 11, 255})));
    if (!chance(4))
        say(" or 0");
    pin(PIN_IP, 9, 1, 0xFF, 1);
    pin_first_fragment();
    pin(PIN_TRANSPORT, 0, 1, 0xFF, type);
}

/* A number with a relation, perhaps under a mask, perhaps one of two. */
static uint32_t say_number(uint32_t full, uint32_t value, uint32_t *mask)
{
    const char *how = relation();

    /* An order under a mask with holes costs the compiler time: rarely. */
    *mask = full;
    if (!chance(6)) {
        *mask = *how == '<' || *how == '>' ? full & ~(full >> (1 + chance(8))) : some_mask(full);
        if (!chance(60))
            *mask = some_mask(full);
        if (!*mask)
            *mask = full;
        text_printf(&writing->text, chance(2) ? "& 0x%X " : "& %u ", *mask);
    }
    text_printf(&writing->text, "%s%u", how, value);
    return value;
}

static void say_ip_field(void)
{
    static const struct {
        const char *name;
        uint8_t offset, size, shift;
        uint16_t full, values[4];
    } fields[] = {
        {"vers", 0, 1, 4, 15, {4, 5, 0, 15}}, {"hl", 0, 1, 0, 15, {5, 6, 7, 15}},
        {"tos", 1, 1, 0, 255, {0, 4, 16, 255}}, {"dscp", 1, 1, 2, 63, {0, 1, 46, 63}},
        {"len", 2, 2, 0, 65535, {0, 20, 40, 1500}},
        {"id", 4, 2, 0, 65535, {0, 1, 255, 65535}}, {"ttl", 8, 1, 0, 255, {0, 1, 63, 64}},
    };
    unsigned i = chance(7), value;
    uint32_t mask;

    text_printf(&writing->text, "%s%s ", chance(2) ? "ip " : "", fields[i].name);
    value = chance(6) ? fields[i].values[chance(4)] : chance(fields[i].full + 1u);
    value = say_number(fields[i].full, value, &mask);
    pin(PIN_IP, fields[i].offset, fields[i].size, (uint64_t)mask << fields[i].shift,
        (uint64_t)value << fields[i].shift);
}

static void say_flag(void)
{
    static const struct { const char *text; uint8_t offset, size; uint16_t mask, value; } flags[] = {
        {"ip frag", 6, 2, 0x3FFF, 0x2000}, {"frag", 6, 2, 0x3FFF, 1}, {"ip unfrag", 6, 2, 0x3FFF, 0},
        {"unfrag", 6, 2, 0x3FFF, 0}, {"ip ect", 1, 1, 3, 1}, {"ect", 1, 1, 3, 0}, {"ip ce", 1, 1, 3, 3},
        {"ip ect 2", 1, 1, 3, 2}, {"ip ect < 2", 1, 1, 3, 2},
    };
    unsigned i = chance(sizeof flags / sizeof *flags);

    say(flags[i].text);
    pin(PIN_IP, flags[i].offset, flags[i].size, flags[i].mask, flags[i].value);
}

/* ip[9], tcp[2:2] & 0xFFF0 != 80; mostly at few places, since fields are few in a program. */
static void say_bytes(bool anywhere)
{
    static const struct { const char *name; uint8_t protocol; } headers[] = {
        {"ip", 0}, {"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"transp", 0}, {"tcpudp", 6}, {"gre", 47},
    };
    static const uint32_t values[] = {
        0, 1, 5, 80, 255, 256, 1024, 65535, 65536, 65537, 0x1FFFF, 0x20000, 0x0A000001, UINT32_MAX};
    unsigned h = chance(7), size = 1 + chance(4), offset, value;
    uint32_t full = size == 4 ? UINT32_MAX : (1u << 8 * size) - 1, mask;

    offset = 4 * (anywhere ? chance(15) : chance(3)) + chance(5 - size);
    switch (size == 1 ? chance(2) : 2 + chance(3)) {
    case 0: text_printf(&writing->text, "%s[%u] ", headers[h].name, offset); break;
    case 2: text_printf(&writing->text, "%s[%u,%u] ", headers[h].name, offset, offset + size - 1); break;
    default: text_printf(&writing->text, "%s[%u:%u] ", headers[h].name, offset, size); break;
    }
    value = chance(4) ? ANY_OF(values) : (chance(65536) << 16 | chance(65536));
    value = say_number(full, value & full, &mask);
    if (headers[h].protocol)
        pin(PIN_IP, 9, 1, 0xFF, headers[h].protocol);
    if (h)
        pin_first_fragment();
    pin(h ? PIN_TRANSPORT : PIN_IP, offset, size, mask, value);
}

static void say_mac(uint64_t a)
{
    for (unsigned i = 6; i--;)
        text_printf(&writing->text, "%x%s", (unsigned)(a >> 8 * i & 255), i ? ":" : "");
}

static void say_ether(void)
{
    uint64_t address = ANY_OF(ethers), mask = 0xFFFFFFFFFFFF;
    unsigned which;

    say("ether ");
    say(side(&which));
    say(chance(2) ? "host " : "");
    if (!chance(4)) {
        mask = mask << 8 * chance(5) & mask;
        if (!chance(3))
            mask ^= (uint64_t)chance(65536) << 8 * chance(5);
        say("& ");
        say_mac(mask);
        say(" ");
    }
    say(ANY_OF(((const char *const[]){"", "", "== ", "!= "})));
    say_mac(address);
    if (which & 1)
        pin(PIN_MAC, 6, 6, mask, address);
    if (which & 2)
        pin(PIN_MAC, 0, 6, mask, address);
    if (!chance(6)) {
        say(" or ");
        say_mac(ANY_OF(ethers));
    }
}

static void say_term(bool anywhere)
{
    switch (chance(16)) {
    case 0: case 1: case 2: say_port(); break;
    case 3: case 4: say_net(); break;
    case 5: case 6: say_host(); break;
    case 7: say_protocol(); break;
    case 8: say_tcp_option(); break;
    case 9: say_icmp(); break;
    case 10: say_ip_field(); break;
    case 11: say_flag(); break;
    case 12: case 13: say_bytes(anywhere); break;
    case 14: say_ether(); break;
    default: if (chance(4)) say_port_range(); else say(chance(2) ? "true" : "false"); break;
    }
}

/* ---- expressions ---- */

static void say_expression(unsigned depth, bool anywhere)
{
    static const char *const ands[] = {" and ", " && ", " and ", " "};
    static const char *const ors[] = {" or ", " || "};
    static const char *const nots[] = {"not ", "!", "! "};
    unsigned kind = depth ? chance(8) : 0;
    bool bare = !chance(3);             /* without parentheses: precedence decides */

    if (kind < 2) {
        say_term(anywhere);
        return;
    }
    if (kind == 7) {
        say(ANY_OF(nots));
        say("(");
        say_expression(depth - 1, anywhere);
        say(")");
        return;
    }
    say(bare ? "" : "(");
    say_expression(depth - 1, anywhere);
    if (kind == 6) {
        say(bare ? " ? " : ") ? ");
        say(bare ? "" : "(");
        say_expression(depth - 1, anywhere);
        say(bare ? " : " : ") : (");
    } else if (kind < 4) {
        say(bare ? " or " : ")");
        say(bare ? "" : ANY_OF(ors));
        say(bare ? "" : "(");
    } else {
        say(bare ? " and " : ")");
        say(bare ? "" : ANY_OF(ands));
        say(bare ? "" : "(");
    }
    say_expression(depth - 1, anywhere);
    say(bare ? "" : ")");
}

/* An access list as people write it. */
static void say_acl(void)
{
    if (chance(3))
        say_net();
    else
        say_host();
    if (chance(2)) {
        say(" && ");
        say_protocol();
    }
    if (chance(2)) {
        say(chance(2) ? " && " : " and ");
        if (chance(3))
            say_port();
        else
            say_port_range();
    }
    if (!chance(4)) {
        say(" and not ");
        if (chance(2))
            say_tcp_option();
        else
            say_port();
    }
}

/*
 * Falls apart into very many conjunctions: (a or b) and (c or d) and ... over different fields, perhaps
 * more of them than a rule or a program can hold.
 */
static void say_many_parts(void)
{
    unsigned n = 3 + chance(11), first = chance(24);

    for (unsigned i = 0; i < n; i++) {
        unsigned value = chance(4), other = chance(256);

        text_printf(&writing->text, "(ip[%u] %u or ip[%u] ", first + i, value, first + i + n);
        if (chance(2)) {
            text_printf(&writing->text, "!= %u)", other);
            pin(PIN_IP, first + i + n, 1, 0xFF, other);
        } else {
            text_printf(&writing->text, "%u)", other);
        }
        pin(PIN_IP, first + i, 1, 0xFF, value);
        say(i + 1 < n ? " and " : "");
    }
}

static void say_simple(void)
{
    unsigned a = chance(1u << 16), port = ANY_OF(ports);

    text_printf(&writing->text, "src net 10.%u.%u.0/24 && dst port %u", a >> 8, a & 255, port);
    pin(PIN_IP, 12, 4, 0xFFFFFF00, 0x0A000000 | a << 8);
    pin_port(2, 0xFFFF, port);
}

static void say_mixed(void)
{
    say_expression(chance(4), false);
    if (chance(2)) {                    /* so that rules further down count, too */
        say(" and (");
        say_expression(1, false);
        say(")");
    }
}

static void say_scattered(void)
{
    say_expression(3, true);
}

/* ---- Classifier's patterns ---- */

static void say_clause(bool common)
{
    unsigned offset = common ? ANY_OF(((const uint8_t[]){0, 6, 12, 14, 23, 26, 30, 34, 36})) : chance(70);
    unsigned n = common ? ANY_OF(((const uint8_t[]){1, 2, 2, 4})) : 1 + chance(8);
    uint8_t value[8], mask[8];
    bool masked = !chance(3);
    uint64_t v = 0, m = 0;

    if (common && offset == 12)
        n = 2;
    for (unsigned i = 0; i < n; i++) {
        value[i] = ANY_OF(((const uint8_t[]){0, 0, 1, 6, 8, 0x0A, 0x11, 0x45, 0x50, 0xFF}));
        mask[i] = chance(2) ? 0xFF : ANY_OF(((const uint8_t[]){0, 0xF0, 0x0F, 0x80, 0x01, 0xFE, 0x3C}));
    }
    if (common && offset == 12) {
        value[0] = 8;
        value[1] = chance(2) ? 0 : 6;
    }
    say(!chance(5) ? chance(2) ? "!" : "! " : "");
    text_printf(&writing->text, "%u/", offset);
    for (unsigned i = 0; i < n; i++) {
        char digits[3];

        digits[0] = chance(12) ? "0123456789abcdef"[value[i] >> 4] : '?';
        digits[1] = chance(12) ? "0123456789ABCDEF"[value[i] & 15] : '?';
        digits[2] = 0;
        say(digits);
    }
    if (masked) {
        say("%");
        for (unsigned i = 0; i < n; i++)
            text_printf(&writing->text, "%02x", mask[i]);
    }
    for (unsigned i = 0; i < n && i < 6; i++) {
        v = v << 8 | value[i];
        m = m << 8 | (masked ? mask[i] : 0xFF);
    }
    pin(PIN_FRAME, offset, n < 6 ? n : 6, m, v);
}

static void say_pattern(bool common)
{
    if (!chance(30)) {
        say("-");
        return;
    }
    for (unsigned n = 1 + chance(common ? 4 : 8); n; n--) {
        say_clause(common);
        say(n > 1 ? " " : "");
    }
}

/* The first rules use up the fields that a program can have; those behind look at one of them and at others. */
static unsigned crowding;

static void say_crowding_pattern(void)
{
    unsigned offset = 2 * chance(28), beyond = 80 + chance(4), value = chance(3);

    if (crowding++ < 32) {
        text_printf(&writing->text, "%u/%04x", 2 * crowding, chance(65536));
        return;
    }
    text_printf(&writing->text, "%s%u/%04x %u/%02x", chance(4) ? "" : "!", offset, value, beyond, value);
    pin(PIN_FRAME, offset, 2, 0xFFFF, value);
    pin(PIN_FRAME, beyond, 1, 0xFF, value);
}

static void say_common_pattern(void) { say_pattern(true); }
static void say_odd_pattern(void) { say_pattern(false); }

/* ---- sets ---- */

static const struct style {
    const char *name;
    void (*say)(void);
    unsigned weight, kind, few, many;   /* rules; kind 1: of IP elements */
} styles[] = {
    {"access list", say_acl, 5, 1, 5, 100},
    {"long access list", say_acl, 1, 1, 200, 1000},
    {"simple", say_simple, 3, 1, 1, 200},
    {"long and simple", say_simple, 1, 1, 1000, 1000},
    {"a word of rules", say_simple, 1, 1, 62, 66},
    {"a block of rules", say_simple, 1, 1, 510, 514},
    {"mixed", say_mixed, 8, 1, 1, 40},
    {"many fields", say_scattered, 3, 1, 1, 60},
    {"many parts", say_many_parts, 2, 1, 1, 12},
    {"patterns", say_common_pattern, 4, 0, 1, 64},
    {"odd patterns", say_odd_pattern, 3, 0, 1, 80},
    {"crowding patterns", say_crowding_pattern, 2, 0, 30, 70},
};

static const struct style *some_style(void)
{
    unsigned total = 0, at;

    for (unsigned i = 0; i < sizeof styles / sizeof *styles; i++)
        total += styles[i].weight;
    at = chance(total);
    for (unsigned i = 0;; at -= styles[i++].weight)
        if (at < styles[i].weight)
            return &styles[i];
}

void rule_set_make(struct rule_set *set)
{
    const struct style *style = some_style();

    draw_pools();
    crowding = 0;
    set->style = style->name;
    set->kind = !style->kind ? SET_CLASSIFIER : chance(2) ? SET_IP_CLASSIFIER : SET_IP_FILTER;
    set->n = style->few + chance(style->many - style->few + 1);
    for (unsigned i = 0; i < set->n; i++) {
        writing = &set->rule[i];
        *writing = (struct proof_rule){0};
        n_pins = 0;
        style->say();
        writing->n_pins = n_pins;
        writing->pin = malloc((n_pins + 1) * sizeof *writing->pin);
        memcpy(writing->pin, pins, n_pins * sizeof *pins);
    }
    if (!chance(3)) {
        writing = &set->rule[set->n++];
        *writing = (struct proof_rule){0};
        say(set->kind == SET_CLASSIFIER || chance(2) ? "-" : "all");
    }
}

void rule_set_free(struct rule_set *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        text_free(&set->rule[i].text);
        free(set->rule[i].pin);
    }
    set->n = 0;
}

/* ---- packets ---- */

enum { LONGEST = 14 + 60 + 60 };

/* How closely a packet follows the pins of its rule: so many of 256 are set to something beside. */
static unsigned inaccuracy;

/* As asked, or next to it: by one, by one bit of the mask. */
static void set_pin(uint8_t *at, const struct pin *pin)
{
    uint64_t x = 0, wanted = pin->value, low = pin->mask & -pin->mask;

    if (chance(256) < inaccuracy)
        switch (chance(4)) {
        case 0: wanted += low; break;
        case 1: wanted -= low; break;
        case 2: wanted ^= 1ull << chance(8 * pin->size); break;
        default: return;
        }
    for (unsigned i = 0; i < pin->size; i++)
        x = x << 8 | at[i];
    x = (x & ~pin->mask) | (wanted & pin->mask);
    for (unsigned i = pin->size; i; x >>= 8)
        at[--i] = (uint8_t)x;
}

static void set_pins(uint8_t *start, uint8_t *end, const struct proof_rule *rule, enum pin_place place)
{
    for (unsigned i = 0; i < rule->n_pins; i++) {
        const struct pin *p = &rule->pin[i];

        if (p->place == place && start + p->offset + p->size <= end)
            set_pin(start + p->offset, p);
    }
}

static void make_plausible(uint8_t *frame)
{
    static const uint8_t protocols[] = {6, 6, 17, 17, 1, 47, 132, 0, 255};
    static const uint16_t fragments[] = {0, 0, 0, 0, IP_DF, IP_MF, 1, IP_MF | 5, 0x1FFF, 0x8000};
    struct ip_header *ip = (struct ip_header *)(frame + 14);
    uint8_t *transport;

    for (unsigned i = 0; i < LONGEST; i++)
        frame[i] = chance(4) ? 0 : (uint8_t)chance(256);
    for (unsigned i = 0; i < 12; i++)
        frame[i] = (uint8_t)(ANY_OF(ethers) >> 8 * (5 - i % 6));
    be16_put(frame + 12, chance(6) ? ETHERTYPE_IPV4 : ETHERTYPE_ARP);
    ip->version_ihl = (uint8_t)((chance(20) ? 0x40 : chance(16) << 4) | (chance(5) ? 5 : chance(16)));
    ip->tos = chance(2) ? 0 : (uint8_t)chance(256);
    ip->total_length = be16(ANY_OF(((const uint16_t[]){0, 20, 40, 41, 1500, 65535})));
    ip->id = be16((uint16_t)chance(65536));
    ip->fragment = be16(ANY_OF(fragments));
    ip->ttl = ANY_OF(((const uint8_t[]){0, 1, 2, 63, 64, 65, 255}));
    ip->protocol = ANY_OF(protocols);
    ip->src = be32(ANY_OF(addresses) ^ (chance(3) ? 0 : 1u << chance(32)));
    ip->dst = be32(ANY_OF(addresses) ^ (chance(3) ? 0 : 1u << chance(32)));
    transport = frame + 14 + ip_header_length(ip);
    be16_put(transport, (uint16_t)(ANY_OF(ports) + chance(3) - 1));
    be16_put(transport + 2, (uint16_t)(ANY_OF(ports) + chance(3) - 1));
}

/* Where a rule's border is: with all its bytes, with one less, or without. */
static uint32_t border_length(const struct proof_rule *rule, unsigned transport)
{
    const struct pin *p = rule->n_pins ? &rule->pin[chance(rule->n_pins)] : NULL;
    uint32_t at = chance(LONGEST);

    if (p && chance(4)) {
        at = p->offset + (p->place == PIN_IP ? 14 : p->place == PIN_TRANSPORT ? transport : 0);
        at += chance(3) ? p->size : chance(p->size + 1u);
        at -= chance(3) ? 0 : 1;
    }
    return at < LONGEST ? at : LONGEST;
}

struct packet *border_packet(const struct rule_set *set, bool whole)
{
    uint8_t frame[LONGEST];
    const struct proof_rule *rule = &set->rule[chance(set->n)];
    uint32_t length = LONGEST, transport;
    struct packet *p;

    /* All of them, but about one, or as it comes. */
    inaccuracy = ANY_OF(((const uint16_t[]){0, 256 / (rule->n_pins + 1), 100}));
    make_plausible(frame);
    set_pins(frame, frame + LONGEST, rule, PIN_FRAME);
    set_pins(frame, frame + LONGEST, rule, PIN_MAC);
    set_pins(frame + 14, frame + LONGEST, rule, PIN_IP);
    if (whole)                          /* a header that leaves room for the next one */
        frame[14] = (uint8_t)((frame[14] & 0xF0) | (frame[14] % 16 < 5 ? 5 : frame[14] % 16));
    transport = 14 + ip_header_length((struct ip_header *)(frame + 14));
    set_pins(frame + transport, frame + LONGEST, rule, PIN_TRANSPORT);
    if (!whole && chance(2))
        length = border_length(rule, transport);
    p = packet_make(packet_pool_capacity() - length, frame, length, 0);
    if (!p)
        return NULL;
    p->mac = p->data;
    p->network = length >= 14 ? p->data + 14 : NULL;
    p->transport = length >= transport ? p->data + transport : NULL;
    if (whole)
        return p;
    if (!chance(10))
        p->mac = NULL;
    if (!chance(10))
        p->network = NULL;
    else if (!chance(20))               /* the packet begins with the IP header, or something else */
        p->network = p->data + (length ? chance(length) : 0);
    if (!chance(12))
        p->transport = NULL;
    else if (!chance(20))
        p->transport = p->data + chance(length + 1);
    return p;
}
