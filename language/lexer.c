// SPDX-License-Identifier: BSD-2-Clause
/* lexer.c - Click text as tokens; see lexer.h. */
#include "language/lexer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    enum token_kind kind;
} keywords[] = {
    {"elementclass", TOKEN_ELEMENTCLASS},
    {"require", TOKEN_REQUIRE},
    {"provide", TOKEN_PROVIDE},
    {"define", TOKEN_DEFINE},
};

static const struct {
    const char *sign;
    enum token_kind kind;
} signs[] = {
    {"->", TOKEN_ARROW},
    {"=>", TOKEN_DOUBLE_ARROW},
    {"::", TOKEN_DOUBLE_COLON},
    {"||", TOKEN_DOUBLE_BAR},
    {"...", TOKEN_ELLIPSIS},
};

enum {
    N_KEYWORDS = sizeof(keywords) / sizeof(*keywords),
    N_SIGNS = sizeof(signs) / sizeof(*signs),
};

bool lexer_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool lexer_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool lexer_is_word(char c)
{
    return lexer_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_identifier(char c)
{
    return lexer_is_word(c) || c == '@';
}

bool lexer_is_comment(const char *s, const char *end)
{
    return end - s >= 2 && s[0] == '/' && (s[1] == '/' || s[1] == '*');
}

const char *lexer_skip_comment(const char *s, const char *end)
{
    if (s[1] == '*') {
        for (s += 2; s < end; s++)
            if (end - s >= 2 && s[0] == '*' && s[1] == '/')
                return s + 2;
        return end;
    }
    for (s += 2; s < end; s++)
        if (*s == '\n' || *s == '\r')
            return end - s >= 2 && s[0] == '\r' && s[1] == '\n' ? s + 2 : s + 1;
    return end;
}

static struct landmark *here(struct lexer *lexer)
{
    /* What there is to say when memory ran out; nobody reads it then. */
    static struct landmark nowhere = {"?", 0, "?"};
    struct landmark *landmark = lexer->landmark;

    if (landmark && landmark->line == lexer->line && landmark->file == lexer->file)
        return landmark;
    landmark = arena_alloc(lexer->arena, sizeof(*landmark));
    if (!landmark)
        return &nowhere;
    landmark->file = lexer->file;
    landmark->line = lexer->line;
    lexer->landmark = landmark;
    return landmark;
}

const char *landmark_text(struct landmark *landmark, struct arena *arena)
{
    char number[16];
    size_t length = strlen(landmark->file);
    bool glued = length && (landmark->file[length - 1] == ':' ||
                            lexer_is_space(landmark->file[length - 1]));
    int digits;
    char *text;

    if (landmark->text)
        return landmark->text;
    digits = snprintf(number, sizeof(number), "%s%u", glued ? "" : ":", landmark->line);
    text = arena_alloc(arena, length + (size_t)digits + 1);
    if (!text)
        return landmark->file;
    memcpy(text, landmark->file, length);
    memcpy(text + length, number, (size_t)digits);
    landmark->text = text;
    return text;
}

static void fail(struct lexer *lexer, struct landmark *landmark, const char *message)
{
    errors_add(lexer->errors, landmark_text(landmark, lexer->text_arena), "%s", message);
}

void lexer_open(struct lexer *lexer, const char *text, size_t length, const char *file,
                struct arena *arena, struct arena *text_arena, struct errors *errors)
{
    if (!text)
        text = "";
    *lexer = (struct lexer){
        .begin = text, .position = text, .end = text + length,
        .file = file, .original_file = file, .line = 1,
        .arena = arena, .text_arena = text_arena, .errors = errors,
    };
}

void lexer_stop(struct lexer *lexer)
{
    lexer->n_ahead = 0;
    lexer->position = lexer->end;
}

/* Moves to `to`, counting the lines on the way. */
static void advance(struct lexer *lexer, const char *to)
{
    const char *s = lexer->position;

    for (; s < to; s++)
        if (*s == '\n' || (*s == '\r' && !(s + 1 < lexer->end && s[1] == '\n')))
            lexer->line++;
    lexer->position = to;
}

static bool at_line_start(const struct lexer *lexer, const char *s)
{
    return s == lexer->begin || s[-1] == '\n' || s[-1] == '\r';
}

static const char *line_end(const char *s, const char *end)
{
    while (s < end && *s != '\n' && *s != '\r')
        s++;
    return s;
}

static const char *skip_blanks(const char *s, const char *end)
{
    while (s < end && (*s == ' ' || *s == '\t'))
        s++;
    return s;
}

/* The name between double quotes at s; a backslash keeps the next byte from being special. */
static const char *quoted_file_name(struct lexer *lexer, const char *s, const char *end)
{
    char *name = arena_alloc(lexer->arena, (size_t)(end - s) + 1);
    size_t n = 0;

    if (!name)
        return lexer->file;
    for (s++; s < end && *s != '"'; s++) {
        if (*s == '\\' && s + 1 < end)
            s++;
        if (*s)
            name[n++] = *s;
    }
    name[n] = '\0';
    /* An empty name means the file that is being read. */
    return n ? name : lexer->original_file;
}

/* At a '#' that begins a line. Leaves the position at the end of that line, before its newline. */
static void line_directive(struct lexer *lexer)
{
    const char *end = line_end(lexer->position, lexer->end);
    const char *s = skip_blanks(lexer->position + 1, end);
    unsigned line = 0;

    if (end - s >= 5 && memcmp(s, "line", 4) == 0 && (s[4] == ' ' || s[4] == '\t'))
        s = skip_blanks(s + 5, end);
    if (s == end || !lexer_is_digit(*s)) {
        fail(lexer, here(lexer), "unknown preprocessor directive");
        lexer->position = end;
        return;
    }
    for (; s < end && lexer_is_digit(*s); s++)
        line = line < INT_MAX / 10 ? line * 10 + (unsigned)(*s - '0') : INT_MAX;
    s = skip_blanks(s, end);
    if (s < end && *s == '"')
        lexer->file = quoted_file_name(lexer, s, end);
    lexer->line = line - 1;     /* the newline at the end of this line makes it `line` */
    lexer->position = end;
}

/* A comment without end would quietly switch off the rest of the file. */
static void comment(struct lexer *lexer)
{
    const char *s = lexer->position, *to = lexer_skip_comment(s, lexer->end);

    if (s[1] == '*' && (to - s < 4 || to[-1] != '/' || to[-2] != '*'))
        fail(lexer, here(lexer), "comment that begins here has no '*/'");
    advance(lexer, to);
}

static void skip_space(struct lexer *lexer)
{
    while (lexer->position < lexer->end) {
        const char *s = lexer->position;

        if (lexer_is_space(*s))
            advance(lexer, s + 1);
        else if (lexer_is_comment(s, lexer->end))
            comment(lexer);
        else if (*s == '#' && at_line_start(lexer, s))
            line_directive(lexer);
        else
            break;
    }
}

/* Words joined by single slashes. */
static const char *identifier_end(const char *s, const char *end)
{
    while (s < end && (is_identifier(*s) ||
                       (*s == '/' && s + 1 < end && is_identifier(s[1]))))
        s++;
    return s;
}

static struct token take(struct lexer *lexer, enum token_kind kind, size_t length)
{
    struct token token = {
        .kind = kind, .text = {lexer->position, length}, .landmark = here(lexer),
    };

    lexer->position += length;
    return token;
}

static struct token scan(struct lexer *lexer)
{
    struct token token;
    const char *s, *t;
    size_t left, i;

    skip_space(lexer);
    s = lexer->position;
    left = (size_t)(lexer->end - s);
    if (!left)
        return take(lexer, TOKEN_END, 0);
    if (is_identifier(*s)) {
        token = take(lexer, TOKEN_IDENTIFIER, (size_t)(identifier_end(s, lexer->end) - s));
        for (i = 0; i < N_KEYWORDS; i++)
            if (token.text.length == strlen(keywords[i].word) &&
                memcmp(s, keywords[i].word, token.text.length) == 0)
                token.kind = keywords[i].kind;
        return token;
    }
    if (*s == '$' && left > 1 && lexer_is_word(s[1])) {
        for (t = s + 1; t < lexer->end && lexer_is_word(*t); t++)
            ;
        token = take(lexer, TOKEN_VARIABLE, (size_t)(t - s));
        token.text.s++;
        token.text.length--;
        return token;
    }
    for (i = 0; i < N_SIGNS; i++)
        if (left >= strlen(signs[i].sign) && memcmp(s, signs[i].sign, strlen(signs[i].sign)) == 0)
            return take(lexer, signs[i].kind, strlen(signs[i].sign));
    token = take(lexer, TOKEN_CHARACTER, 1);
    token.character = *s;
    return token;
}

const struct token *lexer_peek(struct lexer *lexer, unsigned distance)
{
    while (lexer->n_ahead <= distance)
        lexer->ahead[lexer->n_ahead++] = scan(lexer);
    return &lexer->ahead[distance];
}

struct token lexer_next(struct lexer *lexer)
{
    struct token token;

    if (!lexer->n_ahead)
        return scan(lexer);
    token = lexer->ahead[0];
    lexer->ahead[0] = lexer->ahead[1];
    lexer->n_ahead--;
    return token;
}

/* Behind the quoted string at s, or `end`. In double quotes a backslash protects the next byte. */
static const char *skip_quoted(const char *s, const char *end)
{
    char quote = *s;

    for (s++; s < end; s++)
        if (*s == '\\' && quote == '"' && s + 1 < end)
            s++;
        else if (*s == quote)
            return s + 1;
    return end;
}

/* Behind the \<hex data> at s, or `end`. Comments may stand in it. */
static const char *skip_hex_data(const char *s, const char *end)
{
    for (s += 2; s < end;)
        if (lexer_is_comment(s, end))
            s = lexer_skip_comment(s, end);
        else if (*s++ == '>')
            return s;
    return end;
}

struct slice lexer_config(struct lexer *lexer, const struct token *open)
{
    struct text kept = {0};             /* used only when there are line directives to cut out */
    struct slice config;
    const char *from = open->text.s + 1, *s = from;
    size_t depth = 1;
    char *copy;

    lexer->n_ahead = 0;
    lexer->position = s;
    lexer->line = open->landmark->line;
    while (s < lexer->end) {
        if (*s == '(') {
            depth++;
            s++;
        } else if (*s == ')') {
            if (!--depth)
                break;
            s++;
        } else if (*s == '\'' || *s == '"') {
            s = skip_quoted(s, lexer->end);
        } else if (*s == '\\' && lexer->end - s >= 2 && s[1] == '<') {
            s = skip_hex_data(s, lexer->end);
        } else if (lexer_is_comment(s, lexer->end)) {
            advance(lexer, s);
            comment(lexer);
            s = lexer->position;
        } else if (*s == '#' && at_line_start(lexer, s)) {
            text_add(&kept, from, (size_t)(s - from));
            advance(lexer, s);
            line_directive(lexer);
            from = s = lexer->position;
        } else {
            s++;
        }
    }
    advance(lexer, s);
    config = (struct slice){from, (size_t)(s - from)};
    if (kept.length || kept.failed) {
        text_add(&kept, config.s, config.length);
        copy = arena_copy(lexer->arena, text_string(&kept), kept.length);
        lexer->arena->failed |= kept.failed;
        config = copy ? (struct slice){copy, kept.length} : (struct slice){"", 0};
        text_free(&kept);
    }
    if (config.length && memchr(config.s, '\0', config.length)) {
        fail(lexer, open->landmark, "NUL byte in the configuration string that begins here");
        config.length = 0;
    }
    if (s == lexer->end) {
        const char *opened = landmark_text(open->landmark, lexer->text_arena);

        fail(lexer, here(lexer), "expected ')'");
        errors_add(lexer->errors, opened, "configuration string begins here");
    } else {
        lexer->position++;
    }
    return config;
}

bool token_is(const struct token *token, char character)
{
    return token->kind == TOKEN_CHARACTER && token->character == character;
}

const char *token_print(const struct token *token, char buffer[TOKEN_PRINTED_MAX])
{
    size_t i, n = 0;

    if (token->kind == TOKEN_END)
        return "end of file";
    if (token->kind == TOKEN_VARIABLE)
        buffer[n++] = '$';
    for (i = 0; i < token->text.length; i++) {
        unsigned char c = (unsigned char)token->text.s[i];

        if (n + 8 > TOKEN_PRINTED_MAX) {
            memcpy(buffer + n, "...", 3);
            n += 3;
            break;
        }
        if (c >= ' ' && c < 0x7f)
            buffer[n++] = (char)c;
        else
            n += (size_t)snprintf(buffer + n, 5, "\\%03o", c);
    }
    buffer[n] = '\0';
    return buffer;
}
