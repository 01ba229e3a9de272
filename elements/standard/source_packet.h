// SPDX-License-Identifier: BSD-2-Clause
/*
 * source_packet.h - the packet that InfiniteSource and RatedSource send again and again.
 *
 * It is made once; what is sent are clones that share its bytes. An element has one as a member, gives
 * the macros below their places in its tables, and calls the functions in those of the same name.
 */
#ifndef STANDARD_SOURCE_PACKET_H
#define STANDARD_SOURCE_PACKET_H

#include "router/element.h"

struct source_packet {
    struct packet *packet;
    struct arg_string data;
    int32_t length;             /* negative: that of the data */
};

void source_packet_setup(struct source_packet *source);
/* Makes the packet from what the arguments left. */
bool source_packet_configure(struct source_packet *source, struct element *e,
                             struct errors *errors);
void source_packet_cleanup(struct source_packet *source);

/* A clone with this timestamp; NULL: there is no memory. */
static inline struct packet *source_packet_clone_one(const struct source_packet *source, uint64_t timestamp_ns)
{
    struct packet *clone = packet_clone(source->packet);

    if (clone)
        clone->timestamp_ns = timestamp_ns;
    return clone;
}
/* Adds up to n clones with this timestamp; says how many there was memory for. */
unsigned source_packet_clone(const struct source_packet *source, uint64_t timestamp_ns,
                             struct batch *into, unsigned n);

handler_read_function source_packet_read_data, source_packet_read_length;
handler_write_function source_packet_write_data, source_packet_write_length;

#define SOURCE_PACKET_DATA_ARGUMENT(structure, member)                                          \
    {.name = "DATA", .kind = ARG_OPTIONAL, .type = &arg_string,                                 \
     .offset = offsetof(structure, member.data),                                                \
     .help = "the packets' bytes; default a text of 69 bytes"}

#define SOURCE_PACKET_LENGTH_ARGUMENTS(structure, member)                                       \
    {.name = "LENGTH", .kind = ARG_KEYWORD, .type = &arg_int,                                   \
     .offset = offsetof(structure, member.length),                                              \
     .help = "the packets' length; default that of DATA"},                                      \
    {.name = "DATASIZE", .kind = ARG_KEYWORD, .type = &arg_int,                                 \
     .offset = offsetof(structure, member.length), .help = "old name of LENGTH"}

/* `after` is called when a write changed the packet; NULL: nobody asks. `calm`: HANDLER_CALM or 0, of length. */
#define SOURCE_PACKET_HANDLERS(structure, member, calm, after)                                  \
    {.name = "data", .flags = HANDLER_RAW | HANDLER_CALM, .read = source_packet_read_data,      \
     .write = source_packet_write_data, .offset = offsetof(structure, member),                  \
     .written = after, .help = "the packets' bytes"},                                           \
    {.name = "length", .flags = (calm), .read = source_packet_read_length,                      \
     .write = source_packet_write_length, .offset = offsetof(structure, member),                \
     .written = after,                                                                          \
     .help = "the packets' length; -1: that of data"},                                          \
    {.name = "datasize", .flags = HANDLER_DEPRECATED | (calm), .read = source_packet_read_length, \
     .write = source_packet_write_length, .offset = offsetof(structure, member),                \
     .written = after, .help = "old name of length"}

#endif
