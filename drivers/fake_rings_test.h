// SPDX-License-Identifier: BSD-2-Clause
/*
 * fake_rings_test.h - netfront_ring.c in a Linux process, for tests that play its backend.
 *
 * It includes netfront_ring.c, and what that stands on, with fakes in the place of what the guest offers:
 * - A small pool, so that every packet can be followed: FAKE_MUST fails when one is freed twice, n_taken is
 *   0 when all came back. pool_limit is how many the pool gives at most, besides LARGE large ones.
 * - References tell pages: LENT_FOR_LIFE and the page's number, or LENT_ONCE and the number for a grant of
 *   its own; lent_page() is the backend's side of it. holds_on: the backend does not let go of those. no_loans: there
 *   are no others, as for one backend too many. no_grants: the grant table is full.
 * - netfront_fail() counts in `failed`, and keeps the first reason in failed_by.
 * - on_look, when set, is called before and after each look of the ring code into shared memory, so
 *   that what lies there may change between any two of them. There are no other looks at slots: after
 *   hide_slots() ASan reports whoever reads one in another way.
 */
#ifndef DRIVERS_FAKE_RINGS_TEST_H
#define DRIVERS_FAKE_RINGS_TEST_H

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/netfront.h"
#include "platform/platform.h"

#ifndef FAKE_MUST
#define FAKE_MUST(condition)                                                                  \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);           \
            abort();                                                                          \
        }                                                                                     \
    } while (0)
#endif

enum {
    PACKETS = 300, LARGE = 20, LARGE_PAGES = PACKET_LARGE_CAPACITY / PAGE_SIZE,
    PAGES = PACKETS + LARGE * LARGE_PAGES,      /* the first PACKETS are a packet each */
    RING_REFERENCE = 100, LENT_FOR_LIFE = 1000, LENT_ONCE = 2000, RING_HEAD = 64,
};
_Static_assert(LENT_FOR_LIFE + (int)PAGES <= (int)LENT_ONCE, "a reference tells what it is");

static struct packet pool[PACKETS + LARGE];
static uint8_t pages[PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static bool in_use[PACKETS + LARGE];
static bool lent[PAGES];                /* for this time only */
static unsigned n_taken, n_lent, n_grants, n_revokes, pool_limit, notified, raised, failed, ring_pages, still_held;
static bool holds_on, no_loans, no_grants;
static const char *failed_by;
static void (*on_look)(void);
static uint8_t *hidden[2];              /* ring pages whose slots are hidden; NULL: none */

/* ---- what the ring code asks of the guest ---- */

static inline unsigned packet_number(const struct packet *p)
{
    FAKE_MUST(p >= pool && p < pool + PACKETS + LARGE);
    return (unsigned)(p - pool);
}

static struct packet *test_packet_new(void)
{
    static unsigned last;

    if (n_taken >= pool_limit)
        return NULL;
    for (unsigned n = 0; n < PACKETS; n++) {
        unsigned i = last++ % PACKETS;
        if (!in_use[i]) {
            in_use[i] = true;
            n_taken++;
            pool[i] = (struct packet){ .owner = &pool[i], .head = pages[i], .data = pages[i] + 64,
                                       .capacity = PAGE_SIZE, .refs = 1 };
            return &pool[i];
        }
    }
    return NULL;
}

/* Short ones from the pool; others large while there are any. */
static struct packet *test_packet_make(uint32_t headroom, const void *data, uint32_t length, uint32_t tailroom)
{
    uint32_t size = headroom + length + tailroom;
    struct packet *p = size <= PAGE_SIZE ? test_packet_new() : NULL;

    FAKE_MUST(size <= PACKET_LARGE_CAPACITY && !data);
    for (unsigned i = PACKETS; size > PAGE_SIZE && !p && i < PACKETS + LARGE; i++) {
        if (in_use[i])
            continue;
        in_use[i] = true;
        n_taken++;
        p = &pool[i];
        *p = (struct packet){ .owner = p, .head = pages[PACKETS + (i - PACKETS) * LARGE_PAGES],
                              .capacity = PACKET_LARGE_CAPACITY, .refs = 1, .flags = PACKET_F_LARGE | PACKET_F_SHELL };
    }
    if (p) {
        p->data = p->head + headroom;
        p->length = length;
    }
    return p;
}

static void test_packet_free(struct packet *p)
{
    unsigned i = packet_number(p);

    FAKE_MUST(in_use[i]);
    in_use[i] = false;
    n_taken--;
}

static void *test_pages_alloc(size_t count)
{
    void *page = aligned_alloc(PAGE_SIZE, count * PAGE_SIZE);

    ring_pages++;
    return page;
}

static uint32_t test_grant_page(uint16_t domain, const void *page, bool read_only)
{
    const uint8_t *bytes = page;

    (void)domain, (void)read_only;
    if ((uintptr_t)bytes - (uintptr_t)pages >= sizeof pages)
        return RING_REFERENCE;
    if (no_grants)
        return GRANT_NONE;
    long i = (bytes - pages[0]) / PAGE_SIZE;
    FAKE_MUST(bytes == pages[i] && !lent[i]);
    lent[i] = true;
    n_lent++;
    n_grants++;
    return LENT_ONCE + (uint32_t)i;
}

static inline bool test_revoke(uint32_t reference)
{
    FAKE_MUST(reference >= LENT_ONCE && reference < LENT_ONCE + PAGES && lent[reference - LENT_ONCE]);
    lent[reference - LENT_ONCE] = false;
    n_lent--;
    n_revokes++;
    return !holds_on;
}

static void test_revoke_later(uint32_t reference, void *page)
{
    if (!page) {
        still_held++;
        return;
    }
    FAKE_MUST(reference == RING_REFERENCE);
    for (unsigned i = 0; i < 2; i++)
        if (hidden[i] == page) {
            ASAN_UNPOISON_MEMORY_REGION(page, PAGE_SIZE);
            hidden[i] = NULL;
        }
    free(page);
    ring_pages--;
}

/* Which page the backend means by it; it must have been lent. */
static inline uint8_t *lent_page(uint32_t reference)
{
    if (reference >= LENT_ONCE) {
        FAKE_MUST(reference < LENT_ONCE + PAGES && lent[reference - LENT_ONCE]);
        return pages[reference - LENT_ONCE];
    }
    FAKE_MUST(reference >= LENT_FOR_LIFE && reference < LENT_FOR_LIFE + PAGES);
    return pages[reference - LENT_FOR_LIFE];
}

struct buffer_loans *buffer_loans_open(uint16_t domain)
{
    static struct buffer_loans loans;

    loans.domain = domain;
    loans.users++;
    return no_loans ? NULL : &loans;
}

void buffer_loans_close(struct buffer_loans *loans)
{
    if (loans)
        loans->users--;
}

static uint32_t test_buffer_grant(struct buffer_loans *loans, const void *address)
{
    if (!loans)
        return GRANT_NONE;
    FAKE_MUST(loans->users > 0);
    return LENT_FOR_LIFE + (uint32_t)(((const uint8_t *)address - pages[0]) / PAGE_SIZE);
}

void netfront_fail(struct vif *vif, const char *what)
{
    vif->broken = true;
    vif->up = false;
    if (failed++ == 0)
        failed_by = what;
}

/* ---- how it looks at shared memory ---- */

static void hide_again(void)
{
    for (unsigned i = 0; i < 2; i++)
        if (hidden[i])
            ASAN_POISON_MEMORY_REGION(hidden[i] + RING_HEAD, PAGE_SIZE - RING_HEAD);
}

/* From now on the ring macros alone read slots; whoever plays the backend shows them first. */
static inline void hide_slots(const struct netfront_queue *queue)
{
    hidden[0] = (uint8_t *)queue->rx.sring;
    hidden[1] = (uint8_t *)queue->tx.sring;
    hide_again();
}

static inline void show_slots(void)
{
    for (unsigned i = 0; i < 2; i++)
        if (hidden[i])
            ASAN_UNPOISON_MEMORY_REGION(hidden[i], PAGE_SIZE);
}

static void at_look(void)
{
    if (on_look)
        on_look();
    hide_again();
}

static inline void test_raise(uint32_t port)
{
    (void)port;
    raised++;
}

static void test_notify(uint32_t port)
{
    (void)port;
    notified++;
    at_look();
}

#undef xen_mb
#undef xen_rmb
#undef xen_wmb
#define xen_mb()  at_look()
#define xen_rmb() at_look()
#define xen_wmb() at_look()

#define LOOK(index) (at_look(), *(const volatile RING_IDX *)&(index))

#undef RING_COPY_RESPONSE
#define RING_COPY_RESPONSE(rings, index, copy)                                                \
    do {                                                                                      \
        at_look();                                                                            \
        show_slots();                                                                         \
        *(copy) = *(volatile __typeof__(copy))RING_GET_RESPONSE(rings, index);                \
        at_look();                                                                            \
    } while (0)

/* To write it; hidden again at the next look. */
#undef RING_GET_REQUEST
#define RING_GET_REQUEST(rings, index)                                                        \
    (show_slots(), &(rings)->sring->ring[(index) & (RING_SIZE(rings) - 1)].req)

#define packet_new         test_packet_new
#define packet_make        test_packet_make
#define packet_free        test_packet_free
#define pages_alloc        test_pages_alloc
#define pages_free         free
#define grant_page         test_grant_page
#define grant_revoke       test_revoke
#define grant_revoke_later test_revoke_later
#define buffer_grant       test_buffer_grant
#define event_raise        test_raise
#define event_notify       test_notify

/* The router's own stand in the program too, with its pool. */
#define offload_find       test_offload_find
#define offload_cut_begin  test_offload_cut_begin
#define offload_cut_next   test_offload_cut_next
#define offload_push       test_offload_push
#define offload_push_one   test_offload_push_one
#define offload_place      test_offload_place
#include "router/offload.c"

#include "drivers/netfront_chain.c"
#include "drivers/netfront_ring.c"

#endif
