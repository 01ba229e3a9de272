// SPDX-License-Identifier: BSD-2-Clause
/* rewriter_pattern.c - see rewriter_pattern.h. */
#include "elements/ip/rewriter_pattern.h"

#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/args.h"
#include "router/names.h"
#include "router/text.h"

/* ---- reading ---- */

/* A piece of a word as a string of its own; longer ones are nothing that we read. */
struct piece { char s[48]; };

static bool cut(const char *from, const char *to, struct piece *piece)
{
    size_t n = (size_t)(to - from);

    if (from > to || n >= sizeof piece->s)
        return false;
    memcpy(piece->s, from, n);
    piece->s[n] = '\0';
    return true;
}

/* Where the range ends, its mark read. */
static const char *read_mark(const char *word, struct rewriter_pattern *pattern)
{
    const char *end = word + strlen(word);

    if (end == word || (end[-1] != '#' && end[-1] != '?'))
        return end;
    pattern->sequential = end[-1] == '#';
    pattern->own_first = false;
    return end - 1;
}

static bool read_address_range(const struct element *scope, const char *word,
                               struct rewriter_pattern *pattern)
{
    const char *end = read_mark(word, pattern), *dash = memchr(word, '-', (size_t)(end - word));
    struct arg_prefix prefix;
    struct piece first, last;
    uint32_t top;

    if (dash) {
        if (!cut(word, dash, &first) || !cut(dash + 1, end, &last) ||
            !args_read_ip(scope, first.s, &pattern->src) ||
            !args_read_ip(scope, last.s, &top) || be32(top) < be32(pattern->src))
            return false;
        pattern->span = be32(top) - be32(pattern->src);
        return true;
    }
    if (!cut(word, end, &first) || !args_read_prefix(scope, first.s, &prefix) || !prefix.address ||
        !prefix.mask)
        return false;
    top = ~be32(prefix.mask);           /* host part */
    if (top & (top + 1))
        return false;                   /* holes in the mask */
    /* Nobody is called .0 or .255, except where there are only two addresses. */
    pattern->src = top == 0 ? prefix.address
                 : top == 1 ? (prefix.address & prefix.mask)
                            : ((prefix.address & prefix.mask) | be32(1));
    pattern->span = top < 2 ? top : top - 2;
    return true;
}

static bool read_port(const char *word, be16_t *port)
{
    uint64_t v;

    if (!args_read_unsigned(word, 65535, &v) || v == 0)
        return false;
    *port = be16((uint16_t)v);
    return true;
}

static bool read_port_range(const char *word, struct rewriter_pattern *pattern)
{
    const char *end = read_mark(word, pattern), *dash = memchr(word, '-', (size_t)(end - word));
    struct piece first, last;
    uint64_t low, high;

    if (!dash || !cut(word, dash, &first) || !cut(dash + 1, end, &last) ||
        !args_read_unsigned(first.s, 65535, &low) || !args_read_unsigned(last.s, 65535, &high) ||
        high < low)
        return false;
    pattern->src_port = be16((uint16_t)low);
    pattern->span = (uint32_t)(high - low);
    return true;
}

static bool is_dash(const char *word)
{
    return strcmp(word, "-") == 0;
}

static struct rewriter_pattern *find_named(const char *name, const struct element *scope,
                                           struct text *why)
{
    struct rewriter_pattern *pattern;

    if (!names_find(scope, NAME_REWRITER_PATTERN, name, &pattern, sizeof pattern)) {
        text_printf(why, "no such pattern '%s'", name);
        return NULL;
    }
    pattern->references++;
    return pattern;
}

struct rewriter_pattern *rewriter_pattern_parse(char *const *word, unsigned n,
                                                const struct element *scope, struct text *why)
{
    struct rewriter_pattern pattern = {.own_first = true, .references = 1, .ports = n >= 3};
    struct rewriter_pattern *made;
    const char *src, *src_port, *dst, *dst_port;
    const char *wrong = NULL;

    if (n < 1 || n > 4) {
        text_puts(why, "syntax error");
        return NULL;
    }
    if (n == 1)
        return find_named(word[0], scope, why);
    src = word[0];
    src_port = n == 4 ? word[1] : n == 3 ? word[2] : "-";
    dst = n == 4 ? word[2] : word[1];
    dst_port = n == 4 ? word[3] : "-";

    /* One thing at a time can be chosen: with ports, that is the port. */
    if (!is_dash(src) && !args_read_ip(scope, src, &pattern.src) &&
        (pattern.ports || !read_address_range(scope, src, &pattern)))
        wrong = "bad source address";
    else if (!is_dash(src_port) && !read_port(src_port, &pattern.src_port) &&
             !read_port_range(src_port, &pattern))
        wrong = "bad source port";
    else if (!is_dash(dst) && !args_read_ip(scope, dst, &pattern.dst))
        wrong = "bad destination address";
    else if (!is_dash(dst_port) && !read_port(dst_port, &pattern.dst_port))
        wrong = "bad destination port";
    if (wrong) {
        text_puts(why, wrong);
        return NULL;
    }
    made = malloc(sizeof *made);
    if (made)
        *made = pattern;
    else
        text_puts(why, "out of memory");
    return made;
}

void rewriter_pattern_release(struct rewriter_pattern *pattern)
{
    if (pattern && --pattern->references == 0)
        free(pattern);
}

/* ---- choosing ---- */

static inline bool is_free(const struct rewriter_query *query, struct flow_key *rewritten)
{
    struct flow_key reply;

    if (query->ping)
        rewritten->dst_port = rewriter_ping_port(rewritten->src_port);
    reply = flow_key_reverse(rewritten);
    return !flow_table_find(query->flows, query->map, &reply).flow;
}

/* The first free value from `from` on, around the range, of `tries`; false: none. */
static bool choose(struct rewriter_pattern *pattern, const struct rewriter_query *query,
                   struct flow_key *rewritten, uint32_t from, uint32_t tries)
{
    uint32_t base = pattern->ports ? be16(pattern->src_port) : be32(pattern->src);
    uint32_t value = from;

    while (tries-- > 0) {
        if (pattern->ports)
            rewritten->src_port = be16((uint16_t)(base + value));
        else
            rewritten->src = be32(base + value);
        if (is_free(query, rewritten)) {
            pattern->next = value + 1;
            return true;
        }
        value = value == pattern->span ? 0 : value + 1;
    }
    pattern->next = value;
    return false;
}

/* The search that failed last was for the like, and nothing has become free since. */
static bool goes_on(const struct rewriter_pattern *pattern, const struct rewriter_query *query,
                    const struct flow_key *wanted)
{
    return pattern->tried_table == query->flows && pattern->tried_map == query->map &&
           pattern->tried_removals == query->flows->removals && flow_key_equal(&pattern->tried_key, wanted);
}

static uint32_t first_value(const struct rewriter_pattern *pattern)
{
    if (pattern->sequential)
        return pattern->next > pattern->span ? 0 : pattern->next;
    return (uint32_t)(((uint64_t)platform_random() * ((uint64_t)pattern->span + 1)) >> 32);
}

bool rewriter_pattern_map(struct rewriter_pattern *pattern, const struct rewriter_query *query,
                          struct flow_key *rewritten)
{
    struct flow_key wanted = *query->key;
    uint32_t from, own, tries;

    if (pattern->src)
        wanted.src = pattern->src;
    if (pattern->src_port)
        wanted.src_port = pattern->src_port;
    if (pattern->dst)
        wanted.dst = pattern->dst;
    if (pattern->dst_port)
        wanted.dst_port = pattern->dst_port;
    *rewritten = wanted;
    if (query->ping)
        rewritten->dst_port = rewriter_ping_port(rewritten->src_port);
    if (!pattern->span)
        return true;

    /* What does not matter for whether a value is free, all the same. */
    if (pattern->ports)
        wanted.src_port = 0;
    if (query->ping)
        wanted.dst_port = 0;
    if (!goes_on(pattern, query, &wanted)) {
        pattern->tried_table = NULL;
        pattern->tried = 0;
    } else if (pattern->tried > pattern->span) {
        return false;
    }
    own = pattern->ports ? (uint32_t)be16(query->key->src_port) - be16(pattern->src_port)
                         : UINT32_MAX;
    if (pattern->own_first && own <= pattern->span) {
        rewritten->src_port = query->key->src_port;
        if (is_free(query, rewritten)) {
            pattern->next = own + 1;
            pattern->tried_table = NULL;
            return true;
        }
    }
    from = pattern->tried_table ? pattern->next : first_value(pattern);
    tries = pattern->span - pattern->tried;
    tries = tries < REWRITER_PATTERN_TRIES ? tries + 1 : REWRITER_PATTERN_TRIES;
    if (choose(pattern, query, rewritten, from, tries)) {
        pattern->tried_table = NULL;
        return true;
    }
    pattern->tried_table = query->flows;
    pattern->tried_map = query->map;
    pattern->tried_removals = query->flows->removals;
    pattern->tried_key = wanted;
    pattern->tried += tries;
    return false;
}

/* ---- from one configuration to the next ---- */

static bool address_fits(be32_t wanted, uint32_t span, be32_t before, be32_t after)
{
    return wanted || span ? be32(after) - be32(wanted) <= span : after == before;
}

static bool port_fits(be16_t wanted, uint32_t span, be16_t before, be16_t after)
{
    return wanted || span ? (uint32_t)be16(after) - be16(wanted) <= span : after == before;
}

bool rewriter_pattern_covers(const struct rewriter_pattern *pattern, bool ping, const struct flow_key *key,
                             const struct flow_key *rewritten)
{
    uint32_t ports = pattern->ports ? pattern->span : 0, addresses = pattern->ports ? 0 : pattern->span;

    return address_fits(pattern->src, addresses, key->src, rewritten->src) &&
           port_fits(pattern->src_port, ports, key->src_port, rewritten->src_port) &&
           address_fits(pattern->dst, 0, key->dst, rewritten->dst) &&
           (ping || port_fits(pattern->dst_port, 0, key->dst_port, rewritten->dst_port));
}

void rewriter_pattern_continue(struct rewriter_pattern *pattern, const struct rewriter_pattern *other)
{
    if (pattern->ports == other->ports && pattern->span == other->span && pattern->src == other->src &&
        pattern->src_port == other->src_port)
        pattern->next = other->next;
}

/* ---- printing ---- */

static void put_ip(struct text *out, be32_t address)
{
    char buffer[16];

    text_puts(out, address ? args_format_ip(buffer, address) : "-");
}

void rewriter_pattern_format(const struct rewriter_pattern *pattern, struct text *out)
{
    put_ip(out, pattern->src);
    if (!pattern->ports && pattern->span) {
        text_putc(out, '-');
        put_ip(out, be32(be32(pattern->src) + pattern->span));
    }
    if (pattern->ports) {
        if (!pattern->src_port)
            text_puts(out, " -");
        else if (pattern->span)
            text_printf(out, " %u-%u", be16(pattern->src_port),
                        be16(pattern->src_port) + pattern->span);
        else
            text_printf(out, " %u", be16(pattern->src_port));
    }
    text_putc(out, ' ');
    put_ip(out, pattern->dst);
    if (pattern->ports) {
        if (pattern->dst_port)
            text_printf(out, " %u", be16(pattern->dst_port));
        else
            text_puts(out, " -");
    }
}
