// SPDX-License-Identifier: BSD-2-Clause
/*
 * time.c - the shared info page, and the clocks that Xen keeps in it.
 *
 * Xen writes, per virtual CPU, the time at some tick of the CPU's counter and the counter's scale.
 * The version is odd while it writes and moves on afterwards: read it, read the rest, read it again.
 */
#include "platform/platform.h"
#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

struct shared_info *shared_info;

void shared_info_init(void)
{
    if (boot.pv) {
        mapping_window_map(WINDOW_SHARED_INFO, boot.shared_info_frame);
    } else {
        struct xen_add_to_physmap add = {
            .domid = DOMID_SELF,
            .space = XENMAPSPACE_shared_info,
            .gpfn = mapping_window_frame(WINDOW_SHARED_INFO),
        };
        long r = hypercall__memory_op(XENMEM_add_to_physmap, &add);
        if (r)
            panic("shared info: Xen does not give it: %ld", r);
    }
    shared_info = mapping_window(WINDOW_SHARED_INFO);
}

static uint64_t read_tsc(void)
{
    __asm__ volatile("lfence" : : : "memory");
    return platform_cycles();
}

uint64_t time_now(void)
{
    const volatile struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
    static uint64_t latest;
    uint32_t version;
    uint64_t now;

    do {
        version = t->version;
        __asm__ volatile("" : : : "memory");        /* x86 keeps loads in order */
        uint64_t ticks = read_tsc() - t->tsc_timestamp;
        int8_t shift = t->tsc_shift;
        ticks = shift >= 0 ? ticks << shift : ticks >> -shift;
        now = t->system_time + (uint64_t)((unsigned __int128)ticks * t->tsc_to_system_mul >> 32);
        __asm__ volatile("" : : : "memory");
    } while ((version & 1) || version != t->version);
    /* A new scale may begin a few ns before the old one ended; our clock never goes back. */
    if (now < latest)
        return latest;
    return latest = now;
}

uint64_t time_wall(void)
{
    const volatile struct shared_info *s = shared_info;
    uint32_t version;
    uint64_t base;

    do {
        version = s->wc_version;
        __asm__ volatile("" : : : "memory");
        base = ((uint64_t)s->wc_sec_hi << 32 | s->wc_sec) * 1000000000ull + s->wc_nsec;
        __asm__ volatile("" : : : "memory");
    } while ((version & 1) || version != s->wc_version);
    return base + time_now();
}
