// SPDX-License-Identifier: BSD-2-Clause
/*
 * static_thread_sched.c - StaticThreadSched(ELEMENT THREAD, ...): which threads run elements' tasks.
 *
 * ELEMENT is an element or a compound, whose elements are all meant. What a later argument, or a later
 * StaticThreadSched, says about an element counts.
 */
#include <string.h>

#include "router/names.h"
#include "router/router.h"

static void place(struct element *scope, struct element *e, unsigned thread)
{
    e->placed_by = scope;
    e->wanted_thread = thread;
}

/* Elements of the compound that `name` means in the scope's own compound; how many there are. */
static unsigned place_compound(struct element *scope, const char *name, unsigned thread)
{
    const char *slash = strrchr(scope->name, '/');
    struct text prefix = {0};
    unsigned n = 0;

    text_add(&prefix, scope->name, slash ? (size_t)(slash + 1 - scope->name) : 0);
    text_printf(&prefix, "%s/", name);
    for (unsigned i = 0; i < scope->router->n_elements && !prefix.failed; i++) {
        struct element *e = scope->router->elements[i];

        if (strncmp(e->name, text_string(&prefix), prefix.length) == 0) {
            place(scope, e, thread);
            n++;
        }
    }
    text_free(&prefix);
    return n;
}

static bool read_argument(struct element *e, const struct words *words, struct errors *errors)
{
    struct element *found;
    uint64_t thread;

    if (!words->n)
        return true;
    if (words->n != 2)
        return element_error(e, errors, "expected 'ELEMENT THREAD'");
    if (!args_read_unsigned(words->word[1], UINT32_MAX, &thread))
        return element_error(e, errors, "THREAD: expected a number, got '%s'", words->word[1]);
    found = element_find(e, words->word[0]);
    if (found)
        place(e, found, (unsigned)thread);
    else if (!place_compound(e, words->word[0], (unsigned)thread))
        return element_error(e, errors, "ELEMENT: no element named '%s'", words->word[0]);
    return true;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    return names_configure(e, rest, errors, read_argument);
}

static const struct argument arguments[] = {
    {.name = "ELEMENT THREAD", .kind = ARG_REST, .type = &arg_text,
     .help = "an element or compound, and the number of a thread, from 0"},
    {0},
};

ELEMENT_CLASS(static_thread_sched) = {
    .name = "StaticThreadSched", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct element), .arguments = arguments, .phase = PHASE_PREPARE,
    .configure = configure,
    .group = "threads", .purpose = "which threads run elements' tasks",
    .manual =
        "A task runs what it reaches by push and pull up to the next Queue. Most classes may be run by one thread at a "
        "time; tasks that reach the same element of such a class run on one thread, and to ask for two is an error, "
        "which names the element. Classes whose packets change nothing but counts may be run by any number of "
        "threads. What no StaticThreadSched names goes to the threads in turn; home_thread of a task's element says "
        "where it is. There are as many threads as click(1) was told with -j; a VM has one. A thread that there is not "
        "gets a warning, and is taken for 0.",
};
