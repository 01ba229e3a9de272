// SPDX-License-Identifier: BSD-2-Clause
/* world.c - platform.h in a process: log, chance, memory, files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "platform/linux/clock.h"
#include "platform/platform.h"
#include "router/errors.h"

/*
 * A frame of 1,514 bytes with room around it, and a stride that is no multiple of
 * 2,048: buffers a power of two apart fight for the same cache sets (21 ns a packet against 12).
 */
enum { BUFFER_CAPACITY = 2048 + 64, BUFFER_STRIDE = 2048 + 128 };

void platform_log(const char *text, size_t length)
{
    fwrite(text, 1, length, stderr);
}

/* In simulated time every run says the same, so chance is the same too: splitmix64. */
static uint32_t simulated_random(void)
{
    static uint64_t state;
    uint64_t z = state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

uint32_t platform_random(void)
{
    static PER_THREAD uint32_t pool[64];
    static PER_THREAD unsigned left;

    if (clock_simulated())
        return simulated_random();
    if (!left) {
        if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
            return (uint32_t)platform_now_ns() * 2654435761u;
        left = sizeof pool / sizeof *pool;
    }
    return pool[--left];
}

const char *platform_name(void)
{
    return "userlevel";
}

void *platform_buffers_alloc(uint32_t want, uint32_t *count, uint32_t *stride, uint32_t *capacity)
{
    *count = want;
    *stride = BUFFER_STRIDE;
    *capacity = BUFFER_CAPACITY;
    return aligned_alloc(64, (size_t)want * BUFFER_STRIDE);
}

void platform_buffers_free(void *chunk, uint32_t count, uint32_t stride)
{
    (void)count;
    (void)stride;
    free(chunk);
}

void *platform_large_buffer_alloc(uint32_t bytes)
{
    return aligned_alloc(64, bytes);
}

void platform_large_buffer_free(void *buffer, uint32_t bytes)
{
    (void)bytes;
    free(buffer);
}

bool platform_can_spare(size_t bytes)
{
    (void)bytes;
    return true;
}

void platform_memory(struct platform_memory *memory)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f) {
        if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
            resident = 0;
        fclose(f);
    }
    *memory = (struct platform_memory){.used = (uint64_t)resident * (uint64_t)getpagesize()};
}

/* A device may have no end; more than this is no text that anybody wrote. */
enum { FILE_READ_MAX = 64 << 20 };

static char *read_all(FILE *f, size_t *length)
{
    struct text t = {0};
    char block[65536];
    size_t n;

    errno = 0;
    while (t.length <= FILE_READ_MAX && (n = fread(block, 1, sizeof block, f)) > 0)
        text_add(&t, block, n);
    if (t.length > FILE_READ_MAX)
        errno = EFBIG;
    if (ferror(f) || t.failed || t.length > FILE_READ_MAX) {
        text_free(&t);
        return NULL;
    }
    *length = t.length;
    return text_take(&t);
}

const bool platform_has_files = true;
const bool platform_devices_offload = false;

char *platform_file_read(const char *name, size_t *length, struct errors *errors)
{
    bool standard_input = strcmp(name, "-") == 0;
    FILE *f = standard_input ? stdin : fopen(name, "r");
    char *contents = f ? read_all(f, length) : NULL;

    if (!contents)
        errors_add(errors, NULL, "%s: %s", name, strerror(errno ? errno : EIO));
    if (f && !standard_input)
        fclose(f);
    return contents;
}

bool platform_file_write(const char *name, bool append, const char *bytes, size_t length,
                         struct errors *errors)
{
    FILE *f = fopen(name, append ? "ab" : "wb");
    bool ok = f && fwrite(bytes, 1, length, f) == length;

    if (f && fclose(f))
        ok = false;
    if (!ok)
        errors_add(errors, NULL, "%s: %s", name, strerror(errno ? errno : EIO));
    return ok;
}

void platform_print(const char *text, size_t length)
{
    fwrite(text, 1, length, stdout);
    fflush(stdout);             /* whoever waits for a script's word must not wait for its end */
}
