// SPDX-License-Identifier: BSD-2-Clause
/* check.c - clickos check: every mistake in a configuration, without running it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/local.h"
#include "cli/print.h"
#include "platform/linux/results.h"
#include "router/router.h"

/*
 * A line of errors is "landmark: message"; below a line that ends with ':' those of one element
 * are indented, and have its landmark (errors.h).
 */
static json_t *messages_json(const struct text *text)
{
    json_t *list = json_array();
    const char *s = text_string(text), *landmark = "", *about = "";
    int landmark_length = 0, about_length = 0;

    while (*s) {
        int n = (int)strcspn(s, "\n");
        const char *colon = memmem(s, (size_t)n, ": ", 2);

        if (s[0] == ' ' && s[1] == ' ') {
            json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "landmark",
                                                  json_text(landmark, (size_t)landmark_length), "about",
                                                  json_text(about, (size_t)about_length), "message",
                                                  json_text(s + 2, (size_t)n - 2)));
        } else {
            landmark = colon ? s : "";
            landmark_length = colon ? (int)(colon - s) : 0;
            about = colon ? colon + 2 : s;
            about_length = (int)(s + n - about);
            if (n && s[n - 1] == ':')
                about_length--;
            else
                json_array_append_new(list, json_pack("{s:o, s:o}", "landmark",
                                                      json_text(landmark, (size_t)landmark_length), "message",
                                                      json_text(about, (size_t)about_length)));
        }
        s += n + (s[n] == '\n');
    }
    return list;
}

static int check(const struct invocation *invocation, struct local *local)
{
    struct errors errors = {0};
    struct router *r = local_configure(local, &errors);
    int elements = r ? (int)r->n_elements : 0;
    bool wrong = errors.count || !r;

    router_destroy(r);
    if (option_given(invocation, "json")) {
        print_json(json_pack("{s:o, s:i, s:i, s:i, s:o}", "file", json_text(local->name, strlen(local->name)), "errors",
                             (int)errors.count, "warnings", (int)errors.warnings, "elements", elements, "messages",
                             messages_json(&errors.text)));
        errors_free(&errors);
    } else {
        results_report(&errors, false);
    }
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct invocation *invocation)
{
    return local_run(invocation, check);
}

static const struct option options[] = {OPTION_EXPRESSION, OPTION_CLICKPATH, OPTION_JSON, {0}};

const struct command command_check = {
    .name = "check", .operands = LOCAL_OPERANDS, .max_operands = LOCAL_OPERANDS_MAX,
    .summary = "reports every mistake in a configuration, without running it",
    .description = "Reads FILE (standard input when there is none, or it is -) and says what is wrong with it, with\n"
                   "file and line: syntax, classes, ports, push and pull, arguments. NAME=VALUE gives a variable of\n"
                   "the configuration a value. Needs no VM and no Xen; devices and files are not looked at. Exit code 1\n"
                   "when there are errors.",
    .options = options, .run = run,
};
