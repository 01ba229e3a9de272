// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront.h - a virtual interface: what its two rhythms share.
 *
 * netfront_connect.c negotiates with the backend through xenstore, on the vif's own thread;
 * netfront_ring.c moves packets and never blocks. platform/xen/device.c shows vifs to elements.
 */
#ifndef DRIVERS_NETFRONT_H
#define DRIVERS_NETFRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/xen/guest.h"
#include "router/batch.h"

#define xen_mb()  __sync_synchronize()
#define xen_rmb() __asm__ volatile("" : : : "memory")       /* x86 keeps loads in order, */
#define xen_wmb() __asm__ volatile("" : : : "memory")       /* and stores */

#include "platform/xen/hypercall.h"
#include <xen/io/netif.h>

enum { NETFRONT_SLOTS = 256, NETFRONT_VIFS_MAX = 64 };

/* Frames that were not handed on, by reason. */
enum netfront_drop {
    DROP_NO_BUFFER,             /* received, but the packet pool was empty */
    DROP_NOBODY,                /* received, but no element listens */
    DROP_BACKEND_ERROR,         /* the backend says so */
    DROP_BAD_SLOT,              /* wrong number, or bytes outside of the page */
    DROP_CHAINED,               /* more than one page, though we did not offer that */
    DROP_BLANK_CHECKSUM,        /* though we did not offer that */
    DROP_SHORT,                 /* no whole Ethernet header */
    DROP_TX_SHORT, DROP_TX_LONG, DROP_TX_NO_GRANT, DROP_TX_BACKEND_ERROR,
    DROP_REASONS,
};

/* A vif's rings, as long as it is connected. */
struct vif {
    unsigned number;            /* N of device/vif/N */
    uint16_t backend_domain;
    uint8_t mac[6];
    uint32_t mtu;
    bool up;                    /* frames can pass */
    bool broken;                /* the backend broke the ring protocol: reconnect */
    uint32_t port;

    netif_rx_front_ring_t rx;
    struct packet *rx_packet[NETFRONT_SLOTS];   /* by ring index; NULL: nothing posted there */
    unsigned rx_posted;
    bool rx_skip_more, rx_skip_extra;           /* within a frame that we drop */

    netif_tx_front_ring_t tx;
    struct packet *tx_packet[NETFRONT_SLOTS];   /* by request id */
    uint16_t tx_free[NETFRONT_SLOTS];           /* ids, a stack */
    unsigned tx_n_free;

    uint32_t rx_reference, tx_reference;        /* of the ring pages */
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
    uint64_t drops[DROP_REASONS];

    struct thread *thread;
    char backend[96];           /* path in xenstore */
    void *devices;              /* platform/xen/device.c: elements that use the vif */
};

/* ---- netfront_connect.c ---- */

/*
 * Finds vifs that are new and starts to connect them, each on a thread of its own. The first call
 * decides who is woken when there may be more: that thread calls again.
 */
void netfront_scan(void);
unsigned netfront_count(void);
struct vif *netfront_vif(unsigned index);       /* 0 to netfront_count() - 1 */
/* The ring's side has found the backend to be broken. */
void netfront_fail(struct vif *vif);

/* ---- netfront_ring.c ---- */

/* Fresh rings, as many receive buffers posted as `buffers` and the pool allow. 0 or -ENOMEM. */
int netfront_rings_open(struct vif *vif, unsigned buffers);
/* Gives everything back, also packets that were being sent. */
void netfront_rings_close(struct vif *vif);
/* Adds up to `max` frames; owned by the caller. Fewer than `max`: an event will tell of the next one. */
unsigned netfront_receive(struct vif *vif, struct batch *into, unsigned max);
/* Takes and sends packets from the front of the batch; how many. The rest found no room. */
unsigned netfront_transmit(struct vif *vif, const struct batch *from);
/* Frees what has been sent, and asks for an event about the rest. */
void netfront_sent(struct vif *vif);
bool netfront_rx_pending(const struct vif *vif);

/* ---- platform/xen/device.c ---- */

/* The vif's event: frames came, or frames were sent. Called between threads. */
void device_event(struct vif *vif);

/* ---- platform/xen/buffers.c ---- */

/* The reference by which the domain may use a pool page, for as long as the page is in the pool. */
uint32_t buffer_grant(uint16_t domain, const void *address);

#endif
