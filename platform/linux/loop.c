// SPDX-License-Identifier: BSD-2-Clause
/* loop.c - the loop of each of the process's threads; see loop.h. */
#define _GNU_SOURCE
#include "platform/linux/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "platform/linux/clock.h"
#include "platform/linux/signals.h"
#include "platform/linux/threads.h"
#include "platform/platform.h"
#include "router/packet.h"
#include "router/task.h"

enum {
    TASKS_A_ROUND = 64,         /* tasks run between two looks at the clock */
    ROUNDS_A_POLL = 4,          /* rounds between two looks at descriptors, when busy */
    LOOKS_BEFORE_SLEEP = 200,
};

/* Each thread has its own, which others touch only while it rests. */
static struct loop {
    struct pollfd *fds;
    struct task *(*tasks)[2];   /* per descriptor: by enum loop_direction */
    unsigned n;
    struct pollfd *polled;      /* what is looked at: `fds` may change while the thread sleeps */
    unsigned room_polled;
    int wake_fd;                /* where there are several threads: makes this one look again */
    unsigned rounds;
    struct scheduler *scheduler;
} loops[THREADS_MAX];

static const short poll_event[] = {[LOOP_READ] = POLLIN, [LOOP_WRITE] = POLLOUT};

/* ---- watches ---- */

/* The index of fd in the lists; -1: it is not there. */
static int find(const struct loop *l, int fd)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->fds[i].fd == fd)
            return (int)i;
    return -1;
}

/* Whoever watches it; mostly this thread. */
static struct loop *loop_of(int fd)
{
    if (find(&loops[platform_thread], fd) >= 0)
        return &loops[platform_thread];
    for (unsigned t = 0; t < THREADS_MAX; t++)
        if (find(&loops[t], fd) >= 0)
            return &loops[t];
    return NULL;
}

static int add(struct loop *l, int fd)
{
    struct pollfd *fds = realloc(l->fds, (l->n + 1) * sizeof *fds);
    struct task *(*tasks)[2];

    if (!fds)
        return -ENOMEM;
    l->fds = fds;
    tasks = realloc(l->tasks, (l->n + 1) * sizeof *tasks);
    if (!tasks)
        return -ENOMEM;
    l->tasks = tasks;
    l->fds[l->n] = (struct pollfd){.fd = fd};
    memset(l->tasks[l->n], 0, sizeof l->tasks[l->n]);
    return (int)l->n++;
}

int loop_watch(int fd, enum loop_direction direction, struct task *task)
{
    struct loop *l = loop_of(fd), *wanted = task ? &loops[task->scheduler->thread] : l;
    int i;

    if (!wanted)
        return 0;
    if (l && l != wanted)               /* its task is another one now, of another thread */
        loop_forget(fd);
    i = find(wanted, fd);
    if (i < 0)
        i = add(wanted, fd);
    if (i < 0)
        return i;
    wanted->tasks[i][direction] = task;
    if (task)
        wanted->fds[i].events |= poll_event[direction];
    else
        wanted->fds[i].events &= (short)~poll_event[direction];
    return 0;
}

bool loop_watches(int fd)
{
    return loop_of(fd) != NULL;
}

void loop_arm(int fd, enum loop_direction direction)
{
    struct loop *l = loop_of(fd);
    int i = l ? find(l, fd) : -1;

    if (i >= 0 && l->tasks[i][direction])
        l->fds[i].events |= poll_event[direction];
}

void loop_forget(int fd)
{
    struct loop *l = loop_of(fd);
    int i = l ? find(l, fd) : -1;

    if (i < 0)
        return;
    l->n--;
    l->fds[i] = l->fds[l->n];
    memcpy(l->tasks[i], l->tasks[l->n], sizeof l->tasks[i]);
}

void loop_free(void)
{
    for (unsigned t = 0; t < THREADS_MAX; t++) {
        free(loops[t].fds);
        free(loops[t].tasks);
        free(loops[t].polled);
        loops[t] = (struct loop){0};
    }
}

/* ---- sleep ---- */

/* It is ready: whoever wanted to know is told once. */
static void tell(struct loop *l, unsigned i, short ready)
{
    uint64_t wakes;

    if (!l->tasks[i][LOOP_READ] && !l->tasks[i][LOOP_WRITE] && l->fds[i].fd == l->wake_fd) {
        if (read(l->wake_fd, &wakes, sizeof wakes) < 0)
            return;                     /* another thread's wake will come again */
    }
    for (int d = LOOP_READ; d <= LOOP_WRITE; d++) {
        short wanted = l->fds[i].events & poll_event[d];

        /* An error on the descriptor is for the task to find out. */
        if (wanted && l->tasks[i][d] && (ready & (wanted | POLLERR | POLLHUP))) {
            l->fds[i].events &= (short)~poll_event[d];
            task_schedule(l->tasks[i][d]);
        }
    }
}

static bool make_polled(struct loop *l)
{
    struct pollfd *grown;

    if (l->room_polled < l->n) {
        grown = realloc(l->polled, l->n * sizeof *grown);
        if (!grown)
            return false;
        l->polled = grown;
        l->room_polled = l->n;
    }
    if (l->n)
        memcpy(l->polled, l->fds, l->n * sizeof *l->polled);
    return true;
}

/* With a timeout of its own it sleeps, and others may be alone meanwhile. */
static void look(struct loop *l, const struct timespec *timeout, const sigset_t *mask, bool sleeps)
{
    unsigned n = l->n;
    int ready, i;

    if (!make_polled(l))
        return;
    if (sleeps)
        threads_fall_asleep();
    ready = ppoll(l->polled, n, timeout, mask);
    if (sleeps)
        threads_wake_up();
    for (unsigned k = 0; ready > 0 && k < n; k++) {
        if (!l->polled[k].revents)
            continue;
        i = k < l->n && l->fds[k].fd == l->polled[k].fd ? (int)k : find(l, l->polled[k].fd);
        if (i >= 0)
            tell(l, (unsigned)i, l->polled[k].revents);
    }
}

/* What another thread asks for within some microseconds: to sleep and to be woken would take longer. */
static bool asked_soon(const struct scheduler *s)
{
    for (unsigned i = 0; threads_count() > 1 && i < LOOKS_BEFORE_SLEEP && !threads_wanted(); i++) {
        if (scheduler_is_asked(s))
            return true;
        __builtin_ia32_pause();
    }
    return false;
}

static void sleep_until(struct loop *l, const sigset_t *mask)
{
    struct scheduler *s = l->scheduler;
    uint64_t deadline, now, left;
    struct timespec timeout;

    if (asked_soon(s) || scheduler_sleeps(s)) {
        __atomic_store_n(&s->asleep, false, __ATOMIC_SEQ_CST);
        return;
    }
    deadline = scheduler_deadline(s);
    now = platform_now_ns();
    left = deadline > now ? deadline - now : 0;
    if (clock_jumps() && deadline != UINT64_MAX) {
        clock_skip_to(deadline);
        left = 0;
    }
    left = clock_wait_ns(left);
    timeout = (struct timespec){(time_t)(left / 1000000000), (long)(left % 1000000000)};
    look(l, deadline == UINT64_MAX ? NULL : &timeout, mask, true);
    __atomic_store_n(&l->scheduler->asleep, false, __ATOMIC_SEQ_CST);      /* maybe another one: see loop_run() */
}

static void wake(unsigned thread)
{
    uint64_t one = 1;

    /* It fails only when the thread has more wakes to see than it can count. */
    if (threads_count() > 1 && write(loops[thread].wake_fd, &one, sizeof one) < 0)
        return;
}

/* With one thread whoever wakes is not asleep. */
void platform_wake(struct scheduler *scheduler)
{
    wake(scheduler->thread);
}

/* ---- rounds ---- */

/* Some tasks, and now and then a look at descriptors; between these others may be alone. */
static void work(struct loop *l, const sigset_t *mask)
{
    static const struct timespec at_once;

    if (!scheduler_run(l->scheduler, TASKS_A_ROUND) && !l->scheduler->stop)
        sleep_until(l, mask);
    else if (l->rounds++ % ROUNDS_A_POLL == 0)
        look(l, &at_once, mask, false);
    packet_pool_exchange();
}

static void work_beside(unsigned thread)
{
    threads_rest();
    work(&loops[thread], NULL);
}

/* True: it was interrupted. */
static bool run(struct scheduler *s, const sigset_t *open)
{
    while (!s->stop) {
        threads_rest();
        if (signals_deliver()) {
            scheduler_interrupt(s);
            return true;
        }
        work(&loops[0], open);
    }
    return false;
}

static void set_schedulers(struct scheduler *s)
{
    for (unsigned t = 0; t < s->n_threads; t++)
        loops[t].scheduler = &s[t];
}

/* Threads wake each other by descriptors, one of each. */
static bool open_wakes(unsigned n)
{
    for (unsigned t = 0; n > 1 && t < n; t++) {
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), i = fd < 0 ? -1 : add(&loops[t], fd);

        loops[t].wake_fd = fd;
        if (i < 0)
            return false;
        loops[t].fds[i].events = POLLIN;
    }
    return true;
}

static void close_wakes(unsigned n)
{
    for (unsigned t = 0; n > 1 && t < n; t++)
        if (loops[t].wake_fd >= 0) {
            loop_forget(loops[t].wake_fd);
            close(loops[t].wake_fd);
        }
}

bool loop_run(struct scheduler *s, struct scheduler *(*next)(void))
{
    unsigned n = s->n_threads;
    bool started;
    sigset_t open;

    signals_begin(&open);
    set_schedulers(s);
    started = open_wakes(n) && threads_start(n, work_beside);
    while (started && s && !run(s, &open)) {
        threads_gather();
        s = next();
        if (s)
            set_schedulers(s);
        for (unsigned t = 1; s && t < n; t++)
            wake(t);                    /* it may sleep, and know nothing of its new tasks */
        platform_exclusive_end();
    }
    threads_end(wake);
    close_wakes(n);
    signals_end();
    return started;
}
