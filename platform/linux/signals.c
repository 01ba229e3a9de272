// SPDX-License-Identifier: BSD-2-Clause
/*
 * signals.c - the signals of the process, for its main loop and for elements; see signals.h.
 *
 * - A signal that somebody waits for is blocked except while the loop sleeps or looks, so it
 *   cannot be missed between a look at `arrived` and the sleep.
 * - An element is told once. Where it does not ask again while it is told, and nobody else waits, the
 *   signal goes back to what it did before: one that is pending then acts at once.
 */
#define _GNU_SOURCE
#include "platform/linux/signals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform/platform.h"
#include "router/args.h"
#include "router/errors.h"

static const struct {
    const char *name;
    int number;
} names[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"HUP", SIGHUP},   {"INT", SIGINT},
    {"IO", SIGIO},     {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"TERM", SIGTERM},
    {"TSTP", SIGTSTP}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
};

struct waiter {
    struct waiter *next;
    int number;
    struct element *element;
    void (*arrived)(struct element *element);
};

static struct waiter *waiters, *told;       /* told: what signals_deliver() has still to call */
static volatile sig_atomic_t arrived[SIGNALS_MAX], any_arrived;
static struct sigaction before[SIGNALS_MAX];
static bool taken[SIGNALS_MAX], running;

static void on_signal(int number)
{
    arrived[number] = 1;
    any_arrived = 1;
}

static void block(int number, bool on)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static int take(int number)
{
    struct sigaction action = {.sa_handler = on_signal};

    if (taken[number])
        return 0;
    if (sigaction(number, &action, &before[number]) < 0)
        return -errno;
    block(number, true);
    taken[number] = true;
    return 0;
}

static void give_back(int number)
{
    if (!taken[number])
        return;
    taken[number] = false;
    arrived[number] = 0;
    sigaction(number, &before[number], NULL);
    block(number, false);
}

static bool ends_the_loop(int number)
{
    return number == SIGINT || number == SIGTERM;
}

static bool awaited(int number)
{
    for (struct waiter *w = waiters; w; w = w->next)
        if (w->number == number)
            return true;
    return false;
}

static void give_back_unless_wanted(int number)
{
    if (!awaited(number) && !(running && ends_the_loop(number)))
        give_back(number);
}

/* ---- for the loop ---- */

void signals_begin(sigset_t *open)
{
    running = true;
    take(SIGINT);
    take(SIGTERM);
    sigprocmask(SIG_SETMASK, NULL, open);
    for (int number = 1; number < SIGNALS_MAX; number++)
        sigdelset(open, number);
}

void signals_end(void)
{
    running = false;
    give_back_unless_wanted(SIGINT);
    give_back_unless_wanted(SIGTERM);
}

/* Takes those who wait for this signal out of the list, in the order in which they came. */
static struct waiter *take_waiters(int number)
{
    struct waiter *found = NULL, **end = &found;

    for (struct waiter **at = &waiters; *at;) {
        struct waiter *w = *at;

        if (w->number != number) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = NULL;
        *end = w;
        end = &w->next;
    }
    return found;
}

bool signals_deliver(void)
{
    bool end = false;

    if (!any_arrived)
        return false;
    any_arrived = 0;
    platform_exclusive_begin();         /* whoever's elements they are */
    for (int number = 1; number < SIGNALS_MAX; number++) {
        struct waiter *w;

        if (!arrived[number])
            continue;
        arrived[number] = 0;
        told = take_waiters(number);
        end |= !told && ends_the_loop(number);
        while ((w = told)) {
            told = w->next;
            w->arrived(w->element);
            free(w);
        }
        give_back_unless_wanted(number);
    }
    platform_exclusive_end();
    return end;
}

/* ---- for elements ---- */

int platform_signal_number(const char *name)
{
    uint64_t number;

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].number;
    return args_read_unsigned(name, SIGNALS_MAX - 1, &number) ? (int)number : -1;
}

int platform_signal_await(int number, struct element *element,
                          void (*function)(struct element *element))
{
    struct waiter **end = &waiters, *w;
    int status;

    for (; *end; end = &(*end)->next)
        if ((*end)->number == number && (*end)->element == element)
            return 0;
    if (number < 1 || number >= SIGNALS_MAX)
        return -EINVAL;
    status = take(number);
    if (status < 0)
        return status;
    w = calloc(1, sizeof *w);
    if (!w) {
        give_back_unless_wanted(number);
        return -ENOMEM;
    }
    *w = (struct waiter){.number = number, .element = element, .arrived = function};
    *end = w;
    return 0;
}

static void drop(struct waiter **at, const struct element *element)
{
    while (*at) {
        struct waiter *w = *at;

        if (w->element != element) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        give_back_unless_wanted(w->number);
        free(w);
    }
}

void platform_signal_forget(struct element *element)
{
    drop(&waiters, element);
    drop(&told, element);
}

bool platform_signal_send(int number, int process, struct errors *errors)
{
    if (kill(process, number) == 0)
        return true;
    errors_add(errors, NULL, "kill(%d, %d): %s", process, number, strerror(errno));
    return false;
}

int platform_process(void)
{
    return getpid();
}
