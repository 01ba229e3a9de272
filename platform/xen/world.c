// SPDX-License-Identifier: BSD-2-Clause
/*
 * world.c - the guest's answers to platform.h, where they are one line (device.c, buffers.c, handlers.c: the rest).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "platform/xen/guest.h"
#include "router/element.h"

uint64_t platform_now_ns(void)
{
    return time_now();
}

uint64_t platform_wall_ns(void)
{
    return time_wall();
}

void platform_log(const char *text, size_t length)
{
    console_write(text, length);
}

uint32_t platform_random(void)
{
    return (uint32_t)random_u64();
}

const char *platform_name(void)
{
    return "clickos";
}

void platform_memory(struct platform_memory *memory)
{
    *memory = (struct platform_memory){
        .total = pages_total() * PAGE_SIZE,
        .used = (pages_total() - pages_free_count()) * PAGE_SIZE,
        .heap_used = heap_used(),
    };
}

/* instance.c: the thread that runs this scheduler. */
void platform_wake(struct scheduler *scheduler)
{
    if (scheduler->owner)
        thread_wake(scheduler->owner);
}

const size_t platform_apart = 0;

/* One virtual CPU: nobody else is at work, and nobody waits. */
void platform_exclusive_begin(void)
{
}

void platform_exclusive_end(void)
{
}

void platform_lock(unsigned *lock)
{
    (void)lock;
}

void platform_unlock(unsigned *lock)
{
    (void)lock;
}

const bool platform_has_files = false;
const bool platform_devices_offload = true;

char *platform_file_read(const char *name, size_t *length, struct errors *errors)
{
    (void)length;
    errors_add(errors, NULL, "%s: this VM has no files", name);
    return NULL;
}

char *platform_library_read(const char *name, const char *includer, char **path, size_t *length)
{
    (void)name;
    (void)includer;
    (void)length;
    *path = NULL;
    return NULL;
}

bool platform_file_write(const char *name, bool append, const char *bytes, size_t length,
                         struct errors *errors)
{
    (void)append;
    (void)bytes;
    (void)length;
    errors_add(errors, NULL, "%s: this VM has no files", name);
    return false;
}

void platform_print(const char *text, size_t length)
{
    console_write(text, length);
}

int platform_signal_number(const char *name)
{
    (void)name;
    return -1;
}

int platform_signal_await(int number, struct element *element,
                          void (*arrived)(struct element *element))
{
    (void)number;
    (void)element;
    (void)arrived;
    return -ENOSYS;
}

void platform_signal_forget(struct element *element)
{
    (void)element;
}

bool platform_signal_send(int number, int process, struct errors *errors)
{
    (void)number;
    (void)process;
    errors_add(errors, NULL, "this VM has no signals");
    return false;
}

int platform_process(void)
{
    return 0;
}
