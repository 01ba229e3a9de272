// SPDX-License-Identifier: BSD-2-Clause
/* handlers.c - clickos handlers: the elements of an instance, or the handlers of one. */
#include <stdio.h>
#include <string.h>

#include "cli/print.h"
#include "cli/simple.h"

/* Calls for each line "left\tright". */
static void each_line(const struct message *reply, void (*line)(void *, const char *, int, const char *, int),
                      void *argument)
{
    const char *s = text_string(&reply->data);

    while (*s) {
        size_t n = strcspn(s, "\n"), left = strcspn(s, "\t\n");
        size_t right = left < n ? left + 1 : n;

        line(argument, s, (int)left, s + right, (int)(n - right));
        s += n + (s[n] == '\n');
    }
}

struct listing {
    json_t *json;                   /* NULL: print */
    const char *right_name;
};

static void show_line(void *argument, const char *left, int left_length, const char *right, int right_length)
{
    struct listing *listing = argument;
    struct text line = {0};

    if (listing->json) {
        json_array_append_new(listing->json,
                              json_pack("{s:o, s:o}", "name", json_text(left, (size_t)left_length),
                                        listing->right_name, json_text(right, (size_t)right_length)));
        return;
    }
    text_printf(&line, "%-31.*s %.*s", left_length, left, right_length, right);
    print_line(stdout, text_string(&line), line.length, true);
    text_free(&line);
}

static void show(const struct client *client, const struct message *reply, const char *right_name,
                 const char *title)
{
    struct listing listing = {client->json ? json_array() : NULL, right_name};

    if (!client->json)
        printf("%s\n", title);
    each_line(reply, show_line, &listing);
    if (listing.json)
        print_json(listing.json);
}

static void show_elements(const struct client *client, const struct message *reply)
{
    show(client, reply, "class", "Element                         Class");
}

static void show_handlers(const struct client *client, const struct message *reply)
{
    show(client, reply, "flags", "Handler                         Use");
}

static int run(const struct invocation *invocation)
{
    const char *name = "";
    struct text line = {0};
    unsigned instance = 0;
    bool all = invocation->n_operands < 2;

    if (!all && !read_target(invocation, invocation->operand[1], &instance, &name))
        return EXIT_USAGE;
    all = !*name;
    if (option_given(invocation, "instance"))
        instance = (unsigned)option_number(invocation, "instance");
    if (all && !option_given(invocation, "router")) {
        text_puts(&line, "elements");
    } else {
        text_puts(&line, "handlers");
        if (!all)
            protocol_word(&line, "element", name);
        all = false;
    }
    return simple_request(invocation, instance, &line, NULL, 0, all ? show_elements : show_handlers);
}

static const struct option options[] = {
    OPTION_INSTANCE,
    {.name = "router", .help = "the router's own handlers"},
    OPTION_JSON, OPTION_TIMEOUT, OPTION_VERBOSE, {0},
};

const struct command command_handlers = {
    .name = "handlers", .operands = "VM [[INSTANCE:]ELEMENT]", .min_operands = 1, .max_operands = 2,
    .summary = "lists the elements of an instance, or the handlers of one element",
    .description = "Use: r read, w write, + a read that takes a parameter, as Click's `handlers` says.",
    .options = options, .run = run,
};
