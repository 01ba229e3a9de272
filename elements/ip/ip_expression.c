// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_expression.c - reads tcpdump-like expressions about IP packets; see ip_expression.h.
 *
 *     expression ::= disjunction [ "?" expression ":" expression ]
 *     disjunction ::= conjunction { ("or" | "||") conjunction }
 *     conjunction ::= factor { ["and" | "&&"] factor }
 *     factor      ::= ("not" | "!") factor | "(" expression ")" | term
 *     term        ::= "true" | "false"
 *                  |  { qualifier } ["[" POS [":" LEN] "]"] ["&" MASK] [relation] [data]
 *
 * Nearly every part of a term may be missing: it follows from the data ("www" means
 * port www) or from the term before ("src port 80 or 81"). So a term is read in two steps:
 * read_term() collects what is written, complete_term() finds out what was meant, and
 * then emit_term() makes the tests. All of this as Click does it, including:
 *
 * - "port != 5" is about TCP and UDP packets, "not port 5" about all others as well;
 * - what looks into a transport header holds for first fragments only;
 * - a value compared by == is cut down to the mask.
 */
#include "elements/ip/ip_expression.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/headers.h"
#include "router/names.h"

enum { NESTING_MAX = 32 };          /* parentheses and ?: within each other: the stack is small */

enum { NO_PROTOCOL = -1 };

enum direction { ANY_DIRECTION = 0, SRC, DST, SRC_AND_DST, SRC_OR_DST };

/* What a term is about; data have types of the same kind. */
enum kind {
    NOTHING = 0,
    HOST, NET, ETHER, PROTOCOL, PORT, TCP_OPTION, FRAGMENT, UNFRAGMENTED, ECT, CE,
    FIELD,                          /* bits of a header: struct term says which */
    NUMBER,                         /* data only */
    UNUSABLE,                       /* said wrongly, and reported */
};

/* Bits of the IP header (protocol NO_PROTOCOL) or of a transport header. */
struct bits {
    int protocol;
    unsigned offset, length;
};

struct type {
    const char *name;
    enum kind kind;
    struct bits bits;               /* for FIELD */
};

static const struct type types[] = {
    {"host", HOST, {0}}, {"net", NET, {0}}, {"proto", PROTOCOL, {0}}, {"port", PORT, {0}},
    {"opt", TCP_OPTION, {0}}, {"frag", FRAGMENT, {0}}, {"unfrag", UNFRAGMENTED, {0}},
    {"ect", ECT, {0}}, {"ce", CE, {0}},
    {"vers", FIELD, {NO_PROTOCOL, 0, 4}},
    {"hl", FIELD, {NO_PROTOCOL, 4, 4}},
    {"tos", FIELD, {NO_PROTOCOL, 8, 8}},
    {"dscp", FIELD, {NO_PROTOCOL, 8, 6}},
    {"len", FIELD, {NO_PROTOCOL, 16, 16}},
    {"id", FIELD, {NO_PROTOCOL, 32, 16}},
    {"ttl", FIELD, {NO_PROTOCOL, 64, 8}},
    {"type", FIELD, {IP_PROTO_ICMP, 0, 8}},
    {"win", FIELD, {IP_PROTO_TCP, 112, 16}},
};

static const struct { const char *name; unsigned bit; } tcp_options[] = {
    {"ack", TCP_ACK}, {"fin", TCP_FIN}, {"psh", TCP_PSH}, {"rst", TCP_RST}, {"syn", TCP_SYN},
    {"urg", TCP_URG},
};

struct number {
    enum kind kind;                 /* NUMBER, HOST, NET, ETHER or one of the name kinds; NOTHING */
    uint32_t u;                     /* host order, addresses too */
    uint32_t net_mask;              /* NET */
    uint8_t mac[6];                 /* ETHER */
};

enum relation { EQUAL, LESS, GREATER };

struct term {
    enum kind kind;
    struct bits bits;               /* FIELD */
    enum direction direction;
    int protocol;                   /* NO_PROTOCOL, a number, or one of NAMES_PROTO_* */
    char header;                    /* 'i', 'e'; 0: not said */
    enum relation relation;         /* complete_term() turns LESS into not GREATER */
    bool negated;                   /* the relation is !=, >= or <= */
    struct number data, mask;
    /* By complete_term(): the test itself. */
    uint32_t test_mask, value;
    bool always;                    /* the relation holds for all values, or (negated) for none */
};

struct reader {
    struct classify_rules *rules;
    const struct element *scope;
    const char *where;
    struct errors *errors;
    char **word;
    unsigned n, at;
    unsigned depth;
    struct term previous;
};

/* ---- messages ---- */

static bool complain(struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(struct reader *r, const char *format, ...)
{
    struct text t = {0};
    va_list args;

    va_start(args, format);
    text_vprintf(&t, format, args);
    va_end(args);
    errors_add(r->errors, NULL, "%s%s", r->where, text_string(&t));
    text_free(&t);
    return false;
}

static const char *kind_name(enum kind kind, const struct bits *bits, char buffer[24])
{
    static const char *const names[] = {
        [NOTHING] = "term", [HOST] = "ip host", [NET] = "ip net", [ETHER] = "ether host",
        [PROTOCOL] = "proto", [PORT] = "port", [TCP_OPTION] = "tcp opt", [FRAGMENT] = "ip frag",
        [UNFRAGMENTED] = "ip unfrag", [ECT] = "ip ect", [CE] = "ip ce", [NUMBER] = "number",
        [UNUSABLE] = "term",
    };
    const char *header;

    if (kind != FIELD)
        return names[kind];
    header = bits->protocol == NO_PROTOCOL ? "ip" : names_of(NAME_IP_PROTO,
                                                             (uint32_t)bits->protocol);
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].kind == FIELD && types[i].bits.protocol == bits->protocol
            && types[i].bits.offset == bits->offset && types[i].bits.length == bits->length) {
            snprintf(buffer, 24, "%s %s", header, types[i].name);
            return buffer;
        }
    snprintf(buffer, 24, "%s[...]", header ? header : "ip proto");
    return buffer;
}

/* Complains about the term as a whole: "'src ip host': address missing". */
static bool term_error(struct reader *r, const struct term *t, const char *message)
{
    static const char *const directions[] = {
        [ANY_DIRECTION] = "", [SRC] = "src ", [DST] = "dst ", [SRC_AND_DST] = "src and dst ",
        [SRC_OR_DST] = "src or dst ",
    };
    char buffer[24];

    return complain(r, "'%s%s': %s", directions[t->direction],
                    kind_name(t->kind, &t->bits, buffer), message);
}

/* ---- words ---- */

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("-./@_:", c));
}

/* Splits into operators and words; false: out of memory. */
static bool split(struct reader *r, const char *text)
{
    size_t length = strlen(text);
    char *store;

    /* Each word takes a byte of text at least, and a NUL. */
    r->word = malloc((length + 1) * sizeof *r->word + 2 * length + 1);
    if (!r->word)
        return false;
    store = (char *)(r->word + length + 1);
    for (const char *s = text; *s;) {
        size_t n = 1;

        if (isspace((unsigned char)*s)) {
            s++;
            continue;
        }
        if (strchr("&|", *s))
            n = s[1] == s[0] ? 2 : 1;
        else if (strchr("<>!=", *s))
            n = s[1] == '=' ? 2 : 1;
        else
            while (is_word_char(s[0]) && is_word_char(s[n]))
                n++;
        memcpy(store, s, n);
        store[n] = 0;
        r->word[r->n++] = store;
        store += n + 1;
        s += n;
    }
    return true;
}

static const char *word_at(const struct reader *r, unsigned i)
{
    return i < r->n ? r->word[i] : "";
}

static bool is(const struct reader *r, unsigned i, const char *a, const char *b)
{
    const char *w = word_at(r, i);

    return !strcmp(w, a) || !strcmp(w, b);
}

/* ---- names ---- */

static const struct type *find_type(const char *word)
{
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, word))
            return &types[i];
    return NULL;
}

static bool is_tcp_or_udp(int protocol, int which)
{
    return protocol == NO_PROTOCOL || protocol == NAMES_PROTO_TCP_OR_UDP || protocol == which;
}

/*
 * What the word names, seen from a term of this kind (NOTHING: not known yet) and protocol.
 * NOTHING: it is no name. UNUSABLE: several things, or nothing that fits; said unless quiet.
 */
static struct number find_name(struct reader *r, const char *word, const struct term *t,
                               bool quiet)
{
    bool icmp_type = t->kind == FIELD && t->bits.protocol == IP_PROTO_ICMP && !t->bits.offset
                     && t->bits.length == 8;
    struct candidate {
        const char *call;           /* how to say it unambiguously */
        enum kind kind;
        bool found, fits;
        uint32_t value;
    } c[] = {
        {"ip proto", PROTOCOL, false, t->kind == NOTHING || t->kind == PROTOCOL, 0},
        {"tcp port", PORT, false, (t->kind == NOTHING || t->kind == PORT)
                                      && is_tcp_or_udp(t->protocol, IP_PROTO_TCP), 0},
        {"udp port", PORT, false, (t->kind == NOTHING || t->kind == PORT)
                                      && is_tcp_or_udp(t->protocol, IP_PROTO_UDP), 0},
        {"tcp opt", TCP_OPTION, false, (t->kind == NOTHING || t->kind == TCP_OPTION)
                                           && is_tcp_or_udp(t->protocol, IP_PROTO_TCP), 0},
        {"icmp type", FIELD, false, (t->kind == NOTHING || icmp_type)
                                        && (t->protocol == NO_PROTOCOL
                                            || t->protocol == IP_PROTO_ICMP), 0},
    };
    enum { N = sizeof c / sizeof *c };
    static const enum name_kind kinds[N] = {NAME_IP_PROTO, NAME_TCP_PORT, NAME_UDP_PORT, 0,
                                            NAME_ICMP_TYPE};
    unsigned found = 0, fit = 0, which = 0;
    struct text t_try = {0};

    if (!word[strspn(word, "0123456789./")])        /* no name: spares the search */
        return (struct number){.kind = NOTHING};
    for (unsigned i = 0; i < N; i++) {
        if (c[i].kind != TCP_OPTION)
            c[i].found = names_find(r->scope, kinds[i], word, &c[i].value, sizeof c[i].value);
        for (unsigned k = 0; c[i].kind == TCP_OPTION
                             && k < sizeof tcp_options / sizeof *tcp_options; k++)
            if (!strcmp(tcp_options[k].name, word)) {
                c[i].found = true;
                c[i].value = tcp_options[k].bit;
            }
        found += c[i].found;
        c[i].fits &= c[i].found;
    }
    if (!found)
        return (struct number){.kind = NOTHING};
    if (c[1].fits && c[2].fits && c[1].value == c[2].value)
        c[2].fits = false;
    for (unsigned i = 0; i < N; i++)
        if (c[i].fits) {
            fit++;
            which = i;
        }
    if (fit == 1)
        return (struct number){.kind = c[which].kind, .u = c[which].value};
    if (!quiet) {
        for (unsigned i = 0; i < N; i++)
            if (c[i].found)
                text_printf(&t_try, "%s'%s %s'", t_try.length ? ", " : "", c[i].call, word);
        complain(r, "'%s' is %s; try %s", word, fit > 1 ? "ambiguous" : "meaningless",
                 text_string(&t_try));
        text_free(&t_try);
    }
    return (struct number){.kind = UNUSABLE};
}

/* ---- reading a term ---- */

static void set_kind(struct reader *r, struct term *t, enum kind kind, const struct bits *bits)
{
    if (t->kind)
        complain(r, "type specified twice");
    t->kind = kind;
    if (bits)
        t->bits = *bits;
}

static void set_protocol(struct reader *r, struct term *t, int protocol)
{
    if (t->protocol != NO_PROTOCOL && t->protocol != protocol)
        complain(r, "transport protocol specified twice");
    t->protocol = protocol;
}

static void set_direction(struct reader *r, struct term *t, enum direction direction)
{
    if (t->direction)
        complain(r, "'src' or 'dst' specified twice");
    t->direction = direction;
}

/* src, dst, src or dst, src and dst. */
static bool read_direction(struct reader *r, struct term *t)
{
    enum direction d = SRC;

    if (is(r, r->at, "dst", "dest")) {
        d = DST;
    } else if (!is(r, r->at, "src", "src")) {
        return false;
    } else if (is(r, r->at + 2, "dst", "dest")) {
        if (is(r, r->at + 1, "and", "&&"))
            d = SRC_AND_DST;
        else if (is(r, r->at + 1, "or", "||"))
            d = SRC_OR_DST;
        if (d != SRC)
            r->at += 2;
    }
    set_direction(r, t, d);
    return true;
}

/* One qualifier, r->at moved to its last word. `*inverted` is flipped by a "not". */
static bool read_qualifier(struct reader *r, struct term *t, bool *inverted)
{
    static const struct term unknown = {.protocol = NO_PROTOCOL};
    const char *word = word_at(r, r->at);
    const struct type *type = find_type(word);
    struct number name;

    if (type) {
        set_kind(r, t, type->kind, type->kind == FIELD ? &type->bits : NULL);
        if (type->kind == FIELD && type->bits.protocol != NO_PROTOCOL)
            set_protocol(r, t, type->bits.protocol);
        return true;
    }
    if (read_direction(r, t))
        return true;
    if (is(r, r->at, "ip", "ether")) {
        if (t->header)
            return false;
        t->header = *word;
        return true;
    }
    if (is(r, r->at, "not", "!")) {
        *inverted = !*inverted;
        return true;
    }
    /* After the words of the language: a system may call a protocol "ip". */
    name = find_name(r, word, &unknown, true);
    if (name.kind != PROTOCOL)
        return false;
    set_protocol(r, t, (int)name.u);
    return true;
}

/* POS, POS:LEN or POS,LAST between brackets, in bytes. */
static void read_brackets(struct reader *r, struct term *t)
{
    uint64_t position = 0, second = 1;
    char digits[32];
    char *mark = NULL;
    size_t n = 0;
    bool good, last_given = false;

    for (r->at++; r->at < r->n && strcmp(r->word[r->at], "]"); r->at++) {
        size_t length = strlen(r->word[r->at]);

        if (n + length < sizeof digits)
            memcpy(digits + n, r->word[r->at], length);
        n += length;
    }
    if (r->at == r->n) {
        complain(r, "missing ']'");
        return;
    }
    r->at++;
    good = n < sizeof digits;
    if (good) {
        digits[n] = 0;
        mark = strpbrk(digits, ":,");
        if (mark) {
            last_given = *mark == ',';
            *mark = 0;
            good = args_read_unsigned(mark + 1, 0xFFFF, &second);
        }
        good = good && args_read_unsigned(digits, 0xFFFF, &position);
    }
    if (!good || (last_given && second < position)) {
        complain(r, "syntax error after '[', expected '[POS]' or '[POS:LEN]'");
        return;
    }
    if (last_given)
        second = second - position + 1;
    if (second < 1 || second > 4)
        complain(r, "LEN in '[POS:LEN]' out of range, should be between 1 and 4");
    else if (position / 4 != (position + second - 1) / 4)
        complain(r, "field [%u:%u] does not fit in a single word", (unsigned)position,
                 (unsigned)second);
    else if (position > 8191)
        complain(r, "POS in '[POS:LEN]' out of range, bound 8191");
    else
        set_kind(r, t, FIELD,
                 &(struct bits){t->protocol, (unsigned)position * 8, (unsigned)second * 8});
}

static bool read_address(struct reader *r, const char *word, uint32_t *address)
{
    uint32_t a;

    if (!args_read_ip(r->scope, word, &a))
        return false;
    *address = be32(a);
    return true;
}

static void read_mask(struct reader *r, struct term *t)
{
    const char *word = word_at(r, r->at + 1);
    uint64_t u;

    if (args_read_unsigned(word, UINT32_MAX, &u))
        t->mask = (struct number){.kind = NUMBER, .u = (uint32_t)u};
    else if (t->header != 'e' && read_address(r, word, &t->mask.u))
        t->mask.kind = HOST;
    else if (t->header != 'i' && args_read_ether(r->scope, word, t->mask.mac))
        t->mask.kind = ETHER;
    else
        return;
    r->at += 2;
    if (t->mask.kind != ETHER && !t->mask.u) {
        complain(r, "zero mask ignored");
        t->mask.kind = NOTHING;
    }
}

/* False: the word is no relation. */
static bool read_relation(const char *word, struct term *t)
{
    static const struct { const char *sign; enum relation relation; bool negated; } relations[] = {
        {"=", EQUAL, false}, {"==", EQUAL, false}, {"!=", EQUAL, true}, {">", GREATER, false},
        {"<", LESS, false}, {">=", LESS, true}, {"<=", GREATER, true},
    };

    for (unsigned i = 0; i < sizeof relations / sizeof *relations; i++)
        if (!strcmp(word, relations[i].sign)) {
            t->relation = relations[i].relation;
            t->negated = relations[i].negated;
            return true;
        }
    return false;
}

static bool read_net(struct reader *r, const char *word, struct number *data)
{
    struct arg_prefix prefix;

    if (!args_read_prefix(r->scope, word, &prefix))
        return false;
    /* A plain address is a host, whatever args_read_prefix() makes of it. */
    if (args_read_ip(NULL, word, &(uint32_t){0}))
        return false;
    *data = (struct number){.kind = NET, .u = be32(prefix.address), .net_mask = be32(prefix.mask)};
    return true;
}

/* An address: a.b.c.d, a.b.c.d mask m, a.b.c.d/m, or a name. */
static bool read_ip_data(struct reader *r, const char *word, const struct term *t,
                         struct number *data)
{
    uint32_t address, mask;

    if (!read_address(r, word, &address))
        return read_net(r, word, data);
    if (is(r, r->at, "mask", "mask") && read_address(r, word_at(r, r->at + 1), &mask)) {
        r->at += 2;
        *data = (struct number){.kind = NET, .u = address, .net_mask = mask};
    } else if (t->kind != NET || !read_net(r, word, data)) {
        *data = (struct number){.kind = HOST, .u = address};
    }
    return true;
}

static void read_data(struct reader *r, struct term *t)
{
    const char *word = word_at(r, r->at);
    struct number name;
    uint64_t u;

    if (r->at == r->n)
        return;
    r->at++;
    name = find_type(word) && !t->kind ? (struct number){0} : find_name(r, word, t, false);
    if (name.kind == UNUSABLE) {
        t->kind = UNUSABLE;
    } else if (name.kind != NOTHING) {
        t->data = name;
    } else if (args_read_unsigned(word, UINT32_MAX, &u)) {
        t->data = (struct number){.kind = NUMBER, .u = (uint32_t)u};
    } else if (t->header != 'e' && read_ip_data(r, word, t, &t->data)) {
        return;
    } else if (t->header != 'i' && args_read_ether(r->scope, word, t->data.mac)) {
        t->data.kind = ETHER;
    } else {
        if (t->relation != EQUAL || t->negated)
            complain(r, "dangling operator near '%s'", word);
        r->at--;
    }
}

/* ---- what a term means ---- */

/* The term has no type of its own: it follows from the data, or from the term before. */
static bool infer_kind(struct reader *r, struct term *t)
{
    static const struct bits icmp_type = {IP_PROTO_ICMP, 0, 8};
    const struct term *before = &r->previous;
    enum kind kind = t->data.kind;

    t->bits = icmp_type;            /* the only FIELD that data can name */
    if (kind == NUMBER) {
        kind = before->kind;
        t->bits = before->bits;
        if (kind != FIELD && kind != PROTOCOL && kind != PORT)
            return complain(r, "specify header field or 'port'");
    }
    if (kind == NOTHING) {
        if (t->protocol == NO_PROTOCOL)
            return complain(r, "partial directive");
        kind = PROTOCOL;
    }
    t->kind = kind;
    if (!t->direction && (kind == HOST || kind == NET || kind == ETHER || kind == PORT
                          || kind == TCP_OPTION))
        t->direction = before->direction;
    if (kind == PORT && t->protocol == NO_PROTOCOL)
        t->protocol = before->protocol;
    if (kind == FIELD && t->protocol == NO_PROTOCOL)
        t->protocol = t->bits.protocol;
    return true;
}

/* Relation, value and mask of a number with bits `full`. */
static bool complete_number(struct reader *r, struct term *t, uint32_t full)
{
    static const char *const signs[3][2] = {{"=", "!="}, {"<", ">="}, {">", "<="}};
    uint32_t value = t->data.u, mask = t->mask.kind ? t->mask.u : full;
    char message[64];

    if (mask & ~full) {
        snprintf(message, sizeof message, "mask out of range, bound 0x%X", full);
        return term_error(r, t, message);
    }
    t->test_mask = mask;
    t->value = value;
    if (t->relation == EQUAL) {
        if (value <= full)
            return true;
        snprintf(message, sizeof message, "out of range, bound %u", full);
        return term_error(r, t, message);
    }
    if (t->relation == LESS ? value == 0 || value > mask : value >= mask) {
        bool holds = (t->relation == LESS && value > mask) != t->negated;

        errors_warn(r->errors, NULL, "%srelation '%s %u' is always %s (range 0-%u)", r->where,
                    signs[t->relation][t->negated], value, holds ? "true" : "false", mask);
        t->always = true;
        t->negated = !holds;
    } else if (t->relation == LESS) {       /* x < v is not x > v-1; v is not 0 */
        t->relation = GREATER;
        t->negated = !t->negated;
        t->value--;
    }
    return true;
}

static bool complete_address(struct reader *r, struct term *t)
{
    if (t->data.kind != t->kind)
        return term_error(r, t, "address missing");
    if (t->relation != EQUAL)
        return term_error(r, t, "operator not supported");
    if (t->kind == ETHER) {
        if (t->mask.kind && t->mask.kind != ETHER)
            return term_error(r, t, "bad mask");
        return true;
    }
    if (t->mask.kind == ETHER)
        return term_error(r, t, "bad mask");
    t->value = t->data.u;
    t->test_mask = t->mask.kind ? t->mask.u : t->kind == NET ? t->data.net_mask : UINT32_MAX;
    t->kind = HOST;
    return true;
}

static bool complete_protocol(struct reader *r, struct term *t)
{
    if (t->data.kind == NUMBER || t->data.kind == PROTOCOL) {
        if (t->protocol != NO_PROTOCOL && t->protocol != (int)t->data.u)
            return term_error(r, t, "specified twice");
    } else if (t->data.kind || t->protocol == NO_PROTOCOL) {
        return term_error(r, t, "value missing");
    } else {
        t->data.u = (uint32_t)t->protocol;
    }
    t->protocol = NO_PROTOCOL;
    if (t->data.u >= 256 && (t->relation != EQUAL || t->mask.kind))
        return term_error(r, t, "operator or mask not supported");
    if (t->mask.kind == HOST || t->mask.kind == ETHER)
        return term_error(r, t, "bad mask");
    if (t->data.u >= 256) {
        t->value = t->data.u;
        t->test_mask = 0xFF;
    } else if (!complete_number(r, t, 0xFF)) {
        return false;
    }
    if (t->relation == EQUAL && !t->negated && t->test_mask == 0xFF)
        t->protocol = (int)t->value;
    return true;
}

static bool complete_port(struct reader *r, struct term *t)
{
    if (t->data.kind != NUMBER && t->data.kind != PORT)
        return term_error(r, t, "value missing");
    if (t->protocol == NO_PROTOCOL)
        t->protocol = NAMES_PROTO_TCP_OR_UDP;
    else if (t->protocol != IP_PROTO_TCP && t->protocol != IP_PROTO_UDP
             && t->protocol != NAMES_PROTO_TCP_OR_UDP && t->protocol != IP_PROTO_DCCP)
        return complain(r, "'port': bad protocol %d", t->protocol);
    if (t->mask.kind && t->mask.kind != NUMBER)
        return term_error(r, t, "bad mask");
    return complete_number(r, t, 0xFFFF);
}

static bool complete_tcp_option(struct reader *r, struct term *t)
{
    if (t->data.kind != NUMBER && t->data.kind != TCP_OPTION)
        return term_error(r, t, "value missing");
    if (t->protocol == NO_PROTOCOL)
        t->protocol = IP_PROTO_TCP;
    else if (t->protocol != IP_PROTO_TCP)
        return complain(r, "'tcp opt': bad protocol %d", t->protocol);
    if (t->relation != EQUAL || t->negated || t->mask.kind)
        return term_error(r, t, "operator or mask not supported");
    if (t->data.u > 255)
        return complain(r, "'tcp opt': value %u out of range", t->data.u);
    t->value = t->test_mask = t->data.u;
    return true;
}

static bool complete_field(struct reader *r, struct term *t)
{
    unsigned n = t->bits.length;

    if (t->data.kind != NUMBER && t->data.kind != FIELD)
        return term_error(r, t, "value missing");
    if (t->mask.kind && t->mask.kind != NUMBER)
        return term_error(r, t, "bad mask");
    return complete_number(r, t, n == 32 ? UINT32_MAX : (1u << n) - 1);
}

/* Congestion notification and fragments: mostly words without a value. */
static bool complete_flag(struct reader *r, struct term *t)
{
    bool plain = t->data.kind == NOTHING && !t->mask.kind;

    if (t->kind == ECT && t->data.kind == NUMBER) {
        if (t->mask.kind && t->mask.kind != NUMBER)
            return term_error(r, t, "bad mask");
        return complete_number(r, t, 3);
    }
    if (!plain)
        return term_error(r, t, t->kind == ECT ? "value missing" : "value not supported");
    t->test_mask = t->kind == ECT || t->kind == CE ? 3 : IP_MF | IP_OFFSET_MASK;
    t->value = t->kind == CE ? 3 : 0;
    t->negated = t->kind == ECT || t->kind == FRAGMENT;     /* not zero */
    return true;
}

static bool complete_term(struct reader *r, struct term *t)
{
    bool direction_written = t->direction != ANY_DIRECTION, directed, good;
    char name[24];

    if (t->kind == UNUSABLE || (t->kind == NOTHING && !infer_kind(r, t)))
        return false;
    if (!t->header)
        t->header = t->data.kind == ETHER ? 'e' : 'i';
    if (t->header == 'e' && t->kind == HOST)
        t->kind = ETHER;
    if (t->header == 'i' && t->kind == ETHER)
        return term_error(r, t, "address missing");
    if (t->header == 'e' && t->kind != ETHER)
        return term_error(r, t, t->kind == NET ? "address missing" : "ip only");
    directed = t->kind == HOST || t->kind == NET || t->kind == ETHER || t->kind == PORT;
    switch (t->kind) {
    case HOST: case NET: case ETHER: good = complete_address(r, t); break;
    case PROTOCOL: good = complete_protocol(r, t); break;
    case PORT: good = complete_port(r, t); break;
    case TCP_OPTION: good = complete_tcp_option(r, t); break;
    case FIELD: good = complete_field(r, t); break;
    default: good = complete_flag(r, t); break;
    }
    if (!good)
        return false;
    if (directed && !t->direction)
        t->direction = SRC_OR_DST;
    else if (!directed && direction_written)
        errors_warn(r->errors, NULL, "%s'%s': 'src' or 'dst' ignored", r->where,
                    kind_name(t->kind, &t->bits, name));
    return true;
}

/* ---- tests ---- */

/* (x & mask) relation value as a test whose negation, too, fails without the bytes. */
static uint32_t emit_test(struct reader *r, const struct term *t, enum classify_base base,
                          unsigned offset, unsigned size, unsigned shift)
{
    enum classify_op op = t->relation == EQUAL ? t->negated ? CLASSIFY_NE : CLASSIFY_EQ
                                               : t->negated ? CLASSIFY_LE : CLASSIFY_GT;

    if (t->always)
        return classify_constant(r->rules, !t->negated);
    return classify_test(r->rules, base, offset, size, op, t->test_mask << shift,
                         t->value << shift);
}

static uint32_t emit_pair(struct reader *r, enum classify_kind kind, uint32_t a, uint32_t b)
{
    uint32_t pair = classify_group(r->rules, kind);

    classify_append(r->rules, pair, a);
    classify_append(r->rules, pair, b);
    return pair;
}

static uint32_t emit_protocol(struct reader *r, int protocol, bool other)
{
    enum classify_op op = other ? CLASSIFY_NE : CLASSIFY_EQ;
    struct classify_rules *rules = r->rules;

    if (protocol == NAMES_PROTO_TCP_OR_UDP)
        return emit_pair(r, other ? CLASSIFY_AND : CLASSIFY_OR,
                         classify_test(rules, CLASSIFY_NETWORK, 9, 1, op, 0xFF, IP_PROTO_TCP),
                         classify_test(rules, CLASSIFY_NETWORK, 9, 1, op, 0xFF, IP_PROTO_UDP));
    if (protocol == NAMES_PROTO_TRANSPORT || protocol == NAMES_PROTO_PAYLOAD)
        return classify_constant(rules, true);
    if (protocol > 255)
        return classify_constant(rules, other);
    return classify_test(rules, CLASSIFY_NETWORK, 9, 1, op, 0xFF, (uint32_t)protocol);
}

/* Two bytes of an address at the offset, i bytes into the address. */
static uint32_t emit_ether_part(struct reader *r, const struct term *t, unsigned offset, unsigned i,
                                enum classify_op op)
{
    return classify_test(r->rules, CLASSIFY_MAC, offset + i, 2, op,
                         t->mask.kind ? be16_get(&t->mask.mac[i]) : 0xFFFF, be16_get(&t->data.mac[i]));
}

/* Six bytes in three tests; != is one that differs, in an address that is there to its end. */
static uint32_t emit_ether(struct reader *r, const struct term *t, unsigned offset)
{
    enum classify_op op = t->negated ? CLASSIFY_NE : CLASSIFY_EQ;
    uint32_t group = classify_group(r->rules, t->negated ? CLASSIFY_OR : CLASSIFY_AND);
    unsigned last = 4;

    for (unsigned i = 0; i < 6; i += 2)
        classify_append(r->rules, group, emit_ether_part(r, t, offset, i, op));
    if (!t->negated)
        return group;
    while (last && t->mask.kind && !be16_get(&t->mask.mac[last]))
        last -= 2;
    return emit_pair(r, CLASSIFY_AND, group,
                     emit_pair(r, CLASSIFY_OR, emit_ether_part(r, t, offset, last, CLASSIFY_EQ),
                               emit_ether_part(r, t, offset, last, CLASSIFY_NE)));
}

/*
 * A test on the source, the destination, either or both. Negations concern the whole, as in
 * Click: "port != 80" says that neither is 80, "port < 1024" that both are lower.
 */
static uint32_t emit_directed(struct reader *r, const struct term *t)
{
    uint32_t side[2] = {0, 0};

    for (unsigned i = 0; i < 2; i++) {
        if (t->direction == (i ? SRC : DST))
            continue;
        if (t->kind == HOST)
            side[i] = emit_test(r, t, CLASSIFY_NETWORK, i ? 16 : 12, 4, 0);
        else if (t->kind == PORT)
            side[i] = emit_test(r, t, CLASSIFY_TRANSPORT, i ? 2 : 0, 2, 0);
        else
            side[i] = emit_ether(r, t, i ? 0 : 6);
    }
    if (t->direction == SRC || t->direction == DST)
        return side[t->direction == DST];
    return emit_pair(r, (t->direction == SRC_OR_DST) != t->negated ? CLASSIFY_OR : CLASSIFY_AND,
                     side[0], side[1]);
}

static uint32_t emit_field(struct reader *r, const struct term *t)
{
    unsigned first = t->bits.offset / 8, last = (t->bits.offset + t->bits.length - 1) / 8;
    unsigned shift = 7 - (t->bits.offset + t->bits.length - 1) % 8;

    return emit_test(r, t, t->bits.protocol == NO_PROTOCOL ? CLASSIFY_NETWORK
                                                           : CLASSIFY_TRANSPORT,
                     first, last - first + 1, shift);
}

static uint32_t emit_term(struct reader *r, const struct term *t)
{
    bool in_transport = t->kind == PORT || t->kind == TCP_OPTION
                        || (t->kind == FIELD && t->bits.protocol != NO_PROTOCOL);
    uint32_t group = classify_group(r->rules, CLASSIFY_AND), own = 0;

    if (t->kind == PROTOCOL && (t->protocol != NO_PROTOCOL || t->value > 255))
        return emit_protocol(r, (int)t->value, t->negated);
    if (t->protocol != NO_PROTOCOL)
        classify_append(r->rules, group, emit_protocol(r, t->protocol, false));
    if (in_transport)
        classify_append(r->rules, group, classify_test(r->rules, CLASSIFY_NETWORK, 6, 2,
                                                       CLASSIFY_EQ, IP_OFFSET_MASK, 0));
    switch (t->kind) {
    case HOST: case ETHER: case PORT: own = emit_directed(r, t); break;
    case PROTOCOL: own = emit_test(r, t, CLASSIFY_NETWORK, 9, 1, 0); break;
    case TCP_OPTION: own = emit_test(r, t, CLASSIFY_TRANSPORT, 13, 1, 0); break;
    case FIELD: own = emit_field(r, t); break;
    case FRAGMENT: case UNFRAGMENTED: own = emit_test(r, t, CLASSIFY_NETWORK, 6, 2, 0); break;
    default: own = emit_test(r, t, CLASSIFY_NETWORK, 1, 1, 0); break;   /* ECT, CE */
    }
    classify_append(r->rules, group, own);
    return group;
}

static uint32_t invert(struct reader *r, uint32_t node)
{
    uint32_t n = classify_group(r->rules, CLASSIFY_NOT);

    classify_append(r->rules, n, node);
    return n;
}

/* ---- the grammar; each returns the node, and 0 when nothing was there or it was wrong ---- */

static uint32_t read_term(struct reader *r)
{
    static const char *const ends[] = {")", "||", "or", "?", ":"};
    struct term t = {.protocol = NO_PROTOCOL};
    const char *word = word_at(r, r->at);
    unsigned first = r->at;
    bool inverted = false;
    uint32_t node;

    if (r->at == r->n)
        return 0;
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(word, ends[i]))
            return 0;
    if (is(r, r->at, "true", "false")) {
        r->at++;
        return classify_constant(r->rules, *word == 't');
    }
    while (r->at < r->n && read_qualifier(r, &t, &inverted))
        r->at++;
    if (r->at > first)              /* what was said before counts only for bare data */
        r->previous = (struct term){.protocol = NO_PROTOCOL};
    if (r->previous.kind == ETHER && args_read_ether(r->scope, word, (uint8_t[6]){0}))
        t.header = 'e';             /* a name that is an IP address, too */
    if (is(r, r->at, "[", "[") && r->at > first && t.kind == NOTHING)
        read_brackets(r, &t);
    if (is(r, r->at, "&", "&") && r->at + 1 < r->n)
        read_mask(r, &t);
    if (r->at + 1 < r->n && read_relation(r->word[r->at], &t))
        r->at++;
    read_data(r, &t);
    if (r->at == first) {
        complain(r, "empty term near '%s'", word_at(r, r->at));
        return 0;
    }
    if (!complete_term(r, &t))
        return 0;
    node = emit_term(r, &t);
    r->previous = t;
    return inverted ? invert(r, node) : node;
}

static uint32_t read_expression(struct reader *r);

static uint32_t read_factor(struct reader *r)
{
    bool inverted = false;
    unsigned first;
    uint32_t node;

    for (; is(r, r->at, "not", "!"); r->at++)
        inverted = !inverted;
    first = r->at;
    if (!is(r, r->at, "(", "(")) {
        node = read_term(r);
        if (first && r->at == first && is(r, first - 1, "not", "!"))
            complain(r, "missing expression after '%s'", r->word[first - 1]);
    } else if (++r->depth > NESTING_MAX) {
        complain(r, "more than %d parentheses within each other", NESTING_MAX);
        r->at = r->n;
        return 0;
    } else {
        r->at++;
        node = read_expression(r);
        if (r->at == first + 1)
            complain(r, "missing expression after '('");
        if (is(r, r->at, ")", ")"))
            r->at++;
        else
            complain(r, "missing ')'");
        r->depth--;
    }
    return inverted ? invert(r, node) : node;
}

static uint32_t read_conjunction(struct reader *r)
{
    uint32_t group = classify_group(r->rules, CLASSIFY_AND);
    bool needed = true;             /* juxtaposition is `and`, so a further factor may be missing */

    for (;;) {
        unsigned first = r->at;
        unsigned errors_before = r->errors->count;
        uint32_t node = read_factor(r);

        if (r->at == first) {
            if (needed && r->errors->count == errors_before)
                complain(r, "missing expression");
            return group;
        }
        classify_append(r->rules, group, node);
        needed = is(r, r->at, "and", "&&");
        r->at += needed;
    }
}

static uint32_t read_disjunction(struct reader *r)
{
    uint32_t first = read_conjunction(r), group;

    if (!is(r, r->at, "or", "||"))
        return first;
    group = classify_group(r->rules, CLASSIFY_OR);
    classify_append(r->rules, group, first);
    while (is(r, r->at, "or", "||")) {
        r->at++;
        classify_append(r->rules, group, read_conjunction(r));
    }
    return group;
}

/* a ? b : c ? d : e in one node with five children. */
static uint32_t read_expression(struct reader *r)
{
    uint32_t node, choice = 0;

    if (bounds_stack_reached()) {
        complain(r, "the stack has no room for so much within each other");
        r->at = r->n;
        return 0;
    }
    node = read_disjunction(r);
    while (is(r, r->at, "?", "?")) {
        if (!choice)
            choice = classify_group(r->rules, CLASSIFY_CHOICE);
        classify_append(r->rules, choice, node);
        r->at++;
        if (++r->depth > NESTING_MAX) {
            complain(r, "more than %d '?' within each other", NESTING_MAX);
            r->at = r->n;
            return 0;
        }
        classify_append(r->rules, choice, read_expression(r));
        r->depth--;
        if (!is(r, r->at, ":", ":")) {
            complain(r, "missing ':' in ternary expression");
            return choice;
        }
        r->at++;
        node = read_disjunction(r);
    }
    if (!choice)
        return node;
    classify_append(r->rules, choice, node);
    return choice;
}

uint32_t ip_expression_read(struct classify_rules *rules, const struct element *scope,
                            const char *text, const char *where, struct errors *errors)
{
    struct reader r = {.rules = rules, .scope = scope, .where = where, .errors = errors,
                       .previous = {.protocol = NO_PROTOCOL}};
    uint32_t root;

    if (!split(&r, text)) {
        rules->failed = true;
        return 0;
    }
    if (!r.n || (r.n == 1 && (is(&r, 0, "-", "any") || is(&r, 0, "all", "all")))) {
        root = classify_constant(rules, true);
    } else {
        root = read_expression(&r);
        if (r.at < r.n)
            complain(&r, "garbage after expression at '%s'", r.word[r.at]);
    }
    free(r.word);
    return root;
}
