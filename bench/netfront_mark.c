// SPDX-License-Identifier: BSD-2-Clause
/* netfront_mark.c - runs in dom0: ends a line of netfront_count.c's account. */
#include "bench/netfront_mark.h"

#define TEXT_OF(...) #__VA_ARGS__
#define TEXT(...)    TEXT_OF(__VA_ARGS__)

int main(void)
{
    __asm__ volatile(".byte " TEXT(MARK_BYTES));
    return 0;
}
