// SPDX-License-Identifier: BSD-2-Clause
/*
 * routes.c - what changes of a large route table take, without the text of handlers: `make bench-routes`.
 *
 * 500,000 prefixes, lengths as in bench/pipelines.py, in the tries of RadixIPLookup and DirectIPLookup.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "elements/ip/ip_route_table.h"

enum { PREFIXES = 500000, CHANGES = 100000 };

static uint32_t address[PREFIXES];
static uint8_t length[PREFIXES];

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint32_t any(void)               /* xorshift* (Vigna, 2016) */
{
    static uint64_t seed = 88172645463325252u;

    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545F4914F6CDD1Du) >> 32);
}

static void insert(struct lpm *l, uint32_t a, unsigned bits, uint32_t value)
{
    if (lpm_insert(l, a, bits, value, true)) {
        fprintf(stderr, "routes: out of memory\n");
        exit(1);
    }
}

static void measure(const char *name, uint32_t root_share)
{
    static const uint8_t lengths[] = {16, 18, 19, 20, 21, 22, 22, 23, 23, 24, 24, 24, 24, 24, 24};
    struct lpm l = {.root_share = root_share};
    double start = now_ms(), longest = 0;

    for (unsigned i = 0; i < PREFIXES; i++) {
        length[i] = lengths[any() % sizeof lengths];
        address[i] = any() & UINT32_MAX << (32 - length[i]);
        insert(&l, address[i], length[i], 1 + i % 4);
    }
    printf("%s: %u prefixes in %.0f ms, %lu KB", name, PREFIXES, now_ms() - start,
           (unsigned long)(lpm_memory(&l) >> 10));
    lpm_clear(&l);
    for (unsigned i = 0; i < PREFIXES; i++) {
        start = now_ms();
        insert(&l, address[i], length[i], 1 + i % 4);
        if (now_ms() - start > longest)
            longest = now_ms() - start;
    }
    start = now_ms();
    for (unsigned i = 0; i < CHANGES; i++) {
        unsigned k = any() % PREFIXES;

        lpm_erase(&l, address[k], length[k], 0, 0);
        insert(&l, address[k], length[k], 1 + i % 4);
    }
    printf(", the longest took %.1f ms; one goes and comes in %.2f us\n  alone, by bits:", longest,
           (now_ms() - start) * 1e3 / CHANGES);
    for (unsigned bits = 1; bits <= 8; bits++) {
        start = now_ms();
        insert(&l, 0, bits, 1);
        printf(" /%u %.2f", bits, now_ms() - start);
        lpm_erase(&l, 0, bits, 0, 0);
    }
    printf(" ms\n");
    lpm_clear(&l);
}

int main(void)
{
    measure("RadixIPLookup", IP_ROUTE_ROOT_SMALL);
    measure("DirectIPLookup", IP_ROUTE_ROOT_LARGE);
    return 0;
}
