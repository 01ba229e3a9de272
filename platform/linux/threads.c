// SPDX-License-Identifier: BSD-2-Clause
/*
 * threads.c - threads that run, rest and have all to themselves; see threads.h.
 *
 * `running` counts those who may touch what the router has. Whoever wants to be alone leaves that number and
 * waits until it is 0 and nobody else is alone; others meanwhile see `wanted` between two tasks and rest. When he
 * is done he lets all who rest run, by a new `turn`, so that each gets on a bit before the next one is alone,
 * however often somebody asks.
 */
#define _GNU_SOURCE
#include "platform/linux/threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "platform/linux/stack.h"
#include "platform/platform.h"
#include "router/packet.h"
#include "router/task.h"

enum { SPINS = 100 };               /* looks at a lock before others may have the processor */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned running, resting, waiting;
    uint64_t turn;
    bool alone;                         /* somebody is */
    bool wanted;                        /* by somebody, or there is one: see rest */
    unsigned n;
    bool ending;
    bool pinned;                        /* to CPUs, from the first one's on */
    unsigned first_cpu;
    void (*work)(unsigned thread);
    pthread_t thread[THREADS_MAX];
} threads = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .n = 1};

PER_THREAD unsigned platform_thread;
static PER_THREAD unsigned depth;       /* of exclusive sections */

const size_t platform_apart = 64;

unsigned threads_count(void)
{
    return threads.n;
}

/* ---- with the mutex ---- */

static void stop_running(void)
{
    if (!--threads.running)
        pthread_cond_broadcast(&threads.changed);
}

/* Until nobody is or wants to be alone, or one who was has given everybody a turn. */
static void rest(void)
{
    uint64_t turn = threads.turn;

    threads.resting++;
    while (threads.turn == turn && (threads.alone || threads.waiting))
        pthread_cond_wait(&threads.changed, &threads.mutex);
    if (threads.turn == turn) {
        threads.resting--;
        threads.running++;
    }
}

static void say_wanted(void)
{
    __atomic_store_n(&threads.wanted, threads.alone || threads.waiting, __ATOMIC_RELAXED);
}

/* ---- between tasks ---- */

bool threads_wanted(void)
{
    return __atomic_load_n(&threads.wanted, __ATOMIC_RELAXED);
}

void threads_rest(void)
{
    if (__builtin_expect(!threads_wanted(), 1))
        return;
    pthread_mutex_lock(&threads.mutex);
    stop_running();
    rest();
    pthread_mutex_unlock(&threads.mutex);
}

void threads_fall_asleep(void)
{
    if (threads.n == 1)
        return;
    pthread_mutex_lock(&threads.mutex);
    stop_running();
    pthread_mutex_unlock(&threads.mutex);
}

void threads_wake_up(void)
{
    if (threads.n == 1)
        return;
    pthread_mutex_lock(&threads.mutex);
    rest();
    pthread_mutex_unlock(&threads.mutex);
}

/* ---- alone ---- */

void platform_exclusive_begin(void)
{
    if (threads.n == 1 || depth++)
        return;
    pthread_mutex_lock(&threads.mutex);
    threads.waiting++;
    say_wanted();
    stop_running();
    while (threads.alone || threads.running)
        pthread_cond_wait(&threads.changed, &threads.mutex);
    threads.waiting--;
    threads.alone = true;
    pthread_mutex_unlock(&threads.mutex);
}

void platform_exclusive_end(void)
{
    if (threads.n == 1 || --depth)
        return;
    pthread_mutex_lock(&threads.mutex);
    threads.alone = false;
    threads.running += threads.resting + 1;
    threads.resting = 0;
    threads.turn++;
    say_wanted();
    pthread_cond_broadcast(&threads.changed);
    pthread_mutex_unlock(&threads.mutex);
}

void threads_gather(void)
{
    unsigned waiting;

    for (;;) {
        platform_exclusive_begin();
        pthread_mutex_lock(&threads.mutex);
        waiting = threads.waiting;
        pthread_mutex_unlock(&threads.mutex);
        if (!waiting)
            return;
        platform_exclusive_end();
        threads_rest();                 /* it is their turn */
    }
}

/* ---- locks ---- */

void platform_lock(unsigned *lock)
{
    for (unsigned spins = 0; __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE);) {
        while (__atomic_load_n(lock, __ATOMIC_RELAXED))
            if (++spins % SPINS == 0)
                sched_yield();
            else
                __builtin_ia32_pause();
    }
}

void platform_unlock(unsigned *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* ---- beginning and end ---- */

static void use_cpu(unsigned cpu)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    if (cpu < CPU_SETSIZE)
        CPU_SET(cpu, &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) < 0)
        fprintf(stderr, "warning: CPU %u: %s\n", cpu, strerror(errno));
}

void threads_use_cpus(unsigned first)
{
    threads.pinned = true;
    threads.first_cpu = first;
    use_cpu(first);
}

static void *live(void *number)
{
    platform_thread = (unsigned)(uintptr_t)number;
    if (threads.pinned)
        use_cpu(threads.first_cpu + platform_thread);
    stack_begin();
    packet_pool_join();
    threads_wake_up();
    while (!threads.ending)
        threads.work(platform_thread);
    packet_pool_leave();
    threads_fall_asleep();
    return NULL;
}

static int create(pthread_t *thread, unsigned number)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);

    if (error)
        return error;
    error = pthread_attr_setstacksize(&attributes, stack_size());
    if (!error)
        error = pthread_create(thread, &attributes, live, (void *)(uintptr_t)number);
    pthread_attr_destroy(&attributes);
    return error;
}

bool threads_start(unsigned n, void (*work)(unsigned thread))
{
    sigset_t all, before;
    int error = 0;

    threads.work = work;
    threads.ending = false;
    threads.running = 1;
    if (n == 1)
        return true;
    threads.n = n;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 1; i < n && !error; i++) {
        error = create(&threads.thread[i], i);
        if (error)
            threads.n = i;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        fprintf(stderr, "click: cannot start %u threads: %s\n", n, strerror(error));
    return !error;
}

void threads_end(void (*wake)(unsigned thread))
{
    unsigned n = threads.n;

    if (n == 1)
        return;
    platform_exclusive_begin();
    threads.ending = true;
    for (unsigned i = 1; i < n; i++)
        wake(i);
    platform_exclusive_end();
    threads_fall_asleep();              /* one of them may want to be alone before it ends */
    for (unsigned i = 1; i < n; i++)
        pthread_join(threads.thread[i], NULL);
    threads.n = 1;
}
