// SPDX-License-Identifier: BSD-2-Clause
/*
 * guest.c - the guest's life as a list. Both entries (boot_pv.c, boot_pvh.c) end here.
 */
#include "platform/xen/guest.h"

#include <stdio.h>
#include <string.h>

#include "platform/xen/hypercall.h"

struct boot boot;

/* Splits at blanks; the value ends at the next one. */
bool boot_argument(const char *name, char *value, size_t size)
{
    size_t length = strlen(name);

    for (const char *word = boot.arguments; *word; word += strcspn(word, " ")) {
        word += strspn(word, " ");
        size_t n = strcspn(word, " ");
        if (n < length || memcmp(word, name, length) || (n > length && word[length] != '='))
            continue;
        const char *from = n > length ? word + length + 1 : word + n;
        snprintf(value, size, "%.*s", (int)(word + n - from), from);
        return true;
    }
    return false;
}

void guest_main(void)
{
    char crash[32];

    libc_init();                                        /* before anything formats text */
    console_init(boot.console_ring, boot.console_port); /* first, so that the rest can speak */
    trap_init();                                        /* next, so that the rest can crash */
    console_printf("ClickOS on Xen %s\n", boot.pv ? "PV" : "PVH");
    mapping_init();                                     /* pages and their rights */
    shared_info_init();                                 /* clock and event bits lie there */
    events_init();
    thread_init();                                      /* from here on we may block */
    grants_init();
    console_printf("memory: %llu KB, %llu KB free\n", (unsigned long long)pages_total() * 4,
                   (unsigned long long)pages_free_count() * 4);

    if (boot_argument("crash", crash, sizeof crash))
        trap_provoke(crash);
    shutdown_now(SHUTDOWN_poweroff);
}
