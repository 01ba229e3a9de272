// SPDX-License-Identifier: BSD-2-Clause
/*
 * batch.h - a vector of packets, what elements hand to each other.
 *
 * A batch lives on its maker's stack. Whoever is pushed a batch owns the packets
 * in it and may reorder or overwrite the vector, but must not keep its address.
 * Sources make BATCH_NORMAL packets at a time (32: two of its pointers' cache lines
 * ahead of L1 pressure; 96 and more cost 6 ns a packet more).
 */
#ifndef ROUTER_BATCH_H
#define ROUTER_BATCH_H

#include "router/packet.h"

enum { BATCH_MAX = 64, BATCH_NORMAL = 32 };

struct batch {
    unsigned n;
    struct packet *pkt[BATCH_MAX];
};

/* n <= BATCH_MAX is the caller's promise. */
static inline void batch_add(struct batch *b, struct packet *p)
{
    b->pkt[b->n++] = p;
}

static inline void batch_free(struct batch *b)
{
    unsigned n = b->n;

    b->n = 0;
    if (n == 1) {
        packet_free(b->pkt[0]);
        return;
    }
    for (unsigned i = 0; i < n;) {
        struct packet *p = b->pkt[i];

        if (packet_is_plain(p)) {
            packet_free_plain(p);
            i++;
        } else {
            i += packet_free_alike(b->pkt + i, n - i);
        }
    }
}

#endif
