// SPDX-License-Identifier: BSD-2-Clause
/*
 * pretty.c - a configuration in canonical form; see pretty.h.
 *
 * Works token by token. What lies between two tokens (comments, blank lines, line directives) is
 * read from the source itself, because tokens point into it. Brackets nest on the heap.
 */
#include "language/pretty.h"

#include <stdlib.h>
#include <string.h>

#include "language/lexer.h"

/* Deeper nesting is not indented further, or hostile brackets would make a text many times as long. */
enum { INDENT = 4, INDENT_MAX = 12 };

/* What awaits a closing bracket: itself, or this for the brace of an elementclass. */
enum { CLASS_END = 'c' };

struct printer {
    struct text out;
    char *stack;                /* closing brackets that are awaited, or CLASS_END */
    size_t depth, room;
    bool line_start;            /* nothing is on the line yet */
    bool continued;             /* the statement has begun on an earlier line */
    bool blank;                 /* the last line is empty, or there is none */
};

static void add(struct printer *p, const char *s, size_t length)
{
    size_t levels = p->depth + p->continued;

    if (p->line_start)
        text_printf(&p->out, "%*s", (int)(INDENT * (levels < INDENT_MAX ? levels : INDENT_MAX)), "");
    text_add(&p->out, s, length);
    p->line_start = p->blank = false;
}

static void newline(struct printer *p)
{
    if (!p->line_start)
        text_add(&p->out, "\n", 1);
    p->line_start = true;
}

static bool push(struct printer *p, char closing)
{
    if (p->depth == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        char *stack = realloc(p->stack, room);

        if (!stack)
            return false;
        p->stack = stack;
        p->room = room;
    }
    p->stack[p->depth++] = closing;
    return true;
}

/* Comments, line directives and blank lines between two tokens. */
static void gap(struct printer *p, const char *s, const char *end)
{
    unsigned newlines = 0;

    while (s < end) {
        const char *to = s;

        if (*s == '\n' || *s == '\r') {
            newlines++;
            s += *s == '\r' && s + 1 < end && s[1] == '\n' ? 2 : 1;
            continue;
        }
        if (lexer_is_space(*s)) {
            s++;
            continue;
        }
        if (newlines)
            newline(p);
        if (newlines > 1 && !p->blank) {
            text_add(&p->out, "\n", 1);
            p->blank = true;
        }
        newlines = 0;
        if (*s == '#') {
            newline(p);
            while (to < end && *to != '\n' && *to != '\r')
                to++;
            text_add(&p->out, s, (size_t)(to - s));
            p->line_start = p->blank = false;
            newline(p);
        } else {
            bool whole_line = s[1] == '/';
            const char *last;

            to = lexer_skip_comment(s, end);
            last = to;
            while (last > s && lexer_is_space(last[-1]))
                last--;
            if (!p->line_start)
                text_add(&p->out, " ", 1);
            add(p, s, (size_t)(last - s));
            if (whole_line) {
                newline(p);
                newlines = 1;
            }
        }
        s = to;
    }
    if (newlines > 1 && p->line_start && !p->blank) {
        text_add(&p->out, "\n", 1);
        p->blank = true;
    }
}

static bool is_connector(const struct token *t)
{
    return t->kind == TOKEN_ARROW || t->kind == TOKEN_DOUBLE_ARROW || t->kind == TOKEN_DOUBLE_COLON;
}

static bool is_name(const struct token *t)
{
    return t->kind == TOKEN_IDENTIFIER || t->kind == TOKEN_VARIABLE;
}

/* Ports stand close to their element: a[0] -> [1]b. */
static bool glued(const struct token *before, const struct token *t)
{
    if (token_is(t, '['))
        return is_name(before) || token_is(before, '"') || token_is(before, '}') || token_is(before, ')');
    if (token_is(before, ']') && is_name(t))
        return true;
    return token_is(t, ';') || token_is(t, ',') || token_is(t, ']') || token_is(t, ')') ||
           token_is(before, '[') || token_is(before, '(');
}

/* A '(' behind these opens a configuration string, anywhere else a group. */
static bool takes_config(const struct token *t, bool class_ended)
{
    if (class_ended)
        return false;
    return t->kind == TOKEN_IDENTIFIER || t->kind == TOKEN_VARIABLE || t->kind == TOKEN_REQUIRE ||
           t->kind == TOKEN_DEFINE || t->kind == TOKEN_PROVIDE || token_is(t, '}');
}

static const char *token_start(const struct token *t)
{
    return t->text.s - (t->kind == TOKEN_VARIABLE);
}

static bool print(struct printer *p, struct lexer *lexer, struct errors *errors)
{
    struct token before = {.kind = TOKEN_CHARACTER, .character = ';'}, t;
    bool declares = false, class_ended = false;     /* an elementclass before its brace, behind it */
    bool opened = false;                            /* a compound: formals stay on the line */
    const char *from = lexer->begin;

    for (;; before = t) {
        const char *start, *behind = from;

        t = lexer_next(lexer);
        start = token_start(&t);
        gap(p, from, start);
        if (t.kind == TOKEN_END)
            break;
        if (opened && t.kind != TOKEN_VARIABLE && !token_is(&t, '|'))
            newline(p);
        opened = false;
        from = t.text.s + t.text.length;
        if (token_is(&t, '}') || token_is(&t, ')')) {
            char awaited = p->depth ? p->stack[p->depth - 1] : 0;

            if ((awaited == CLASS_END ? '}' : awaited) != t.character) {
                errors_add(errors, landmark_text(t.landmark, lexer->text_arena),
                           "'%c' without its opening bracket", t.character);
                return false;
            }
            p->depth--;
            class_ended = awaited == CLASS_END;
            if (t.character == '}') {
                p->continued = false;
                newline(p);
            }
        }
        if ((t.kind == TOKEN_ARROW || t.kind == TOKEN_DOUBLE_ARROW) && p->continued &&
            memchr(behind, '\n', (size_t)(start - behind)))
            newline(p);             /* where the writer broke a chain it stays broken */
        if (!p->line_start && memchr(behind, '\n', (size_t)(start - behind)) &&
            !is_connector(&before) && !is_connector(&t) && !glued(&before, &t) &&
            t.kind != TOKEN_CHARACTER)
            newline(p);
        if (class_ended && !token_is(&t, '}') && !token_is(&t, ';')) {
            class_ended = false;            /* without its ';' the next statement begins here */
            newline(p);
            p->continued = false;
            declares = t.kind == TOKEN_ELEMENTCLASS;
        } else if (token_is(&t, '(') && takes_config(&before, class_ended)) {
            add(p, "(", 1);
            lexer_config(lexer, &t);
            from = lexer->position;
            text_add(&p->out, start + 1, (size_t)(from - start - 1));
            t.character = '"';          /* nothing glues to what stands behind a configuration */
            continue;
        }
        if (!p->line_start && !glued(&before, &t))
            text_add(&p->out, " ", 1);
        add(p, start, (size_t)(from - start));
        class_ended = class_ended && token_is(&t, '}');
        p->continued = !token_is(&t, ';') && !token_is(&t, '{') && !token_is(&t, '|') && !class_ended;
        declares = declares || t.kind == TOKEN_ELEMENTCLASS;
        if (token_is(&t, '{') || token_is(&t, '(')) {
            if (!push(p, token_is(&t, '(') ? ')' : declares ? CLASS_END : '}')) {
                errors_add(errors, NULL, "out of memory");
                return false;
            }
            declares = false;
        }
        declares = declares && !token_is(&t, ';');
        opened = token_is(&t, '{') || t.kind == TOKEN_DOUBLE_BAR;
        if (token_is(&t, ';') || token_is(&t, '|'))
            newline(p);
    }
    newline(p);
    if (p->depth) {
        errors_add(errors, landmark_text(before.landmark, lexer->text_arena),
                   "end of file where '%c' is expected", p->stack[p->depth - 1]);
        return false;
    }
    return true;
}

bool language_pretty(const char *text, size_t length, const char *filename, struct text *out,
                     struct errors *errors)
{
    struct arena arena = {0};
    struct printer p = {.line_start = true, .blank = true};
    struct lexer lexer;
    size_t count = errors->count;
    bool good;

    lexer_open(&lexer, text, length, filename, &arena, &arena, errors);
    good = print(&p, &lexer, errors) && errors->count == count && !arena.failed && !p.out.failed;
    if (good)
        text_add(out, text_string(&p.out), p.out.length);
    text_free(&p.out);
    free(p.stack);
    arena_free(&arena);
    return good && !out->failed;
}
