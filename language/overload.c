// SPDX-License-Identifier: BSD-2-Clause
/* overload.c - which of a compound's definitions fits a use; see overload.h. */
#include "language/overload.h"

#include <string.h>

static bool is_rest(const struct syntax_variable *formal)
{
    return strcmp(formal->keyword, "__REST__") == 0;
}

/*
 * An argument `KEYWORD value` for one of the keywords: its number, and the value. The formals from
 * `first` on are keywords. -1: it is something else.
 */
static int find_keyword(const struct syntax_body *body, unsigned first, const char *argument,
                        const char **value)
{
    const char *end = argument;
    unsigned i;

    while (*end && !lexer_is_space(*end))
        end++;
    for (i = first; i < body->n_formals; i++) {
        const char *keyword = body->variables[i].keyword;
        size_t length = strlen(keyword);

        if ((size_t)(end - argument) == length && memcmp(argument, keyword, length) == 0 &&
            !is_rest(&body->variables[i])) {
            while (lexer_is_space(*end))
                end++;
            *value = end;
            return (int)i;
        }
    }
    return -1;
}

/* What no parameter took, joined again. */
static const char *join_rest(struct syntax *syntax, const struct words *arguments, const bool *used)
{
    struct text rest = {0};
    const char *copy;
    unsigned i;

    for (i = 0; i < arguments->n; i++) {
        if (used[i])
            continue;
        if (rest.length)
            text_puts(&rest, ", ");
        text_puts(&rest, arguments->word[i]);
    }
    syntax->arena.failed |= rest.failed;
    copy = arena_copy(&syntax->arena, text_string(&rest), rest.length);
    text_free(&rest);
    return copy;
}

/* True: the arguments fit the formals, and values (one for each) are set. */
static bool assign(struct syntax *syntax, const struct syntax_body *body,
                   const struct words *arguments, const char **values)
{
    unsigned n_positional = 0, n_given = 0, i;
    bool rest = body->n_formals && is_rest(&body->variables[body->n_formals - 1]);
    bool *used = arena_alloc(&syntax->arena, arguments->n + 1);
    const char *value;
    int keyword;

    if (!used)
        return false;
    while (n_positional < body->n_formals && !*body->variables[n_positional].keyword)
        n_positional++;
    for (i = 0; i < arguments->n; i++) {
        /* Positions come first, even for what looks like a keyword. */
        keyword = n_given < n_positional
                      ? -1 : find_keyword(body, n_positional, arguments->word[i], &value);
        if (keyword >= 0) {
            values[keyword] = value;
            used[i] = true;
        } else if (n_given < n_positional) {
            values[n_given++] = arguments->word[i];
            used[i] = true;
        } else if (!rest) {
            return false;
        }
    }
    if (rest)
        values[body->n_formals - 1] = join_rest(syntax, arguments, used);
    for (i = 0; i < body->n_formals; i++)
        if (!values[i])
            return false;
    return true;
}

static void print_ports(struct text *out, unsigned n_inputs, unsigned n_outputs)
{
    text_printf(out, "%u input%s, %u output%s]", n_inputs, n_inputs == 1 ? "" : "s", n_outputs,
                n_outputs == 1 ? "" : "s");
}

static void print_name(struct text *out, const char *name)
{
    text_puts(out, *name ? name : "<anonymous>");
}

static void print_definition(struct text *out, const struct syntax_body *body)
{
    unsigned i;

    print_name(out, body->name);
    for (i = 0; i < body->n_formals; i++) {
        const struct syntax_variable *formal = &body->variables[i];

        text_puts(out, i ? ", " : "(");
        if (is_rest(formal))
            text_puts(out, "...");
        else
            text_puts(out, *formal->keyword ? formal->keyword : "<arg>");
    }
    if (body->n_formals)
        text_putc(out, ')');
    text_putc(out, '[');
    print_ports(out, body->n_inputs, body->n_outputs);
}

static void report_no_match(struct syntax *syntax, const struct syntax_class *class,
                            const struct use *use)
{
    struct text line = {0};
    struct errors_context context;
    const struct syntax_class *c;
    const struct syntax_body *body;
    const char *first = NULL;

    print_name(&line, class->name);
    text_putc(&line, '[');
    if (use->arguments->n)
        text_printf(&line, "%u argument%s, ", use->arguments->n,
                    use->arguments->n == 1 ? "" : "s");
    print_ports(&line, use->n_inputs, use->n_outputs);
    syntax_error(syntax, use->landmark, "no match for '%s'", text_string(&line));

    for (c = class; c && c->kind == CLASS_COMPOUND; c = c->extends)
        for (body = c->bodies; body; body = body->next) {
            const char *landmark = landmark_text(body->landmark, syntax->plan_arena);

            if (!first) {
                first = landmark;
                errors_enter(syntax->errors, &context, first, "candidates are:");
            }
            text_truncate(&line, 0);
            print_definition(&line, body);
            errors_add(syntax->errors, landmark, "%s", text_string(&line));
        }
    if (first)
        errors_leave(syntax->errors);
    text_free(&line);
}

const struct syntax_body *overload_choose(struct syntax *syntax, const struct syntax_class *class,
                                          const struct use *use, const char ***values,
                                          const struct syntax_class **primitive)
{
    const struct syntax_class *c;
    const struct syntax_body *body, *only = NULL;
    unsigned n = 0;

    *primitive = NULL;
    for (c = class; c; c = c->extends) {
        if (c->kind != CLASS_COMPOUND) {
            *primitive = c;
            return NULL;
        }
        for (body = c->bodies; body; body = body->next) {
            n++;
            *values = arena_alloc(&syntax->arena, (body->n_formals + 1) * sizeof(**values));
            if (!*values)
                return NULL;
            if (!assign(syntax, body, use->arguments, *values))
                continue;
            if (body->n_inputs == use->n_inputs && body->n_outputs == use->n_outputs)
                return body;
            only = body;
        }
    }
    /* When there is no choice it is clearer to name the ports that are wrong. */
    if (n == 1 && only)
        return only;
    report_no_match(syntax, class, use);
    return NULL;
}
