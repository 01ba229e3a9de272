// SPDX-License-Identifier: BSD-2-Clause
/* local.c - configurations that the command looks at itself; see local.h. */
#include "cli/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/router.h"

enum { PACKETS_MAX = 4096 };            /* elements may want some to be configured */

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

/* NAME=VALUE, NAME of letters, digits and _. */
static bool add_define(struct local *local, const char *operand)
{
    size_t n = strspn(operand, NAME_LETTERS);
    struct language_define *grown;

    if (!n || operand[n] != '=')
        return false;
    grown = realloc(local->defines, (local->n_defines + 1) * sizeof *grown);
    if (grown) {
        local->defines = grown;
        grown[local->n_defines++] = (struct language_define){strndup(operand, n), operand + n + 1};
    }
    return true;
}

void local_open(struct local *local, const struct invocation *invocation)
{
    const char *expression = option_value(invocation, "expression"), *path = option_value(invocation, "clickpath");
    const char *file = NULL;
    struct errors errors = {0};

    *local = (struct local){.code = EXIT_USAGE};
    if (path)
        setenv("CLICKPATH", path, 1);
    for (int i = 0; i < invocation->n_operands; i++) {
        if (add_define(local, invocation->operand[i]))
            continue;
        if (file || expression) {
            usage_error(invocation->command, "one configuration, please: '%s' is another", invocation->operand[i]);
            return;
        }
        file = invocation->operand[i];
    }
    local->code = EXIT_FAILURE;
    local->is_no_file = !file || !strcmp(file, "-");
    if (expression) {
        local->name = "config";
        local->text = strdup(expression);
        local->length = strlen(expression);
    } else {
        local->name = !file || !strcmp(file, "-") ? "<stdin>" : file;
        local->text = platform_file_read(file ? file : "-", &local->length, &errors);
    }
    local_report(&errors);
}

void local_close(struct local *local)
{
    for (unsigned i = 0; i < local->n_defines; i++)
        free((char *)local->defines[i].name);
    free(local->defines);
    free(local->text);
}

static bool is_ours(const char *name)
{
    return element_class_find(name) != NULL;
}

static char *read_library(void *closure, const char *name, const char *includer, char **path, size_t *length)
{
    (void)closure;
    return platform_library_read(name, includer, path, length);
}

struct plan *local_parse(const struct local *local, struct errors *errors)
{
    const struct language_options options = {
        .class_known = is_ours, .foreign_classes = true, .defines = local->defines,
        .n_defines = local->n_defines, .read_library = read_library,
    };

    struct plan *plan = language_parse(local->text, local->length, local->name, &options, errors);

    if (!plan || !errors->count)
        return plan;
    plan_free(plan);
    return NULL;
}

struct router *local_configure(const struct local *local, struct errors *errors)
{
    if (packet_pool_init(0, PACKETS_MAX) < 0) {
        errors_add(errors, NULL, "out of memory");
        return NULL;
    }
    return router_from_text(local->text, local->length, local->name, local->defines, local->n_defines, errors);
}

unsigned local_report(struct errors *errors)
{
    unsigned count = errors->count;

    fwrite(text_string(&errors->text), 1, errors->text.length, stderr);
    errors_free(errors);
    return count;
}

int local_write(const struct invocation *invocation, const char *text, size_t length)
{
    const char *name = option_value(invocation, "output");
    bool to_stdout = !name || !strcmp(name, "-");
    FILE *file = to_stdout ? stdout : fopen(name, "wb");
    bool ok = file && fwrite(text, 1, length, file) == length;

    if (file && !to_stdout)
        ok &= fclose(file) == 0;
    if (!ok)
        fprintf(stderr, "clickos: %s: %s\n", to_stdout ? "output" : name, strerror(errno));
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
