// SPDX-License-Identifier: BSD-2-Clause
/*
 * checksum.h - the Internet checksum (RFC 1071) and its incremental update (RFC 1624).
 *
 * Values are as they stand in the frame: store checksum_of() into the field without
 * swapping; a correct range sums to 0.
 */
#ifndef ROUTER_CHECKSUM_H
#define ROUTER_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "router/headers.h"

/* One's complement sum, not yet folded; chain ranges of even length by passing the sum on. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t length);

static inline uint16_t checksum_fold(uint64_t sum)
{
    sum = (sum & 0xFFFFFFFF) + (sum >> 32);
    sum = (sum & 0xFFFFFFFF) + (sum >> 32);
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

static inline uint16_t checksum_of(const void *data, size_t length)
{
    return checksum_fold(checksum_add(0, data, length));
}

/* checksum_of(header, 20), inline: the IPv4 header without options, which nearly all have. */
static inline uint16_t checksum_of_20(const void *header)
{
    uint64_t a, b, sum;
    uint32_t c, half;

    memcpy(&a, header, 8);
    memcpy(&b, (const char *)header + 8, 8);
    memcpy(&c, (const char *)header + 16, 4);
    sum = a + b;
    sum += sum < b;                     /* carries go round, as often as needed: 64 bits, 32, 16 */
    sum += c;
    sum += sum < c;
    half = (uint32_t)sum + (uint32_t)(sum >> 32);
    half += half < (uint32_t)sum;
    half += half << 16 | half >> 16;    /* both halves plus the carry of the lower one, in the upper */
    return (uint16_t)~(half >> 16);
}

/* TCP, UDP: with the pseudo-header of ip. `length` is the transport segment's. */
uint16_t checksum_transport(const struct ip_header *ip, const void *segment, size_t length);

/* The checksum after a 16-bit field changed from `from` to `to` (RFC 1624, equation 3). */
static inline uint16_t checksum_update(uint16_t checksum, uint16_t from, uint16_t to)
{
    uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~from + to;

    sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~(sum + (sum >> 16));
}

static inline uint16_t checksum_update32(uint16_t checksum, uint32_t from, uint32_t to)
{
    return checksum_update(checksum_update(checksum, (uint16_t)from, (uint16_t)to),
                           (uint16_t)(from >> 16), (uint16_t)(to >> 16));
}

#endif
