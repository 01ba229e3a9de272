// SPDX-License-Identifier: BSD-2-Clause
/* script_variables.c - the variables of a Script, and texts that they stand in; see script.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "elements/control/script.h"
#include "language/variables.h"
#include "platform/platform.h"

/* ---- variables ---- */

int script_variable_find(const struct script *s, const char *name, size_t length)
{
    for (unsigned i = 0; i < s->n_variables; i++)
        if (strncmp(s->variables[i].name, name, length) == 0 && !s->variables[i].name[length])
            return (int)i;
    return -1;
}

int script_variable_add(struct script *s, const char *name)
{
    int found = script_variable_find(s, name, strlen(name));
    struct script_variable *grown;
    char *copy;

    if (found >= 0)
        return found;
    if (s->n_variables >= SCRIPT_VARIABLES_MAX)
        return -1;
    if (s->n_variables % 16 == 0) {
        grown = realloc(s->variables, (s->n_variables + 16) * sizeof *grown);
        if (!grown)
            return -1;
        s->variables = grown;
    }
    copy = strdup(name);
    if (!copy)
        return -1;
    s->variables[s->n_variables] = (struct script_variable){.name = copy};
    return (int)s->n_variables++;
}

bool script_variable_set(struct script *s, unsigned variable, struct text *value,
                         struct errors *errors)
{
    struct script_variable *v = &s->variables[variable];
    size_t length = value->length;
    char *bytes = value->failed ? NULL : text_take(value);

    if (!bytes) {
        text_free(value);
        errors_add(errors, NULL, "out of memory");
        return false;
    }
    free(v->value);
    v->value = bytes;
    v->length = length;
    return true;
}

/* ---- what a name is worth ---- */

struct expansion {
    struct variables base;
    struct script_run *run;
    size_t work_left;
};

/* Word number `wanted` of the call's arguments, from 1; "" where there are fewer. */
static void add_argument(const struct script *s, uint64_t wanted, struct text *out)
{
    const char *rest = text_string(&s->args);

    for (uint64_t i = 1; *rest; i++) {
        char *word = words_shift(&rest);

        if (word && i == wanted)
            text_puts(out, word);
        out->failed |= !word;
        free(word);
        if (!word || i == wanted)
            return;
    }
}

static unsigned count_arguments(const struct script *s)
{
    const char *rest = text_string(&s->args);
    unsigned n = 0;

    for (; *rest; n++)
        free(words_shift(&rest));
    return n;
}

static bool is(const char *name, size_t length, const char *what)
{
    return strlen(what) == length && memcmp(name, what, length) == 0;
}

/* Names that are not variables of the script's own. */
static bool add_special(const struct script *s, const char *name, size_t length, struct text *out)
{
    uint64_t number;
    char digits[12];

    if (is(name, length, "?"))
        text_printf(out, "%d", s->write_status);
    else if (is(name, length, "args"))
        text_add(out, text_string(&s->args), s->args.length);
    else if (is(name, length, "#"))
        text_printf(out, "%u", count_arguments(s));
    else if (is(name, length, "$"))
        text_printf(out, "%d", platform_process());
    else if (is(name, length, "0"))
        text_puts(out, s->called ? s->called : "");
    else if (is(name, length, "write"))
        text_puts(out, s->called_to_write ? "true" : "false");
    else if (length < sizeof digits && *name >= '1' && *name <= '9') {
        memcpy(digits, name, length);
        digits[length] = '\0';
        if (!args_read_unsigned(digits, INT32_MAX, &number))
            return false;
        add_argument(s, number, out);
    } else {
        return false;
    }
    return true;
}

static bool add_command(struct script_run *run, const char *command, size_t length,
                        struct text *out)
{
    struct handler_target target = {0};
    char *text = strndup(command, length);

    if (!text) {
        out->failed = true;
        return true;
    }
    script_read(run, text, 0, false, &target, out);
    free(text);
    /* A handler that fails has an empty value; one that is not there leaves the text as it was. */
    return target.handler != NULL;
}

static bool value(const struct variables *variables, const char *name, size_t length,
                  enum variable_form form, unsigned depth, struct text *out)
{
    struct script_run *run = ((const struct expansion *)variables)->run;
    int found;

    (void)depth;
    if (form == VARIABLE_COMMAND)
        return add_command(run, name, length, out);
    found = script_variable_find(run->script, name, length);
    if (found < 0)
        return add_special(run->script, name, length, out);
    text_add(out, run->script->variables[found].value, run->script->variables[found].length);
    return true;
}

bool script_expand(struct script_run *run, const char *text, bool quote, struct text *out)
{
    struct expansion e = {{.value = value, .quote = quote}, run, SCRIPT_TEXT_MAX};

    e.base.work_left = &e.work_left;
    variables_expand(&e.base, text, strlen(text), 0, out);
    if (e.work_left && !out->failed && out->length <= SCRIPT_TEXT_MAX)
        return true;
    errors_add(run->errors, NULL, out->failed ? "out of memory" : "a text longer than %d bytes",
               SCRIPT_TEXT_MAX);
    return false;
}

bool script_unquote(struct script_run *run, struct text *text)
{
    size_t length;
    char *bytes = args_unquote(text_string(text), &length);

    if (!bytes) {
        errors_add(run->errors, NULL, "out of memory");
        return false;
    }
    text_truncate(text, 0);
    text_add(text, bytes, length);
    free(bytes);
    return true;
}
