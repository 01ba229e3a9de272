// SPDX-License-Identifier: BSD-2-Clause
/*
 * checksum.c - the Internet checksum over a range of bytes; see checksum.h.
 *
 * The sum is the same whatever the word size (RFC 1071, 2.B), so we add eight bytes at a
 * time with the carry brought round, in four chains so that they do not wait for each
 * other. No vector registers: a guest would have to save them. Any alignment is fine.
 */
#include "router/checksum.h"

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof v);
    return v;
}

/* One's complement addition; compiles to add, adc. */
static inline uint64_t add_around(uint64_t a, uint64_t b)
{
    a += b;
    return a + (a < b);
}

/* The last zero to seven bytes; an odd one counts as the first of a pair. */
static inline uint64_t add_tail(uint64_t sum, const uint8_t *at, size_t length)
{
    uint32_t four;
    uint16_t two;

    if (length & 4) {
        memcpy(&four, at, 4);
        sum = add_around(sum, four);
        at += 4;
    }
    if (length & 2) {
        memcpy(&two, at, 2);
        sum = add_around(sum, two);
        at += 2;
    }
    if (length & 1) {
        two = 0;
        memcpy(&two, at, 1);
        sum = add_around(sum, two);
    }
    return sum;
}

uint64_t checksum_add(uint64_t sum, const void *data, size_t length)
{
    const uint8_t *at = data;

    if (length >= 64) {
        uint64_t b = 0, c = 0, d = 0;

        do {
            sum = add_around(sum, load64(at));
            b = add_around(b, load64(at + 8));
            c = add_around(c, load64(at + 16));
            d = add_around(d, load64(at + 24));
            at += 32;
            length -= 32;
        } while (length >= 32);
        sum = add_around(add_around(sum, b), add_around(c, d));
    }
    for (; length >= 8; at += 8, length -= 8)
        sum = add_around(sum, load64(at));
    sum = add_tail(sum, at, length);
    /* Below 2^33, so that callers can add fields of their own without losing a carry. */
    return (sum & 0xFFFFFFFF) + (sum >> 32);
}

uint16_t checksum_transport(const struct ip_header *ip, const void *segment, size_t length)
{
    uint64_t sum = checksum_add(0, &ip->src, sizeof ip->src + sizeof ip->dst);

    sum += be16(ip->protocol);
    sum += be32((uint32_t)length);
    return checksum_fold(checksum_add(sum, segment, length));
}
