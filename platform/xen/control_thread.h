// SPDX-License-Identifier: BSD-2-Clause
/* control_thread.h - the guest's side of control/: the control thread, and a thread per instance. */
#ifndef PLATFORM_XEN_CONTROL_THREAD_H
#define PLATFORM_XEN_CONTROL_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Starts the control thread: it runs `text` (NULL: nothing) as instance 0, called `name` in messages,
 * and then takes requests from xenstore for ever. The text must stay. Needs xenstore and the vifs.
 * False: out of memory.
 */
bool control_thread_start(const char *name, const char *text, size_t length);

#endif
