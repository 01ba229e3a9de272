// SPDX-License-Identifier: BSD-2-Clause
/*
 * lexer.h - Click text as tokens, each with the place where it stands.
 *
 * - Token text points into the source, which must outlive the tokens.
 * - A configuration string is not a token: after a '(' that opens one, call
 *   lexer_config() with that token; it continues behind the closing parenthesis.
 * - `# 12 "file"` and `#line 12 "file"` change the places that follow.
 * - After the last token the answer is TOKEN_END, for ever.
 * Knows nothing of what the tokens mean.
 */
#ifndef LANGUAGE_LEXER_H
#define LANGUAGE_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "language/arena.h"
#include "router/errors.h"

/* Part of a text; not NUL-terminated. */
struct slice {
    const char *s;
    size_t length;
};

/* A place in a file, shared by all that stands on the line. */
struct landmark {
    const char *file;
    unsigned line;
    const char *text;           /* "file:line", made when first asked for */
};

enum token_kind {
    TOKEN_END,                  /* of the text */
    TOKEN_IDENTIFIER,
    TOKEN_VARIABLE,             /* text without the '$' */
    TOKEN_ARROW,                /* -> */
    TOKEN_DOUBLE_ARROW,         /* => */
    TOKEN_DOUBLE_COLON,
    TOKEN_DOUBLE_BAR,
    TOKEN_ELLIPSIS,
    TOKEN_ELEMENTCLASS,
    TOKEN_REQUIRE,
    TOKEN_PROVIDE,
    TOKEN_DEFINE,
    TOKEN_CHARACTER,            /* any other byte: ; , [ ] ( ) { } | and what does not belong */
};

struct token {
    enum token_kind kind;
    char character;             /* of TOKEN_CHARACTER */
    struct slice text;
    struct landmark *landmark;
};

struct lexer {
    const char *begin, *position, *end;
    const char *file, *original_file;
    unsigned line;
    struct landmark *landmark;  /* of the last line asked for */
    struct token ahead[2];      /* looked at, not yet taken */
    unsigned n_ahead;
    struct arena *arena;        /* for landmarks, file names, configuration strings */
    struct arena *text_arena;   /* for the text of landmarks, which plans keep */
    struct errors *errors;
};

/* `file` must outlive the lexer and every landmark. */
void lexer_open(struct lexer *lexer, const char *text, size_t length, const char *file,
                struct arena *arena, struct arena *text_arena, struct errors *errors);
struct token lexer_next(struct lexer *lexer);
/* The token after `distance` others, without taking it; distance 0 or 1. */
const struct token *lexer_peek(struct lexer *lexer, unsigned distance);
/*
 * The text between `open`, a '(' just taken, and its ')', both left out. Without a ')' the rest of
 * the file is taken and an error added.
 */
struct slice lexer_config(struct lexer *lexer, const struct token *open);
/* Makes every further token TOKEN_END. */
void lexer_stop(struct lexer *lexer);

bool token_is(const struct token *token, char character);

enum { TOKEN_PRINTED_MAX = 80 };
/* How the token is shown in a message; printable in any case. */
const char *token_print(const struct token *token, char buffer[TOKEN_PRINTED_MAX]);

/* "file:line"; lives as long as the arena. Never NULL. */
const char *landmark_text(struct landmark *landmark, struct arena *arena);

/* Character classes of the language, which no locale changes. */
bool lexer_is_space(char c);
bool lexer_is_digit(char c);
bool lexer_is_word(char c);     /* letter, digit, underscore: what variables are made of */

/* s[0] begins a comment when it is '/' and this is true. */
bool lexer_is_comment(const char *s, const char *end);
/* The place behind the comment at s. An unfinished one reaches to the end. */
const char *lexer_skip_comment(const char *s, const char *end);

#endif
