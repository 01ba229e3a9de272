// SPDX-License-Identifier: BSD-2-Clause
/*
 * task.h - tasks, timers and the loop that runs them.
 *
 * One scheduler runs the tasks and timers of one router on one thread. Tasks share
 * it by stride scheduling: a task with twice the tickets runs twice as often (Waldspurger
 * and Weihl, 1995). A task that has nothing to do simply is not scheduled; it is
 * woken by a notifier, a timer or a device. Tasks whose turn is the same run in the order in which they
 * were scheduled. Timers fire between tasks.
 *
 * - task_schedule() on a scheduled task does nothing; cheap enough for any path.
 * - A run that returns is off the queue unless it called task_reschedule().
 * - Neither tasks nor timers allocate after router start: heaps have room for all.
 * - task_schedule() may be called by any thread; it asks the task's own. Everything else is for the task's own
 *   thread, or for whoever has platform_exclusive_begin() behind him.
 */
#ifndef ROUTER_TASK_H
#define ROUTER_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct element;
struct storage;
struct scheduler;

enum { THREADS_MAX = 64 };

enum { TASK_TICKETS_DEFAULT = 1024, TASK_TICKETS_MAX = 1 << 15 };

/* What order.h knows of the packets that a task hands on. */
struct task_order {
    unsigned known;                     /* the router's n_bound when that was found out, + 1; 0: never */
    uint32_t burst;                     /* asked for last */
    bool unseen_alone, unseen_together; /* whether nobody sees their order when no other task runs, or only `other` */
    bool fills;                         /* the queue between them; else it empties it */
    uint8_t looks;                      /* for others since then */
    struct task *other;
    const struct storage *between;
};

struct task {
    struct element *element;
    bool (*run)(struct element *element, struct task *task);   /* true: it did some work */
    struct scheduler *scheduler;        /* NULL: not yet part of a running router */
    uint64_t pass;
    uint32_t stride;
    uint32_t tickets;
    uint32_t turn;                      /* of those with the same pass the lowest comes first */
    int position;                       /* in the heap; -1: not scheduled */
    bool wanted;                        /* asked for before the router ran */
    bool asked;                         /* by another thread: stands in the scheduler's list */
    struct task *next_asked;
    struct task_order order;
};

struct timer {
    struct element *element;
    void (*fire)(struct element *element, struct timer *timer);
    struct scheduler *scheduler;
    uint64_t expiry_ns;                 /* platform_now_ns() clock */
    int position;                       /* in the heap; -1: not set */
};

struct scheduler {
    struct task **tasks;                /* heap by pass */
    unsigned n_tasks, max_tasks, room_tasks;    /* scheduled, made, and what the heap holds */
    struct timer **timers;              /* heap by expiry */
    unsigned n_timers, max_timers, room_timers;
    uint64_t pass;                      /* of the task that ran last */
    uint32_t turns;                     /* given out */
    struct task *running;
    uint64_t now_ns;                    /* when this round of tasks began */
    bool asleep;                        /* set by the platform around its sleep */
    bool stop;                          /* scheduler_run() returns as soon as it can */
    bool stop_asked;                    /* `goes_on` decides, between two tasks */
    bool (*goes_on)(void *context, bool interrupted);   /* NULL: a request to stop is granted */
    void *goes_on_context;
    void *owner;                        /* the platform's: thread or loop */
    bool (*run)(struct scheduler *scheduler, unsigned tasks);  /* scheduler_run(), or that and measured */
    unsigned thread;                    /* whose it is */
    unsigned n_threads;                 /* of the first one: the others stand behind it */
    struct task *asked;                 /* what other threads want to have scheduled, the last first */
    char apart[64];                     /* from the next one's cache lines */
};

static inline bool scheduler_is_asked(const struct scheduler *s)
{
    return __atomic_load_n(&s->asked, __ATOMIC_RELAXED) != NULL;
}

/* Also makes room in the scheduler's heap: -ENOMEM if there is none. Call in initialize(). */
int task_init(struct task *task, struct element *element,
              bool (*run)(struct element *, struct task *));
void task_schedule(struct task *task);
void task_unschedule(struct task *task);
static inline bool task_scheduled(const struct task *task)
{
    return task->wanted || task->asked || (task->scheduler && task->position >= 0);
}
/* From within run(): run again when its turn comes. */
static inline void task_reschedule(struct task *task)
{
    if (task->scheduler && task->scheduler->running == task)
        task->wanted = true;            /* put back after its run, with its pass moved on */
    else
        task_schedule(task);
}
/*
 * Whether nobody else would run now if run() returned and asked to run again: then a source of small bursts
 * may as well go on, a bounded number of times.
 */
static inline bool task_is_alone(const struct task *task)
{
    const struct scheduler *s = task->scheduler;

    return s->n_tasks == 1 && s->running == task && !s->stop && !s->stop_asked;
}
/* As a task's run() begins: whether none is scheduled besides but one, which goes into *other; NULL: nobody. */
static inline bool task_has_one_other(const struct task *task, struct task **other)
{
    const struct scheduler *s = task->scheduler;

    *other = s->n_tasks == 2 ? s->tasks[1] : NULL;      /* the one that runs is at the top */
    return s->n_tasks <= 2;
}
/* 1 to TASK_TICKETS_MAX; clamped. */
void task_set_tickets(struct task *task, int tickets);
/* Unschedules and gives the heap's room back. Safe on a zeroed task. */
void task_destroy(struct task *task);

int timer_init(struct timer *timer, struct element *element,
               void (*fire)(struct element *, struct timer *));
void timer_set_at(struct timer *timer, uint64_t expiry_ns);
void timer_set_after(struct timer *timer, uint64_t delay_ns);
void timer_clear(struct timer *timer);
static inline bool timer_is_set(const struct timer *timer)
{
    return timer->scheduler && timer->position >= 0;
}
void timer_destroy(struct timer *timer);

/* For a router on one thread. Who has several makes an array, and sets `thread` and `n_threads`. */
int scheduler_init(struct scheduler *scheduler);
void scheduler_destroy(struct scheduler *scheduler);
/* Before it sleeps a scheduler says so, and looks once more: true when it must not sleep. */
bool scheduler_sleeps(struct scheduler *scheduler);
/*
 * Fires due timers and runs up to `tasks` tasks. True when tasks are still
 * runnable: call again soon. False: sleep until scheduler_deadline() or platform_wake().
 */
static inline bool scheduler_run(struct scheduler *scheduler, unsigned tasks)
{
    return scheduler->run(scheduler, tasks);
}
/* Whether the profile (profile.h) measures its tasks and timers, from the next call of scheduler_run() on. */
void scheduler_measure(struct scheduler *scheduler, bool on);
/* From within: stops, unless goes_on() wants to go on. */
void scheduler_ask_stop(struct scheduler *scheduler);
/* From outside: stops; goes_on() may tidy up before, whatever it answers. */
void scheduler_interrupt(struct scheduler *scheduler);
/* When the next timer is due; UINT64_MAX: never. */
uint64_t scheduler_deadline(const struct scheduler *scheduler);

#endif
