// SPDX-License-Identifier: BSD-2-Clause
/*
 * stack.c - how much stack the process has; see platform.h.
 *
 * The first thread's stack grows until the limit that the process was started with. Found out before
 * main(), so that it holds for tests as well.
 */
#include "platform/linux/stack.h"

#include <stdint.h>
#include <sys/resource.h>

#include "platform/platform.h"

enum {
    STACK_MAX = 64 << 20,       /* without a limit other mappings are in the way at some point */
    STACK_RESERVE = 192 << 10,  /* for code that does not ask, and what lies above us: the environment */
};

PER_THREAD uintptr_t platform_stack_end;

static size_t size = STACK_MAX;

size_t stack_size(void)
{
    return size;
}

void stack_begin(void)
{
    size_t reserve = size > 2 * STACK_RESERVE ? STACK_RESERVE : size / 2;

    platform_stack_end = (uintptr_t)__builtin_frame_address(0) - (size - reserve);
}

static __attribute__((constructor)) void find_end(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < size)
        size = limit.rlim_cur;
    stack_begin();
}
