// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_control.c - the control ring: one request at a time, each answered before the next.
 *
 *   1. GET_GREF_MAPPING_SIZE: how many references may be mapped; mostly "not supported", and that was it.
 *   2. ADD_GREF_MAPPING, for as many as both have, a page full of references each time.
 *   3. The event channel is closed, there is nothing more to say. The ring's page stays the backend's until
 *      it disconnects.
 *
 * An answer lies in memory that the backend writes: copied once, and it must be the answer to what we asked.
 */
#include "drivers/netfront_control.h"

#include <errno.h>
#include <string.h>

enum { LIST_MAX = PAGE_SIZE / sizeof(struct xen_netif_gref), TIMEOUT_MS = 1000 };

static void wake(void *thread)
{
    thread_wake(thread);
}

static void close_port(struct netfront_control *c)
{
    if (c->port)
        event_close(c->port);
    c->port = 0;
}

int netfront_control_open(struct netfront_control *c, uint16_t domain)
{
    void *page = pages_alloc(1);
    int port;

    memset(c, 0, sizeof *c);
    if (!page)
        return -ENOMEM;
    memset(page, 0, PAGE_SIZE);
    c->reference = grant_page(domain, page, false);
    if (c->reference == GRANT_NONE) {
        pages_free(page);
        return -ENOMEM;
    }
    XEN_FRONT_RING_INIT(&c->ring, (struct xen_netif_ctrl_sring *)page, PAGE_SIZE);
    port = event_alloc_unbound(domain);
    if (port >= 0) {
        c->port = (uint32_t)port;
        port = event_bind(c->port, wake, thread_self());
    }
    if (port < 0)
        netfront_control_close(c);
    return port < 0 ? port : 0;
}

void netfront_control_close(struct netfront_control *c)
{
    close_port(c);
    if (c->reference != GRANT_NONE)
        grant_revoke_later(c->reference, c->ring.sring);
    memset(c, 0, sizeof *c);
}

/* ---- one request ---- */

static void send(struct netfront_control *c, uint16_t type, uint32_t reference, uint32_t n)
{
    int sleeps;

    *RING_GET_REQUEST(&c->ring, c->ring.req_prod_pvt) = (struct xen_netif_ctrl_request){
        .id = (uint16_t)c->ring.req_prod_pvt, .type = type, .data = { 0, reference, n },
    };
    c->ring.req_prod_pvt++;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&c->ring, sleeps);
    if (sleeps)
        event_notify(c->port);
}

/* How many there are; none: an event will tell. */
static unsigned answers(struct netfront_control *c)
{
    c->ring.sring->rsp_event = c->ring.rsp_cons + 1;
    xen_mb();                                   /* before we look */
    return *(const volatile RING_IDX *)&c->ring.sring->rsp_prod - c->ring.rsp_cons;
}

/* XEN_NETIF_CTRL_STATUS_* and the answer's data, or -ETIMEDOUT, -EPROTO. */
static int ask(struct vif *vif, uint16_t type, uint32_t reference, uint32_t n, uint32_t *data)
{
    struct netfront_control *c = &vif->control;
    uint64_t deadline = time_now() + TIMEOUT_MS * 1000000ull;
    struct xen_netif_ctrl_response r;
    unsigned n_answers;

    send(c, type, reference, n);
    while ((n_answers = answers(c)) == 0) {
        if (time_now() >= deadline || !vif->up)
            return -ETIMEDOUT;
        thread_block(deadline);
    }
    xen_rmb();                                  /* the answer, only after the index */
    RING_COPY_RESPONSE(&c->ring, c->ring.rsp_cons, &r);
    if (n_answers != 1 || r.type != type || r.id != (uint16_t)c->ring.rsp_cons || r.status > INT32_MAX)
        return -EPROTO;
    c->ring.rsp_cons++;
    *data = r.data;
    return (int)r.status;
}

/* ---- mapping ---- */

/* In lists of a page each, which the backend reads; after a refusal it is as if we had not asked. */
static int map(struct vif *vif, struct xen_netif_gref *list, uint32_t reference, uint32_t size)
{
    struct netfront_control *c = &vif->control;
    uint32_t references[LIST_MAX], from = 0, data;
    int status = XEN_NETIF_CTRL_STATUS_SUCCESS;

    while (c->mapped < size && status == XEN_NETIF_CTRL_STATUS_SUCCESS) {
        unsigned room = size - c->mapped < LIST_MAX ? size - c->mapped : LIST_MAX;
        unsigned n = buffer_grants(vif->queue[0].loans, references, room, &from);

        if (n == 0)
            break;
        for (unsigned i = 0; i < n; i++)
            list[i] = (struct xen_netif_gref){ .ref = references[i] };
        status = ask(vif, XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, reference, n, &data);
        if (status == XEN_NETIF_CTRL_STATUS_SUCCESS)
            c->mapped += n;
    }
    return status;
}

static int map_some(struct vif *vif, uint32_t size)
{
    void *page = pages_alloc(1);
    uint32_t reference = page ? grant_page(vif->backend_domain, page, false) : GRANT_NONE;
    int status = -ENOMEM;

    if (reference != GRANT_NONE) {
        status = map(vif, page, reference, size);
        grant_revoke_later(reference, page);
    } else if (page) {
        pages_free(page);
    }
    return status;
}

void netfront_control_map_buffers(struct vif *vif)
{
    struct netfront_control *c = &vif->control;
    uint32_t size;
    int status;

    if (!c->port)
        return;
    status = ask(vif, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, 0, 0, &size);
    if (status == XEN_NETIF_CTRL_STATUS_SUCCESS && size > 0)
        status = map_some(vif, size);
    else if (status == XEN_NETIF_CTRL_STATUS_SUCCESS)
        status = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
    c->state = status == XEN_NETIF_CTRL_STATUS_SUCCESS ? NETFRONT_CONTROL_MAPPED :
               status == XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED ? NETFRONT_CONTROL_UNSUPPORTED :
               status == -ETIMEDOUT ? NETFRONT_CONTROL_UNANSWERED : NETFRONT_CONTROL_REFUSED;
    close_port(c);
    if (status == -EPROTO && vif->up)
        netfront_fail(vif, "answered a control request that was not asked");
}
