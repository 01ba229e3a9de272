// SPDX-License-Identifier: BSD-2-Clause
/*
 * libc.c - what musl's pure functions expect around them.
 *
 * We link string, printf-to-memory, strto* and qsort from musl's libc.a. Their ties to an operating
 * system are cut here by defining the symbols ourselves; the build checks that no `syscall`
 * instruction is left (guest.mk).
 *
 * - errno is one variable: threads switch only where they ask to.
 * - Streams exist only inside vsnprintf and strtod, never locked, never left open.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

/* fs:0 points to itself, fs:0x28 is the stack protector's canary; libc.a was built with it. */
static uint64_t thread_area[64];

void libc_init(void)
{
    thread_area[0] = (uint64_t)thread_area;
    thread_area[5] = random_u64() & ~0xffull;       /* a zero byte ends runaway strings */
    if (boot.pv)
        hypercall__set_segment_base(SEGBASE_FS, (uint64_t)thread_area);
    else
        __asm__ volatile("wrmsr" : : "c"(0xc0000100), "a"((uint32_t)(uint64_t)thread_area), "d"(0));
}

static int errno_value;

int *__errno_location(void)
{
    return &errno_value;
}

int *___errno_location(void)
{
    return &errno_value;
}

int __lockfile(FILE *stream);
void __unlockfile(FILE *stream);
void __stdio_exit_needed(void);
void __stack_chk_fail(void);

int __lockfile(FILE *stream)
{
    (void)stream;
    return 0;
}

void __unlockfile(FILE *stream)
{
    (void)stream;
}

/* Streams ask for this so that exit() flushes files: there are none. */
void __stdio_exit_needed(void)
{
}

void __stack_chk_fail(void)
{
    panic("a function overwrote its own stack frame (called from %p)", __builtin_return_address(0));
}

void __assert_fail(const char *expression, const char *file, int line, const char *function)
{
    panic("%s:%d: %s: %s is false", file, line, function, expression);
}

void abort(void)
{
    panic("abort() (called from %p)", __builtin_return_address(0));
}

char *strerror(int number)
{
    static const struct { int number; const char *text; } texts[] = {
        { 0, "no error" }, { ENOENT, "not there" }, { EIO, "input/output error" },
        { EACCES, "not allowed" }, { EPERM, "not allowed" }, { EAGAIN, "try again" },
        { ENOMEM, "out of memory" }, { EEXIST, "exists already" }, { EINVAL, "invalid argument" },
        { ENOSPC, "no room left" }, { ERANGE, "out of range" }, { ENODEV, "no such device" },
        { ENOSYS, "not offered" }, { EBUSY, "busy" }, { E2BIG, "too big" }, { EFAULT, "bad address" },
        { EISCONN, "connected already" }, { ENOTCONN, "not connected" }, { ETIMEDOUT, "timed out" },
    };
    static char other[24];

    if (number < 0)
        number = -number;
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].number == number)
            return (char *)(uintptr_t)texts[i].text;
    snprintf(other, sizeof other, "error %d", number);
    return other;
}
