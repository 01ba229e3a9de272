// SPDX-License-Identifier: BSD-2-Clause
/*
 * boot_pv.c - reads Xen's start_info into struct boot.
 *
 * The builder lays out, from 1 MB on and all identity mapped: our image, the ramdisk, the frame
 * list, start_info, the xenstore and console pages, the page tables, a stack. What lies before and
 * behind is free.
 */
#include <string.h>

#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

/* Where our page lies whose machine frame is known: Xen's table for the way back is readable. */
static void *page_of_machine_frame(uint64_t machine_frame)
{
    const uint64_t *m2p = (const uint64_t *)MACH2PHYS_VIRT_START;

    return (void *)(m2p[machine_frame] << PAGE_SHIFT);
}

void boot_pv(const struct start_info *start);

void boot_pv(const struct start_info *start)
{
    uint64_t tables_end = start->pt_base + start->nr_pt_frames * PAGE_SIZE;

    boot.pv = true;
    boot.l4 = start->pt_base;
    boot.p2m = (const uint64_t *)start->mfn_list;
    boot.p2m_count = start->nr_pages;
    boot.shared_info_frame = start->shared_info >> PAGE_SHIFT;

    boot.n_ram = 1;
    boot.ram[0] = (struct boot_range){ 0, start->nr_pages * PAGE_SIZE };
    boot.n_reserved = 1;                        /* + 1: Xen's boot stack, above the tables */
    boot.reserved[0] = (struct boot_range){ (uint64_t)image_start, tables_end + PAGE_SIZE };

    boot.console_ring = page_of_machine_frame(start->console.domU.mfn);
    boot.console_port = start->console.domU.evtchn;
    boot.store_ring = page_of_machine_frame(start->store_mfn);
    boot.store_port = start->store_evtchn;

    if (start->mod_start && start->mod_len) {
        boot.ramdisk = (const void *)(start->flags & SIF_MOD_START_PFN
                                          ? start->mod_start << PAGE_SHIFT : start->mod_start);
        boot.ramdisk_length = start->mod_len;
    }
    memcpy(boot.arguments, start->cmd_line, sizeof boot.arguments - 1);
    guest_main();
}
