// SPDX-License-Identifier: BSD-2-Clause
/* loop.c - the process's main loop; see loop.h. */
#define _GNU_SOURCE
#include "platform/linux/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "platform/linux/clock.h"
#include "platform/linux/signals.h"
#include "platform/platform.h"
#include "router/task.h"

enum {
    TASKS_A_ROUND = 64,         /* tasks run between two looks at the clock */
    ROUNDS_A_POLL = 4,          /* rounds between two looks at descriptors, when busy */
};

static struct {
    struct pollfd *fds;
    struct task *(*tasks)[2];   /* per descriptor: by enum loop_direction */
    unsigned n;
} loop;

static const short poll_event[] = {[LOOP_READ] = POLLIN, [LOOP_WRITE] = POLLOUT};

/* The index of fd in the lists; -1: it is not there. */
static int find(int fd)
{
    for (unsigned i = 0; i < loop.n; i++)
        if (loop.fds[i].fd == fd)
            return (int)i;
    return -1;
}

static int add(int fd)
{
    struct pollfd *fds = realloc(loop.fds, (loop.n + 1) * sizeof *fds);
    struct task *(*tasks)[2];

    if (!fds)
        return -ENOMEM;
    loop.fds = fds;
    tasks = realloc(loop.tasks, (loop.n + 1) * sizeof *tasks);
    if (!tasks)
        return -ENOMEM;
    loop.tasks = tasks;
    loop.fds[loop.n] = (struct pollfd){.fd = fd};
    memset(loop.tasks[loop.n], 0, sizeof loop.tasks[loop.n]);
    return (int)loop.n++;
}

int loop_watch(int fd, enum loop_direction direction, struct task *task)
{
    int i = find(fd);

    if (i < 0 && !task)
        return 0;
    if (i < 0)
        i = add(fd);
    if (i < 0)
        return i;
    loop.tasks[i][direction] = task;
    if (task)
        loop.fds[i].events |= poll_event[direction];
    else
        loop.fds[i].events &= (short)~poll_event[direction];
    return 0;
}

bool loop_watches(int fd)
{
    return find(fd) >= 0;
}

void loop_arm(int fd, enum loop_direction direction)
{
    int i = find(fd);

    if (i >= 0 && loop.tasks[i][direction])
        loop.fds[i].events |= poll_event[direction];
}

void loop_forget(int fd)
{
    int i = find(fd);

    if (i < 0)
        return;
    loop.n--;
    loop.fds[i] = loop.fds[loop.n];
    memcpy(loop.tasks[i], loop.tasks[loop.n], sizeof loop.tasks[i]);
}

void loop_free(void)
{
    free(loop.fds);
    free(loop.tasks);
    memset(&loop, 0, sizeof loop);
}

static void look(const struct timespec *timeout, const sigset_t *mask)
{
    if (ppoll(loop.fds, loop.n, timeout, mask) <= 0)
        return;
    for (unsigned i = 0; i < loop.n; i++) {
        for (int d = LOOP_READ; d <= LOOP_WRITE; d++) {
            short wanted = loop.fds[i].events & poll_event[d];

            /* An error on the descriptor is for the task to find out. */
            if (wanted && (loop.fds[i].revents & (wanted | POLLERR | POLLHUP))) {
                loop.fds[i].events &= (short)~poll_event[d];
                task_schedule(loop.tasks[i][d]);
            }
        }
    }
}

static void sleep_until(struct scheduler *s, const sigset_t *mask)
{
    uint64_t deadline = scheduler_deadline(s), now = platform_now_ns(), left;
    struct timespec timeout;

    left = deadline > now ? deadline - now : 0;
    if (clock_jumps() && deadline != UINT64_MAX) {
        clock_skip_to(deadline);
        left = 0;
    }
    left = clock_wait_ns(left);
    timeout = (struct timespec){(time_t)(left / 1000000000), (long)(left % 1000000000)};
    s->asleep = true;
    look(deadline == UINT64_MAX ? NULL : &timeout, mask);
    s->asleep = false;
}

void platform_wake(struct scheduler *scheduler)
{
    (void)scheduler;            /* one thread: whoever wakes is not asleep */
}

/* True: it was interrupted. */
static bool run(struct scheduler *s, const sigset_t *open)
{
    for (unsigned round = 0; !s->stop; round++) {
        static const struct timespec at_once;

        if (signals_deliver()) {
            scheduler_interrupt(s);
            return true;
        }
        if (!scheduler_run(s, TASKS_A_ROUND) && !s->stop)
            sleep_until(s, open);
        else if (round % ROUNDS_A_POLL == 0)
            look(&at_once, open);
    }
    return false;
}

void loop_run(struct scheduler *s, struct scheduler *(*next)(void))
{
    sigset_t open;

    signals_begin(&open);
    while (s && !run(s, &open))
        s = next();
    signals_end();
}
