// SPDX-License-Identifier: BSD-2-Clause
/*
 * guest.c - the guest's life as a list. Both entries (boot_pv.c, boot_pvh.c) end here.
 */
#include "platform/xen/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/netfront.h"
#include "drivers/xenstore.h"
#include "platform/xen/control_thread.h"
#include "platform/xen/hypercall.h"
#include "router/element.h"
#include "router/packet.h"
#include "router/version.h"

enum { PACKETS_MAX = 16384 };       /* a grant each, and Xen gives 32,768 by default */

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

static void banner(void)
{
    uint64_t memory = 0;

    for (unsigned i = 0; i < boot.n_ram; i++)
        memory += boot.ram[i].end - boot.ram[i].start;
    console_printf("ClickOS " CLICKOS_VERSION " (Click " CLICK_VERSION "), Xen %s, %llu MB, %llu KB free\n",
                   boot.pv ? "PV" : "PVH", (unsigned long long)((memory + (1 << 19)) >> 20),
                   (unsigned long long)pages_free_count() * PAGE_SIZE / 1024);
    console_printf("elements: %u classes\n", element_class_count());
}

/* Half of the memory at most goes to packets: configurations live in the rest. */
static void packets_init(void)
{
    uint64_t limit = pages_free_count() / 2;

    if (limit > PACKETS_MAX)
        limit = PACKETS_MAX;
    if (packet_pool_init((uint32_t)limit / 2, (uint32_t)limit))
        panic("no memory for packets: %llu pages are free", (unsigned long long)pages_free_count());
}

/* ---- what the host asks of the VM as a whole ---- */

static const struct {
    const char *word;
    unsigned reason;
} requests[] = {
    { "poweroff", SHUTDOWN_poweroff },
    { "halt", SHUTDOWN_poweroff },
    { "reboot", SHUTDOWN_reboot },
};

static void wake_main(void *thread, const char *path)
{
    (void)path;
    thread_wake(thread);
}

static void serve_shutdown(void)
{
    char word[16];

    if (xenstore_read_text("control/shutdown", word, sizeof word) || !*word)
        return;
    xenstore_write("control/shutdown", "", 0);      /* how a guest says that it has heard */
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++)
        if (!strcmp(word, requests[i].word)) {
            console_printf("shutdown: %s\n", word);
            shutdown_now(requests[i].reason);
        }
    console_printf("shutdown: \"%s\" is not something that this VM can do\n", word);
}

void guest_main(void)
{
    char crash[32];

    libc_init();                                        /* before anything formats text */
    console_init(boot.console_ring, boot.console_port); /* so that the rest can speak */
    trap_init();                                        /* so that the rest can crash */
    mapping_init();                                     /* pages and their rights */
    shared_info_init();                                 /* clock and event bits lie there */
    events_init();
    thread_init();                                      /* from here on we may block */
    grants_init();                                      /* before anything is shared */
    banner();
    packets_init();
    if (xenstore_init(boot.store_ring, boot.store_port))    /* needs events */
        console_printf("xenstore: none; no vifs, no control\n");
    if (boot_argument("crash", crash, sizeof crash))
        trap_provoke(crash);                            /* to show what happens then */
    netfront_scan();                                    /* one thread per vif found in xenstore */
    console_printf("vifs: %u\n", netfront_count());
    if (!control_thread_start("ramdisk", boot.ramdisk, boot.ramdisk_length))
        panic("no memory for the control thread");
    xenstore_watch("control/shutdown", wake_main, thread_self());
    for (;;) {
        serve_shutdown();
        netfront_scan();
        thread_block(UINT64_MAX);
    }
}
