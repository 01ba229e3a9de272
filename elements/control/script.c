// SPDX-License-Identifier: BSD-2-Clause
/*
 * script.c - Script(INSTRUCTIONS..., TYPE): does what its instructions say, one after another.
 *
 * The element's life: when the script starts, who may call it, what its packets and handlers do.
 * script.h tells where the rest is.
 */
#include "elements/control/script.h"

#include <stdlib.h>
#include <string.h>

#include "elements/control/functions.h"
#include "platform/platform.h"

/* ---- configuring ---- */

static const struct {
    const char *name;
    enum script_type type;
} types[] = {
    {"ACTIVE", SCRIPT_ACTIVE}, {"PASSIVE", SCRIPT_PASSIVE}, {"PROXY", SCRIPT_PROXY},
    {"PACKET", SCRIPT_PACKET}, {"PUSH", SCRIPT_PACKET},     {"DRIVER", SCRIPT_DRIVER},
};

static bool read_signals(struct script *s, const struct words *words, struct errors *errors)
{
    s->type = SCRIPT_SIGNAL;
    for (unsigned i = 1; i < words->n; i++) {
        int number = platform_signal_number(words->word[i]);

        if (number < 0)
            return element_error(&s->base, errors, "bad signal number");
        s->signals |= UINT32_C(1) << number;
    }
    return words->n > 1 || element_error(&s->base, errors, "bad signal number");
}

static bool read_type(struct script *s, struct errors *errors)
{
    struct words words;
    bool ok = false;

    if (!s->type_text.s) {
        if (!s->typed)
            s->type = s->base.n_inputs || s->base.n_outputs ? SCRIPT_PACKET : SCRIPT_ACTIVE;
        return true;
    }
    if (words_split_spaces(&words, s->type_text.s) < 0)
        return element_error(&s->base, errors, "out of memory");
    if (words.n && strcmp(words.word[0], "SIGNAL") == 0) {
        ok = read_signals(s, &words, errors);
        words_free(&words);
        return ok;
    }
    for (unsigned i = 0; words.n == 1 && i < sizeof types / sizeof *types; i++) {
        if (strcmp(words.word[0], types[i].name) == 0) {
            s->type = types[i].type;
            ok = true;
        }
    }
    words_free(&words);
    return ok || element_error(&s->base, errors, "bad TYPE");
}

static bool driver_step(struct element *e);

bool script_configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct script *s = element_as(struct script, e);
    bool ok = true;

    if (!read_type(s, errors))
        return false;
    if (s->type == SCRIPT_DRIVER && !router_set_driver(e->router, e, driver_step))
        return element_error(e, errors, "router has more than one driver script");
    if (s->type == SCRIPT_PACKET && !e->n_inputs)
        return element_error(e, errors, "PACKET script must have inputs");
    if (s->type != SCRIPT_PACKET && (e->n_inputs || e->n_outputs))
        return element_error(e, errors, "ports allowed only on PACKET scripts");
    for (unsigned i = 0; i < rest->n; i++)
        ok &= script_program_add(s, rest->word[i], errors);
    return script_program_finish(s, errors) && ok;
}

/* ---- signals ---- */

static void on_signal(struct element *e);

/* A signal that cannot be had (SIGKILL, or the system refuses) keeps the router from starting. */
static bool await_signals(struct script *s, struct errors *errors)
{
    for (int number = 0; number < SIGNALS_MAX; number++) {
        int status = s->signals & UINT32_C(1) << number
                         ? platform_signal_await(number, &s->base, on_signal)
                         : 0;

        if (status < 0)
            return element_error(&s->base, errors, "signal %d: %s", number, strerror(-status));
    }
    return true;
}

/* ---- running ---- */

/* After every run: a signal script that came to its end, and was not left by `exit`, waits again. */
static int settle(struct script *s, struct text *value)
{
    struct errors errors = {0};
    int status = script_result(s, value);

    if (s->type == SCRIPT_SIGNAL && script_ended(s) == SCRIPT_END)
        await_signals(s, &errors);
    errors_free(&errors);
    return status;
}

static void restart(struct script *s, unsigned at)
{
    s->position = at;
    if (!s->running)
        timer_clear(&s->timer);
}

static void on_signal(struct element *e)
{
    struct script *s = element_as(struct script, e);

    text_truncate(&s->args, 0);
    restart(s, 0);
    script_run_logged(s, 0, SCRIPT_CALLED);
    settle(s, NULL);
}

static bool driver_step(struct element *e)
{
    struct script *s = element_as(struct script, e);

    script_run_logged(s, 1, SCRIPT_BY_DRIVER);
    return settle(s, NULL) == 0;
}

static void fire(struct element *e, struct timer *timer)
{
    struct script *s = element_as(struct script, e);

    (void)timer;
    script_run_logged(s, s->yielded ? s->yielded_steps : 1, SCRIPT_BY_TIMER);
    settle(s, NULL);
}

/* init and export. What cannot be had is an error to read, not one to stop for. */
static void set_first_values(struct script_run *run)
{
    struct script *s = run->script;

    for (unsigned i = 0; i < s->program.n; i++)
        if (s->program.at[i].op->flags & SCRIPT_ONCE)
            script_assign(run, s->program.at[i].variable, &s->program.at[i]);
}

bool script_initialize(struct element *e, struct errors *errors)
{
    struct script *s = element_as(struct script, e);
    struct script_run run = {.script = s, .errors = errors};
    bool active = s->type == SCRIPT_ACTIVE || s->type == SCRIPT_DRIVER;

    if (timer_init(&s->timer, e, fire) < 0)
        return element_error(e, errors, "out of memory");
    set_first_values(&run);
    if (!active)
        return await_signals(s, errors);
    if (script_starts_with_wait(&s->program)) {
        script_set_timer(&run, s->program.at[0].text);
    } else if (script_starts_at_once(&s->program)) {
        s->program.at[0].wanted = 1;
        /* A driver script's first steps are those of a driver that wants to stop. */
        if (s->type == SCRIPT_DRIVER)
            router_please_stop(e->router);
        else
            timer_set_after(&s->timer, 0);
    }
    return true;
}

void script_cleanup(struct element *e)
{
    struct script *s = element_as(struct script, e);

    platform_signal_forget(e);
    timer_destroy(&s->timer);
    script_program_free(&s->program);
    for (unsigned i = 0; i < s->n_variables; i++) {
        free(s->variables[i].name);
        free(s->variables[i].value);
    }
    free(s->variables);
    for (unsigned i = 0; i < SCRIPT_NAMES_MAX; i++)
        free(s->names[i]);
    text_free(&s->args);
}

/* ---- packets ---- */

/* Runs the script for a packet; which output it is for, or n_outputs: none. */
static unsigned output_for(struct script *s, unsigned port)
{
    int input = script_variable_add(s, "input");
    struct errors errors = {0};
    struct text value = {0};
    uint64_t output = s->base.n_outputs;

    text_printf(&value, "%u", port);
    if (input >= 0)
        script_variable_set(s, (unsigned)input, &value, &errors);
    text_free(&value);
    restart(s, 0);
    script_run_logged(s, 0, SCRIPT_CALLED);
    settle(s, &value);
    if (!args_read_unsigned(text_string(&value), s->base.n_outputs, &output))
        output = s->base.n_outputs;
    text_free(&value);
    errors_free(&errors);
    return (unsigned)output;
}

void script_push(struct element *e, unsigned port, struct batch *batch)
{
    struct script *s = element_as(struct script, e);

    for (unsigned i = 0; i < batch->n; i++)
        element_push_or_free(e, output_for(s, port), batch->pkt[i]);
}

/* What is not for output 0 is pushed elsewhere, and the next packet is asked for. */
unsigned script_pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    struct script *s = element_as(struct script, e);
    unsigned got = 0, output;

    (void)port;
    while (got < max && element_pull(e, 0, batch, 1)) {
        output = output_for(s, 0);
        if (output)
            element_push_or_free(e, output, batch->pkt[--batch->n]);
        else
            got++;
    }
    return got;
}

/* ---- handlers that run the script ---- */

/* `name` is what the script sees as $0. */
static int call(struct script *s, const struct handler_call *c, const char *name, bool writing,
                struct text *value)
{
    const char *outer = s->called;
    bool outer_writes = s->called_to_write;
    int status;

    if (c->length > SCRIPT_TEXT_MAX) {
        errors_add(c->errors, NULL, "a text longer than %d bytes", SCRIPT_TEXT_MAX);
        return -EINVAL;
    }
    text_truncate(&s->args, 0);
    text_add(&s->args, c->value, c->length);
    s->called = name;
    s->called_to_write = writing;
    restart(s, 0);
    script_run(s, 0, SCRIPT_CALLED, c->errors);
    status = settle(s, value);
    s->called = outer;
    s->called_to_write = outer_writes;
    if (status)
        text_truncate(&s->args, 0);
    return status;
}

static int read_run(struct element *e, const struct handler_call *c, struct text *out)
{
    return call(element_as(struct script, e), c, "run", false, out);
}

static int write_run(struct element *e, const struct handler_call *c)
{
    return call(element_as(struct script, e), c, "run", true, NULL);
}

/* The names that a TYPE PROXY script was asked for are its handlers from then on. */
static int proxy_named(struct element *e, const char *name)
{
    struct script *s = element_as(struct script, e);

    if (s->type != SCRIPT_PROXY || handler_is_default(name))
        return -1;
    for (unsigned i = 0; i < SCRIPT_NAMES_MAX; i++) {
        if (!s->names[i])
            s->names[i] = strdup(name);
        if (s->names[i] && strcmp(s->names[i], name) == 0)
            return (int)i;
    }
    return -1;
}

static const char *proxy_member(struct element *e, unsigned i)
{
    return i < SCRIPT_NAMES_MAX ? element_as(struct script, e)->names[i] : NULL;
}

static int read_proxy(struct element *e, const struct handler_call *c, struct text *out)
{
    struct script *s = element_as(struct script, e);

    return call(s, c, s->names[c->index], false, out);
}

static int write_proxy(struct element *e, const struct handler_call *c)
{
    struct script *s = element_as(struct script, e);

    return call(s, c, s->names[c->index], true, NULL);
}

/* Comments and outer space are no part of a value; malloc'ed. */
static char *plain_value(const struct handler_call *c)
{
    struct text plain = {0};
    struct words words;

    if (words_split_spaces(&words, c->value) < 0)
        return NULL;
    for (unsigned i = 0; i < words.n; i++)
        text_printf(&plain, "%s%s", i ? " " : "", words.word[i]);
    words_free(&words);
    return text_take(&plain);
}

static int write_step(struct element *e, const struct handler_call *c)
{
    struct script *s = element_as(struct script, e);
    char *value = plain_value(c);
    uint64_t steps = 1;

    if (!value)
        return -ENOMEM;
    if (*value && !args_read_unsigned(value, INT32_MAX, &steps)) {
        free(value);
        errors_add(c->errors, NULL, "syntax error");
        return -EINVAL;
    }
    free(value);
    script_run(s, (int64_t)steps, SCRIPT_CALLED, c->errors);
    return settle(s, NULL);
}

static int write_goto(struct element *e, const struct handler_call *c)
{
    struct script *s = element_as(struct script, e);
    char *label = plain_value(c);
    unsigned target;
    enum script_end end;
    bool found;

    if (!label)
        return -ENOMEM;
    found = script_program_find(&s->program, label, &target, &end) && !end;
    free(label);
    if (!found) {
        errors_add(c->errors, NULL, "jump to nonexistent label");
        return -EINVAL;
    }
    script_program_rewind(&s->program, target, s->program.n);
    restart(s, target);
    script_run(s, 0, SCRIPT_CALLED, c->errors);
    return settle(s, NULL);
}

/* ---- handlers of variables ---- */

static int refuse(const struct handler_call *c, const char *what, const char *name)
{
    errors_add(c->errors, NULL, "%s%s%s%s", what, name ? " '" : "", name ? name : "",
               name ? "'" : "");
    return -EINVAL;
}

/* "NAME" alone. *variable is -1 for the call's arguments. */
static int find_variable(struct script *s, const struct handler_call *c, const char *fallback,
                         int *variable)
{
    const char *rest = c->value;
    char *word = words_shift(&rest);
    const char *name = word && *word ? word : fallback;
    int status = 0;

    *variable = -1;
    if (!name)
        status = refuse(c, "no variable", NULL);
    else if (*rest)
        status = refuse(c, "too many arguments", NULL);
    else if (strcmp(name, "args") != 0 &&
             (*variable = script_variable_find(s, name, strlen(name))) < 0)
        status = refuse(c, "undefined variable", name);
    free(word);
    return status;
}

static int read_get(struct element *e, const struct handler_call *c, struct text *out)
{
    struct script *s = element_as(struct script, e);
    int variable, status = find_variable(s, c, NULL, &variable);

    if (status < 0)
        return status;
    if (variable < 0)
        text_add(out, text_string(&s->args), s->args.length);
    else
        text_add(out, s->variables[variable].value, s->variables[variable].length);
    return 0;
}

static int write_set(struct element *e, const struct handler_call *c)
{
    struct script *s = element_as(struct script, e);
    const char *rest = c->value;
    char *name = words_shift(&rest);
    struct text value = {0};
    int variable, status = 0;

    if (!name)
        return -ENOMEM;
    text_add(&value, rest, c->length - (size_t)(rest - c->value));
    if (value.length > SCRIPT_TEXT_MAX) {
        status = refuse(c, "the value is too long", NULL);
    } else if (!*name) {
        status = refuse(c, "no variable", NULL);
    } else if (strcmp(name, "args") == 0) {
        text_free(&s->args);
        s->args = value;
        value = (struct text){0};
    } else if ((variable = script_variable_add(s, name)) < 0) {
        status = refuse(c, "no room for the variable", name);
    } else {
        status = script_variable_set(s, (unsigned)variable, &value, c->errors) ? 0 : -ENOMEM;
    }
    text_free(&value);
    free(name);
    return status;
}

/* Takes the first word off a variable. */
static int read_shift(struct element *e, const struct handler_call *c, struct text *out)
{
    struct script *s = element_as(struct script, e);
    int variable, status = find_variable(s, c, "args", &variable);
    const char *rest;
    struct text left = {0};
    char *word;

    if (status < 0)
        return status;
    rest = variable < 0 ? text_string(&s->args)
           : s->variables[variable].value ? s->variables[variable].value : "";
    word = words_shift(&rest);
    if (!word)
        return -ENOMEM;
    text_puts(out, word);
    free(word);
    text_puts(&left, rest);
    if (variable >= 0)
        return script_variable_set(s, (unsigned)variable, &left, c->errors) ? 0 : -ENOMEM;
    text_free(&s->args);
    s->args = left;
    return 0;
}

static int exported_named(struct element *e, const char *name)
{
    struct script *s = element_as(struct script, e);
    int variable = script_variable_find(s, name, strlen(name));

    return variable >= 0 && s->variables[variable].exported ? variable : -1;
}

static const char *exported_member(struct element *e, unsigned i)
{
    struct script *s = element_as(struct script, e);

    for (unsigned v = 0; v < s->n_variables; v++)
        if (s->variables[v].exported && !i--)
            return s->variables[v].name;
    return NULL;
}

static int read_exported(struct element *e, const struct handler_call *c, struct text *out)
{
    const struct script_variable *v = &element_as(struct script, e)->variables[c->index];

    text_add(out, v->value, v->length);
    return 0;
}

/* ---- tables ---- */

const struct argument script_arguments[] = {
    {.name = "TYPE", .kind = ARG_KEYWORD, .type = &arg_text,
     .offset = offsetof(struct script, type_text),
     .help = "ACTIVE (runs when the router starts; without ports the default), PACKET (for each "
             "packet; with ports the default; $input is the input's number, the returned value the "
             "output's), PASSIVE (when its handler run is called), PROXY (when any handler is called "
             "that Script does not have itself; $0 is its name, $write whether it was written), "
             "SIGNAL N... (when the process gets one of these signals, numbers or names such as INT; "
             "not in a guest), DRIVER (see DriverManager)"},
    {.name = "INSTRUCTIONS", .kind = ARG_REST, .help = "one an argument, see above"},
    {0},
};

#define FUNCTION(id, text) \
    {.name = #id, .flags = HANDLER_PARAMETER, .read = function_##id, .help = text}

const struct handler script_handlers[] = {
    {.name = "*", .read = read_exported, .named = exported_named, .member = exported_member,
     .help = "the variables that the script exports"},
    {.name = "step", .write = write_step,
     .help = "goes on behind the instruction that blocks; N: past so many of them"},
    {.name = "goto", .write = write_goto, .help = "goes on at a label"},
    {.name = "run", .flags = HANDLER_PARAMETER, .read = read_run, .write = write_run,
     .help = "runs the script from its beginning; it sees the parameter as $args, its words as $1, "
             "$2 and so on, their number as $#. A read gives the value that it returns"},
    {.name = "get", .flags = HANDLER_PARAMETER, .read = read_get, .help = "NAME: a variable's value"},
    {.name = "set", .write = write_set, .help = "NAME VALUE: gives a variable a value"},
    {.name = "shift", .flags = HANDLER_PARAMETER, .read = read_shift,
     .help = "[NAME]: takes the first word off a variable, $args if none is named"},
    FUNCTION(add, "N...: the sum"),
    FUNCTION(sub, "N...: the first less the others"),
    FUNCTION(min, "N...: the least"),
    FUNCTION(max, "N...: the greatest"),
    FUNCTION(mul, "N...: the product"),
    FUNCTION(div, "N...: the first divided by the others, a decimal fraction if need be"),
    FUNCTION(idiv, "N...: the same, without its fraction"),
    FUNCTION(mod, "A B: the remainder of a division of integers"),
    FUNCTION(rem, "A B: the remainder, of fractions too"),
    FUNCTION(neg, "N: with the other sign"),
    FUNCTION(abs, "N: without its sign"),
    FUNCTION(eq, "A B: whether they are equal, as numbers if both are, else as texts"),
    FUNCTION(ne, "A B: whether they differ"),
    FUNCTION(gt, "A B: whether A is greater"),
    FUNCTION(ge, "A B: whether A is greater or equal"),
    FUNCTION(lt, "A B: whether A is less"),
    FUNCTION(le, "A B: whether A is less or equal"),
    FUNCTION(not, "BOOL: the opposite"),
    FUNCTION(and, "BOOL...: whether all are true"),
    FUNCTION(or, "BOOL...: whether one is true"),
    FUNCTION(nand, "BOOL...: whether one is false"),
    FUNCTION(nor, "BOOL...: whether all are false"),
    FUNCTION(if, "BOOL A B: A if it is true, else B"),
    FUNCTION(in, "A B...: whether A is one of the others"),
    FUNCTION(first, "TEXT: its first word"),
    FUNCTION(length, "TEXT: its bytes"),
    FUNCTION(unquote, "TEXT: without a layer of quotes"),
    FUNCTION(sprintf, "FORMAT ARG...: a text with numbers and texts in it, by %d %i %u %x %X %o %s and %%"),
    FUNCTION(htons, "N: 16 bits, from the machine's byte order to the network's"),
    FUNCTION(htonl, "N: 32 bits, likewise"),
    FUNCTION(ntohs, "N: 16 bits, from the network's byte order to the machine's"),
    FUNCTION(ntohl, "N: 32 bits, likewise"),
    FUNCTION(random, "[N | A B]: a number by chance, below N or from A to B"),
    {.name = "now", .read = function_now, .help = "the time, seconds since 1970"},
    FUNCTION(readable, "HANDLER...: whether all of these can be read"),
    FUNCTION(writable, "HANDLER...: whether all of these can be written"),
    {.name = "cat", .flags = HANDLER_PARAMETER | HANDLER_PRIVATE, .read = function_cat,
     .help = "FILE: what is in a file; not in a guest"},
    {.name = "catq", .flags = HANDLER_PARAMETER | HANDLER_PRIVATE, .read = function_catq,
     .help = "FILE: the same, quoted"},
    {.name = "kill", .flags = HANDLER_PARAMETER | HANDLER_PRIVATE, .read = function_kill,
     .help = "SIGNAL PROCESS...: sends a signal; not in a guest"},
    {.name = "*", .flags = HANDLER_PARAMETER, .read = read_proxy, .write = write_proxy,
     .named = proxy_named, .member = proxy_member,
     .help = "TYPE PROXY: any other name calls the script"},
    {0},
};

ELEMENT_CLASS(script) = {
    .name = "Script", .ports = "-/-", .processing = "ah/ah", .size = sizeof(struct script),
    .arguments = script_arguments, .handlers = script_handlers, .configure = script_configure,
    .initialize = script_initialize, .cleanup = script_cleanup, .push = script_push,
    .pull = script_pull,
    .group = "control", .purpose = "carries out instructions: calls handlers, waits, decides",
    .manual =
        "Variables: set VAR TEXT; init VAR TEXT (once, when the router starts); export VAR [TEXT] (also "
        "makes it a read handler). $VAR and ${VAR} in a text stand for the value, $(HANDLER PARAMETER) for "
        "what a read handler says; its name is looked up as the element sees it, its own handlers first. "
        "$? is the status of the last write, 0 if it went well; $$ the process.\n"
        "Output: print TEXT (a text that begins with a letter names a handler whose value is printed; "
        "other texts lose a layer of quotes), printn TEXT (without a newline), either with > FILE or "
        ">> FILE in front; save HANDLER [FILE], append HANDLER [FILE]; read HANDLER (name and value, to the "
        "log). In a guest all output goes to the console, and there are no files.\n"
        "Writing: write HANDLER [VALUE].\n"
        "Waiting: pause [N] (for N writes of step; also wait, wait_step, wait_stop), wait TIME (or a step; "
        "also wait_time, wait_for).\n"
        "Going elsewhere: label NAME; goto NAME [CONDITION]; loop (to the beginning); end; exit (a signal "
        "script does not wait for its signal again, a packet is dropped); stop (asks the driver to stop); "
        "return [VALUE]; error [TEXT]. A goto may also name begin, end, exit, stop or error.\n"
        "With a q behind its name (setq, initq, exportq, printq, printnq, readq, writeq, returnq, errorq) "
        "an instruction takes a layer of quotes off.\n"
        "A script that jumps 1000 times without blocking, or takes 100000 instructions in one call, is "
        "given up; a value has at most 65536 bytes.",
};
