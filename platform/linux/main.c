// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - the `click` program: runs a configuration as a process.
 *
 * Options, output and exit codes are those of Click's user-level driver, click(1):
 * 0 all well, 1 the configuration, a handler or the command line was wrong. The options stand in one table, from which --help and the manual come.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "platform/linux/loop.h"
#include "platform/linux/manual.h"
#include "platform/platform.h"
#include "router/graph.h"
#include "router/router.h"
#include "router/version.h"

enum { PACKETS_AT_START = 256, PACKETS_MAX = 1 << 17 };

enum { OPTION_HELP = 256, OPTION_MAN, OPTION_ELEMENTS_MAN };

static const struct option_row options[] = {
    {'f', "file", "FILE", "read the configuration from FILE ('-': standard input)"},
    {'e', "expression", "EXPR", "use EXPR as the configuration"},
    {'h', "handler", "ELEMENT.H", "print read handler H of ELEMENT after the driver stops ('*.H': of all)"},
    {'x', "exit-handler", "ELEMENT.H", "use that handler's value as exit status"},
    {'o', "output", "FILE", "write the flat configuration to FILE ('-': standard output)"},
    {'q', "quit", NULL, "do not run the driver"},
    {'t', "time", NULL, "print how long the driver took"},
    {'w', "no-warnings", NULL, "do not print warnings"},
    {'v', "version", NULL, "print the version and exit"},
    {OPTION_HELP, "help", NULL, "print this message and exit"},
    {OPTION_MAN, "generate-man", NULL, NULL},
    {OPTION_ELEMENTS_MAN, "generate-elements-man", NULL, NULL},
    {0},
};

struct run {
    const char *file;           /* NULL: an expression */
    const char *expression;
    const char **handlers;
    unsigned n_handlers;
    const char *exit_handler, *output;
    struct language_define *defines;
    unsigned n_defines;
    bool quit, time, no_warnings;
};

/* ---- the command line ---- */

static void usage(FILE *to)
{
    fprintf(to, "Usage: click [OPTION]... [FILE | NAME=VALUE]...\n");
}

static void help(void)
{
    char name[64];

    usage(stdout);
    printf("Runs a Click configuration as a process, until it stops by itself or is interrupted.\n"
           "Without a file the configuration comes from standard input.\n\nOptions:\n");
    for (const struct option_row *o = options; o->letter; o++) {
        if (!o->help)
            continue;
        snprintf(name, sizeof name, "%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        if (o->letter < 256)
            printf("  -%c, --%-24s %s\n", o->letter, name, o->help);
        else
            printf("      --%-24s %s\n", name, o->help);
    }
    printf("\nSee click(1) and clickos-elements(7).\n");
}

static int fail(const char *what)
{
    fprintf(stderr, "click: %s\n", what);
    usage(stderr);
    fprintf(stderr, "Try 'click --help' for more information.\n");
    return 1;
}

static bool set_source(struct run *run, const char *file, const char *expression)
{
    if (run->file || run->expression)
        return false;
    run->file = file;
    run->expression = expression;
    return true;
}

/* NAME=VALUE, NAME an identifier. */
static bool add_define(struct run *run, char *argument)
{
    char *equals = strchr(argument, '=');
    size_t n = strspn(argument, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

    if (!equals || n == 0 || argument + n != equals)
        return false;
    *equals = '\0';
    run->defines[run->n_defines++] = (struct language_define){argument, equals + 1};
    return true;
}

/* Returns an exit code, or -1 to go on. */
static int read_options(struct run *run, int argc, char **argv)
{
    struct option longs[sizeof options / sizeof *options] = {0};
    char shorts[64] = "-";      /* operands come in order, as option 1 */
    int c;

    for (unsigned i = 0; options[i].letter; i++) {
        longs[i] = (struct option){options[i].name, options[i].value != NULL, NULL,
                                   options[i].letter};
        if (options[i].letter < 256)
            snprintf(shorts + strlen(shorts), 3, "%c%s", options[i].letter,
                     options[i].value ? ":" : "");
    }
    opterr = 1;
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        switch (c) {
        case 'f':
            if (!set_source(run, optarg, NULL))
                return fail("router configuration specified twice");
            break;
        case 'e':
            if (!set_source(run, NULL, optarg))
                return fail("router configuration specified twice");
            break;
        case 1:
            if (!add_define(run, optarg) && !set_source(run, optarg, NULL))
                return fail("router configuration specified twice");
            break;
        case 'h': run->handlers[run->n_handlers++] = optarg; break;
        case 'x': run->exit_handler = optarg; break;
        case 'o': run->output = optarg; break;
        case 'q': run->quit = true; break;
        case 't': run->time = true; break;
        case 'w': run->no_warnings = true; break;
        case 'v':
            printf("click (ClickOS %s) %s\n", CLICKOS_VERSION, CLICK_VERSION);
            return 0;
        case OPTION_HELP:
            help();
            return 0;
        case OPTION_MAN:
            manual_click(options);
            return 0;
        case OPTION_ELEMENTS_MAN:
            manual_elements();
            return 0;
        default:
            usage(stderr);
            fprintf(stderr, "Try 'click --help' for more information.\n");
            return 1;
        }
    }
    for (; optind < argc; optind++)
        if (!add_define(run, argv[optind]) && !set_source(run, argv[optind], NULL))
            return fail("router configuration specified twice");
    if (!run->file && !run->expression)
        run->file = "-";
    return -1;
}

/* ---- messages ---- */

/* Prints and empties; true when there was an error among them. */
static bool report(struct errors *errors, bool no_warnings)
{
    bool failed = errors->count > 0;

    if (!(no_warnings && !failed))
        fputs(text_string(&errors->text), stderr);
    errors_free(errors);
    return failed;
}

/* ---- handlers after the run ---- */

static bool print_value(struct router *r, const char *name, bool with_name)
{
    struct errors errors = {0};
    struct text value = {0};
    bool ok = router_read(r, name, NULL, &value, &errors);

    if (ok) {
        if (with_name)
            printf("%s:\n", name);
        fwrite(text_string(&value), 1, value.length, stdout);
        if (!value.length || value.s[value.length - 1] != '\n')
            putchar('\n');
        if (with_name)
            putchar('\n');
    }
    text_free(&value);
    return !report(&errors, false) && ok;
}

/* "*.count": every element that has a readable `count`. */
static bool print_of_all(struct router *r, const char *handler)
{
    bool any = false;

    for (unsigned i = 0; i < r->n_elements; i++) {
        unsigned index;
        const struct handler *h = handler_find(r, r->elements[i], handler, &index);
        struct text name = {0};

        if (!h || !handler_readable(h) || (h->flags & HANDLER_PRIVATE))
            continue;
        text_printf(&name, "%s.%s", r->elements[i]->name, handler);
        print_value(r, text_string(&name), true);
        text_free(&name);
        any = true;
    }
    return any;
}

static bool print_handlers(struct router *r, const struct run *run)
{
    bool ok = true;

    for (unsigned i = 0; i < run->n_handlers; i++) {
        const char *name = run->handlers[i];

        if (strncmp(name, "*.", 2) == 0)
            ok &= print_of_all(r, name + 2);
        else
            ok &= print_value(r, name, run->n_handlers > 1);
    }
    fflush(stdout);
    return ok;
}

static int exit_value(struct router *r, const char *name)
{
    struct errors errors = {0};
    struct text value = {0};
    int status = 255;
    char *end;
    long n;

    if (router_read(r, name, NULL, &value, &errors)) {
        n = strtol(text_string(&value), &end, 0);
        if (strncmp(text_string(&value), "true", 4) == 0)
            status = 0;
        else if (strncmp(text_string(&value), "false", 5) == 0)
            status = 1;
        else if (end != text_string(&value))
            status = n >= 0 && n < 255 ? (int)n : 255;
    }
    report(&errors, false);
    text_free(&value);
    return status;
}

static bool write_flat(struct router *r, const char *name)
{
    FILE *f = strcmp(name, "-") == 0 ? stdout : fopen(name, "w");
    struct text flat = {0};
    bool ok = f != NULL;

    plan_unparse(r->plan, &flat);
    if (f) {
        ok = fwrite(text_string(&flat), 1, flat.length, f) == flat.length;
        ok &= (f == stdout ? fflush(f) : fclose(f)) == 0;
    }
    text_free(&flat);
    if (!ok)
        fprintf(stderr, "click: %s: %s\n", name, strerror(errno));
    return ok;
}

/* ---- the run ---- */

static void print_time(uint64_t wall_ns, const struct rusage *before)
{
    struct rusage after;
    double user, system;

    getrusage(RUSAGE_SELF, &after);
    user = (double)(after.ru_utime.tv_sec - before->ru_utime.tv_sec) +
           (double)(after.ru_utime.tv_usec - before->ru_utime.tv_usec) / 1e6;
    system = (double)(after.ru_stime.tv_sec - before->ru_stime.tv_sec) +
             (double)(after.ru_stime.tv_usec - before->ru_stime.tv_usec) / 1e6;
    printf("%.3fu %.3fs %u:%05.2f\n", user, system, (unsigned)(wall_ns / 60000000000),
           (double)(wall_ns % 60000000000) / 1e9);
}

static int run_router(struct router *r, const struct run *run)
{
    struct scheduler scheduler;
    struct errors errors = {0};
    struct rusage before;
    uint64_t started;
    int status = 0;

    if (run->output && !write_flat(r, run->output))
        return 1;
    scheduler_init(&scheduler);
    if (!router_initialize(r, &scheduler, &errors)) {
        report(&errors, run->no_warnings);
        fprintf(stderr, "Router could not be initialized!\n");
        status = 1;
    } else {
        report(&errors, run->no_warnings);
        getrusage(RUSAGE_SELF, &before);
        started = platform_now_ns();
        if (!run->quit)
            loop_run(&scheduler);
        if (run->time)
            print_time(platform_now_ns() - started, &before);
        if (!print_handlers(r, run))
            status = 1;
        if (run->exit_handler)
            status = exit_value(r, run->exit_handler);
    }
    router_destroy(r);
    scheduler_destroy(&scheduler);
    return status;
}

static struct router *load(const struct run *run)
{
    struct errors errors = {0};
    struct router *r = NULL;
    struct plan *plan = NULL;
    const char *name = !run->file ? "config" : strcmp(run->file, "-") == 0 ? "<stdin>" : run->file;
    size_t length = 0;
    char *text = run->file ? platform_file_read(run->file, &length, &errors)
                           : strdup(run->expression);

    if (text && !run->file)
        length = strlen(text);
    if (text)
        plan = router_parse(text, length, name, run->defines, run->n_defines, &errors);
    if (plan)
        r = router_create(plan, text, &errors);
    free(text);
    report(&errors, run->no_warnings && r);
    /* Click says so when the text was in order but what it describes was not. */
    if (plan && !r)
        fprintf(stderr, "Router could not be initialized!\n");
    return r;
}

int main(int argc, char **argv)
{
    struct run run = {
        .handlers = calloc((size_t)argc, sizeof *run.handlers),
        .defines = calloc((size_t)argc, sizeof *run.defines),
    };
    struct router *r;
    int status = -1;

    if (!run.handlers || !run.defines || packet_pool_init(PACKETS_AT_START, PACKETS_MAX) < 0) {
        fprintf(stderr, "click: out of memory\n");
        return 1;
    }
    status = read_options(&run, argc, argv);
    if (status < 0) {
        r = load(&run);
        if (r)
            status = run_router(r, &run);
        else
            status = 1;
        /* Our own invariant: a router that is gone holds no packet. */
        if (packet_pool_in_use()) {
            fprintf(stderr, "click: %u packets were not returned\n", packet_pool_in_use());
            status = 70;
        }
    }
    packet_pool_destroy();
    loop_free();
    free(run.handlers);
    free(run.defines);
    return status;
}
