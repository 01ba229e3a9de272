// SPDX-License-Identifier: BSD-2-Clause
/*
 * console.c - text out through the PV console ring, read by xenconsoled in dom0.
 *
 * - Before console_init() and when there is no ring, text goes to Xen's own console (which most
 *   hosts discard).
 * - A reader that stops reading must not stop the VM: we wait for room a bounded time, once, then
 *   drop and count until there is room again, and say how much was lost.
 * - console_write() may be called from any thread and from a crash; it never gives way to other
 *   threads, so lines stay whole.
 */
#include <stdio.h>
#include <string.h>

#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

#include <xen/io/console.h>

enum { WAIT_FOR_ROOM_MS = 200 };

static struct xencons_interface *ring;
static uint32_t ring_port;
static bool stuck;                  /* waited in vain: do not wait again before there is room */
static uint64_t lost;               /* bytes dropped since the last report */

void console_init(void *page, uint32_t port)
{
    ring = page;
    ring_port = port;
}

/* The reader's index is foreign: anything outside of [0, size] means "full". */
static uint32_t room(void)
{
    uint32_t used = ring->out_prod - *(volatile XENCONS_RING_IDX *)&ring->out_cons;

    return used <= sizeof ring->out ? sizeof ring->out - used : 0;
}

static void notify(void)
{
    struct evtchn_send send = { .port = ring_port };

    hypercall__event_channel_op(EVTCHNOP_send, &send);
}

/* One millisecond, without the scheduler; works in a crash as well. */
static void nap(void)
{
    struct sched_poll poll = { .nr_ports = 0, .timeout = shared_info ? time_now() + 1000000 : 1 };

    set_xen_guest_handle(poll.ports, NULL);
    hypercall__sched_op(SCHEDOP_poll, &poll);
}

static bool wait_for_room(void)
{
    if (room())
        return true;
    notify();
    for (unsigned i = 0; i < WAIT_FOR_ROOM_MS && !stuck && !room(); i++)
        nap();
    stuck = room() == 0;
    return !stuck;
}

static void put(char c)
{
    if (!wait_for_room()) {
        lost++;
        return;
    }
    ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = c;
    /* The byte must be there before the index says so; x86 keeps stores in order. */
    __asm__ volatile("" : : : "memory");
    ring->out_prod++;
}

static void put_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            put('\r');              /* consoles here are raw terminals */
        put(text[i]);
    }
}

void console_write(const char *text, size_t length)
{
    if (!ring) {
        hypercall__console_io(CONSOLEIO_write, (unsigned)length, text);
        return;
    }
    if (lost && room() > 80) {
        char report[64];
        int n = snprintf(report, sizeof report, "\n[console: %llu bytes lost]\n",
                         (unsigned long long)lost);
        lost = 0;
        stuck = false;
        put_text(report, (size_t)n);
    }
    put_text(text, length);
    notify();
}

void console_printf(const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n > 0)
        console_write(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void console_flush(unsigned timeout_ms)
{
    for (unsigned i = 0; ring && i < timeout_ms && room() < sizeof ring->out; i++)
        nap();
}
