// SPDX-License-Identifier: BSD-2-Clause
/*
 * mapping.c - page tables, in PV (Xen checks every entry) and in PVH (they are ours).
 *
 * All memory is identity mapped, page tables included, so one walker serves both modes. They differ
 * in two facts only: entries hold machine frames in PV (boot.p2m and Xen's table translate), and in
 * PV an entry is written by a hypercall and a page table page must be mapped read-only before it is
 * linked.
 *
 * Rights: page 0 is not there; text read and execute; rodata read; everything else read and write,
 * never execute.
 */
#include <string.h>

#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

#define PRESENT  0x001ull
#define WRITABLE 0x002ull
#define USER     0x004ull                   /* PV runs in ring 3; Xen would add it anyway */
#define USED     0x060ull                   /* accessed, dirty: the CPU need not write them */
#define LARGE    0x080ull                   /* PVH: 2 MB */
#define NO_EXEC  (1ull << 63)
#define FRAME    0x000ffffffffff000ull

#define TABLE_RIGHTS (PRESENT | WRITABLE | USER | USED)

enum {
    ENTRIES = 512,
    CHUNK_PAGES = 512,                      /* what one page table maps: 2 MB */
    UPDATES_MAX = 64,
    FRAMES_MAX = 4 << 20,                   /* 16 GB; the page bitmap fits below 1 MB */
};

#define WINDOW_BASE   0xfef00000ull         /* 1 MB above it; in PVH no memory is there */
#define SPECIAL_CHUNK 0xfee00000ull         /* PVH: 2 MB with the window and the ring pages */

extern uint64_t pvh_l4[], pvh_l2_low[], pvh_l2_high[];

/* ---- the difference between the modes ---- */

static struct mmu_update updates[UPDATES_MAX];
static unsigned n_updates;

static uint64_t frame_of(uint64_t page)
{
    return boot.pv ? boot.p2m[page] : page;
}

static uint64_t *table_of(uint64_t entry)
{
    const uint64_t *m2p = (const uint64_t *)MACH2PHYS_VIRT_START;
    uint64_t frame = (entry & FRAME) >> PAGE_SHIFT;

    return (uint64_t *)((boot.pv ? m2p[frame] : frame) << PAGE_SHIFT);
}

static void flush_updates(void)
{
    struct mmuext_op flush = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };
    long r = 0;

    if (!boot.pv) {
        __asm__ volatile("mov %0, %%cr3" : : "r"(pvh_l4) : "memory");
        return;
    }
    if (n_updates) {
        r = hypercall__mmu_update(updates, n_updates);
        n_updates = 0;
    }
    if (!r)
        r = hypercall__mmuext_op(&flush, 1);
    if (r)
        panic("mapping: Xen refuses page table entries: %ld", r);
}

/* Takes effect at the next flush_updates() in PV, which happens by itself when many wait. */
static void set_entry(uint64_t *entry, uint64_t value)
{
    if (!boot.pv) {
        *entry = value;
        return;
    }
    if (n_updates == UPDATES_MAX)
        flush_updates();
    uint64_t at = (uint64_t)entry;
    updates[n_updates++] = (struct mmu_update){
        .ptr = frame_of(at >> PAGE_SHIFT) << PAGE_SHIFT | at % PAGE_SIZE | MMU_NORMAL_PT_UPDATE,
        .val = value,
    };
}

/* ---- the walker ---- */

static uint64_t rights_bits(enum mapping_rights rights)
{
    static const uint64_t bits[] = {
        [MAPPING_NONE] = 0,
        [MAPPING_READ] = PRESENT | USER | USED | NO_EXEC,
        [MAPPING_WRITE] = PRESENT | WRITABLE | USER | USED | NO_EXEC,
        [MAPPING_EXECUTE] = PRESENT | USER | USED,
    };

    return bits[rights];
}

static uint64_t *entry_at(uint64_t address, unsigned level, bool create);

/* Links a filled page as the table behind an entry. */
static void link_table(uint64_t *entry, uint64_t *table)
{
    uint64_t page = (uint64_t)table >> PAGE_SHIFT;

    if (boot.pv) {
        set_entry(entry_at((uint64_t)table, 1, false),
                  frame_of(page) << PAGE_SHIFT | rights_bits(MAPPING_READ));
        flush_updates();
    }
    set_entry(entry, frame_of(page) << PAGE_SHIFT | TABLE_RIGHTS);
    flush_updates();
}

/* A table of nothing, or of the small pages that a large one is made of. NULL: no memory. */
static uint64_t *make_table(uint64_t *entry)
{
    uint64_t *table = pages_alloc(1);

    if (!table)
        return NULL;
    memset(table, 0, PAGE_SIZE);
    if (*entry & LARGE)
        for (unsigned i = 0; i < ENTRIES; i++)
            table[i] = (*entry & ~LARGE) + (uint64_t)i * PAGE_SIZE;
    link_table(entry, table);
    return table;
}

/* Level 1: the entry of a page, 2: of 2 MB. NULL: not there, or no memory to make it. */
static uint64_t *entry_at(uint64_t address, unsigned level, bool create)
{
    uint64_t *table = boot.pv ? (uint64_t *)boot.l4 : pvh_l4;

    for (unsigned l = 4;; l--) {
        uint64_t *entry = &table[address >> (PAGE_SHIFT + 9 * (l - 1)) & (ENTRIES - 1)];
        if (l == level)
            return entry;
        if ((*entry & PRESENT) && !(*entry & LARGE))
            table = table_of(*entry);
        else if (!create || !(table = make_table(entry)))
            return NULL;
    }
}

/* ---- start ---- */

/* Whether any byte of the pages lies in a range. */
static bool touches(const struct boot_range *ranges, unsigned n, uint64_t page, uint64_t count)
{
    for (unsigned i = 0; i < n; i++)
        if (page << PAGE_SHIFT < ranges[i].end && (page + count) << PAGE_SHIFT > ranges[i].start)
            return true;
    return false;
}

/* Whether all of them are memory. */
static bool are_ram(uint64_t page, uint64_t count)
{
    for (unsigned i = 0; i < boot.n_ram; i++)
        if (page << PAGE_SHIFT >= boot.ram[i].start &&
            (page + count) << PAGE_SHIFT <= boot.ram[i].end)
            return true;
    return false;
}

static bool is_free(uint64_t page)
{
    return are_ram(page, 1) && !touches(boot.reserved, boot.n_reserved, page, 1);
}

/* Hands the free pages of [first, end) to the allocator. */
static void add_free(uint64_t first, uint64_t end)
{
    for (uint64_t page = first; page < end; page++) {
        if (!is_free(page))
            continue;
        uint64_t run = page + 1;
        while (run < end && is_free(run))
            run++;
        pages_add(page, run);
        page = run;
    }
}

/* Maps 2 MB; false when there is no memory for tables. */
static bool map_chunk(uint64_t page)
{
    uint64_t *entry = entry_at(page << PAGE_SHIFT, 2, true);
    uint64_t rights = rights_bits(MAPPING_WRITE);

    if (!entry)
        return false;
    if (!boot.pv && are_ram(page, CHUNK_PAGES)) {
        *entry = page << PAGE_SHIFT | rights | LARGE;
        return true;
    }
    if (boot.pv && (*entry & PRESENT)) {            /* begun by the builder */
        uint64_t *table = table_of(*entry);
        for (unsigned i = 0; i < CHUNK_PAGES; i++)
            if (!(table[i] & PRESENT) && are_ram(page + i, 1))
                set_entry(&table[i], frame_of(page + i) << PAGE_SHIFT | rights);
        flush_updates();
        return true;
    }
    uint64_t *table = pages_alloc(1);
    if (!table)
        return false;
    for (unsigned i = 0; i < CHUNK_PAGES; i++)
        table[i] = are_ram(page + i, 1) ? frame_of(page + i) << PAGE_SHIFT | rights : 0;
    link_table(entry, table);
    return true;
}

/* How far the builder (PV) or entry_pvh.S has mapped memory, in pages. */
static uint64_t mapped_so_far(uint64_t frames)
{
    uint64_t page = 0;

    if (!boot.pv)                           /* 1 GB, and narrow_pvh() does not leave a chunk half done */
        return ENTRIES * CHUNK_PAGES;
    while (page < frames) {
        uint64_t *entry = entry_at(page << PAGE_SHIFT, 1, false);
        if (!entry || !(*entry & PRESENT))
            break;
        page++;
    }
    return page;
}

static enum mapping_rights image_rights(uint64_t address)
{
    if (address < PAGE_SIZE)
        return MAPPING_NONE;
    if (address < (uint64_t)image_start || address >= (uint64_t)data_start)
        return MAPPING_WRITE;
    return address < (uint64_t)rodata_start ? MAPPING_EXECUTE : MAPPING_READ;
}

/* PV: what the builder mapped has all rights. Pages it made read-only (page tables) stay so. */
static void narrow_pv(uint64_t mapped)
{
    for (uint64_t page = 0; page < mapped; page++) {
        uint64_t *entry = entry_at(page << PAGE_SHIFT, 1, false);
        uint64_t rights = rights_bits(image_rights(page << PAGE_SHIFT));
        if (!(*entry & WRITABLE))
            rights &= ~WRITABLE;
        set_entry(entry, rights ? (*entry & FRAME) | rights : 0);
    }
    flush_updates();
}

/* PVH: entry_pvh.S mapped 0-1 GB and 3-4 GB with all rights, memory or not. */
static void narrow_pvh(uint64_t frames)
{
    uint64_t end = ((uint64_t)image_end + PAGE_SIZE - 1) >> PAGE_SHIFT;

    for (unsigned i = 0; i < ENTRIES; i++) {
        uint64_t page = (uint64_t)i * CHUNK_PAGES;
        if (page < end) {                           /* the image: page by page */
            for (unsigned j = 0; j < CHUNK_PAGES; j++) {
                uint64_t at = (page + j) << PAGE_SHIFT, *entry = entry_at(at, 1, true);
                uint64_t rights = are_ram(page + j, 1) ? rights_bits(image_rights(at)) : 0;
                *entry = rights ? at | rights : 0;
            }
        } else if (page >= frames ||
                   !touches(boot.ram, boot.n_ram, page, CHUNK_PAGES)) {
            pvh_l2_low[i] = 0;
        } else if (!map_chunk(page)) {
            panic("mapping: no memory for page tables");
        }
        uint64_t high = 0xc0000000ull + ((uint64_t)i * CHUNK_PAGES << PAGE_SHIFT);
        if (high != SPECIAL_CHUNK)
            pvh_l2_high[i] = 0;
    }
    for (uint64_t at = SPECIAL_CHUNK; at < SPECIAL_CHUNK + CHUNK_PAGES * PAGE_SIZE; at += PAGE_SIZE)
        *entry_at(at, 1, true) = at < WINDOW_BASE ? 0 : at | rights_bits(MAPPING_WRITE);
    flush_updates();
}

void mapping_init(void)
{
    uint64_t frames = 0;

    for (unsigned i = 0; i < boot.n_ram; i++)
        if (boot.ram[i].end >> PAGE_SHIFT > frames)
            frames = boot.ram[i].end >> PAGE_SHIFT;
    if (frames > FRAMES_MAX) {
        console_printf("memory: only the first %u MB are used\n", FRAMES_MAX >> 8);
        frames = FRAMES_MAX;
    }
    uint64_t first = pages_init(frames);
    uint64_t mapped = mapped_so_far(frames);

    add_free(first, mapped < frames ? mapped : frames);
    if (boot.pv)
        narrow_pv(mapped);
    else
        narrow_pvh(mapped);
    for (uint64_t page = mapped / CHUNK_PAGES * CHUNK_PAGES; page < frames; page += CHUNK_PAGES) {
        if (page + CHUNK_PAGES <= mapped || !touches(boot.ram, boot.n_ram, page, CHUNK_PAGES))
            continue;
        if (!map_chunk(page))
            panic("mapping: no memory for page tables");
        flush_updates();
        add_free(page > mapped ? page : mapped, page + CHUNK_PAGES);
    }
}

/* ---- later ---- */

bool mapping_protect(void *first, unsigned count, enum mapping_rights rights)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = (uint64_t)first + i * PAGE_SIZE;
        uint64_t *entry = entry_at(at, 1, true);
        if (!entry)
            return false;
        set_entry(entry, rights == MAPPING_NONE
                             ? 0 : frame_of(at >> PAGE_SHIFT) << PAGE_SHIFT | rights_bits(rights));
    }
    flush_updates();
    return true;
}

void *mapping_window(unsigned slot)
{
    return (void *)(WINDOW_BASE + ((uint64_t)slot << PAGE_SHIFT));
}

uint64_t mapping_window_frame(unsigned slot)
{
    return (WINDOW_BASE >> PAGE_SHIFT) + slot;
}

void mapping_window_map(unsigned slot, uint64_t machine_frame)
{
    uint64_t *entry = entry_at((uint64_t)mapping_window(slot), 1, true);

    if (!entry)
        panic("mapping: no memory for the window");
    set_entry(entry, machine_frame << PAGE_SHIFT | rights_bits(MAPPING_WRITE));
    flush_updates();
}

uint64_t mapping_frame(const void *page)
{
    return frame_of((uint64_t)page >> PAGE_SHIFT);
}
