// SPDX-License-Identifier: BSD-2-Clause
/*
 * heap.c - malloc and friends on top of pages.
 *
 * - Up to SMALL_MAX bytes: pages cut into blocks of one size, a header in front. A page whose blocks
 *   are all free goes back at once, so tear-down leaves memory as it was.
 * - Beyond: whole pages without a header. Such a pointer is page aligned, a small one never is:
 *   that is how free() tells them apart.
 * - NULL when memory is short: callers say so upwards. A wrong free() is our own mistake: panic.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/xen/guest.h"

enum { HEADER_SIZE = 64, SMALL_MAX = 2016, HEAP_MAGIC = 0x68656170 };

/* Multiples of 16 that fill (PAGE_SIZE - HEADER_SIZE) well. */
static const uint16_t class_sizes[] = {
    16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 496, 576, 672, 800, 1008,
    1344, SMALL_MAX,
};

enum { CLASSES = sizeof class_sizes / sizeof *class_sizes };

struct block {
    struct block *next;
};

/* The head of a page of small blocks. */
struct slab {
    uint32_t magic;
    uint16_t class;
    uint16_t used;
    struct block *free;
    struct slab *next, *previous;       /* pages of this class that have free blocks */
} __attribute__((aligned(HEADER_SIZE)));

static struct slab *with_room[CLASSES];
static uint8_t class_of_size[SMALL_MAX / 16 + 1];   /* by size in units of 16, rounded up */
static uint64_t used_bytes;

static void list_add(struct slab *slab)
{
    struct slab **head = &with_room[slab->class];

    slab->previous = NULL;
    slab->next = *head;
    if (*head)
        (*head)->previous = slab;
    *head = slab;
}

static void list_remove(struct slab *slab)
{
    if (slab->next)
        slab->next->previous = slab->previous;
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        with_room[slab->class] = slab->next;
}

static void fill_class_table(void)
{
    unsigned class = 0;

    for (unsigned units = 0; units <= SMALL_MAX / 16; units++) {
        if (units * 16 > class_sizes[class])
            class++;
        class_of_size[units] = (uint8_t)class;
    }
}

static struct slab *slab_new(unsigned class)
{
    struct slab *slab = pages_alloc(1);
    unsigned size = class_sizes[class];

    if (!slab)
        return NULL;
    *slab = (struct slab){ .magic = HEAP_MAGIC, .class = (uint16_t)class };
    for (unsigned n = (PAGE_SIZE - HEADER_SIZE) / size; n-- > 0;) {
        struct block *block = (struct block *)((char *)slab + HEADER_SIZE + n * size);
        block->next = slab->free;
        slab->free = block;
    }
    list_add(slab);
    return slab;
}

static void *small_alloc(unsigned class)
{
    struct slab *slab = with_room[class];

    if (!slab && !(slab = slab_new(class)))
        return NULL;
    struct block *block = slab->free;
    slab->free = block->next;
    slab->used++;
    if (!slab->free)
        list_remove(slab);
    used_bytes += class_sizes[class];
    return block;
}

static struct slab *slab_of(void *pointer)
{
    struct slab *slab = (struct slab *)((uintptr_t)pointer & ~(uintptr_t)(PAGE_SIZE - 1));

    if (slab->magic != HEAP_MAGIC || slab->class >= CLASSES ||
        ((uintptr_t)pointer % PAGE_SIZE - HEADER_SIZE) % class_sizes[slab->class])
        panic("heap: %p was not allocated", pointer);
    return slab;
}

static void small_free(void *pointer)
{
    struct slab *slab = slab_of(pointer);
    struct block *block = pointer;

    if (!slab->free)
        list_add(slab);
    block->next = slab->free;
    slab->free = block;
    used_bytes -= class_sizes[slab->class];
    if (--slab->used == 0) {
        list_remove(slab);
        slab->magic = 0;
        pages_free(slab);
    }
}

static void *large_alloc(size_t size)
{
    size_t count = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    void *run = pages_alloc(count);

    if (run)
        used_bytes += count * PAGE_SIZE;
    return run;
}

static bool is_large(const void *pointer)
{
    return (uintptr_t)pointer % PAGE_SIZE == 0;
}

static void *fail(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    void *p;

    if (class_of_size[SMALL_MAX / 16] == 0)
        fill_class_table();
    if (size <= SMALL_MAX)
        p = small_alloc(class_of_size[(size + 15) / 16]);
    else if (size > (size_t)1 << 47)
        p = NULL;
    else
        p = large_alloc(size);
    return p ? p : fail();
}

void free(void *pointer)
{
    if (!pointer)
        return;
    if (!is_large(pointer)) {
        small_free(pointer);
        return;
    }
    used_bytes -= pages_length(pointer) * PAGE_SIZE;
    pages_free(pointer);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return fail();
    void *p = malloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

static size_t usable(void *pointer)
{
    return is_large(pointer) ? pages_length(pointer) * PAGE_SIZE
                             : class_sizes[slab_of(pointer)->class];
}

void *realloc(void *old, size_t size)
{
    if (!old)
        return malloc(size);
    size_t had = usable(old);
    if (size <= had && (size > had / 2 || had <= 64))
        return old;
    void *p = malloc(size);
    if (!p)
        return size <= had ? old : NULL;
    memcpy(p, old, had < size ? had : size);
    free(old);
    return p;
}

/* Blocks of a class lie at HEADER_SIZE + n * size: aligned as far as both are. */
void *aligned_alloc(size_t alignment, size_t size)
{
    if (alignment <= 16)
        return malloc(size);
    if (alignment > PAGE_SIZE || (alignment & (alignment - 1)))
        return fail();
    if (class_of_size[SMALL_MAX / 16] == 0)
        fill_class_table();
    if (alignment <= HEADER_SIZE && size <= SMALL_MAX)
        for (unsigned c = class_of_size[(size + 15) / 16]; c < CLASSES; c++)
            if (class_sizes[c] % alignment == 0) {
                void *p = small_alloc(c);
                return p ? p : fail();
            }
    void *p = large_alloc(size ? size : 1);
    return p ? p : fail();
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *p = aligned_alloc(alignment, size);

    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

uint64_t heap_used(void)
{
    return used_bytes;
}
