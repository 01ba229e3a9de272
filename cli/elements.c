// SPDX-License-Identifier: BSD-2-Clause
/* elements.c - clickos elements: the manual of the element classes, from their tables. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/command.h"
#include "cli/print.h"
#include "platform/linux/manual.h"
#include "router/element.h"

enum { WIDTH = 100, NAME_MAX_LENGTH = 64 };

/* ---- one class ---- */

/* Words, broken before column WIDTH, every line indented. */
static void print_wrapped(const char *text, int indent)
{
    int column = 0;

    while (*text) {
        int n = (int)strcspn(text, " \n");

        if (column && column + 1 + n > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += printf("%*s%.*s", column ? 1 : indent, "", n, text);
        text += n;
        if (*text == '\n') {
            putchar('\n');
            column = 0;
        }
        text += *text != '\0';
    }
    if (column)
        putchar('\n');
}

static void print_item(const char *name, const char *note, const char *help)
{
    printf("  %s (%s)\n", name, note);
    print_wrapped(help ? help : "", 6);
}

static void print_class(const struct element_class *class)
{
    char name[64], note[128];

    printf("%s - %s\n\nPorts %s, processing %s", class->name, class->purpose ? class->purpose : "", class->ports,
           class->processing);
    printf(" (h push, l pull, a either).%s\n",
           class->live_config ? " The handler config may be written while it runs." : "");
    if (class->manual) {
        putchar('\n');
        print_wrapped(class->manual, 0);
    }
    if (class->arguments && class->arguments->name)
        printf("\nArguments:\n");
    for (const struct argument *a = class->arguments; a && a->name; a++) {
        manual_argument_note(a, note);
        print_item(a->name, note, a->help);
    }
    if (class->handlers && class->handlers->name)
        printf("\nHandlers:\n");
    for (const struct handler *h = class->handlers; h && h->name; h++) {
        manual_handler_name(h, name);
        manual_handler_note(h, note);
        print_item(name, note, h->help);
    }
}

static json_t *class_json(const struct element_class *class)
{
    json_t *arguments = json_array(), *handlers = json_array();
    char name[64], note[128];

    for (const struct argument *a = class->arguments; a && a->name; a++) {
        manual_argument_note(a, note);
        json_array_append_new(arguments, json_pack("{s:s, s:s, s:s}", "name", a->name, "use", note, "help",
                                                   a->help ? a->help : ""));
    }
    for (const struct handler *h = class->handlers; h && h->name; h++) {
        manual_handler_name(h, name);
        manual_handler_note(h, note);
        json_array_append_new(handlers, json_pack("{s:s, s:s, s:s}", "name", name, "use", note, "help",
                                                  h->help ? h->help : ""));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "name", class->name, "group",
                     class->group ? class->group : "", "purpose", class->purpose ? class->purpose : "", "ports",
                     class->ports, "processing", class->processing, "manual", class->manual ? class->manual : "",
                     "live_config", class->live_config, "arguments", arguments, "handlers", handlers);
}

/* ---- a name that there is not ---- */

/* Letters to change, add or leave out until one is the other; case does not count. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_LENGTH + 1], n = (unsigned)strlen(b);

    if (n > NAME_MAX_LENGTH || strlen(a) > NAME_MAX_LENGTH)
        return NAME_MAX_LENGTH;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned best = diagonal + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);

            if (best > row[j] + 1)
                best = row[j] + 1;
            if (best > row[j - 1] + 1)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

static void report_unknown(const char *name, const struct element_class *const *classes)
{
    const char *before = "; did you mean ";

    fprintf(stderr, "clickos: no element class '%s'", name);
    for (; *classes; classes++)
        if (distance(name, (*classes)->name) <= (strlen(name) < 5 ? 1 : 2) || strcasestr((*classes)->name, name)) {
            fprintf(stderr, "%s%s", before, (*classes)->name);
            before = ", ";
        }
    fprintf(stderr, "%s\n", *before == ',' ? "?" : "; `clickos elements` lists them");
}

/* ---- the command ---- */

static int run(const struct invocation *invocation)
{
    const struct element_class **classes = manual_classes();
    const char *name = invocation->n_operands ? invocation->operand[0] : NULL;
    bool json = option_given(invocation, "json");
    json_t *list = json ? json_array() : NULL;
    unsigned found = 0;

    for (unsigned i = 0; classes && classes[i]; i++) {
        const struct element_class *class = classes[i];

        if (name && strcmp(name, class->name))
            continue;
        found++;
        if (json)
            json_array_append_new(list, class_json(class));
        else if (name)
            print_class(class);
        else
            printf("%-20s %s\n", class->name, class->purpose ? class->purpose : "");
    }
    if (!found && classes)
        report_unknown(name, classes);
    else if (json)
        print_json(name ? json_incref(json_array_get(list, 0)) : json_incref(list));
    json_decref(list);
    free(classes);
    return found ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const struct option options[] = {OPTION_JSON, {0}};

const struct command command_elements = {
    .name = "elements", .operands = "[CLASS]", .max_operands = 1,
    .summary = "lists the element classes, or shows the manual of one",
    .description = "From the tables that the router works by: ports, processing, arguments, handlers. The same as\n"
                   "clickos-elements(7).",
    .options = options, .run = run,
};
