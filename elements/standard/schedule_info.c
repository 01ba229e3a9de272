// SPDX-License-Identifier: BSD-2-Clause
/*
 * schedule_info.c - ScheduleInfo(ELEMENT PARAM, ...): how often elements' tasks run.
 *
 * A task with parameter 2 runs twice as often as one with 1, the default. For a compound
 * element it scales the tasks of what the compound contains. What an outer ScheduleInfo
 * says about an element replaces what inner ones say.
 */
#include "router/element.h"
#include "router/names.h"

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    bool ok = true;

    for (unsigned i = 0; i < rest->n; i++) {
        uint64_t tickets;
        struct words words;
        uint32_t v;

        if (words_split_spaces(&words, rest->word[i]) < 0)
            return element_error(e, errors, "out of memory");
        if (words.n == 2 && args_read_decimal(words.word[1], TASK_TICKETS_DEFAULT, &tickets)) {
            v = tickets < TASK_TICKETS_MAX ? (uint32_t)tickets : TASK_TICKETS_MAX;
            if (v < tickets)
                errors_warn(errors, NULL, "'%s' too high; reduced to %d", words.word[1],
                            TASK_TICKETS_MAX / TASK_TICKETS_DEFAULT);
            if (!v)
                ok = element_error(e, errors, "'%s': a task cannot run that seldom",
                                   words.word[1]);
            else if (names_define(e, NAME_TICKETS, words.word[0], &v, sizeof v) < 0)
                ok = element_error(e, errors, "out of memory");
        } else if (words.n) {
            ok = element_error(e, errors, "expected 'ELEMENTNAME PARAM'");
        }
        words_free(&words);
    }
    return ok;
}

static const struct argument arguments[] = {
    {.name = "ELEMENT PARAM", .kind = ARG_REST, .type = &arg_text,
     .help = "an element or compound, and how often it runs in relation to others: 0.001 to 32"},
    {0},
};

ELEMENT_CLASS(schedule_info) = {
    .name = "ScheduleInfo", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct element), .arguments = arguments, .phase = PHASE_PREPARE,
    .configure = configure,
    .group = "standard", .purpose = "how often elements' tasks run",
};
