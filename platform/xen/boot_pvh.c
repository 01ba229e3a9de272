// SPDX-License-Identifier: BSD-2-Clause
/*
 * boot_pvh.c - asks for the hypercall page, then reads hvm_start_info into struct boot.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

static void cpuid(uint32_t leaf, uint32_t out[4])
{
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(0));
}

/* Xen's leaves start at a multiple of 0x100; the third one names the register to write to. */
static bool hypercall_page_fill(void)
{
    extern char hypercall_page[];

    for (uint32_t base = XEN_CPUID_FIRST_LEAF; base < XEN_CPUID_FIRST_LEAF + 0x10000; base += 0x100) {
        uint32_t r[4];
        cpuid(base, r);
        if (r[1] != XEN_CPUID_SIGNATURE_EBX || r[2] != XEN_CPUID_SIGNATURE_ECX ||
            r[3] != XEN_CPUID_SIGNATURE_EDX)
            continue;
        cpuid(base + 2, r);
        __asm__ volatile("wrmsr" : : "c"(r[1]), "a"((uint32_t)(uintptr_t)hypercall_page), "d"(0)
                         : "memory");
        return true;
    }
    return false;
}

static uint64_t hvm_parameter(uint32_t index)
{
    struct xen_hvm_param parameter = { .domid = DOMID_SELF, .index = index };

    return hypercall__hvm_op(HVMOP_get_param, &parameter) ? 0 : parameter.value;
}

static void *ring_page(uint32_t index)
{
    return (void *)(hvm_parameter(index) << PAGE_SHIFT);
}

static void reserve(uint64_t start, uint64_t length)
{
    if (start && length && boot.n_reserved < BOOT_RANGES_MAX)
        boot.reserved[boot.n_reserved++] = (struct boot_range){ start, start + length };
}

static void add_ram(uint64_t start, uint64_t length)
{
    if (boot.n_ram < BOOT_RANGES_MAX)
        boot.ram[boot.n_ram++] = (struct boot_range){ start, start + length };
}

/* Builders before Xen 4.12 leave the map out of start_info: then Xen is asked. */
static void memory_map(const struct hvm_start_info *start)
{
    if (start->version >= 1 && start->memmap_entries) {
        const struct hvm_memmap_table_entry *map = (const void *)start->memmap_paddr;
        for (uint32_t i = 0; i < start->memmap_entries; i++)
            if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
                add_ram(map[i].addr, map[i].size);
        reserve(start->memmap_paddr, start->memmap_entries * sizeof *map);
        return;
    }

    static struct { uint64_t start, length; uint32_t type; } __attribute__((packed)) e820[64];
    struct xen_memory_map map = { .nr_entries = 64 };
    set_xen_guest_handle(map.buffer, (void *)e820);
    if (hypercall__memory_op(XENMEM_memory_map, &map) == 0)
        for (uint32_t i = 0; i < map.nr_entries; i++)
            if (e820[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
                add_ram(e820[i].start, e820[i].length);
}

void boot_pvh(const struct hvm_start_info *start);

void boot_pvh(const struct hvm_start_info *start)
{
    if (!hypercall_page_fill() || start->magic != XEN_HVM_START_MAGIC_VALUE)
        for (;;)                        /* not on Xen: nobody to tell */
            __asm__ volatile("hlt");

    reserve((uint64_t)image_start, (uint64_t)(image_end - image_start));
    reserve((uint64_t)start, sizeof *start);
    memory_map(start);

    if (start->nr_modules) {
        const struct hvm_modlist_entry *module = (const void *)start->modlist_paddr;
        boot.ramdisk = (const void *)module->paddr;
        boot.ramdisk_length = module->size;
        reserve(module->paddr, module->size);
        reserve((uint64_t)module, start->nr_modules * sizeof *module);
    }
    if (start->cmdline_paddr)
        snprintf(boot.arguments, sizeof boot.arguments, "%s", (const char *)start->cmdline_paddr);

    boot.console_ring = ring_page(HVM_PARAM_CONSOLE_PFN);
    boot.console_port = (uint32_t)hvm_parameter(HVM_PARAM_CONSOLE_EVTCHN);
    boot.store_ring = ring_page(HVM_PARAM_STORE_PFN);
    boot.store_port = (uint32_t)hvm_parameter(HVM_PARAM_STORE_EVTCHN);
    guest_main();
}
