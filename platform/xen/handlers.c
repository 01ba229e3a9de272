// SPDX-License-Identifier: BSD-2-Clause
/*
 * handlers.c - what the VM itself tells, whatever configuration runs in it: its vifs and its resources.
 *
 * `resources` proves that nothing leaks: who compares it before and after sees what did not come back.
 */
#include "drivers/netfront.h"
#include "platform/platform.h"
#include "platform/xen/guest.h"
#include "router/element.h"
#include "router/packet.h"

static int read_vifs(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e, (void)call;
    for (unsigned i = 0; i < netfront_count(); i++)
        netfront_report(netfront_vif(i), out);
    return 0;
}

static void add_one(const struct thread *thread, void *count)
{
    (void)thread;
    ++*(uint64_t *)count;
}

static int read_resources(struct element *e, const struct handler_call *call, struct text *out)
{
    struct packet_pool_stats pool;
    uint64_t threads = 0;

    (void)e, (void)call;
    packet_pool_stats(&pool);
    thread_each(add_one, &threads);

    const struct {
        const char *name;
        uint64_t value;
    } resources[] = {
        { "grants_free", grants_free() },
        { "grants_in_use", grants_in_use() },
        { "grants_lingering", grants_lingering() },
        { "event_channels", events_in_use() },
        { "threads", threads },
        { "pages_total", pages_total() },
        { "pages_free", pages_free_count() },
        { "heap_bytes", heap_used() },
        { "packets", pool.total },
        { "packets_free", pool.free },
        { "packets_in_use", packet_pool_in_use() },
        { "packet_failures", pool.failures },
    };

    for (unsigned i = 0; i < sizeof resources / sizeof *resources; i++)
        text_printf(out, "%s %llu\n", resources[i].name, (unsigned long long)resources[i].value);
    return 0;
}

static const struct handler handlers[] = {
    {.name = "vifs", .read = read_vifs, .help = "all vifs, in lines \"VIF NAME VALUE\""},
    {.name = "resources", .read = read_resources,
     .help = "what of the VM's grants, event channels and memory is in use, in lines \"NAME VALUE\""},
    {0},
};

const struct handler *const platform_handlers = handlers;
