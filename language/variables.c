// SPDX-License-Identifier: BSD-2-Clause
/* variables.c - `$name` and its relatives; see variables.h. */
#include "language/variables.h"

#include <stdint.h>
#include <string.h>

#include "language/lexer.h"

/* A reference to a variable, as found behind a '$'. */
struct reference {
    enum variable_form form;
    const char *name, *name_end;
    const char *end;            /* behind the whole reference */
    bool nested;                /* there are variables in the name */
};

enum found { NOT_A_VARIABLE, UNFINISHED, FOUND };

static enum found find_braces(const char *s, const char *end, struct reference *reference)
{
    reference->form = VARIABLE_BRACES;
    reference->name = s;
    for (; s < end && *s != '}'; s++)
        if (*s == '$')
            reference->nested = true;
    reference->name_end = s;
    reference->end = s + 1;
    return s < end ? FOUND : UNFINISHED;
}

static enum found find_command(const char *s, const char *end, struct reference *reference)
{
    size_t depth = 1;
    char quote = '\0';

    reference->form = VARIABLE_COMMAND;
    reference->name = s;
    for (; s < end; s++) {
        if (*s == '(' && !quote) {
            depth++;
        } else if (*s == ')' && !quote) {
            if (!--depth)
                break;
        } else if (*s == '"' || *s == '\'') {
            quote = !quote ? *s : quote == *s ? '\0' : quote;
        } else if (*s == '\\' && s + 1 < end && quote != '\'') {
            s++;
        } else if (*s == '$' && quote != '\'') {
            reference->nested = true;
        }
    }
    reference->name_end = s;
    reference->end = s + 1;
    return s < end ? FOUND : UNFINISHED;
}

/* s is behind the '$'. */
static enum found find_reference(const char *s, const char *end, struct reference *reference)
{
    *reference = (struct reference){.form = VARIABLE_PLAIN, .name = s};
    if (s == end)
        return NOT_A_VARIABLE;
    if (*s == '{')
        return find_braces(s + 1, end, reference);
    if (*s == '(')
        return find_command(s + 1, end, reference);
    if (lexer_is_word(*s))
        while (s < end && lexer_is_word(*s))
            s++;
    else if (*s == '?' || *s == '#' || *s == '$')
        s++;
    else
        return NOT_A_VARIABLE;
    reference->name_end = reference->end = s;
    return FOUND;
}

/* So that the bytes are the same between double quotes. */
static void add_escaped(struct text *out, const char *s, size_t length)
{
    size_t i, kept = 0;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c >= ' ' && c < 0x7f && c != '\\' && c != '"' && c != '$')
            continue;
        text_add(out, s + kept, i - kept);
        kept = i + 1;
        text_putc(out, '\\');
        if (c == '\\' || c == '"' || c == '$') {
            text_putc(out, (char)c);
        } else if (c == '\t' || c == '\r' || c == '\n') {
            text_putc(out, c == '\t' ? 't' : c == '\r' ? 'r' : 'n');
        } else {
            text_putc(out, (char)('0' + (c >> 6)));
            text_putc(out, (char)('0' + (c >> 3 & 7)));
            text_putc(out, (char)('0' + (c & 7)));
        }
    }
    text_add(out, s + kept, length - kept);
}

static void add_value(const struct variables *variables, const struct text *value, char quote,
                      unsigned depth, struct text *out)
{
    /* Values inside of names and defaults are not yet what is asked for. */
    bool wrap = variables->quote && !quote && !depth;

    if (value->length >= *variables->work_left) {
        *variables->work_left = 0;
        return;
    }
    *variables->work_left -= value->length;
    if (quote == '"' || wrap) {
        if (wrap)
            text_putc(out, '"');
        add_escaped(out, text_string(value), value->length);
        if (wrap)
            text_putc(out, '"');
    } else {
        text_add(out, text_string(value), value->length);
    }
    out->failed |= value->failed;
}

static void substitute(const struct variables *variables, const struct reference *reference,
                       char quote, unsigned depth, struct text *out)
{
    struct text name = {0}, value = {0};
    const char *s = reference->name;
    size_t length = (size_t)(reference->name_end - s);

    if (reference->nested) {
        variables_expand(variables, s, length, depth + 1, &name);
        s = text_string(&name);
        length = name.length;
    }
    if (variables->value(variables, s, length, reference->form, depth, &value)) {
        add_value(variables, &value, quote, depth, out);
    } else {
        text_puts(out, reference->form == VARIABLE_BRACES    ? "${"
                       : reference->form == VARIABLE_COMMAND ? "$("
                                                             : "$");
        text_add(out, s, length);
        if (reference->form != VARIABLE_PLAIN)
            text_putc(out, reference->end[-1]);
    }
    out->failed |= name.failed;
    text_free(&name);
    text_free(&value);
}

void variables_expand(const struct variables *variables, const char *text, size_t length,
                      unsigned depth, struct text *out)
{
    const char *s = text, *end = text + length, *kept = text;
    struct reference reference;
    enum found found;
    char quote = '\0';

    if (length >= *variables->work_left) {
        *variables->work_left = 0;
        return;
    }
    *variables->work_left -= length + 1;
    if (depth > VARIABLES_DEPTH_MAX || !length || !memchr(text, '$', length)) {
        text_add(out, text, length);
        return;
    }
    while (s < end) {
        if (*s == '\\' && quote == '"' && end - s >= 2) {
            s += 2;
        } else if (*s == '\'' || *s == '"') {
            quote = !quote ? *s : quote == *s ? '\0' : quote;
            s++;
        } else if (!quote && lexer_is_comment(s, end)) {
            s = lexer_skip_comment(s, end);
        } else if (*s == '$' && quote != '\'') {
            found = find_reference(s + 1, end, &reference);
            if (found == UNFINISHED)
                break;
            if (found == NOT_A_VARIABLE) {
                s++;
                continue;
            }
            text_add(out, kept, (size_t)(s - kept));
            substitute(variables, &reference, quote, depth, out);
            kept = s = reference.end;
        } else {
            s++;
        }
    }
    text_add(out, kept, (size_t)(end - kept));
}

static const char *skip_space(const char *s, const char *end)
{
    for (;;)
        if (s < end && lexer_is_space(*s))
            s++;
        else if (lexer_is_comment(s, end))
            s = lexer_skip_comment(s, end);
        else
            return s;
}

static const char *word_end(const char *s, const char *end)
{
    char quote = '\0';

    for (; s < end; s++) {
        if (*s == '\\' && quote == '"' && end - s >= 2)
            s++;
        else if (*s == '"' || *s == '\'')
            quote = !quote ? *s : quote == *s ? '\0' : quote;
        else if (!quote && (lexer_is_space(*s) || lexer_is_comment(s, end)))
            break;
    }
    return s;
}

/* The word number `index` of a text; none is an empty text. */
static void add_word(struct text *out, const char *s, size_t length, size_t index)
{
    const char *end = s + length, *to;

    for (;; index--) {
        s = skip_space(s, end);
        to = word_end(s, end);
        if (!index || s == to)
            break;
        s = to;
    }
    text_add(out, s, (size_t)(to - s));
}

/* `[2]` at s: the place behind it, or s when it is something else. */
static const char *read_index(const char *s, const char *end, size_t *index)
{
    const char *t = skip_space(s + 1, end), *digits = t;
    size_t value = 0;

    for (; t < end && lexer_is_digit(*t); t++)
        if (value < SIZE_MAX / 20)
            value = value * 10 + (size_t)(*t - '0');
    if (t == digits || t == end || *t != ']')
        return s;
    *index = value;
    return skip_space(t + 1, end);
}

bool variables_lookup(const struct variables *variables, const char *name, size_t length,
                      enum variable_form form, unsigned depth, struct text *out,
                      const char *(*find)(const struct variables *variables, const char *name,
                                          size_t length))
{
    const char *s = name, *end = name + length, *name_end = end, *fallback = NULL, *value;
    size_t index = SIZE_MAX;
    struct text words = {0};

    if (form == VARIABLE_BRACES) {
        name = s = skip_space(s, end);
        while (s < end && lexer_is_word(*s))
            s++;
        name_end = s;
        s = skip_space(s, end);
        if (s < end && *s == '[')
            s = read_index(s, end, &index);
        if (s < end && *s == '-')
            fallback = s + 1;
    }
    value = find(variables, name, (size_t)(name_end - name));
    if (value && index != SIZE_MAX) {
        variables_expand(variables, value, strlen(value), depth + 1, &words);
        add_word(out, text_string(&words), words.length, index);
        out->failed |= words.failed;
        text_free(&words);
    } else if (value) {
        variables_expand(variables, value, strlen(value), depth + 1, out);
    } else if (fallback) {
        variables_expand(variables, fallback, (size_t)(end - fallback), depth + 1, out);
    } else {
        return false;
    }
    return true;
}
