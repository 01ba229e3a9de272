// SPDX-License-Identifier: BSD-2-Clause
/*
 * meaning.c - reads rules a second time; see meaning.h.
 *
 * Everything is said as the manual says it: six relations, addresses of six bytes, bits within
 * bytes. Nothing is brought into another form on the way, for that is what the compiler may get wrong.
 */
#include "tests/proof/meaning.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 2000, WORDS_MAX = 1000 };

/* ---- what there is to say ---- */

enum saying { ALWAYS, NEVER, NOT, AND, OR, CHOICE, PROTOCOL, FIRST_FRAGMENT, COMPARE };

enum place { FRAME, MAC, IP, TRANSPORT };

enum relation { EQ, NE, LT, GT, LE, GE };

/* Protocols that are several. */
enum { TCP_OR_UDP = 256, ANY_TRANSPORT = 257, NO_PROTOCOL = -1 };

/* (the bytes >> shift) & mask relation value; up to six bytes. */
struct comparison {
    enum place place;
    unsigned offset, size, shift;
    uint64_t mask, value;
    enum relation relation;
};

struct node {
    enum saying saying;
    struct node *a, *b, *c;
    int protocol;
    struct comparison compare;
};

struct meaning {
    struct node *root;
    unsigned n;
    struct node node[NODES_MAX];
};

/* ---- does it hold? ---- */

static const uint8_t *bytes_at(const struct packet *p, enum place place, unsigned offset, unsigned size)
{
    const uint8_t *start = place == FRAME ? p->data : place == MAC ? p->mac
                         : place == IP || !p->network ? p->network : p->transport;

    if (!start || start + offset + size > p->data + p->length)
        return NULL;
    return start + offset;
}

static bool relate(uint64_t x, enum relation relation, uint64_t value)
{
    return relation == EQ ? x == value : relation == NE ? x != value : relation == LT ? x < value
         : relation == GT ? x > value : relation == LE ? x <= value : x >= value;
}

/*
 * The bytes that the mask spares need not be there. Nothing at all needs to be there for a relation
 * that holds whatever the bytes are.
 */
static bool compare_holds(const struct comparison *c, const struct packet *p)
{
    uint64_t mask = c->mask << c->shift, x = 0;
    unsigned first = 0, last = c->size;
    const uint8_t *at;

    if (c->relation == LT ? c->value > c->mask : c->relation == GE ? c->value == 0
        : c->relation == LE && c->value >= c->mask)
        return true;
    if (!mask)
        return relate(0, c->relation, c->relation <= NE ? 0 : c->value);
    while (!(mask >> 8 * (c->size - 1 - first) & 0xFF))
        first++;
    while (!(mask >> 8 * (c->size - last) & 0xFF))
        last--;
    at = bytes_at(p, c->place, c->offset + first, last - first);
    if (!at)
        return false;
    for (unsigned i = 0; i < c->size; i++)
        x = x << 8 | (i >= first && i < last ? at[i - first] : 0);
    return relate(x >> c->shift & c->mask, c->relation,
                  c->relation <= NE ? c->value & c->mask : c->value);
}

static bool protocol_holds(int protocol, const struct packet *p)
{
    const uint8_t *at = bytes_at(p, IP, 9, 1);

    if (protocol == ANY_TRANSPORT)
        return true;
    return at && (protocol == TCP_OR_UDP ? *at == 6 || *at == 17 : *at == protocol);
}

static bool holds(const struct node *n, const struct packet *p)
{
    const uint8_t *at;

    switch (n->saying) {
    case ALWAYS: return true;
    case NEVER: return false;
    case NOT: return !holds(n->a, p);
    case AND: return holds(n->a, p) && holds(n->b, p);
    case OR: return holds(n->a, p) || holds(n->b, p);
    case CHOICE: return holds(n->a, p) ? holds(n->b, p) : holds(n->c, p);
    case PROTOCOL: return protocol_holds(n->protocol, p);
    case FIRST_FRAGMENT:
        at = bytes_at(p, IP, 6, 2);
        return at && !(at[0] & 0x1F) && !at[1];
    case COMPARE: return compare_holds(&n->compare, p);
    }
    return false;
}

bool meaning_holds(const struct meaning *meaning, const struct packet *p)
{
    return holds(meaning->root, p);
}

void meaning_free(struct meaning *meaning)
{
    free(meaning);
}

/* ---- words ---- */

/* What a term is about. */
enum subject { NOTHING, HOST, ETHER, PROTO, PORT, OPTION, FRAG, UNFRAG, ECT, CE, FIELD };

enum side { UNSAID, SRC, DST, EITHER, BOTH };

struct term {
    enum subject subject;
    enum side side;
    int protocol;
    unsigned bit, bits;             /* of FIELD */
    enum relation relation;
    bool masked, named;             /* named: the value said what it is about */
    uint64_t mask, value;
};

struct reading {
    struct meaning *meaning;
    char word[WORDS_MAX][64];
    unsigned n, at;
    bool wrong;
    struct term before;             /* what the words of the next term may leave out */
};

static void split(struct reading *r, const char *s)
{
    static const char *const signs[] = {"&&", "||", "==", "!=", "<=", ">="};

    while (*s && r->n < WORDS_MAX - 4) {
        size_t length = 0;

        if (isspace((unsigned char)*s)) {
            s++;
            continue;
        }
        for (unsigned i = 0; i < 6; i++)
            if (!strncmp(s, signs[i], 2))
                length = 2;
        while (!length && (isalnum((unsigned char)s[length]) || strchr("-./@_:", s[length]))) {
            do
                length++;
            while (s[length] && (isalnum((unsigned char)s[length]) || strchr("-./@_:", s[length])));
        }
        if (!length)
            length = 1;
        if (length > 63)
            r->wrong = true;
        else
            memcpy(r->word[r->n++], s, length);
        s += length;
    }
    r->wrong |= *s != 0;
}

static bool is(const struct reading *r, const char *word)
{
    return !strcmp(r->word[r->at], word);
}

static bool take(struct reading *r, const char *word)
{
    if (!is(r, word))
        return false;
    r->at++;
    return true;
}

static bool take_either(struct reading *r, const char *word, const char *sign)
{
    return take(r, word) || take(r, sign);
}

/* ---- nodes ---- */

static struct node *say(struct reading *r, enum saying saying, struct node *a, struct node *b)
{
    struct node *n = &r->meaning->node[r->meaning->n];

    if (r->meaning->n == NODES_MAX - 1)
        r->wrong = true;
    else
        r->meaning->n++;
    *n = (struct node){.saying = saying, .a = a, .b = b};
    return n;
}

static struct node *say_compare(struct reading *r, enum place place, unsigned offset, unsigned size,
                                const struct term *term, uint64_t full)
{
    unsigned shift = term->subject == FIELD ? 7 - (term->bit + term->bits - 1) % 8 : 0;
    struct node *n = say(r, COMPARE, NULL, NULL);

    n->compare = (struct comparison){place, offset, size, shift, term->masked ? term->mask : full,
                                     term->value, term->relation};
    return n;
}

/* ---- values ---- */

static bool number(const char *s, uint64_t *value)
{
    char *end;

    if (!isdigit((unsigned char)*s))
        return false;
    *value = strtoull(s, &end, 0);
    return !*end;
}

static bool dotted(const char *s, uint64_t *value)
{
    unsigned i;

    *value = 0;
    for (i = 0; i < 4; i++) {
        char *end;

        if (!isdigit((unsigned char)*s))
            return false;
        *value = *value << 8 | strtoul(s, &end, 10);
        s = end + (i < 3 && *end == '.');
    }
    return !*s;
}

/* 10.0.0.0/8, 10.0.0.0/255.0.0.0 */
static bool net(const char *s, struct term *t)
{
    const char *slash = strchr(s, '/');
    char address[64] = "";
    uint64_t length;

    if (!slash)
        return false;
    memcpy(address, s, (size_t)(slash - s));
    if (!dotted(address, &t->value))
        return false;
    if (number(slash + 1, &length))
        t->mask = length ? 0xFFFFFFFFull << (32 - length) & 0xFFFFFFFF : 0;
    else if (!dotted(slash + 1, &t->mask))
        return false;
    t->masked = true;
    return true;
}

static bool ether(const char *s, uint64_t *value)
{
    unsigned i;

    *value = 0;
    for (i = 0; i < 6; i++) {
        char *end;

        if (!isxdigit((unsigned char)*s))
            return false;
        *value = *value << 8 | strtoul(s, &end, 16);
        s = end + (i < 5 && *end == ':');
    }
    return !*s;
}

static bool lookup(const char *word, const char *const *names, const unsigned *values, uint64_t *value)
{
    for (; *names; names++, values++)
        if (!strcmp(word, *names)) {
            *value = *values;
            return true;
        }
    return false;
}

static bool protocol_named(const char *word, uint64_t *value)
{
    static const char *const names[] = {"icmp", "igmp", "tcp", "udp", "gre", "esp", "sctp", "tcpudp",
                                        "transp", NULL};
    static const unsigned values[] = {1, 2, 6, 17, 47, 50, 132, TCP_OR_UDP, ANY_TRANSPORT};

    return lookup(word, names, values, value);
}

static bool port_named(const char *word, uint64_t *value)
{
    static const char *const names[] = {"www", "http", "https", "domain", "ssh", "ftp", "ntp", NULL};
    static const unsigned values[] = {80, 80, 443, 53, 22, 21, 123};

    return lookup(word, names, values, value);
}

static bool option_named(const char *word, uint64_t *value)
{
    static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", NULL};
    static const unsigned values[] = {1, 2, 4, 8, 16, 32};

    return lookup(word, names, values, value);
}

static bool icmp_type_named(const char *word, uint64_t *value)
{
    static const char *const names[] = {"echo-reply", "unreachable", "redirect", "echo",
                                        "timeexceeded", NULL};
    static const unsigned values[] = {0, 3, 5, 8, 11};

    return lookup(word, names, values, value);
}

/* ---- terms ---- */

struct field {
    const char *name;
    int protocol;
    unsigned bit, bits;
};

static bool field_named(const char *word, struct term *t)
{
    static const struct field fields[] = {
        {"vers", NO_PROTOCOL, 0, 4}, {"hl", NO_PROTOCOL, 4, 4}, {"tos", NO_PROTOCOL, 8, 8},
        {"dscp", NO_PROTOCOL, 8, 6}, {"len", NO_PROTOCOL, 16, 16}, {"id", NO_PROTOCOL, 32, 16},
        {"ttl", NO_PROTOCOL, 64, 8}, {"type", 1, 0, 8}, {"win", 6, 112, 16},
    };

    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!strcmp(word, fields[i].name)) {
            t->subject = FIELD;
            t->bit = fields[i].bit;
            t->bits = fields[i].bits;
            if (fields[i].protocol != NO_PROTOCOL)
                t->protocol = fields[i].protocol;
            return true;
        }
    return false;
}

static bool subject_named(const char *word, struct term *t)
{
    static const char *const names[] = {"host", "net", "proto", "port", "opt", "frag", "unfrag",
                                        "ect", "ce", NULL};
    static const unsigned values[] = {HOST, HOST, PROTO, PORT, OPTION, FRAG, UNFRAG, ECT, CE};
    uint64_t subject;

    if (!lookup(word, names, values, &subject))
        return field_named(word, t);
    t->subject = (enum subject)subject;
    return true;
}

/* src, dst, src or dst, src and dst */
static bool take_side(struct reading *r, struct term *term)
{
    if (take_either(r, "dst", "dest")) {
        term->side = DST;
        return true;
    }
    if (!take(r, "src"))
        return false;
    term->side = SRC;
    if (!strcmp(r->word[r->at + 1], "dst") || !strcmp(r->word[r->at + 1], "dest")) {
        if (take_either(r, "or", "||"))
            term->side = EITHER;
        else if (take_either(r, "and", "&&"))
            term->side = BOTH;
        r->at += term->side != SRC;
    }
    return true;
}

/* [POS], [POS:LEN], [POS,LAST]; what stands between the brackets comes as several words or one. */
static void take_brackets(struct reading *r, struct term *term)
{
    char inside[64] = "", *end;
    unsigned long at, second = 1;

    for (; r->at < r->n && !is(r, "]"); r->at++)
        strncat(inside, r->word[r->at], sizeof inside - strlen(inside) - 1);
    r->at++;
    at = strtoul(inside, &end, 0);
    if (*end == ':')
        second = strtoul(end + 1, NULL, 0);
    else if (*end == ',')
        second = strtoul(end + 1, NULL, 0) - at + 1;
    term->subject = FIELD;
    term->bit = 8 * (unsigned)at;
    term->bits = 8 * (unsigned)second;
}

static bool take_relation(struct reading *r, enum relation *relation)
{
    static const char *const names[] = {"=", "==", "!=", "<", ">", "<=", ">=", NULL};
    static const unsigned values[] = {EQ, EQ, NE, LT, GT, LE, GE};
    uint64_t value;

    if (!lookup(r->word[r->at], names, values, &value))
        return false;
    *relation = (enum relation)value;
    r->at++;
    return true;
}

/* The value, and what it says about the subject when that is still open. */
static bool take_value(struct reading *r, struct term *term)
{
    const char *word = r->word[r->at];
    uint64_t mask;

    term->named = true;
    if (number(word, &term->value))
        term->named = false;
    else if ((term->subject == NOTHING || term->subject == PROTO) && protocol_named(word, &term->value))
        term->subject = PROTO;
    else if ((term->subject == NOTHING || term->subject == PORT) && port_named(word, &term->value))
        term->subject = PORT;
    else if ((term->subject == NOTHING || term->subject == OPTION) && option_named(word, &term->value))
        term->subject = OPTION;
    else if ((term->subject == NOTHING || term->subject == FIELD) && icmp_type_named(word, &term->value)) {
        term->subject = FIELD;
        term->protocol = 1;
        term->bit = 0;
        term->bits = 8;
    } else if (dotted(word, &term->value)) {
        term->subject = HOST;
        if (!strcmp(r->word[r->at + 1], "mask") && dotted(r->word[r->at + 2], &mask)) {
            term->masked = true;
            term->mask = mask;
            r->at += 2;
        }
    } else if (net(word, term))
        term->subject = HOST;
    else if (ether(word, &term->value))
        term->subject = ETHER;
    else
        return false;
    r->at++;
    return true;
}

/*
 * On one side or both. "Neither is" and "both are lower" concern the whole: port != 80 says that
 * none of them is 80, port < 1024 that both are lower.
 */
static struct node *say_sides(struct reading *r, const struct term *term)
{
    static const struct { enum place place; unsigned src, dst, size; } where[] = {
        [HOST] = {IP, 12, 16, 4}, [PORT] = {TRANSPORT, 0, 2, 2}, [ETHER] = {MAC, 6, 0, 6},
    };
    unsigned size = where[term->subject].size;
    uint64_t full = (1ull << 8 * size) - 1;
    bool whole = term->relation == NE || term->relation == LT || term->relation == LE;
    struct node *src = say_compare(r, where[term->subject].place, where[term->subject].src, size, term, full);
    struct node *dst = say_compare(r, where[term->subject].place, where[term->subject].dst, size, term, full);

    if (term->side == SRC || term->side == DST)
        return term->side == SRC ? src : dst;
    return say(r, (term->side == BOTH) != whole ? AND : OR, src, dst);
}

static struct node *say_flag(struct reading *r, enum saying saying, unsigned offset, unsigned size,
                             uint64_t mask, uint64_t value)
{
    struct term flag = {.masked = true, .mask = mask, .value = value};
    struct node *n = say_compare(r, IP, offset, size, &flag, mask);

    return saying == NOT ? (n->compare.relation = NE, n) : n;
}

static struct node *say_subject(struct reading *r, struct term *term, bool valued)
{
    unsigned first = term->bit / 8, last = (term->bit + term->bits - 1) / 8;

    switch (term->subject) {
    case HOST: case PORT: case ETHER:
        return say_sides(r, term);
    case PROTO:
        if (term->value < 256)
            return say_compare(r, IP, 9, 1, term, 0xFF);
        return say(r, ALWAYS, NULL, NULL);      /* said by its protocol */
    case OPTION:
        term->masked = true;
        term->mask = term->value;
        return say_compare(r, TRANSPORT, 13, 1, term, 0xFF);
    case FRAG:
        return say_flag(r, NOT, 6, 2, 0x3FFF, 0);
    case UNFRAG:
        return say_flag(r, ALWAYS, 6, 2, 0x3FFF, 0);
    case ECT:
        return valued ? say_compare(r, IP, 1, 1, term, 3) : say_flag(r, NOT, 1, 1, 3, 0);
    case CE:
        return say_flag(r, ALWAYS, 1, 1, 3, 3);
    case FIELD:
        return say_compare(r, term->protocol == NO_PROTOCOL ? IP : TRANSPORT, first, last - first + 1,
                           term, term->bits == 32 ? 0xFFFFFFFF : (1u << term->bits) - 1);
    case NOTHING:
        break;
    }
    r->wrong = true;
    return say(r, NEVER, NULL, NULL);
}

/* What is missing follows from the value, or from the term before; so it is with ports, which need a protocol. */
static void complete(const struct reading *r, struct term *term, bool explicit, bool valued)
{
    const struct term *before = &r->before;

    if (!explicit && valued) {
        if (!term->named) {             /* a number: of what the one before was */
            term->subject = before->subject;
            term->bit = before->bit;
            term->bits = before->bits;
            if (term->subject == FIELD)
                term->protocol = before->protocol;
        }
        if (term->side == UNSAID)
            term->side = before->side;
        if (term->subject == PORT && term->protocol == NO_PROTOCOL)
            term->protocol = before->protocol;
    } else if (!valued && (!explicit || term->subject == PROTO) && term->protocol != NO_PROTOCOL) {
        term->subject = PROTO;          /* "tcp", "ip proto tcp" */
        term->value = (uint64_t)term->protocol;
        term->protocol = NO_PROTOCOL;
    }
    if (term->subject == PROTO && term->relation == EQ && !term->masked)
        term->protocol = (int)term->value;
    if (term->protocol == NO_PROTOCOL && (term->subject == PORT || term->subject == OPTION))
        term->protocol = term->subject == PORT ? TCP_OR_UDP : 6;
}

/* One of the words in front of the value, in whatever order. */
static bool take_qualifier(struct reading *r, struct term *term, bool *inverted)
{
    uint64_t protocol;

    if (take_either(r, "ip", "ether") || take_side(r, term))
        return true;
    if (take_either(r, "not", "!")) {
        *inverted = !*inverted;
        return true;
    }
    if (!subject_named(r->word[r->at], term)) {
        if (!protocol_named(r->word[r->at], &protocol))
            return false;
        term->protocol = (int)protocol;
    }
    r->at++;
    return true;
}

static void take_mask(struct reading *r, struct term *term)
{
    const char *word = r->word[r->at + 1];

    if (!is(r, "&"))
        return;
    term->masked = number(word, &term->mask) || dotted(word, &term->mask) || ether(word, &term->mask);
    r->wrong |= !term->masked;
    r->at += 2;
}

static struct node *read_term(struct reading *r)
{
    struct term term = {.protocol = NO_PROTOCOL};
    bool inverted = false, explicit, valued;
    unsigned first = r->at;
    struct node *n;

    if (take(r, "true"))
        return say(r, ALWAYS, NULL, NULL);
    if (take(r, "false"))
        return say(r, NEVER, NULL, NULL);
    while (take_qualifier(r, &term, &inverted))
        ;
    if (r->at > first)
        r->before = (struct term){.protocol = NO_PROTOCOL};
    if (take(r, "["))
        take_brackets(r, &term);
    take_mask(r, &term);
    take_relation(r, &term.relation);
    explicit = term.subject != NOTHING;
    valued = take_value(r, &term);
    r->wrong |= r->at == first;
    complete(r, &term, explicit, valued);
    n = say_subject(r, &term, valued);
    if (term.subject == PORT || term.subject == OPTION
        || (term.subject == FIELD && term.protocol != NO_PROTOCOL))
        n = say(r, AND, say(r, FIRST_FRAGMENT, NULL, NULL), n);
    if (term.protocol != NO_PROTOCOL) {
        n = say(r, AND, say(r, PROTOCOL, NULL, NULL), n);
        n->a->protocol = term.protocol;
    }
    r->before = term;
    return inverted ? say(r, NOT, n, NULL) : n;
}

/* ---- expressions ---- */

static struct node *read_expression(struct reading *r);

static struct node *read_factor(struct reading *r)
{
    struct node *n;

    if (take_either(r, "not", "!"))
        return say(r, NOT, read_factor(r), NULL);
    if (!take(r, "("))
        return read_term(r);
    n = read_expression(r);
    r->wrong |= !take(r, ")");
    return n;
}

static bool ends(const struct reading *r)
{
    return r->wrong || r->at >= r->n || is(r, ")") || is(r, "or") || is(r, "||") || is(r, "?") || is(r, ":");
}

static struct node *read_conjunction(struct reading *r)
{
    struct node *n = read_factor(r);

    while (!ends(r)) {
        take_either(r, "and", "&&");
        n = say(r, AND, n, read_factor(r));
    }
    return n;
}

static struct node *read_disjunction(struct reading *r)
{
    struct node *n = read_conjunction(r);

    while (!r->wrong && take_either(r, "or", "||"))
        n = say(r, OR, n, read_conjunction(r));
    return n;
}

static struct node *read_expression(struct reading *r)
{
    struct node *n = read_disjunction(r), *yes;

    if (r->wrong || !take(r, "?"))
        return n;
    yes = read_expression(r);
    r->wrong |= !take(r, ":");
    n = say(r, CHOICE, n, yes);
    n->c = r->wrong ? yes : read_expression(r);
    return n;
}

static struct meaning *finish(struct reading *r)
{
    struct meaning *m = r->meaning;

    if (r->wrong) {
        meaning_free(m);
        m = NULL;
    }
    free(r);
    return m;
}

static struct reading *begin(void)
{
    struct reading *r = calloc(1, sizeof *r);

    r->meaning = calloc(1, sizeof *r->meaning);
    r->before.protocol = NO_PROTOCOL;
    return r;
}

struct meaning *meaning_of_expression(const char *text)
{
    struct reading *r = begin();

    split(r, text);
    if (!r->n || (r->n == 1 && (is(r, "-") || is(r, "any") || is(r, "all")))) {
        r->meaning->root = say(r, ALWAYS, NULL, NULL);
    } else {
        r->meaning->root = read_expression(r);
        r->wrong |= r->at < r->n;
    }
    return finish(r);
}

/* ---- Classifier ---- */

static unsigned digit(char c)
{
    if (c == '?')
        return 0;
    return (unsigned)(isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
}

/* OFFSET/VALUE[%MASK], byte by byte. */
static struct node *read_clause(struct reading *r, const char **s)
{
    char *end;
    unsigned offset = (unsigned)strtoul(*s, &end, 10);
    const char *value = end + 1, *mask, *after;
    size_t digits = strspn(value, "0123456789abcdefABCDEF?");
    struct node *all = say(r, ALWAYS, NULL, NULL);

    mask = value[digits] == '%' ? value + digits + 1 : NULL;
    after = mask ? mask + digits : value + digits;
    r->wrong |= *end != '/' || !digits || digits % 2;
    for (size_t i = 0; i + 1 < digits && !r->wrong; i += 2) {
        struct term byte = {.masked = true};
        struct node *n;

        for (size_t k = i; k < i + 2; k++) {
            byte.value = byte.value << 4 | digit(value[k]);
            byte.mask = byte.mask << 4 | (value[k] == '?' ? 0 : mask ? digit(mask[k]) : 15);
        }
        n = say_compare(r, FRAME, offset + (unsigned)(i / 2), 1, &byte, 0);
        all = say(r, AND, all, n);
    }
    *s = after;
    return all;
}

struct meaning *meaning_of_pattern(const char *text)
{
    struct reading *r = begin();
    struct node *all = say(r, ALWAYS, NULL, NULL), *clause;
    const char *s = text + strspn(text, " ");

    while (*s && strcmp(s, "-") && !r->wrong) {
        bool inverted = *s == '!';

        s += inverted ? 1 + strspn(s + 1, " ") : 0;
        clause = read_clause(r, &s);
        all = say(r, AND, all, inverted ? say(r, NOT, clause, NULL) : clause);
        s += strspn(s, " ");
    }
    r->meaning->root = all;
    return finish(r);
}
