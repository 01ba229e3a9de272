// SPDX-License-Identifier: BSD-2-Clause
/*
 * thread.c - cooperative threads and the one place where the VM sleeps.
 *
 * - A thread runs until it calls thread_yield(), thread_block() or thread_exit().
 * - Each turn goes to the next runnable thread in a ring, so none starves.
 * - When nobody can run, the VM sleeps in SCHEDOP_poll until an event or the next deadline.
 * - A stack is a run of pages whose lowest page is unmapped; struct thread lies at its top, where
 *   an overflow cannot reach it. platform_stack_end is the running thread's.
 */
#include <string.h>

#include "platform/platform.h"
#include "platform/xen/guest.h"

/* For what does not ask for room: an IPFilter whose rules are nested as deeply as may be takes 13 KB. */
enum { STACK_RESERVE = 4 * PAGE_SIZE };

struct thread {
    struct thread *next;                /* ring of all threads */
    void *sp;
    uint64_t deadline;                  /* while blocked */
    bool blocked, woken, dead;
    bool awaits, answered;              /* blocked: in thread_await() */
    uint8_t *stack;                     /* guard page first; NULL: the boot stack */
    unsigned stack_pages;               /* without the guard page */
    char name[THREAD_NAME_MAX + 1];
};

void thread_switch(void **save_sp, void *next_sp);
void thread_entry(void);

static struct thread main_thread = { .name = "main", .next = &main_thread };
static struct thread *current = &main_thread;
static struct thread *dead;             /* left; its stack is free once we are on another one */
static bool started;

uintptr_t platform_stack_end;
unsigned platform_thread;       /* one virtual CPU */

/* `thread` is the one that runs from the next thread_switch() on. */
static void set_current(struct thread *thread)
{
    const void *bottom = thread->stack ? (void *)(thread->stack + PAGE_SIZE) : boot_stack;

    current = thread;
    platform_stack_end = (uintptr_t)bottom + STACK_RESERVE;
}

void thread_init(void)
{
    started = true;
    set_current(&main_thread);
}

struct thread *thread_self(void)
{
    return current;
}

const char *thread_name(const struct thread *thread)
{
    return thread->name;
}

static size_t length(const struct thread *t)
{
    return (size_t)(t->stack_pages + 1) * PAGE_SIZE;
}

struct thread *thread_create(const char *name, void (*function)(void *), void *argument,
                             unsigned stack_pages)
{
    uint8_t *stack = pages_alloc(stack_pages + 1);

    if (!stack)
        return NULL;
    if (!mapping_protect(stack, 1, MAPPING_NONE)) {
        pages_free(stack);
        return NULL;
    }
    struct thread *t = (struct thread *)(stack + (stack_pages + 1) * PAGE_SIZE) - 1;
    *t = (struct thread){ .stack = stack, .stack_pages = stack_pages };
    for (unsigned i = 0; i < THREAD_NAME_MAX && name[i]; i++)
        t->name[i] = name[i];

    /* What thread_switch() expects: control words, r15 to rbp, return address. */
    uint64_t *sp = (uint64_t *)((uintptr_t)t & ~15ull);
    *--sp = (uint64_t)(uintptr_t)thread_entry;
    *--sp = 0;                                      /* rbp */
    *--sp = 0;                                      /* rbx */
    *--sp = (uint64_t)(uintptr_t)function;          /* r12 */
    *--sp = (uint64_t)(uintptr_t)argument;          /* r13 */
    *--sp = 0;                                      /* r14 */
    *--sp = 0;                                      /* r15 */
    *--sp = 0x037full << 32 | 0x1f80;               /* x87 and SSE: all exceptions masked */
    t->sp = sp;

    t->next = current->next;
    current->next = t;
    return t;
}

static void bury(void)
{
    if (!dead)
        return;
    uint8_t *stack = dead->stack;
    dead = NULL;
    mapping_protect(stack, 1, MAPPING_WRITE);       /* its table exists: cannot fail */
    pages_free(stack);
}

/* The next thread that can run, the current one last; the earliest deadline otherwise. */
static struct thread *runnable(uint64_t *deadline)
{
    uint64_t now = 0;

    *deadline = UINT64_MAX;
    for (struct thread *t = current->next;; t = t->next) {
        if (!t->dead) {
            if (!t->blocked || (t->awaits ? t->answered : t->woken))
                return t;
            if (t->deadline != UINT64_MAX) {
                if (now == 0)
                    now = time_now();
                if (t->deadline <= now)
                    return t;
                if (t->deadline < *deadline)
                    *deadline = t->deadline;
            }
        }
        if (t == current)
            return NULL;
    }
}

static void schedule(void)
{
    struct thread *next, *self = current;
    uint64_t deadline;

    events_poll();
    while (!(next = runnable(&deadline))) {
        events_wait(deadline);
        events_poll();
    }
    next->blocked = false;
    if (next == self)
        return;
    set_current(next);
    thread_switch(&self->sp, next->sp);
    bury();                             /* maybe of the one that we were switched from */
}

void thread_yield(void)
{
    schedule();
}

void thread_block(uint64_t deadline)
{
    current->blocked = true;
    current->deadline = deadline;
    schedule();
    current->woken = false;
}

/*
 * A thread reads xenstore because it was woken, and is woken again while it waits for the answer: the new
 * value of a node comes after the answer with the old one, and before the thread's turn. If the answer's wake were
 * like others, both would be one, and the thread would block with the old value in hand.
 */
void thread_await(uint64_t deadline)
{
    current->awaits = true;
    current->blocked = true;
    current->deadline = deadline;
    schedule();
    current->awaits = false;
    current->answered = false;
}

void thread_answer(struct thread *thread)
{
    thread->answered = true;
}

void thread_sleep_until(uint64_t deadline)
{
    while (time_now() < deadline)
        thread_block(deadline);
}

void thread_wake(struct thread *thread)
{
    thread->woken = true;
}

void thread_exit(void)
{
    struct thread *before = current;

    bury();
    while (before->next != current)
        before = before->next;
    before->next = current->next;       /* current->next still leads on */
    current->dead = true;
    dead = current;
    current->blocked = true;
    /* runnable() ends its round at `current`, which is no longer in the ring: start before it. */
    struct thread *self = current;
    current = before;
    for (;;) {
        uint64_t deadline;
        struct thread *next;
        events_poll();
        while (!(next = runnable(&deadline))) {
            events_wait(deadline);
            events_poll();
        }
        next->blocked = false;
        set_current(next);
        thread_switch(&self->sp, next->sp);
    }
}

bool thread_stack_holds(uint64_t address)
{
    struct thread *t = current;

    if (started)
        do {
            uint64_t stack = (uint64_t)t->stack;
            if (t->stack && address >= stack + PAGE_SIZE && address < stack + length(t))
                return true;
        } while ((t = t->next) != current);
    return false;
}

const char *thread_guard_owner(uint64_t address)
{
    struct thread *t = current;

    do {
        uint64_t stack = (uint64_t)t->stack;
        if (t->stack && address >= stack && address < stack + PAGE_SIZE)
            return t->name;
    } while ((t = t->next) != current);
    return NULL;
}

void thread_each(void (*each)(const struct thread *, void *), void *argument)
{
    const struct thread *t = &main_thread;

    do
        each(t, argument);
    while ((t = t->next) != &main_thread);
}
