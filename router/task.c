// SPDX-License-Identifier: BSD-2-Clause
/*
 * task.c - stride scheduling of tasks, and timers; see task.h.
 *
 * Both queues are binary heaps of pointers whose room is made when a task or timer is
 * initialised, so nothing allocates later. A pass is compared by difference, which
 * lets it wrap, and so is a turn.
 */
#include "router/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/element.h"
#include "router/names.h"
#include "router/profile.h"
#include "router/router.h"

enum { STRIDE1 = 1 << 16 };

/* Room for one more than n pointers in a heap that holds *room: doubled, as there may be 100,000. */
static bool make_room(void *heap, unsigned n, unsigned *room)
{
    unsigned wanted = *room ? 2 * *room : 4;
    void *old, *grown;

    if (n < *room)
        return true;
    memcpy(&old, heap, sizeof old);
    grown = realloc(old, wanted * sizeof(void *));
    if (!grown)
        return false;
    memcpy(heap, &grown, sizeof grown);
    *room = wanted;
    return true;
}

/* ---- the heap of tasks ---- */

static bool runs_before(const struct task *a, const struct task *b)
{
    int64_t later = (int64_t)(a->pass - b->pass);

    return later ? later < 0 : (int32_t)(a->turn - b->turn) < 0;
}

static void place(struct scheduler *s, struct task *task, unsigned i)
{
    s->tasks[i] = task;
    task->position = (int)i;
}

static void sift_up(struct scheduler *s, struct task *task, unsigned i)
{
    while (i > 0 && runs_before(task, s->tasks[(i - 1) / 2])) {
        place(s, s->tasks[(i - 1) / 2], i);
        i = (i - 1) / 2;
    }
    place(s, task, i);
}

static void sift_down(struct scheduler *s, struct task *task, unsigned i)
{
    for (;;) {
        unsigned child = 2 * i + 1;

        if (child >= s->n_tasks)
            break;
        if (child + 1 < s->n_tasks && runs_before(s->tasks[child + 1], s->tasks[child]))
            child++;
        if (!runs_before(s->tasks[child], task))
            break;
        place(s, s->tasks[child], i);
        i = child;
    }
    place(s, task, i);
}

/* Not the one that runs, which stays where it is. */
static void remove_task(struct scheduler *s, unsigned i)
{
    struct task *last = s->tasks[--s->n_tasks];

    s->tasks[i]->position = -1;
    if (i == s->n_tasks)
        return;
    if (i > 0 && runs_before(last, s->tasks[(i - 1) / 2]))
        sift_up(s, last, i);
    else
        sift_down(s, last, i);
}

/*
 * The task that runs stays at the top of the heap: nothing that is scheduled meanwhile comes before it.
 * Most want to run again, which then takes one way down instead of a way out and one in.
 */
static struct task *begin_run(struct scheduler *s)
{
    struct task *task = s->tasks[0];

    s->pass = task->pass;
    s->running = task;
    task->position = -1;
    task->wanted = false;
    return task;
}

static inline void end_run(struct scheduler *s)
{
    struct task *task = s->running;

    s->running = NULL;
    task->pass += task->stride;
    if (task->wanted) {
        task->wanted = false;
        task->turn = s->turns++;
        if (s->n_tasks == 1 || (s->n_tasks == 2 && runs_before(task, s->tasks[1]))) {
            task->position = 0;
        } else if (s->n_tasks == 2) {       /* a source and who empties its queue take turns: often, so it is short */
            place(s, s->tasks[1], 0);
            place(s, task, 1);
        } else {
            sift_down(s, task, 0);
        }
    } else {
        remove_task(s, 0);
    }
}

/* ---- tasks that other threads ask for ---- */

/*
 * A list that many add to and one takes away as a whole. `asked` says that a task stands in it, so that
 * it is there once; it is taken back before the task is scheduled, so that whoever asks later asks again.
 */
static void ask(struct scheduler *s, struct task *task)
{
    if (__atomic_exchange_n(&task->asked, true, __ATOMIC_ACQ_REL))
        return;
    task->next_asked = __atomic_load_n(&s->asked, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&s->asked, &task->next_asked, task, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
        continue;
    if (__atomic_load_n(&s->asleep, __ATOMIC_SEQ_CST))      /* see scheduler_sleeps() */
        platform_wake(s);
}

static void schedule_here(struct scheduler *s, struct task *task)
{
    if (task->position >= 0)
        return;
    if (s->running == task) {
        task->wanted = true;
        return;
    }
    /* A task that slept must not make up for it by running alone. */
    if ((int64_t)(task->pass - s->pass) < 0)
        task->pass = s->pass;
    task->turn = s->turns++;
    sift_up(s, task, s->n_tasks++);
}

static void take_asked(struct scheduler *s)
{
    struct task *task = __atomic_exchange_n(&s->asked, NULL, __ATOMIC_ACQUIRE), *next, *first = NULL;

    for (; task; task = next) {         /* first come, first in the heap */
        next = task->next_asked;
        task->next_asked = first;
        first = task;
    }
    for (task = first; task; task = next) {
        next = task->next_asked;
        (void)__atomic_exchange_n(&task->asked, false, __ATOMIC_ACQ_REL);
        schedule_here(s, task);
    }
}

/*
 * 1. We write `asleep`, then read the list. 2. Who asks adds to the list, then reads `asleep`. In the one
 * order that all of these have, one of us comes later and sees what the other wrote.
 */
bool scheduler_sleeps(struct scheduler *s)
{
    __atomic_store_n(&s->asleep, true, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&s->asked, __ATOMIC_SEQ_CST) != NULL;
}

int task_init(struct task *task, struct element *element,
              bool (*run)(struct element *, struct task *))
{
    struct scheduler *s = element->scheduler;
    bool wanted = task->wanted;

    if (!make_room(&s->tasks, s->max_tasks, &s->room_tasks))
        return -ENOMEM;
    s->max_tasks++;
    task->element = element;
    task->run = run;
    task->scheduler = s;
    task->position = -1;
    task->pass = s->pass;
    task->wanted = false;
    task_set_tickets(task, task->tickets ? (int)task->tickets : (int)names_tickets(element));
    if (wanted)
        task_schedule(task);
    return 0;
}

void task_schedule(struct task *task)
{
    struct scheduler *s = task->scheduler;

    if (!s) {
        task->wanted = true;
        return;
    }
    if (s->thread != platform_thread) {
        ask(s, task);
        return;
    }
    if (task->position >= 0)
        return;
    schedule_here(s, task);
    if (s->asleep)
        platform_wake(s);
}

void task_unschedule(struct task *task)
{
    task->wanted = false;
    if (task->asked)
        take_asked(task->scheduler);
    if (task->scheduler && task->position >= 0)
        remove_task(task->scheduler, (unsigned)task->position);
}

void task_set_tickets(struct task *task, int tickets)
{
    if (tickets < 1)
        tickets = 1;
    if (tickets > TASK_TICKETS_MAX)
        tickets = TASK_TICKETS_MAX;
    task->tickets = (uint32_t)tickets;
    task->stride = STRIDE1 / (uint32_t)tickets;
    if (!task->stride)
        task->stride = 1;
}

void task_destroy(struct task *task)
{
    if (!task->scheduler)
        return;
    task_unschedule(task);
    if (task->scheduler->running == task)
        end_run(task->scheduler);
    task->scheduler->max_tasks--;
    task->scheduler = NULL;
}

/* ---- the heap of timers ---- */

static void place_timer(struct scheduler *s, struct timer *timer, unsigned i)
{
    s->timers[i] = timer;
    timer->position = (int)i;
}

static void sift_timer_up(struct scheduler *s, struct timer *timer, unsigned i)
{
    while (i > 0 && timer->expiry_ns < s->timers[(i - 1) / 2]->expiry_ns) {
        place_timer(s, s->timers[(i - 1) / 2], i);
        i = (i - 1) / 2;
    }
    place_timer(s, timer, i);
}

static void sift_timer_down(struct scheduler *s, struct timer *timer, unsigned i)
{
    for (;;) {
        unsigned child = 2 * i + 1;

        if (child >= s->n_timers)
            break;
        if (child + 1 < s->n_timers && s->timers[child + 1]->expiry_ns < s->timers[child]->expiry_ns)
            child++;
        if (s->timers[child]->expiry_ns >= timer->expiry_ns)
            break;
        place_timer(s, s->timers[child], i);
        i = child;
    }
    place_timer(s, timer, i);
}

static void remove_timer(struct scheduler *s, unsigned i)
{
    struct timer *last = s->timers[--s->n_timers];

    s->timers[i]->position = -1;
    if (i == s->n_timers)
        return;
    if (i > 0 && last->expiry_ns < s->timers[(i - 1) / 2]->expiry_ns)
        sift_timer_up(s, last, i);
    else
        sift_timer_down(s, last, i);
}

int timer_init(struct timer *timer, struct element *element,
               void (*fire)(struct element *, struct timer *))
{
    struct scheduler *s = element->scheduler;

    if (!make_room(&s->timers, s->max_timers, &s->room_timers))
        return -ENOMEM;
    s->max_timers++;
    *timer = (struct timer){.element = element, .fire = fire, .scheduler = s, .position = -1};
    return 0;
}

void timer_set_at(struct timer *timer, uint64_t expiry_ns)
{
    struct scheduler *s = timer->scheduler;

    timer_clear(timer);
    timer->expiry_ns = expiry_ns;
    sift_timer_up(s, timer, s->n_timers++);
    if (s->asleep && timer->position == 0)
        platform_wake(s);
}

void timer_set_after(struct timer *timer, uint64_t delay_ns)
{
    timer_set_at(timer, platform_now_ns() + delay_ns);
}

void timer_clear(struct timer *timer)
{
    if (timer->scheduler && timer->position >= 0)
        remove_timer(timer->scheduler, (unsigned)timer->position);
}

void timer_destroy(struct timer *timer)
{
    if (!timer->scheduler)
        return;
    timer_clear(timer);
    timer->scheduler->max_timers--;
    timer->scheduler = NULL;
}

/* ---- the loop ---- */

static inline void fire_timers(struct scheduler *s, bool measured)
{
    /* Bounded: a timer that sets itself to a time already past must not starve the tasks. */
    unsigned most = s->n_timers;

    s->now_ns = platform_now_ns();      /* elements read it too, as a coarse clock */
    while (most-- && s->n_timers && s->timers[0]->expiry_ns <= s->now_ns && !s->stop &&
           !s->stop_asked) {
        struct timer *timer = s->timers[0];

        remove_timer(s, 0);
        bounds_renew();
        if (measured)
            profile_fire_timer(timer);
        else
            timer->fire(timer->element, timer);
        if (bounds_reached())
            break;
    }
}

void scheduler_ask_stop(struct scheduler *s)
{
    if (s->goes_on)
        s->stop_asked = true;
    else
        s->stop = true;
    if (s->asleep)
        platform_wake(s);
}

void scheduler_interrupt(struct scheduler *s)
{
    if (s->goes_on && !s->stop)
        s->goes_on(s->goes_on_context, true);
    s->stop_asked = false;
    s->stop = true;
}

/* Not within a task or timer: whoever is asked may run for a while, and look at both. */
static void answer_stop(struct scheduler *s)
{
    if (!s->stop_asked)
        return;
    s->stop_asked = false;
    bounds_renew();
    if (!s->stop && !s->goes_on(s->goes_on_context, false))
        s->stop = true;
}

/* Twice in the program, so that not to measure costs nothing. */
static inline __attribute__((always_inline)) bool run(struct scheduler *s, unsigned tasks, bool measured)
{
    answer_stop(s);
    if (s->stop)
        return s->n_tasks > 0;
    fire_timers(s, measured);
    if (scheduler_is_asked(s))
        take_asked(s);
    while (tasks-- && s->n_tasks && !s->stop && !s->stop_asked) {
        struct task *task = begin_run(s);

        bounds_renew();
        if (measured)
            profile_run_task(task);
        else
            task->run(task->element, task);
        if (s->running)                 /* or else it destroyed itself */
            end_run(s);
        if (bounds_reached())           /* a long run: others that share the processor are next */
            break;
    }
    answer_stop(s);
    return s->n_tasks > 0 || s->stop_asked;
}

static bool run_plain(struct scheduler *s, unsigned tasks)
{
    return run(s, tasks, false);
}

static bool run_measured(struct scheduler *s, unsigned tasks)
{
    return run(s, tasks, true);
}

void scheduler_measure(struct scheduler *s, bool on)
{
    s->run = on ? run_measured : run_plain;
}

int scheduler_init(struct scheduler *scheduler)
{
    memset(scheduler, 0, sizeof *scheduler);
    scheduler->n_threads = 1;
    scheduler->now_ns = platform_now_ns();
    scheduler->run = run_plain;
    return 0;
}

void scheduler_destroy(struct scheduler *scheduler)
{
    free(scheduler->tasks);
    free(scheduler->timers);
    memset(scheduler, 0, sizeof *scheduler);
}

uint64_t scheduler_deadline(const struct scheduler *s)
{
    return s->n_timers ? s->timers[0]->expiry_ns : UINT64_MAX;
}
