// SPDX-License-Identifier: BSD-2-Clause
/*
 * shutdown.c - the orderly end of the VM.
 */
#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

enum { FLUSH_MS = 1000 };

void shutdown_now(unsigned reason)
{
    struct sched_shutdown shutdown = { .reason = reason };

    console_flush(FLUSH_MS);
    for (;;)
        hypercall__sched_op(SCHEDOP_shutdown, &shutdown);
}
