// SPDX-License-Identifier: BSD-2-Clause
/* options.c - the command line of `click`; see options.h. */
#define _GNU_SOURCE
#include "platform/linux/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/linux/elements/control_socket.h"
#include "platform/linux/manual.h"
#include "router/args.h"
#include "router/task.h"
#include "router/version.h"

enum {
    OPTION_HELP = 256, OPTION_SOCKET, OPTION_SIMTIME, OPTION_WARNINGS, OPTION_NO_RECONFIGURE,
    OPTION_NO_AFFINITY, OPTION_MAN, OPTION_ELEMENTS_MAN, OPTION_PROFILE,
};

enum { SIMULATION_START_S = 1000000000, OPERAND = 1 };

static const struct option_row table[] = {
    {'f', "file", "FILE", "read the configuration from FILE ('-': standard input)"},
    {'e', "expression", "EXPR", "use EXPR as the configuration"},
    {'j', "threads", "N", "run with N threads (default 1; at most 64): tasks whose packets do not meet in an element that one thread only may run, or meet in a Queue, run on different ones"},
    {'a', "affinity", "[=N]", "run on CPU number N (default 0) only, each further thread on the next"},
    {'p', "port", "PORT", "open a ControlSocket on TCP port PORT, on all addresses of the host; "
     "ADDRESS:PORT: on that one only (127.0.0.1:PORT is safe); PORT+: on the first free port from there"},
    {'u', "unix-socket", "FILE", "open a ControlSocket on Unix socket FILE"},
    {OPTION_SOCKET, "socket", "FD", "be a ControlSocket for whoever is at the other end of descriptor FD"},
    {'R', "allow-reconfigure", NULL, "let handler 'hotconfig' replace the configuration"},
    {'h', "handler", "ELEMENT.H", "print read handler H of ELEMENT after the driver stops; ELEMENT may be "
     "a pattern ('fw/c*') or a class"},
    {'x', "exit-handler", "ELEMENT.H", "use that handler's value as exit status"},
    {'o', "output", "FILE", "write the flat configuration to FILE ('-': standard output)"},
    {'q', "quit", NULL, "do not run the driver"},
    {'t', "time", NULL, "print how long the driver took"},
    {OPTION_PROFILE, "profile", NULL, "measure where the cycles go, element by element, and print it to standard error "
     "after the run, as handler 'profile' does"},
    {'w', "no-warnings", NULL, "do not print warnings"},
    {OPTION_SIMTIME, "simtime", "[=T]", "run in simulated time, from T seconds (default 1000000000): timers "
     "fire in order without waiting, chance is the same each time, and so every run says the same"},
    {'C', "clickpath", "PATH", "use PATH as CLICKPATH: folders, with colons between, in which "
     "require(library ...) finds files"},
    {OPTION_HELP, "help", NULL, "print this message and exit"},
    {'v', "version", NULL, "print the version and exit"},
    /* Click's other names for them, and their opposites. */
    {OPTION_SIMTIME, "simulation-time", "[=T]", NULL},
    {'a', "cpu", "[=N]", NULL},
    {OPTION_WARNINGS, "warnings", NULL, NULL},
    {OPTION_NO_RECONFIGURE, "no-allow-reconfigure", NULL, NULL},
    {OPTION_NO_AFFINITY, "no-affinity", NULL, NULL},
    {OPTION_NO_AFFINITY, "no-cpu", NULL, NULL},
    {OPTION_MAN, "generate-man", NULL, NULL},
    {OPTION_ELEMENTS_MAN, "generate-elements-man", NULL, NULL},
    {0},
};

enum { ROWS = sizeof table / sizeof *table };

/* ---- what it prints ---- */

static void usage(FILE *to)
{
    fprintf(to, "Usage: click [OPTION]... [FILE | NAME=VALUE]...\n");
}

static int wrong(void)
{
    usage(stderr);
    fprintf(stderr, "Try 'click --help' for more information.\n");
    return 1;
}

static int fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return wrong();
}

static int expects(const char *option, const char *what, const char *value)
{
    fprintf(stderr, "click: '--%s' expects %s, not '%s'\n", option, what, value);
    return wrong();
}

static void print_wrapped(const char *text, int indent, int width)
{
    int column = indent;

    while (*text) {
        int n = (int)strcspn(text, " ");

        if (column > indent && column + 1 + n > width) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", n, text);
        column += n;
        text += n + (text[n] == ' ');
    }
    putchar('\n');
}

static void help(void)
{
    char name[64];

    usage(stdout);
    printf("Runs a Click configuration as a process, until it stops by itself or is interrupted.\n"
           "Without a file the configuration comes from standard input.\n\nOptions:\n");
    for (const struct option_row *o = table; o->letter; o++) {
        if (!o->help)
            continue;
        snprintf(name, sizeof name, "%s%s%s", o->name, o->value && *o->value != '[' ? " " : "",
                 o->value ? o->value : "");
        if (o->letter < 256)
            printf("  -%c, --%-22s ", o->letter, name);
        else
            printf("      --%-22s ", name);
        print_wrapped(o->help, 31, 100);
    }
    printf("\nSee click(1) and clickos-elements(7).\n");
}

/* ---- values ---- */

static bool set_source(struct options *o, const char *file, const char *expression)
{
    if (o->file || o->expression)
        return false;
    o->file = file;
    o->expression = expression;
    return true;
}

size_t options_define_length(const char *argument)
{
    size_t n = strspn(argument, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

    return argument[n] == '=' ? n : 0;
}

static bool add_define(struct options *o, char *argument)
{
    size_t n = options_define_length(argument);

    if (!n)
        return false;
    argument[n] = '\0';
    for (unsigned i = 0; i < o->n_defines; i++) {
        if (strcmp(o->defines[i].name, argument) == 0) {
            fprintf(stderr, "parameter '%s' multiply defined\n", argument);
            return true;
        }
    }
    o->defines[o->n_defines++] = (struct language_define){argument, argument + n + 1};
    return true;
}

static bool add_operand(struct options *o, char *argument)
{
    return add_define(o, argument) || set_source(o, argument, NULL);
}

static void add_socket(struct options *o, const char *type, const char *place)
{
    o->sockets[o->n_sockets++] = (struct options_socket){type, place};
}

static bool read_int(const char *text, int *value)
{
    uint64_t n;
    bool negative = *text == '-';

    if (!args_read_unsigned(text + negative, INT32_MAX, &n))
        return false;
    *value = negative ? -(int)n : (int)n;
    return true;
}

/* ---- options with a value; each returns an exit code, or -1 to go on ---- */

static int set_threads(struct options *o, const char *text)
{
    int n;

    if (!read_int(text, &n))
        return expects("threads", "an integer", text);
    if (n > THREADS_MAX)
        fprintf(stderr, "warning: %d threads at most, not %d\n", THREADS_MAX, n);
    o->threads = n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
    return -1;
}

static int set_cpu(struct options *o, const char *text)
{
    o->cpu = 0;
    if (text && (!read_int(text, &o->cpu) || o->cpu < 0))
        return expects("affinity", "the number of a CPU", text);
    return -1;
}

static int set_simulation(struct options *o, const char *text)
{
    o->simulate = true;
    o->simulation_start_ns = (uint64_t)SIMULATION_START_S * 1000000000;
    if (text && !args_read_decimal(text, 1000000000, &o->simulation_start_ns))
        return expects("simtime", "a real number", text);
    return -1;
}

static int set_port(struct options *o, const char *text)
{
    struct control_port port;

    if (!control_port_read(NULL, text, &port))
        return expects("port", "a TCP port number", text);
    add_socket(o, "TCP", text);
    return -1;
}

static int set_socket(struct options *o, const char *text)
{
    int fd;

    if (!read_int(text, &fd))
        return expects("socket", "an integer", text);
    add_socket(o, "SOCKET", text);
    return -1;
}

/* ---- all of it ---- */

static int take(struct options *o, int letter, char *value)
{
    switch (letter) {
    case 'f':
        return set_source(o, value, NULL) ? -1 : fail("router configuration specified twice");
    case 'e':
        return set_source(o, NULL, value) ? -1 : fail("router configuration specified twice");
    case OPERAND:
        return add_operand(o, value) ? -1 : fail("router configuration specified twice");
    case 'o':
        if (o->output)
            return fail("output file specified twice");
        o->output = value;
        return -1;
    case 'x':
        if (o->exit_handler)
            return fail("--exit-handler specified twice");
        o->exit_handler = value;
        return -1;
    case 'j': return set_threads(o, value);
    case 'a': return set_cpu(o, value);
    case 'p': return set_port(o, value);
    case OPTION_SOCKET: return set_socket(o, value);
    case OPTION_SIMTIME: return set_simulation(o, value);
    case 'u': add_socket(o, "UNIX", value); return -1;
    case 'h': o->handlers[o->n_handlers++] = value; return -1;
    case 'C': return setenv("CLICKPATH", value, 1) == 0 ? -1 : fail("out of memory");
    case 'R': o->allow_reconfigure = true; return -1;
    case OPTION_NO_RECONFIGURE: o->allow_reconfigure = false; return -1;
    case OPTION_NO_AFFINITY: o->cpu = -1; return -1;
    case 'w': o->no_warnings = true; return -1;
    case OPTION_WARNINGS: o->no_warnings = false; return -1;
    case 'q': o->quit = true; return -1;
    case 't': o->time = true; return -1;
    case OPTION_PROFILE: o->profile = true; return -1;
    case 'v':
        printf("click (ClickOS %s) %s\n", CLICKOS_VERSION, CLICK_VERSION);
        return 0;
    case OPTION_HELP: help(); return 0;
    case OPTION_MAN: manual_click(table); return 0;
    case OPTION_ELEMENTS_MAN: manual_elements(); return 0;
    default: return wrong();            /* getopt has said what is wrong */
    }
}

static void prepare(struct option *longs, char *shorts)
{
    *shorts++ = '-';                    /* operands come in order, as options called OPERAND */
    for (unsigned i = 0; table[i].letter; i++) {
        const char *value = table[i].value;
        int takes = !value ? no_argument : *value == '[' ? optional_argument : required_argument;

        longs[i] = (struct option){table[i].name, takes, NULL, table[i].letter};
        if (table[i].letter < 256 && table[i].help)
            shorts += sprintf(shorts, "%c%.*s", table[i].letter, takes, "::");
    }
    *shorts = '\0';
}

/* Click numbers its control sockets in this order. */
static void sort_sockets(struct options *o)
{
    static const char *const types[] = {"TCP", "UNIX", "SOCKET"};
    unsigned sorted = 0;

    for (unsigned t = 0; t < sizeof types / sizeof *types; t++) {
        for (unsigned i = sorted; i < o->n_sockets; i++) {
            struct options_socket socket = o->sockets[i];

            if (strcmp(socket.type, types[t]))
                continue;
            memmove(&o->sockets[sorted + 1], &o->sockets[sorted], (i - sorted) * sizeof socket);
            o->sockets[sorted++] = socket;
        }
    }
}

int options_read(struct options *o, int argc, char **argv)
{
    struct option longs[ROWS] = {0};
    char shorts[3 * ROWS + 2];
    int letter, status;

    *o = (struct options){
        .handlers = calloc((size_t)argc, sizeof *o->handlers),
        .defines = calloc((size_t)argc, sizeof *o->defines),
        .sockets = calloc((size_t)argc, sizeof *o->sockets),
        .cpu = -1, .threads = 1,
    };
    if (!o->handlers || !o->defines || !o->sockets)
        return fail("out of memory");
    prepare(longs, shorts);
    argv[0] = (char[]){"click"};        /* the name that getopt's messages begin with */
    while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        status = take(o, letter, optarg);
        if (status >= 0)
            return status;
    }
    for (; optind < argc; optind++)
        if (!add_operand(o, argv[optind]))
            return fail("router configuration specified twice");
    if (!o->file && !o->expression)
        o->file = "-";
    if (o->simulate && o->threads > 1) {
        fprintf(stderr, "warning: simulated time has one thread\n");
        o->threads = 1;
    }
    sort_sockets(o);
    return -1;
}

void options_free(struct options *o)
{
    free(o->handlers);
    free(o->defines);
    free(o->sockets);
}
