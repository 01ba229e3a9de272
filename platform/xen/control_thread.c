// SPDX-License-Identifier: BSD-2-Clause
/*
 * control_thread.c - the guest's side of control/: xenstore as its store, threads for its instances.
 *
 * Watch events arrive between threads and may not block, so they queue here until the control thread
 * comes to them. The same event queues once: a queue's length is bounded by what changed.
 */
#include "platform/xen/control_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/protocol.h"
#include "drivers/xenstore.h"
#include "platform/xen/guest.h"

enum {
    CONTROL_STACK_PAGES = 16,       /* it parses and builds routers */
    INSTANCE_STACK_PAGES = 16,      /* a push goes through many elements, scripts call each other */
    TASKS_A_TURN = 32,              /* run by an instance before others have their turn */
    QUEUE_MAX = 1024,               /* events; more become one look at everything */
};

struct event {
    struct event *next;
    char path[];
};

static struct {
    struct thread *thread;
    struct event *first, **last;
    unsigned queued;
    bool look_at_all;               /* an event was lost for want of memory */
    bool poll;                      /* an instance's thread ended */
    const char *name, *text;
    size_t length;
} self;

/* ---- the store ---- */

static int store_read(struct store *store, const char *path, char **value, size_t *length)
{
    (void)store;
    return xenstore_read(path, value, length);
}

static int store_write(struct store *store, const char *path, const char *value, size_t length)
{
    (void)store;
    return xenstore_write(path, value, length);
}

static int store_directory(struct store *store, const char *path, char ***names, unsigned *n)
{
    char *list;
    size_t length;
    int error = xenstore_directory(path, &list, &length);
    unsigned count = 0;

    (void)store;
    if (error)
        return error;
    for (size_t i = 0; i < length; i++)
        count += list[i] == '\0';
    *names = calloc(count + 1, sizeof **names);
    *n = 0;
    for (const char *s = list; *names && *n < count; s += strlen(s) + 1) {
        (*names)[*n] = strdup(s);
        if (!(*names)[*n]) {
            store_names_free(*names, *n);
            *names = NULL;
        } else {
            ++*n;
        }
    }
    free(list);
    return *names ? 0 : -ENOMEM;
}

static int store_remove(struct store *store, const char *path)
{
    int error = xenstore_remove(path);

    (void)store;
    return error == -ENOENT ? 0 : error;
}

static void changed(void *argument, const char *path)
{
    size_t length = strlen(path);
    struct event *event;

    (void)argument;
    thread_wake(self.thread);
    for (event = self.first; event; event = event->next)
        if (!strcmp(event->path, path))
            return;
    event = self.queued < QUEUE_MAX ? malloc(sizeof *event + length + 1) : NULL;
    if (!event) {
        self.look_at_all = true;
        return;
    }
    event->next = NULL;
    memcpy(event->path, path, length + 1);
    *self.last = event;
    self.last = &event->next;
    self.queued++;
}

static int store_watch(struct store *store, const char *path)
{
    int handle = xenstore_watch(path, changed, NULL);

    (void)store;
    return handle < 0 ? handle : 0;
}

static int store_private_directory(struct store *store, const char *path)
{
    (void)store;
    return xenstore_mkdir(path);    /* what a guest makes is its own */
}

/* ---- a thread per instance ---- */

struct runner {
    struct scheduler *scheduler;
    struct thread *thread;
    bool ended;
};

/* The scheduler may be another after each pause; see host_replace(). */
static void run_instance(void *argument)
{
    struct runner *runner = argument;

    while (!runner->scheduler->stop) {
        if (scheduler_run(runner->scheduler, TASKS_A_TURN)) {
            thread_yield();
        } else if (!runner->scheduler->stop) {
            runner->scheduler->asleep = true;
            thread_block(scheduler_deadline(runner->scheduler));
            runner->scheduler->asleep = false;
        }
    }
    runner->scheduler->owner = NULL;
    runner->ended = true;
    self.poll = true;
    thread_wake(self.thread);
    thread_exit();
}

static void *host_start(struct control_host *host, unsigned id, struct router *router)
{
    struct runner *runner = calloc(1, sizeof *runner);
    char name[] = "click 00";

    (void)host;
    if (!runner)
        return NULL;
    name[6] = (char)('0' + id / 10 % 10);
    name[7] = (char)('0' + id % 10);
    runner->scheduler = router->scheduler;
    runner->thread = thread_create(name, run_instance, runner, INSTANCE_STACK_PAGES);
    if (!runner->thread) {
        free(runner);
        return NULL;
    }
    runner->scheduler->owner = runner->thread;      /* whom platform_wake() wakes */
    return runner;
}

/* Threads pause between tasks only, so the old scheduler is not at work now. */
static void host_replace(struct control_host *host, void *thread, struct router *router)
{
    struct runner *runner = thread;

    (void)host;
    runner->scheduler->owner = NULL;
    runner->scheduler = router->scheduler;
    runner->scheduler->owner = runner->thread;
    thread_wake(runner->thread);
}

static void host_stop(struct control_host *host, void *thread)
{
    struct runner *runner = thread;

    (void)host;
    scheduler_interrupt(runner->scheduler);     /* a DriverManager may tidy up */
    while (!runner->ended) {
        thread_wake(runner->thread);
        /* Its last act is to wake us; other wakes may come before. */
        thread_block(UINT64_MAX);
    }
    free(runner);
    thread_wake(self.thread);       /* we may have swallowed the wake of a watch event */
}

static bool host_ended(struct control_host *host, void *thread)
{
    (void)host;
    return ((struct runner *)thread)->ended;
}

/* ---- the control thread ---- */

static struct store store = {
    store_read, store_write, store_directory, store_remove, store_watch, store_private_directory,
};

static struct control_host host = {&store, host_start, host_replace, host_stop, host_ended};

static void run_control(void *argument)
{
    struct control *control = control_create(&host);
    int error;

    (void)argument;
    if (!control)
        panic("no memory for the control plane");
    error = control_open(control);
    if (error)
        console_printf("no control plane: xenstore says %d\n", error);
    if (self.text)
        control_boot(control, self.name, self.text, self.length);
    for (;;) {
        struct event *event = self.first;

        if (event) {
            self.first = event->next;
            if (!self.first)
                self.last = &self.first;
            self.queued--;
            control_event(control, event->path);
            free(event);
        } else if (self.look_at_all) {
            self.look_at_all = false;
            control_event(control, PROTOCOL_ROOT);
        } else if (self.poll) {
            self.poll = false;
            control_poll(control);
        } else {
            thread_block(UINT64_MAX);
        }
    }
}

bool control_thread_start(const char *name, const char *text, size_t length)
{
    self.last = &self.first;
    self.name = name;
    self.text = text;
    self.length = length;
    self.thread = thread_create("control", run_control, NULL, CONTROL_STACK_PAGES);
    return self.thread != NULL;
}
