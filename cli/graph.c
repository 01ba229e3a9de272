// SPDX-License-Identifier: BSD-2-Clause
/* graph.c - clickos graph: a picture of a configuration, with a VM's counters if wanted. */
#define _GNU_SOURCE
#include "cli/graph.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/local.h"
#include "platform/linux/results.h"

/* Read handlers whose values belong into the picture, where an element has them. */
static const char *const live[] = {"count", "drops", "length", "active", "switch"};

/* ---- files ---- */

/* "svg" of "x.svg"; NULL: no such ending, or standard output. */
static const char *format_of(const char *name)
{
    static const char *const formats[] = {"svg", "png", "pdf", "dot"};
    const char *dot = name ? strrchr(name, '.') : NULL;

    for (unsigned i = 0; dot && i < sizeof formats / sizeof *formats; i++)
        if (!strcasecmp(dot + 1, formats[i]))
            return formats[i];
    return NULL;
}

static bool write_all(int fd, const struct text *text)
{
    for (size_t at = 0; at < text->length;) {
        ssize_t n = write(fd, text_string(text) + at, text->length - at);

        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Through graphviz's dot; an exit code. */
static int draw(const struct text *dot, const char *format, const char *name)
{
    char type[16];
    char *argv[] = {"dot", type, "-o", (char *)name, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], error, status = 0;
    bool written;
    pid_t child;

    snprintf(type, sizeof type, "-T%s", format);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        perror("clickos: pipe");
        return EXIT_FAILURE;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    error = posix_spawnp(&child, "dot", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (error) {
        close(ends[1]);
        fprintf(stderr, "clickos: %s needs graphviz's `dot`: %s; install the package graphviz, or take -o FILE.dot\n",
                name, strerror(error));
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    written = write_all(ends[1], dot);
    close(ends[1]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!written || !WIFEXITED(status) || WEXITSTATUS(status)) {
        fprintf(stderr, "clickos: %s: `dot` failed\n", name);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* ---- what a VM has to say ---- */

/* "count 12\ndrops 0", for each element that has such handlers. False: a message is printed. */
static bool read_notes(struct client *client, unsigned instance, struct router *r, char **notes)
{
    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *e = r->elements[i];
        struct text note = {0}, name = {0};
        bool ok = true;

        for (unsigned k = 0; ok && k < sizeof live / sizeof *live; k++) {
            unsigned index;
            const struct handler *h = handler_find(r, e, live[k], &index);
            char *value;

            if (!h || !handler_readable(h))
                continue;
            text_truncate(&name, 0);
            text_printf(&name, "%s.%s", e->name, live[k]);
            value = client_handler(client, instance, text_string(&name), NULL);
            ok = value != NULL;
            if (ok)
                text_printf(&note, "%s%s %.*s", note.length ? "\n" : "", live[k], (int)strcspn(value, "\n"), value);
            free(value);
        }
        text_free(&name);
        notes[i] = text_take(&note);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- the command ---- */

static int output(const struct invocation *invocation, const struct router *r, const char *title, char *const *notes)
{
    const char *name = option_value(invocation, "output"), *format = format_of(name);
    struct text dot = {0};
    int code;

    graph_dot(r, title, notes, &dot);
    if (dot.failed) {
        fprintf(stderr, "clickos: out of memory\n");
        code = EXIT_FAILURE;
    } else if (format && strcmp(format, "dot")) {
        code = draw(&dot, format, name);
    } else {
        code = local_write(invocation, text_string(&dot), dot.length);
    }
    text_free(&dot);
    return code;
}

/* `client`: the VM that runs it, for its counters; NULL: none. */
static int graph(const struct invocation *invocation, const struct local *local, struct client *client)
{
    struct errors errors = {0};
    struct router *r = local_configure(local, &errors);
    char **notes = NULL;
    int code = EXIT_FAILURE;

    if (results_report(&errors, false) || !r)
        goto out;
    if (client) {
        notes = calloc(r->n_elements + 1, sizeof *notes);
        if (!notes || !read_notes(client, (unsigned)option_number(invocation, "instance"), r, notes))
            goto out;
    }
    code = output(invocation, r, local->name, notes);
out:
    for (unsigned i = 0; notes && i < r->n_elements; i++)
        free(notes[i]);
    free(notes);
    router_destroy(r);
    return code;
}

static int graph_of_text(const struct invocation *invocation, struct local *local)
{
    return graph(invocation, local, NULL);
}

/* The VM's router is built here again, from the same text, so that both have the same elements. */
static int graph_of_vm(const struct invocation *invocation, const char *vm)
{
    struct local local = {0};
    struct client client;
    int code = EXIT_FAILURE;

    if (!client_open(&client, invocation, vm))
        return EXIT_FAILURE;
    local.name = client.name;
    local.text = client_handler(&client, (unsigned)option_number(invocation, "instance"), "config", NULL);
    if (local.text) {
        local.length = strlen(local.text);
        code = graph(invocation, &local, &client);
    }
    free(local.text);
    client_close(&client);
    return code;
}

static int run(const struct invocation *invocation)
{
    const char *vm = option_value(invocation, "vm"), *name = option_value(invocation, "output");

    if (name && strcmp(name, "-") && !format_of(name))
        return usage_error(invocation->command, "'%s' does not end in .svg, .png, .pdf or .dot", name);
    if (vm && (invocation->n_operands || option_given(invocation, "expression")))
        return usage_error(invocation->command, "--vm shows what the VM runs; no other configuration, please");
    return vm ? graph_of_vm(invocation, vm) : local_run(invocation, graph_of_text);
}

static const struct option options[] = {
    {.name = "output", .letter = 'o', .value = "FILE", .help = "FILE.svg, .png, .pdf (through graphviz) or .dot"},
    {.name = "vm", .value = "VM", .help = "what this VM runs, with its counters as they are now"},
    OPTION_INSTANCE, OPTION_EXPRESSION, OPTION_CLICKPATH, OPTION_TIMEOUT, {0},
};

const struct command command_graph = {
    .name = "graph", .operands = LOCAL_OPERANDS, .max_operands = LOCAL_OPERANDS_MAX,
    .summary = "draws a configuration",
    .description = "Elements as boxes with their ports, compounds as boxes around them; full arrows push, dashed\n"
                   "ones with open heads pull. Without --output, graphviz's language DOT on standard output.",
    .options = options, .run = run,
};
