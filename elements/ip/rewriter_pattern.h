// SPDX-License-Identifier: BSD-2-Clause
/*
 * rewriter_pattern.h - what a rewriter turns a new flow into: "SADDR SPORT DADDR DPORT".
 *
 * A dash leaves a field alone. SPORT may be a range L-H: the packet's own port if it is
 * in the range and free, else a random one that is free; `#` behind the range goes through
 * it in order, `?` is random from the start. Two words, "SADDR DADDR", change addresses
 * only, and SADDR may be a range or prefix then. Three words are SADDR DADDR SPORT, and one is
 * the name of a pattern that IPRewriterPatterns defined.
 *
 * Patterns are counted: whoever names a shared one holds a reference.
 */
#ifndef ELEMENTS_IP_REWRITER_PATTERN_H
#define ELEMENTS_IP_REWRITER_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "elements/ip/flow_table.h"

struct element;
struct text;

struct rewriter_pattern {
    be32_t src, dst;                    /* 0: as in the packet */
    be16_t src_port, dst_port;
    bool ports;                         /* it may change ports */
    bool sequential, own_first;
    uint32_t span;                      /* values to choose from, less one; 0: nothing to choose */
    uint32_t next;
    uint32_t references;
    /* The last search that found nothing free, as far as it went: goes on from there, unless a flow was removed. */
    const struct flow_table *tried_table;
    unsigned tried_map;
    uint64_t tried_removals;
    struct flow_key tried_key;
    uint32_t tried;                     /* values before `next`, none of them free */
};

/*
 * Values that are looked at for one packet. A range of 64,000 ports in which few are free would hold up all
 * traffic for a millisecond or more with every new flow; so now and then a packet is dropped although a value is
 * free somewhere, and the next one goes on searching there.
 */
enum { REWRITER_PATTERN_TRIES = 1024 };

/* From words; NULL: `why` says what is wrong. */
struct rewriter_pattern *rewriter_pattern_parse(char *const *word, unsigned n,
                                                const struct element *scope, struct text *why);
void rewriter_pattern_release(struct rewriter_pattern *pattern);

/* A new flow that needs addresses, and where its replies must not collide with others'. */
struct rewriter_query {
    const struct flow_table *flows;
    unsigned map;                       /* where replies are looked up */
    const struct flow_key *key;
    bool ping;                          /* ports are an identifier: icmp_ping_rewriter.c */
};

/* An echo's identifier as a pair of ports that tells requests from replies. */
static inline be16_t rewriter_ping_port(be16_t identifier)
{
    return (be16_t)(identifier + 1);
}

/* False: nothing that was looked at in the pattern's range is free. */
bool rewriter_pattern_map(struct rewriter_pattern *pattern, const struct rewriter_query *query,
                          struct flow_key *rewritten);

/* Whether the pattern could have turned `key` into `rewritten`. */
bool rewriter_pattern_covers(const struct rewriter_pattern *pattern, bool ping, const struct flow_key *key,
                             const struct flow_key *rewritten);
/* Goes on in the range where another one was, when they have the same range. */
void rewriter_pattern_continue(struct rewriter_pattern *pattern, const struct rewriter_pattern *other);

/* "1.0.0.1 1024-65535 - -" */
void rewriter_pattern_format(const struct rewriter_pattern *pattern, struct text *out);

#endif
