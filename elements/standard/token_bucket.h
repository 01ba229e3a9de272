// SPDX-License-Identifier: BSD-2-Clause
/*
 * token_bucket.h - tokens that come at a rate and are kept up to a capacity.
 *
 * Credit is counted in billionths of a token, so that a nanosecond is worth `rate` of it:
 * taking and refilling cost no division.
 */
#ifndef STANDARD_TOKEN_BUCKET_H
#define STANDARD_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

enum { TOKEN_BUCKET_ONE = 1000000000 };

struct token_bucket {
    uint64_t rate;              /* tokens a second; 0: none ever come */
    uint64_t full;              /* the capacity's credit */
    uint64_t fill_ns;           /* an empty bucket is full after this */
    uint64_t credit;
    uint64_t last_ns;           /* of the last refill */
};

/* Up to 2^33 tokens of capacity; more is cut. The credit stays, as far as there is room. */
static inline void token_bucket_assign(struct token_bucket *b, uint64_t rate, uint64_t capacity)
{
    if (capacity > UINT64_C(1) << 33)
        capacity = UINT64_C(1) << 33;
    b->rate = rate;
    b->full = capacity * TOKEN_BUCKET_ONE;
    b->fill_ns = rate ? b->full / rate + 1 : UINT64_MAX;
    if (b->credit > b->full)
        b->credit = b->full;
}

static inline void token_bucket_set(struct token_bucket *b, uint64_t now_ns, uint64_t tokens)
{
    b->last_ns = now_ns;
    b->credit = tokens * TOKEN_BUCKET_ONE < b->full ? tokens * TOKEN_BUCKET_ONE : b->full;
}

static inline void token_bucket_refill(struct token_bucket *b, uint64_t now_ns)
{
    uint64_t passed = now_ns - b->last_ns;

    b->last_ns = now_ns;
    /* passed * rate <= full + rate: no overflow. */
    b->credit = passed >= b->fill_ns ? b->full : b->credit + passed * b->rate;
    if (b->credit > b->full)
        b->credit = b->full;
}

static inline bool token_bucket_has(const struct token_bucket *b, uint64_t tokens)
{
    return b->credit >= tokens * TOKEN_BUCKET_ONE;
}

static inline bool token_bucket_take(struct token_bucket *b, uint64_t tokens)
{
    if (!token_bucket_has(b, tokens))
        return false;
    b->credit -= tokens * TOKEN_BUCKET_ONE;
    return true;
}

/* Nanoseconds until there are so many; UINT64_MAX: never. Divides: for somebody about to sleep. */
static inline uint64_t token_bucket_wait_ns(const struct token_bucket *b, uint64_t tokens)
{
    uint64_t need = tokens * TOKEN_BUCKET_ONE;

    if (b->credit >= need)
        return 0;
    return b->rate && need <= b->full ? (need - b->credit + b->rate - 1) / b->rate : UINT64_MAX;
}

#endif
