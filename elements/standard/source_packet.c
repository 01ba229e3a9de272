// SPDX-License-Identifier: BSD-2-Clause
/* source_packet.c - the packet that sources send again and again; see source_packet.h. */
#include "elements/standard/source_packet.h"

#include <string.h>

/* As long as Click's, so that byte counts of old configurations stay the same. */
const char source_packet_text[] =
    "These bytes say nothing; they only make a frame of 64 bytes and more.";

bool source_packet_make(struct packet **packet, struct element *e, const char *data,
                        size_t data_length, int32_t length, struct errors *errors)
{
    size_t n = length < 0 ? data_length : (size_t)length;
    struct packet *p;

    if (n > PACKET_LENGTH_MAX - PACKET_HEADROOM)
        return element_error(e, errors, "packet too long");
    p = packet_make(PACKET_HEADROOM, NULL, (uint32_t)n, 0);
    if (!p)
        return element_error(e, errors, "no memory for a packet");
    memset(p->data, 0, n);
    for (size_t at = 0; data_length && at < n; at += data_length)
        memcpy(p->data + at, data, n - at < data_length ? n - at : data_length);
    if (*packet)
        packet_free(*packet);
    *packet = p;
    return true;
}

unsigned source_packet_clone(struct packet *packet, uint64_t timestamp_ns, struct batch *into,
                             unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct packet *copy = packet_clone(packet);

        if (!copy)
            return i;
        copy->timestamp_ns = timestamp_ns;
        batch_add(into, copy);
    }
    return n;
}
