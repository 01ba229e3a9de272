// SPDX-License-Identifier: BSD-2-Clause
/*
 * random.c - chance for hash seeds and flow identifiers: the CPU's generator where there is one, and
 * always the time stamp counter, mixed (SplitMix64, Steele and others 2014). Not for secrets.
 */
#include "platform/platform.h"
#include "platform/xen/guest.h"

static bool have_rdrand(void)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 30 & 1;
}

uint64_t random_u64(void)
{
    static int rdrand = -1;
    static uint64_t state;
    uint64_t chance = 0;

    if (rdrand < 0)
        rdrand = have_rdrand();
    if (rdrand)
        __asm__ volatile("rdrand %0" : "+r"(chance) : : "cc");
    state += 0x9e3779b97f4a7c15ull + chance + platform_cycles();
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}
