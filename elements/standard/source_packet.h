// SPDX-License-Identifier: BSD-2-Clause
/*
 * source_packet.h - the packet that InfiniteSource and RatedSource send again and again.
 *
 * It is made once; what is sent are clones that share its bytes.
 */
#ifndef STANDARD_SOURCE_PACKET_H
#define STANDARD_SOURCE_PACKET_H

#include "router/element.h"

/* The data when none are given. */
extern const char source_packet_text[];

/*
 * A packet of `length` bytes of data, repeated as often as needed; length < 0: data as it
 * is. Takes the place of *packet, which may be NULL. False: no memory, or too long; an error
 * was added and *packet is as it was.
 */
bool source_packet_make(struct packet **packet, struct element *e, const char *data,
                        size_t data_length, int32_t length, struct errors *errors);
/* Adds up to n clones with this timestamp; says how many there was memory for. */
unsigned source_packet_clone(struct packet *packet, uint64_t timestamp_ns, struct batch *into,
                             unsigned n);

#endif
