// SPDX-License-Identifier: BSD-2-Clause
/*
 * events.c - event channels, masked for ever and polled.
 *
 * Xen sets a port's pending bit whether it is masked or not, and SCHEDOP_poll returns at once when
 * the bit of a port that it was given is already set. So nothing is lost:
 *   1. events_poll() clears the bit, then calls the handler, which looks at its ring.
 *   2. Something that arrives after 1. sets the bit again; the next events_poll() or events_wait()
 *      sees it.
 */
#include <errno.h>
#include <string.h>

#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

enum { PORTS_MAX = 128 };               /* as many as SCHEDOP_poll takes */

static evtchn_port_t ports[PORTS_MAX];
static struct { event_handler *handler; void *argument; } handlers[PORTS_MAX];
static unsigned n_ports;

void events_init(void)
{
    for (unsigned i = 0; i < sizeof shared_info->evtchn_mask / sizeof *shared_info->evtchn_mask; i++)
        shared_info->evtchn_mask[i] = ~0ul;
    if (boot.pv)
        shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    if (boot.console_port)
        event_bind(boot.console_port, NULL, NULL);
}

int event_bind(uint32_t port, event_handler *handler, void *argument)
{
    if (n_ports == PORTS_MAX)
        return -ENOSPC;
    ports[n_ports] = port;
    handlers[n_ports].handler = handler;
    handlers[n_ports].argument = argument;
    n_ports++;
    return 0;
}

void event_unbind(uint32_t port)
{
    for (unsigned i = 0; i < n_ports; i++)
        if (ports[i] == port) {
            n_ports--;
            ports[i] = ports[n_ports];
            handlers[i] = handlers[n_ports];
            return;
        }
}

unsigned events_in_use(void)
{
    return n_ports;
}

int event_alloc_unbound(uint16_t remote)
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = remote };
    long r = hypercall__event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    return r ? (int)r : (int)alloc.port;
}

void event_close(uint32_t port)
{
    struct evtchn_close close = { .port = port };

    event_unbind(port);
    hypercall__event_channel_op(EVTCHNOP_close, &close);
}

void event_notify(uint32_t port)
{
    struct evtchn_send send = { .port = port };

    hypercall__event_channel_op(EVTCHNOP_send, &send);
}

void event_raise(uint32_t port)
{
    __atomic_fetch_or(&shared_info->evtchn_pending[port / 64], 1ul << port % 64, __ATOMIC_SEQ_CST);
}

/* Xen sets bits at any time: test first (cheap), then clear with a locked operation. */
static bool take(uint32_t port)
{
    unsigned long *word = &shared_info->evtchn_pending[port / 64];
    unsigned long bit = 1ul << port % 64;

    if (!(*(volatile unsigned long *)word & bit))
        return false;
    return __atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit;
}

bool events_poll(void)
{
    bool any = false;

    for (unsigned i = n_ports; i-- > 0;) {      /* backwards: a handler may unbind its own port */
        if (!take(ports[i]))
            continue;
        any = true;
        if (handlers[i].handler)
            handlers[i].handler(handlers[i].argument);
        if (i > n_ports)
            i = n_ports;
    }
    return any;
}

void events_wait(uint64_t deadline)
{
    struct sched_poll poll = { .nr_ports = n_ports, .timeout = deadline == UINT64_MAX ? 0 : deadline };

    set_xen_guest_handle(poll.ports, ports);
    hypercall__sched_op(SCHEDOP_poll, &poll);
}
