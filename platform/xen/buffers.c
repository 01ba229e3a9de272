// SPDX-License-Identifier: BSD-2-Clause
/*
 * buffers.c - packet buffers: one page each, so that it can be lent to a backend for life.
 *
 * - Which reference a page has is looked up by its page number, in one table per backend domain
 *   (nearly always there is one: domain 0).
 * - Some memory is kept back, so that packets, and tables of flows, cannot starve the rest of the VM.
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/netfront.h"
#include "platform/platform.h"

enum {
    DOMAINS_MAX = 4,
    RUN_MAX = 63,               /* with their packets' structs, 128 bytes each, two pages more */
    RUN_MIN = 7,
};

static struct {
    uint16_t domain;
    uint32_t *references;       /* by page number; GRANT_NONE: not lent yet */
} lent[DOMAINS_MAX];
static unsigned n_domains;

/* An eighth of the memory, between 256 KB and 16 MB. */
static uint64_t kept_back(void)
{
    uint64_t pages = pages_total() / 8;

    return pages < 64 ? 64 : pages > 4096 ? 4096 : pages;
}

void *platform_buffers_alloc(uint32_t want, uint32_t *count, uint32_t *stride, uint32_t *capacity)
{
    uint32_t n = want > RUN_MAX ? RUN_MAX : want;

    for (; n > 0; n /= 2) {
        void *run = pages_free_count() > kept_back() + n ? pages_alloc(n) : NULL;
        if (run) {
            *count = n;
            *stride = *capacity = PAGE_SIZE;
            return run;
        }
        if (n <= RUN_MIN)
            break;
    }
    return NULL;
}

/* Half of what packets leave: where they have taken all that they may, tables can still begin. */
bool platform_can_spare(size_t bytes)
{
    return pages_free_count() * PAGE_SIZE > kept_back() / 2 * PAGE_SIZE + bytes;
}

/* A page that the backend still uses stays out of circulation until it lets go. */
void platform_buffers_free(void *chunk, uint32_t count, uint32_t stride)
{
    bool busy = false;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t page = ((uint64_t)chunk + (uint64_t)i * stride) >> PAGE_SHIFT;
        for (unsigned d = 0; d < n_domains; d++) {
            uint32_t *reference = &lent[d].references[page];
            if (*reference == GRANT_NONE)
                continue;
            if (grant_revoke(*reference))
                *reference = GRANT_NONE;
            else
                busy = true;
        }
    }
    if (!busy)
        pages_free(chunk);
}

void *platform_large_buffer_alloc(uint32_t bytes)
{
    uint32_t n = bytes / PAGE_SIZE;

    return pages_free_count() > kept_back() + n ? pages_alloc(n) : NULL;
}

void platform_large_buffer_free(void *buffer, uint32_t bytes)
{
    platform_buffers_free(buffer, bytes / PAGE_SIZE, PAGE_SIZE);
}

static uint32_t *table_of_domain(uint16_t domain)
{
    for (unsigned d = 0; d < n_domains; d++)
        if (lent[d].domain == domain)
            return lent[d].references;
    if (n_domains == DOMAINS_MAX)
        return NULL;
    uint32_t *references = calloc(pages_frames(), sizeof *references);
    if (references) {
        lent[n_domains].domain = domain;
        lent[n_domains++].references = references;
    }
    return references;
}

static uint32_t __attribute__((noinline)) lend(uint16_t domain, uint64_t page)
{
    uint32_t *references = table_of_domain(domain);

    if (!references)
        return GRANT_NONE;
    if (references[page] == GRANT_NONE)
        references[page] = grant_page(domain, (const void *)(page << PAGE_SHIFT), false);
    return references[page];
}

uint32_t buffer_grant(uint16_t domain, const void *address)
{
    uint64_t page = (uint64_t)address >> PAGE_SHIFT;

    if (__builtin_expect(n_domains > 0 && lent[0].domain == domain, 1)) {
        uint32_t reference = lent[0].references[page];
        if (__builtin_expect(reference != GRANT_NONE, 1))
            return reference;
    }
    return lend(domain, page);
}
