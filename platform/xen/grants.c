// SPDX-License-Identifier: BSD-2-Clause
/*
 * grants.c - pages lent to other domains, through Xen's grant table (version 1).
 *
 * - The table grows a page (512 references) at a time, up to what Xen allows.
 * - A free entry's `frame` holds the next free reference: Xen looks at an entry only when its flags
 *   are set, so the list needs no memory of its own.
 * - The other side may hold a page as long as it likes. Such a reference cannot be used again, and
 *   neither can its page: grant_revoke_later() keeps both until it lets go.
 */
#include <stdlib.h>

#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

enum { ENTRIES_PER_PAGE = PAGE_SIZE / sizeof(struct grant_entry_v1), RESERVED = 8 };

struct lingering {
    struct lingering *next;
    uint32_t reference;
    void *page;
};

static struct grant_entry_v1 *table;
static unsigned n_pages, max_pages;
static uint32_t first_free;                 /* GRANT_NONE: none */
static unsigned n_free;
static struct lingering *lingering;

/* Makes the table one page longer. */
static bool grow(void)
{
    if (n_pages == max_pages)
        return false;
    if (boot.pv) {
        xen_pfn_t frames[WINDOW_SLOTS];
        struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = n_pages + 1 };
        set_xen_guest_handle(setup.frame_list, frames);
        if (hypercall__grant_table_op(GNTTABOP_setup_table, &setup, 1) || setup.status)
            return false;
        mapping_window_map(WINDOW_GRANTS + n_pages, frames[n_pages]);
    } else {
        struct xen_add_to_physmap add = {
            .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = n_pages,
            .gpfn = mapping_window_frame(WINDOW_GRANTS + n_pages),
        };
        if (hypercall__memory_op(XENMEM_add_to_physmap, &add))
            return false;
    }
    uint32_t first = n_pages * ENTRIES_PER_PAGE, end = first + ENTRIES_PER_PAGE;
    for (uint32_t i = end; i-- > (first ? first : RESERVED);) {
        table[i] = (struct grant_entry_v1){ .frame = first_free };
        first_free = i;
        n_free++;
    }
    n_pages++;
    return true;
}

void grants_init(void)
{
    struct gnttab_query_size query = { .dom = DOMID_SELF };

    table = mapping_window(WINDOW_GRANTS);
    max_pages = 1;
    if (hypercall__grant_table_op(GNTTABOP_query_size, &query, 1) == 0 && query.status == 0)
        max_pages = query.max_nr_frames;
    if (max_pages > WINDOW_SLOTS - WINDOW_GRANTS)
        max_pages = WINDOW_SLOTS - WINDOW_GRANTS;
    if (!grow())
        panic("grants: Xen gives no grant table");
}

static void reclaim(void)
{
    for (struct lingering **at = &lingering; *at;) {
        struct lingering *l = *at;
        if (!grant_revoke(l->reference)) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        pages_free(l->page);
        free(l);
    }
}

uint32_t grant_page(uint16_t domain, const void *page, bool read_only)
{
    if (first_free == GRANT_NONE && !grow())
        reclaim();
    uint32_t reference = first_free;
    if (reference == GRANT_NONE)
        return GRANT_NONE;
    struct grant_entry_v1 *entry = &table[reference];
    first_free = entry->frame;
    n_free--;
    entry->frame = (uint32_t)mapping_frame(page);
    entry->domid = domain;
    /* Valid from the moment that flags are set: everything else must be there before. */
    __atomic_store_n(&entry->flags, GTF_permit_access | (read_only ? GTF_readonly : 0),
                     __ATOMIC_SEQ_CST);
    return reference;
}

/*
 * Xen sets "reading" and "writing" while the other side uses the page, at any time: clear the flags
 * only if they are exactly what we saw.
 */
bool grant_revoke(uint32_t reference)
{
    struct grant_entry_v1 *entry = &table[reference];
    uint16_t flags = __atomic_load_n(&entry->flags, __ATOMIC_SEQ_CST);

    do
        if (flags & (GTF_reading | GTF_writing))
            return false;
    while (!__atomic_compare_exchange_n(&entry->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST));
    entry->frame = first_free;
    first_free = reference;
    n_free++;
    return true;
}

void grant_revoke_later(uint32_t reference, void *page_to_free)
{
    if (lingering)
        reclaim();
    if (grant_revoke(reference)) {
        pages_free(page_to_free);
        return;
    }
    struct lingering *l = malloc(sizeof *l);
    if (!l)
        return;                     /* lost: better than a page that two sides think is theirs */
    *l = (struct lingering){ .next = lingering, .reference = reference, .page = page_to_free };
    lingering = l;
}

unsigned grants_free(void)
{
    return n_free + (max_pages - n_pages) * ENTRIES_PER_PAGE;
}

unsigned grants_in_use(void)
{
    return max_pages * ENTRIES_PER_PAGE - RESERVED - grants_free();
}

unsigned grants_lingering(void)
{
    unsigned n = 0;

    for (const struct lingering *l = lingering; l; l = l->next)
        n++;
    return n;
}
