// SPDX-License-Identifier: BSD-2-Clause
/* flatten.c - clickos flatten: a configuration without compounds, variables and libraries. */
#include <stdlib.h>

#include "cli/local.h"
#include "platform/linux/results.h"
#include "router/errors.h"

static int flatten(const struct invocation *invocation, struct local *local)
{
    struct errors errors = {0};
    struct text flat = {0};
    struct plan *plan = local_parse(local, &errors);
    int code = EXIT_FAILURE;

    if (!results_report(&errors, false) && plan) {
        plan_unparse(plan, &flat);
        code = local_write(invocation, text_string(&flat), flat.length);
    }
    text_free(&flat);
    plan_free(plan);
    return code;
}

static int run(const struct invocation *invocation)
{
    return local_run(invocation, flatten);
}

static const struct option options[] = {
    {.name = "output", .letter = 'o', .value = "FILE", .help = "write it there, not to standard output"},
    OPTION_EXPRESSION, OPTION_CLICKPATH, {0},
};

const struct command command_flatten = {
    .name = "flatten", .operands = LOCAL_OPERANDS, .max_operands = LOCAL_OPERANDS_MAX,
    .summary = "prints a configuration with its compounds expanded",
    .description = "Every element with its full name (`outer/inner`), every connection, variables replaced by their\n"
                   "values: what the router is made of, and what its handler `flatconfig` shows. Syntax errors go to\n"
                   "standard error, and nothing is printed then. Classes may be somebody else's; ports and arguments are\n"
                   "not looked at (`check` does).",
    .options = options, .run = run,
};
