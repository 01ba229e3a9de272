// SPDX-License-Identifier: BSD-2-Clause
/* pretty.c - clickos pretty: a configuration in one canonical form, as gofmt does for Go. */
#define _GNU_SOURCE
#include "language/pretty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/local.h"
#include "platform/linux/results.h"

/* Whether both texts make the same router: a formatter that is wrong must not cost anybody his configuration. */
static bool same_meaning(const struct local *local, const struct plan *plan, const struct text *pretty)
{
    struct local other = *local;
    struct text before = {0}, after = {0};
    struct errors errors = {0};
    struct plan *again;
    bool same = false;

    other.text = (char *)text_string(pretty);
    other.length = pretty->length;
    again = local_parse(&other, &errors);
    if (again) {
        plan_unparse(plan, &before);
        plan_unparse(again, &after);
        same = before.length == after.length && !memcmp(text_string(&before), text_string(&after), after.length);
    }
    plan_free(again);
    errors_free(&errors);
    text_free(&before);
    text_free(&after);
    return same;
}

/* In the place of the file, at once; its mode stays, and a symbolic link to it stays one. */
static int replace_file(const char *name, const struct text *text)
{
    char *target = realpath(name, NULL), *temporary = NULL;
    struct stat status;
    bool ok = false;
    int fd = -1;

    if (target && asprintf(&temporary, "%s.XXXXXX", target) < 0)
        temporary = NULL;
    if (temporary && stat(target, &status) == 0)
        fd = mkstemp(temporary);
    if (fd >= 0) {
        FILE *file = fdopen(fd, "wb");

        ok = file && fchmod(fd, status.st_mode & 07777) == 0 &&
             fwrite(text_string(text), 1, text->length, file) == text->length;
        ok = file && fclose(file) == 0 && ok && rename(temporary, target) == 0;
    }
    if (!ok) {
        fprintf(stderr, "clickos: %s: %s\n", name, strerror(errno));
        if (fd >= 0)
            unlink(temporary);
    }
    free(temporary);
    free(target);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int deliver(const struct invocation *invocation, const struct local *local, const struct text *pretty)
{
    bool same = pretty->length == local->length && !memcmp(text_string(pretty), local->text, local->length);

    if (option_given(invocation, "check")) {
        if (!same)
            fprintf(stderr, "clickos: %s is not in the form that `clickos pretty` gives it\n", local->name);
        return same ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (!option_given(invocation, "write"))
        return local_write(invocation, text_string(pretty), pretty->length);
    return same ? EXIT_SUCCESS : replace_file(local->name, pretty);
}

static int pretty(const struct invocation *invocation, struct local *local)
{
    struct errors errors = {0};
    struct text result = {0};
    struct plan *plan;
    int code = EXIT_FAILURE;

    if (option_given(invocation, "write") && local->is_no_file)
        return usage_error(invocation->command, "--write needs a file");
    plan = local_parse(local, &errors);
    if (plan && language_pretty(local->text, local->length, local->name, &result, &errors)) {
        if (same_meaning(local, plan, &result))
            code = deliver(invocation, local, &result);
        else
            errors_add(&errors, NULL, "clickos: %s: the result would mean something else, so it is left alone; "
                       "please report this", local->name);
    }
    results_report(&errors, false);
    text_free(&result);
    plan_free(plan);
    return code;
}

static int run(const struct invocation *invocation)
{
    return local_run(invocation, pretty);
}

static const struct option options[] = {
    {.name = "write", .letter = 'w', .help = "change FILE itself, when there is something to change"},
    {.name = "check", .help = "print nothing; exit code 1 when FILE is not in that form"},
    OPTION_EXPRESSION, OPTION_CLICKPATH, {0},
};

const struct command command_pretty = {
    .name = "pretty", .operands = LOCAL_OPERANDS, .max_operands = LOCAL_OPERANDS_MAX,
    .summary = "prints a configuration in one readable form",
    .description = "One statement a line, compounds and groups indented, spaces around -> and ::. Comments and\n"
                   "arguments stay as they are, and so does what the configuration means. Errors go to standard\n"
                   "error, and nothing is printed then.",
    .options = options, .run = run,
};
