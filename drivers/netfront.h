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
#include "router/errors.h"
#include "router/text.h"

#define xen_mb()  __sync_synchronize()
#define xen_rmb() __asm__ volatile("" : : : "memory")       /* x86 keeps loads in order, */
#define xen_wmb() __asm__ volatile("" : : : "memory")       /* and stores */

#include "platform/xen/hypercall.h"
#include <xen/io/netif.h>

enum { NETFRONT_SLOTS = 256, NETFRONT_VIFS_MAX = 64 };

/*
 * How a queue moves frames: any set of these. None of them is "basic": one frame an event, a grant issued and revoked
 * for each frame, the receive ring filled again when it is nearly empty.
 */
enum {
    NETFRONT_POLL = 1,          /* takes and sends as much as there is, not one frame an event */
    NETFRONT_GRU = 2,           /* a buffer keeps its grant for life ("grant re-use") */
    NETFRONT_FR = 4,            /* a receive slot is filled again at once ("fast refill") */
    NETFRONT_MODES_ALL = 7,
};

/*
 * What one side may leave to the other, of what frames need. Each side says what it takes; a set of these.
 */
enum {
    NETFRONT_SG = 1,            /* frames in several pages */
    NETFRONT_CSUM4 = 2,         /* blank TCP and UDP checksums in IPv4, */
    NETFRONT_CSUM6 = 4,         /* in IPv6 */
    NETFRONT_GSO4 = 8,          /* TCP segments to be cut, in IPv4, */
    NETFRONT_GSO6 = 16,         /* in IPv6 */
    NETFRONT_FEATURES_ALL = 31,
};

/* Slots of one frame, descriptions included: what netif.h promises is 18 pages. */
enum { NETFRONT_CHAIN_MAX = 24, NETFRONT_TX_SLOTS_MAX = 18, NETFRONT_TX_LENGTH_MAX = 65535 };

enum { NETFRONT_POLL_ROUNDS = 0, NETFRONT_POLL_ROUNDS_MAX = 1000000 };

/* Frames that were not handed on, by reason. */
enum netfront_drop {
    DROP_NO_BUFFER,             /* received, but the packet pool was empty */
    DROP_NOBODY,                /* received, but no element listens */
    DROP_BACKEND_ERROR,         /* the backend says so */
    DROP_BAD_SLOT,              /* wrong number, or bytes outside of the page */
    DROP_CHAINED,               /* more than one page, though we did not offer that, or too many */
    DROP_BAD_EXTRA,             /* a description that we did not offer to take, or nonsense */
    DROP_BLANK_CHECKSUM,        /* though we did not offer that */
    DROP_SHORT,                 /* no whole Ethernet header */
    DROP_TX_FIRST,              /* those above are about receiving */
    DROP_TX_SHORT = DROP_TX_FIRST, DROP_TX_LONG, DROP_TX_NO_GRANT, DROP_TX_BACKEND_ERROR,
    DROP_TX_NO_ROOM,            /* a segment that we cut, the backend not taking it whole, and the ring was full */
    DROP_TX_UNFINISHED,         /* no headers by which it could be cut, or its checksum filled in; or no memory to */
    DROP_REASONS,
};

/* Batches by size: up to 1, 2, 4, ... packets, as many as there are powers of two up to BATCH_MAX. */
enum { NETFRONT_BATCH_SIZES = 7 };

enum netfront_direction { NETFRONT_RX, NETFRONT_TX, NETFRONT_DIRECTIONS };

/* What a queue counts, for ever; netfront_report.c gives each a name. */
struct netfront_counts {
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
    uint64_t rx_large, tx_large;                /* of these, in several pages */
    uint64_t rx_gso, tx_gso;                    /* TCP segments that stand for many */
    uint64_t rx_blank, tx_blank;                /* with blank checksums, segments that stand for many among them */
    uint64_t tx_finished;                       /* unfinished packets that we finished, the backend not taking them */
    uint64_t drops[DROP_REASONS];
    uint64_t notified[NETFRONT_DIRECTIONS];     /* the backend, by us: about buffers, about frames to send */
    uint64_t notifications_received;            /* one event channel: for which direction it does not say */
    uint64_t notifications_raised;              /* of those, by us: without NETFRONT_POLL, for frames behind others */
    uint64_t poll_rounds, polls_empty;          /* looks at the receive ring; those that found nothing */
    uint64_t batches[NETFRONT_DIRECTIONS][NETFRONT_BATCH_SIZES];
    uint64_t rx_ring_empty;                     /* looks that found every buffer used: the backend had to wait */
    uint64_t tx_ring_full;                      /* sends that found no room for all */
};

/* A frame of which more is to come: netfront_chain.c. */
struct netfront_chain {
    struct packet *packet;                      /* what there is of it; NULL: it is dropped */
    unsigned reason;                            /* what for; DROP_REASONS: nothing is wrong so far */
    unsigned slots;
    uint16_t flags;                             /* of its first answer */
    uint16_t segment_size;
    bool more, extra;                           /* another page, another description; neither: it ends here */
};

/*
 * What one virtual CPU serves: a pair of rings, as long as the vif is connected. There is one CPU, so there is one
 * queue; nothing here is shared with another.
 */
struct netfront_queue {
    struct vif *vif;
    uint32_t port;
    unsigned modes;
    unsigned poll_rounds_before_blocking;       /* looks that find nothing before an event is asked for */
    unsigned quiet_rounds;                      /* such looks since there was something */
    struct buffer_loans *loans;                 /* pages that the backend has for good; NULL: it has none */
    unsigned own_grants;                        /* references in rx_own and tx_own */
    unsigned held_grants;                       /* those that the backend did not let go of in time */

    netif_rx_front_ring_t rx;
    struct packet *rx_packet[NETFRONT_SLOTS];   /* by ring index; NULL: nothing posted there */
    uint32_t rx_own[NETFRONT_SLOTS];            /* references for this time only; GRANT_NONE: the page's for life */
    unsigned rx_buffers;                        /* how many are posted when all are */
    unsigned rx_late;                           /* without NETFRONT_FR: so few, and they are filled up again */
    struct netfront_chain rx_chain;
    unsigned bad_answers;                       /* since the rings were opened; too many break the connection */

    netif_tx_front_ring_t tx;
    struct packet *tx_packet[NETFRONT_SLOTS];   /* by request id */
    uint32_t tx_own[NETFRONT_SLOTS];
    uint16_t tx_free[NETFRONT_SLOTS];           /* ids, a stack */
    unsigned tx_n_free;
    unsigned tx_extras;                         /* descriptions under way: slots without an id */

    uint32_t rx_reference, tx_reference;        /* of the ring pages; GRANT_NONE: there are none */
    struct netfront_counts counts;
};

enum { NETFRONT_QUEUES = 1 };

/* Multicasts that the backend is to hand over: netfront_multicast.c. */
enum { NETFRONT_GROUPS_MAX = 32 };

struct netfront_groups {
    bool filter;                /* only to those below; else all */
    unsigned n;
    uint8_t address[NETFRONT_GROUPS_MAX][6];
};

/* What came of asking the backend to keep our buffers mapped. */
enum netfront_control_state {
    NETFRONT_CONTROL_NONE,          /* it has no control ring, or was not asked yet */
    NETFRONT_CONTROL_UNSUPPORTED, NETFRONT_CONTROL_UNANSWERED, NETFRONT_CONTROL_REFUSED,
    NETFRONT_CONTROL_MAPPED,
};

/* netfront_control.c */
struct netfront_control {
    struct xen_netif_ctrl_front_ring ring;
    uint32_t reference;             /* of the ring's page; GRANT_NONE: there is none */
    uint32_t port;                  /* 0: closed */
    enum netfront_control_state state;
    uint32_t mapped;                /* buffers */
};

struct vif {
    unsigned number;            /* N of device/vif/N */
    uint16_t backend_domain;
    uint8_t mac[6];
    uint32_t mtu;
    unsigned takes, gives;      /* NETFRONT_SG ...: what the backend may leave to us, and we to it */
    bool filters;               /* the backend offers to hand over some multicasts only */
    struct netfront_groups groups, groups_told;     /* wanted; and what this backend knows of */
    bool groups_changed;        /* the vif's thread has to tell it */
    bool up;                    /* frames can pass */
    bool gone;                  /* the toolstack took it away; it may come back */
    bool broken;                /* the backend broke the ring protocol: reconnect */
    const char *broken_by;      /* what it did, the last time that it was; NULL: never */
    uint64_t breaks;            /* times that it was */
    uint64_t connections;       /* times that it came up */
    struct netfront_queue queue[NETFRONT_QUEUES];
    struct netfront_control control;

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
/* The ring's side has found that the backend broke the protocol: what it did, "answered a request twice". */
void netfront_fail(struct vif *vif, const char *what);

/* ---- netfront_ring.c ---- */

/* Fresh rings, as many receive buffers posted as `buffers` and the pool allow. 0 or -ENOMEM. */
int netfront_rings_open(struct netfront_queue *queue, unsigned buffers);
/* Gives everything back, also packets that were being sent. */
void netfront_rings_close(struct netfront_queue *queue);
/* Between two frames, also while there is no connection: no frame is lost. */
void netfront_set_modes(struct netfront_queue *queue, unsigned modes);
/*
 * Adds up to `max` frames; owned by the caller. Fewer than `max`: an event will tell of the next one, unless the
 * caller looks again without.
 */
unsigned netfront_receive(struct netfront_queue *queue, struct batch *into, unsigned max, bool looks_again);
/* Sends a description that needs no frame; false: no room, or no packet to stand for one. */
bool netfront_describe(struct netfront_queue *queue, const struct netif_extra_info *extra);
/* Takes and sends packets from the front of the batch; how many. The rest found no room. */
unsigned netfront_transmit(struct netfront_queue *queue, const struct batch *from);
/* Frees what has been sent, and asks for an event about the rest. */
void netfront_sent(struct netfront_queue *queue);
bool netfront_rx_pending(const struct netfront_queue *queue);
/* Buffers that the backend may fill, and packets that it has not sent yet. */
unsigned netfront_rx_posted(const struct netfront_queue *queue);
unsigned netfront_tx_under_way(const struct netfront_queue *queue);

/* ---- netfront_chain.c ---- */

/* More slots of the frame are to come. */
static inline bool netfront_chain_open(const struct netfront_chain *c)
{
    return c->more | c->extra;
}
/* The first answer. `reason`: what is wrong with it (DROP_REASONS: nothing; then chain->packet is the caller's to set). */
void netfront_chain_begin(struct netfront_chain *chain, const netif_rx_response_t *r, unsigned reason);
/* Begins chain->packet in a large buffer; without one that is free it is dropped. */
void netfront_chain_start_copy(struct netfront_chain *chain, const uint8_t *bytes, uint32_t n);
/* The next answer: a page that lies at `page`, `reason` as above; or a description. `features`: what we take. */
void netfront_chain_add(struct netfront_chain *chain, const netif_rx_response_t *r, unsigned reason,
                        const uint8_t *page, unsigned features);
void netfront_chain_drop(struct netfront_chain *chain);

/* ---- netfront_multicast.c ---- */

/* "all", "none", or addresses with commas or blanks between them. False: an error says what there is. */
bool netfront_multicast_parse(const char *text, struct netfront_groups *groups, struct errors *errors);
void netfront_multicast_format(const struct netfront_groups *groups, struct text *out);
/* On the vif's thread: what is wanted now in the place of what it was told before. False: the connection ended. */
bool netfront_multicast_tell(struct vif *vif);

/* ---- netfront_modes.c ---- */

/* "basic", "all", or any of "poll", "gru", "fr" with commas, blanks or + between them. False: an error says what there is. */
bool netfront_modes_parse(const char *text, unsigned *modes, struct errors *errors);
void netfront_modes_format(unsigned modes, struct text *out);
/* What the VM's boot line says (netfront=...), or all. */
unsigned netfront_modes_default(void);
/* The same for NETFRONT_SG ...: "none", or any of "sg", "csum", "csum6", "gso", "gso6". */
void netfront_features_format(unsigned set, struct text *out);
/* Without those that need another one which is not there. */
unsigned netfront_features_possible(unsigned set);
/* What the VM's boot line says (offload=...), or all. */
unsigned netfront_features_default(void);

/* ---- netfront_report.c ---- */

/* All that is known and counted, a line each: "0 rx_packets 12345". */
void netfront_report(const struct vif *vif, struct text *out);

/* ---- platform/xen/device.c ---- */

/* The vif's event: frames came, or frames were sent. Called between threads. */
void device_event(struct vif *vif);

/* ---- platform/xen/buffers.c ---- */

/* What pages of the pool are lent to one domain for as long as they are in the pool: references by page number. */
struct buffer_loans {
    uint16_t domain;
    unsigned users;                 /* queues */
    uint32_t *references;           /* GRANT_NONE: not lent yet */
};

/* NULL: too many domains, or no memory. Then pages are to be lent frame by frame. */
struct buffer_loans *buffer_loans_open(uint16_t domain);
/* The loans stay, for the next one who opens them, until there is need for them elsewhere. NULL is fine. */
void buffer_loans_close(struct buffer_loans *loans);
uint32_t buffer_lend(struct buffer_loans *loans, const void *address);

/* The reference by which the domain may use the page for good; GRANT_NONE: as when there are no loans. */
static inline uint32_t buffer_grant(struct buffer_loans *loans, const void *address)
{
    if (__builtin_expect(!loans, 0))
        return GRANT_NONE;
    uint32_t reference = loans->references[(uintptr_t)address / PAGE_SIZE];
    return __builtin_expect(reference != GRANT_NONE, 1) ? reference : buffer_lend(loans, address);
}
/* All these references, from *from (0 at first) on; how many, at most `max`. */
unsigned buffer_grants(const struct buffer_loans *loans, uint32_t *references, unsigned max, uint32_t *from);

#endif
