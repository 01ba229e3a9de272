// SPDX-License-Identifier: BSD-2-Clause
/* local.c - configurations that the command looks at itself; see local.h. */
#include "cli/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/linux/options.h"
#include "platform/linux/results.h"
#include "platform/platform.h"
#include "router/router.h"

enum { PACKETS_MAX = 4096 };            /* elements may want some to be configured */

static bool add_define(struct local *local, const char *operand)
{
    size_t n = options_define_length(operand);
    struct language_define *grown;

    if (!n)
        return false;
    grown = realloc(local->defines, (local->n_defines + 1) * sizeof *grown);
    if (grown) {
        local->defines = grown;
        grown[local->n_defines++] = (struct language_define){strndup(operand, n), operand + n + 1};
    }
    return true;
}

/* 0, or the exit code: then a message is printed. */
static int read_local(struct local *local, const struct invocation *invocation)
{
    const char *expression = option_value(invocation, "expression"), *path = option_value(invocation, "clickpath");
    const char *file = NULL;
    struct errors errors = {0};

    if (path)
        setenv("CLICKPATH", path, 1);
    for (int i = 0; i < invocation->n_operands; i++) {
        if (add_define(local, invocation->operand[i]))
            continue;
        if (file || expression)
            return usage_error(invocation->command, "one configuration, please: '%s' is another",
                               invocation->operand[i]);
        file = invocation->operand[i];
    }
    local->is_no_file = !file || !strcmp(file, "-");
    if (expression) {
        local->name = "config";
        local->text = strdup(expression);
        local->length = strlen(expression);
    } else {
        local->name = local->is_no_file ? "<stdin>" : file;
        local->text = platform_file_read(file ? file : "-", &local->length, &errors);
    }
    results_report(&errors, false);
    return local->text ? 0 : EXIT_FAILURE;
}

int local_run(const struct invocation *invocation, int (*look)(const struct invocation *, struct local *))
{
    struct local local = {0};
    int code = read_local(&local, invocation);

    if (!code)
        code = look(invocation, &local);
    for (unsigned i = 0; i < local.n_defines; i++)
        free((char *)local.defines[i].name);
    free(local.defines);
    free(local.text);
    return code;
}

struct plan *local_parse(const struct local *local, struct errors *errors)
{
    return router_parse_foreign(local->text, local->length, local->name, local->defines, local->n_defines, errors);
}

struct router *local_configure(const struct local *local, struct errors *errors)
{
    if (packet_pool_init(0, PACKETS_MAX) < 0) {
        errors_add(errors, NULL, "out of memory");
        return NULL;
    }
    return router_from_text(local->text, local->length, local->name, local->defines, local->n_defines, errors);
}

int local_write(const struct invocation *invocation, const char *text, size_t length)
{
    const char *name = option_value(invocation, "output");
    struct errors errors = {0};

    if (!name || !strcmp(name, "-"))            /* main() looks at errors of standard output */
        fwrite(text, 1, length, stdout);
    else
        platform_file_write(name, false, text, length, &errors);
    return results_report(&errors, false) ? EXIT_FAILURE : EXIT_SUCCESS;
}
