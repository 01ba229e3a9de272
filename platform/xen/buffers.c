// SPDX-License-Identifier: BSD-2-Clause
/*
 * buffers.c - packet buffers: one page each, so that it can be lent to a backend for life.
 *
 * - Which reference a page has is looked up by its page number, in one table per backend domain
 *   (nearly always there is one: domain 0). A queue keeps the table of its own domain.
 * - A domain that nobody uses keeps its pages: a vif that is connected again finds them lent. They are recalled when
 *   another domain needs the table, or the grants are short.
 * - Some grants are kept back, for domains without a table: all vifs' rings can be lent frame by frame.
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

static struct buffer_loans lent[DOMAINS_MAX];       /* without references: free */

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

/* False: the domain is using the page. */
static bool recall(uint32_t *reference)
{
    if (*reference == GRANT_NONE)
        return true;
    if (!grant_revoke(*reference))
        return false;
    *reference = GRANT_NONE;
    return true;
}

/* A page that the backend still uses stays out of circulation until it lets go. */
void platform_buffers_free(void *chunk, uint32_t count, uint32_t stride)
{
    bool busy = false;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t page = ((uint64_t)chunk + (uint64_t)i * stride) >> PAGE_SHIFT;
        for (unsigned d = 0; d < DOMAINS_MAX; d++)
            busy |= lent[d].references && !recall(&lent[d].references[page]);
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

/* ---- loans ---- */

/* Takes back what a domain has that nobody uses. False: it is using some of it. */
static bool recall_all(struct buffer_loans *loans)
{
    bool all = true;

    for (uint64_t page = 0; page < pages_frames(); page++)
        all &= recall(&loans->references[page]);
    if (all) {
        free(loans->references);
        loans->references = NULL;
    }
    return all;
}

/* Of a domain that nobody uses; false: there is none, or it does not let go. */
static bool recall_unused(void)
{
    for (unsigned d = 0; d < DOMAINS_MAX; d++)
        if (lent[d].references && lent[d].users == 0 && recall_all(&lent[d]))
            return true;
    return false;
}

static struct buffer_loans *find(uint16_t domain)
{
    for (unsigned d = 0; d < DOMAINS_MAX; d++)
        if (lent[d].references && lent[d].domain == domain)
            return &lent[d];
    return NULL;
}

static struct buffer_loans *find_free(void)
{
    for (unsigned d = 0; d < DOMAINS_MAX; d++)
        if (!lent[d].references)
            return &lent[d];
    return NULL;
}

struct buffer_loans *buffer_loans_open(uint16_t domain)
{
    struct buffer_loans *loans = find(domain);

    if (!loans) {
        loans = find_free();
        if (!loans && recall_unused())
            loans = find_free();
        if (!loans)
            return NULL;
        *loans = (struct buffer_loans){ .domain = domain, .references = calloc(pages_frames(), sizeof(uint32_t)) };
        if (!loans->references)
            return NULL;
    }
    loans->users++;
    return loans;
}

void buffer_loans_close(struct buffer_loans *loans)
{
    if (loans)
        loans->users--;
}

unsigned buffer_grants(const struct buffer_loans *loans, uint32_t *references, unsigned max, uint32_t *from)
{
    unsigned n = 0;

    for (; loans && *from < pages_frames() && n < max; ++*from)
        if (loans->references[*from] != GRANT_NONE)
            references[n++] = loans->references[*from];
    return n;
}

uint32_t buffer_lend(struct buffer_loans *loans, const void *address)
{
    uint64_t page = (uint64_t)address >> PAGE_SHIFT;
    unsigned kept_back_grants = netfront_count() * NETFRONT_QUEUES * 2 * NETFRONT_SLOTS;

    while (grants_free() <= kept_back_grants)
        if (!recall_unused())
            return GRANT_NONE;
    return loans->references[page] = grant_page(loans->domain, (const void *)(page << PAGE_SHIFT), false);
}
