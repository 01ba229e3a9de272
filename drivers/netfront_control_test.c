// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_control_test.c - the control ring against a backend in the same process: one that keeps buffers mapped,
 * one that cannot, one that does not answer, and one that answers something else. The backend has its turn when the
 * vif's thread blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/netfront.h"

enum { PORT = 7, RING_REFERENCE = 100, LIST_REFERENCE = 101, BUFFERS = 1300, FIRST_BUFFER = 2000 };

static void *pages[2];                  /* by reference: ring, list */
static unsigned n_pages, ports, failed, turns;
static uint64_t now;
static bool no_port;

/* ---- the guest ---- */

static void *test_pages_alloc(size_t count)
{
    n_pages++;
    return aligned_alloc(PAGE_SIZE, count * PAGE_SIZE);
}

static uint32_t test_grant_page(uint16_t domain, const void *page, bool read_only)
{
    unsigned i = pages[0] != NULL;

    assert_int_equal(domain, 3);
    assert_false(read_only);
    assert_null(pages[i]);
    pages[i] = (void *)(uintptr_t)page;
    return RING_REFERENCE + i;
}

static void test_revoke_later(uint32_t reference, void *page)
{
    assert_ptr_equal(pages[reference - RING_REFERENCE], page);
    pages[reference - RING_REFERENCE] = NULL;
    free(page);
    n_pages--;
}

static int test_alloc_unbound(uint16_t remote)
{
    assert_int_equal(remote, 3);
    ports += !no_port;
    return no_port ? -28 : PORT;
}

static int test_bind(uint32_t port, event_handler *handler, void *argument)
{
    (void)handler, (void)argument;
    assert_int_equal(port, PORT);
    return 0;
}

static void test_close(uint32_t port)
{
    assert_int_equal(port, PORT);
    ports--;
}

static void test_notify(uint32_t port)
{
    assert_int_equal(port, PORT);
}

static void backend(void);

static void test_block(uint64_t deadline)
{
    assert_in_range(++turns, 1, 100);
    backend();
    now = deadline;
}

static uint64_t test_now(void)
{
    return now;
}

static struct thread *test_self(void)
{
    return NULL;
}

static void test_wake(struct thread *thread)
{
    (void)thread;
}

#define pages_alloc         test_pages_alloc
#define grant_page          test_grant_page
#define grant_revoke_later  test_revoke_later
#define event_alloc_unbound test_alloc_unbound
#define event_bind          test_bind
#define event_close         test_close
#define event_notify        test_notify
#define thread_block        test_block
#define thread_self         test_self
#define thread_wake         test_wake
#define time_now            test_now
#define pages_free          free
#include "drivers/netfront_control.c"

static struct vif vif;

void netfront_fail(struct vif *broken, const char *what)
{
    assert_non_null(what);
    broken->up = false;
    failed++;
}

static struct buffer_loans loans;

unsigned buffer_grants(const struct buffer_loans *given, uint32_t *references, unsigned max, uint32_t *from)
{
    unsigned n = 0;

    assert_ptr_equal(given, &loans);
    for (; n < max && *from < BUFFERS; ++*from)
        references[n++] = FIRST_BUFFER + *from;
    return n;
}

/* ---- the backend ---- */

static enum { GOOD, SILENT, WRONG_ID, WRONG_TYPE, REFUSES_LISTS, WILD_INDEX } manner;
static uint32_t size;                   /* of its table; 0: not supported */
static uint32_t status_without_size;
static bool mapped[BUFFERS];
static RING_IDX consumed;

static uint32_t add(const struct xen_netif_ctrl_request *request)
{
    const struct xen_netif_gref *list = pages[1];

    assert_int_equal(request->data[0], 0);
    assert_int_equal(request->data[1], LIST_REFERENCE);
    assert_in_range(request->data[2], 1, PAGE_SIZE / sizeof *list);
    if (manner == REFUSES_LISTS)
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    for (unsigned i = 0; i < request->data[2]; i++) {
        assert_in_range(list[i].ref, FIRST_BUFFER, FIRST_BUFFER + BUFFERS - 1);
        assert_false(mapped[list[i].ref - FIRST_BUFFER]);
        assert_int_equal(list[i].flags, 0);
        mapped[list[i].ref - FIRST_BUFFER] = true;
    }
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static void backend(void)
{
    struct xen_netif_ctrl_sring *ring = pages[0];

    for (; manner != SILENT && consumed != ring->req_prod; consumed++) {
        struct xen_netif_ctrl_request request = ring->ring[consumed % 32].req;
        struct xen_netif_ctrl_response r = { .id = request.id, .type = request.type };

        if (request.type == XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE) {
            r.status = size ? XEN_NETIF_CTRL_STATUS_SUCCESS : status_without_size;
            r.data = size;
        } else {
            assert_int_equal(request.type, XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING);
            r.status = add(&request);
        }
        r.id += manner == WRONG_ID;
        r.type += manner == WRONG_TYPE;
        ring->ring[consumed % 32].rsp = r;
        ring->rsp_prod = manner == WILD_INDEX ? 0x80000000 : consumed + 1;
    }
}

static unsigned n_mapped(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < BUFFERS; i++)
        n += mapped[i];
    return n;
}

static void converse(void)
{
    memset(mapped, 0, sizeof mapped);
    consumed = failed = turns = 0;
    now = 0;
    vif.backend_domain = 3;
    vif.queue[0].loans = &loans;
    vif.up = true;
    assert_int_equal(netfront_control_open(&vif.control, 3), 0);
    assert_int_equal(vif.control.reference, RING_REFERENCE);
    netfront_control_map_buffers(&vif);
    assert_int_equal(ports, 0);                 /* there is nothing more to say */
}

static void end(void)
{
    netfront_control_close(&vif.control);
    assert_int_equal(n_pages, 0);
    assert_int_equal(ports, 0);
    assert_int_equal(vif.control.reference, GRANT_NONE);
}

static void test_mapped(void **state)
{
    const uint32_t sizes[] = { 1, 511, 512, 513, BUFFERS - 1, BUFFERS, BUFFERS + 1, UINT32_MAX };

    (void)state;
    manner = GOOD;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size = sizes[i];
        converse();
        assert_int_equal(vif.control.state, NETFRONT_CONTROL_MAPPED);
        assert_int_equal(n_mapped(), size < BUFFERS ? size : BUFFERS);
        assert_int_equal(vif.control.mapped, n_mapped());
        end();
    }
}

static void test_others(void **state)
{
    const struct { int manner; uint32_t size, status; int state; unsigned failed; } cases[] = {
        { GOOD, 0, XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED, NETFRONT_CONTROL_UNSUPPORTED, 0 },  /* Linux */
        { GOOD, 0, XEN_NETIF_CTRL_STATUS_SUCCESS, NETFRONT_CONTROL_UNSUPPORTED, 0 },
        { GOOD, 0, XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER, NETFRONT_CONTROL_REFUSED, 0 },
        { GOOD, 0, UINT32_MAX, NETFRONT_CONTROL_REFUSED, 1 },
        { REFUSES_LISTS, 100, 0, NETFRONT_CONTROL_REFUSED, 0 },
        { SILENT, 100, 0, NETFRONT_CONTROL_UNANSWERED, 0 },
        { WRONG_ID, 100, 0, NETFRONT_CONTROL_REFUSED, 1 },
        { WRONG_TYPE, 100, 0, NETFRONT_CONTROL_REFUSED, 1 },
        { WILD_INDEX, 100, 0, NETFRONT_CONTROL_REFUSED, 1 },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        manner = cases[i].manner;
        size = cases[i].size;
        status_without_size = cases[i].status;
        converse();
        assert_int_equal(vif.control.state, cases[i].state);
        assert_int_equal(vif.control.mapped, 0);
        assert_int_equal(failed, cases[i].failed);
        end();
    }
}

/* Without an event channel there is no control ring, and nothing is asked. */
static void test_no_port(void **state)
{
    (void)state;
    no_port = true;
    turns = 0;
    assert_int_equal(netfront_control_open(&vif.control, 3), -28);
    netfront_control_map_buffers(&vif);
    assert_int_equal(turns, 0);
    assert_int_equal(vif.control.state, NETFRONT_CONTROL_NONE);
    end();
    no_port = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_no_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
