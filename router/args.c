// SPDX-License-Identifier: BSD-2-Clause
/*
 * args.c - element arguments by table: splitting, quoting, assigning; see args.h.
 * The types themselves are in arg_types.c.
 */
#include "router/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "router/element.h"

/* ---- lexical helpers: each returns where its construct ends ---- */

static const char *skip_comment(const char *s)
{
    if (s[1] == '/')
        return s + strcspn(s, "\n");
    s = strstr(s + 2, "*/");
    return s ? s + 2 : "";
}

static const char *skip_single_quoted(const char *s)
{
    s = strchr(s + 1, '\'');
    return s ? s + 1 : "";
}

static const char *skip_hex(const char *s)      /* \<41 42> */
{
    s = strchr(s, '>');
    return s ? s + 1 : "";
}

static const char *skip_double_quoted(const char *s)
{
    for (s++; *s && *s != '"';) {
        if (s[0] == '\\' && s[1] == '<')
            s = skip_hex(s);
        else
            s += s[0] == '\\' && s[1] ? 2 : 1;
    }
    return *s ? s + 1 : s;
}

/* The end of the quoted piece, or of the one plain character, at s. */
static const char *skip_piece(const char *s)
{
    if (*s == '\'')
        return skip_single_quoted(s);
    if (*s == '"')
        return skip_double_quoted(s);
    if (s[0] == '\\' && s[1] == '<')
        return skip_hex(s);
    return s + 1;
}

static bool is_comment(const char *s)
{
    return s[0] == '/' && (s[1] == '/' || s[1] == '*');
}

static const char *skip_space(const char *s)
{
    for (;;) {
        if (isspace((unsigned char)*s))
            s++;
        else if (is_comment(s))
            s = skip_comment(s);
        else
            return s;
    }
}

/* ---- words ---- */

/* The word, malloc'ed, is the words' from then on; not when there is no memory. */
static int words_take(struct words *words, char *word)
{
    unsigned n = words->n;
    char **grown;

    if (!n || (n >= 16 && !(n & (n - 1)))) {
        grown = realloc(words->word, (n ? 2 * (size_t)n : 16) * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        words->word = grown;
    }
    words->word[words->n++] = word;
    return 0;
}

/* Adds the text as a word of just its length, and empties it for the next one. */
static int words_add(struct words *words, struct text *t)
{
    char *word = strdup(text_string(t));

    if (!word || words_take(words, word)) {
        free(word);
        return -ENOMEM;
    }
    text_truncate(t, 0);
    return 0;
}

/*
 * The ends of quoted pieces may be "" (a static empty string) when a quote never
 * closes; `end_of` brings that back to the end of the text.
 */
static const char *end_of(const char *s, const char *text)
{
    return *s ? s : text + strlen(text);
}

/* One argument without comments: a comment and the space around it become one space. */
static const char *take_argument(const char *s, struct text *t)
{
    bool gap = false;
    size_t solid = t->length;

    s = skip_space(s);
    while (*s && *s != ',') {
        const char *next;

        if (is_comment(s)) {
            s = end_of(skip_comment(s), s);
            gap = true;
            continue;
        }
        next = end_of(skip_piece(s), s);
        if (isspace((unsigned char)*s)) {
            if (!gap)
                text_add(t, s, 1);
        } else {
            if (gap) {
                text_truncate(t, solid);
                text_putc(t, ' ');
                gap = false;
            }
            text_add(t, s, (size_t)(next - s));
            solid = t->length;
        }
        s = next;
    }
    text_truncate(t, solid);
    return s;
}

int words_split_commas(struct words *words, const char *text)
{
    struct text t = {0};
    const char *s = text;

    *words = (struct words){0};
    for (;;) {
        s = take_argument(s, &t);
        /* "a, " and "" end without another, empty argument. */
        if (!*s && !t.length && !t.failed)
            break;
        if (t.failed || words_add(words, &t) < 0) {
            text_free(&t);
            return -ENOMEM;
        }
        if (!*s)
            break;
        s++;
    }
    text_free(&t);
    return 0;
}

int words_split_spaces(struct words *words, const char *text)
{
    struct text t = {0};
    const char *s = text;

    *words = (struct words){0};
    for (s = end_of(skip_space(s), s); *s; s = end_of(skip_space(s), s)) {
        while (*s && !isspace((unsigned char)*s) && !is_comment(s)) {
            const char *next = end_of(skip_piece(s), s);

            text_add(&t, s, (size_t)(next - s));
            s = next;
        }
        if (t.failed || words_add(words, &t) < 0) {
            text_free(&t);
            return -ENOMEM;
        }
    }
    text_free(&t);
    return 0;
}

char *words_shift(const char **text)
{
    const char *s = *text, *word = end_of(skip_space(s), s);

    for (s = word; *s && !isspace((unsigned char)*s) && !is_comment(s);)
        s = end_of(skip_piece(s), s);
    *text = end_of(skip_space(s), s);
    return strndup(word, (size_t)(s - word));
}

void words_free(struct words *words)
{
    for (unsigned i = 0; i < words->n; i++)
        free(words->word[i]);
    free(words->word);
    *words = (struct words){0};
}

/* ---- quoting ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* s is at "\<"; appends the bytes that the digits spell. */
static const char *add_hex(const char *s, struct text *t)
{
    int high = -1;

    for (s += 2; *s && *s != '>'; s++) {
        int digit = hex_digit(*s);

        if (is_comment(s)) {
            s = end_of(skip_comment(s), s) - 1;
        } else if (digit >= 0 && high < 0) {
            high = digit;
        } else if (digit >= 0) {
            text_putc(t, (char)(high << 4 | digit));
            high = -1;
        }
    }
    return *s ? s + 1 : s;
}

/* s is at a backslash inside double quotes. */
static const char *add_escape(const char *s, struct text *t)
{
    static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
    const char *known;
    int value = 0, digits = 0;

    if (!s[1]) {
        text_putc(t, '\\');
        return s + 1;
    }
    if (s[1] == '<')
        return add_hex(s, t);
    if (s[1] == '\n')
        return s + 2;
    if (s[1] == '\r')
        return s + (s[2] == '\n' ? 3 : 2);
    if (s[1] >= '0' && s[1] <= '7') {
        for (s++; digits < 3 && *s >= '0' && *s <= '7'; s++, digits++)
            value = value * 8 + *s - '0';
        text_putc(t, (char)value);
        return s;
    }
    if (s[1] == 'x' && hex_digit(s[2]) >= 0) {
        for (s += 2; hex_digit(*s) >= 0; s++)
            value = (value * 16 + hex_digit(*s)) & 0xFF;
        text_putc(t, (char)value);
        return s;
    }
    known = strchr(from, s[1]);
    text_putc(t, known ? to[known - from] : s[1]);
    return s + 2;
}

static const char *add_double_quoted(const char *s, struct text *t)
{
    for (s++; *s && *s != '"';) {
        if (*s == '\\')
            s = add_escape(s, t);
        else
            text_putc(t, *s++);
    }
    return *s ? s + 1 : s;
}

char *args_unquote(const char *text, size_t *length)
{
    struct text t = {0};
    const char *s = text;
    char *unquoted;

    while (*s) {
        if (*s == '\'') {
            const char *end = end_of(skip_single_quoted(s), s);

            text_add(&t, s + 1, (size_t)(end - s) - (end > s + 1 && end[-1] == '\'' ? 2 : 1));
            s = end;
        } else if (*s == '"') {
            s = add_double_quoted(s, &t);
        } else if (s[0] == '\\' && s[1] == '<') {
            s = add_hex(s, &t);
        } else {
            text_putc(&t, *s++);
        }
    }
    *length = t.length;
    unquoted = t.failed ? NULL : text_take(&t);
    if (!unquoted)
        text_free(&t);
    return unquoted;
}

bool args_is_one_word(const char *text)
{
    const char *s = text;

    while (*s && !isspace((unsigned char)*s))
        s = end_of(skip_piece(s), s);
    return s > text && !*s;
}

static bool needs_quotes(const char *bytes, size_t length)
{
    if (!length)
        return true;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)bytes[i]) && (!bytes[i] || !strchr("_.:/@%+-", bytes[i])))
            return true;
    return strstr(bytes, "//") || strstr(bytes, "/*");
}

void args_quote(struct text *out, const char *bytes, size_t length)
{
    if (!needs_quotes(bytes, length)) {
        text_add(out, bytes, length);
        return;
    }
    text_putc(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c == '\\' || c == '"' || c == '$')
            text_printf(out, "\\%c", c);
        else if (c == '\n')
            text_puts(out, "\\n");
        else if (c == '\t')
            text_puts(out, "\\t");
        else if (c == '\r')
            text_puts(out, "\\r");
        else if (c < 32 || c > 126)
            text_printf(out, "\\<%02X>", c);
        else
            text_putc(out, (char)c);
    }
    text_putc(out, '"');
}

/* ---- assigning words to the rows of a table ---- */

enum { ROWS_MAX = 64 };

enum word_state { WORD_FREE, WORD_POSITIONAL, WORD_KEYWORD };

struct parse {
    struct element *element;
    struct errors *errors;
    struct words words;
    unsigned *keyword_length;           /* of each word; 0: it cannot be a keyword argument */
    enum word_state *state;
    char *values;                       /* scratch: one value a row, 16-byte aligned */
    size_t value_at[ROWS_MAX];
    bool parsed[ROWS_MAX];
    bool ok;
};

unsigned args_keyword_length(const char *s)
{
    unsigned n = 0;

    if (!isalpha((unsigned char)*s) && *s != '_')
        return 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_')
        n++;
    return isspace((unsigned char)s[n]) && s[n + strspn(s + n, " \t\r\n\v\f")] ? n : 0;
}

bool args_error(const struct arg_context *context, const char *format, ...)
{
    struct text message = {0};
    va_list args;

    va_start(args, format);
    text_vprintf(&message, format, args);
    va_end(args);
    if (context->errors)
        errors_add(context->errors, NULL, "%s%s%s", context->name ? context->name : "",
                   context->name ? ": " : "", text_string(&message));
    text_free(&message);
    return false;
}

/* The last word that names the row as its keyword; all such words are used up. */
static int find_keyword(struct parse *parse, const char *name)
{
    size_t length = strlen(name);
    int found = -1;

    for (unsigned i = 0; i < parse->words.n; i++) {
        if (parse->state[i] == WORD_FREE && parse->keyword_length[i] == length &&
            memcmp(parse->words.word[i], name, length) == 0) {
            parse->state[i] = WORD_KEYWORD;
            found = (int)i;
        }
    }
    return found;
}

/*
 * The word a positional row may take: the first after those already taken by
 * position. A keyword argument in between ends the positional ones, unless the
 * class lets keywords stand anywhere.
 */
static int find_positional(const struct parse *parse, bool anywhere)
{
    for (unsigned i = 0; i < parse->words.n; i++) {
        if (parse->state[i] == WORD_FREE)
            return (int)i;
        if (parse->state[i] == WORD_KEYWORD && !anywhere)
            return -1;
    }
    return -1;
}

static void parse_row(struct parse *parse, unsigned row, const struct argument *argument,
                      bool anywhere)
{
    struct arg_context context = {parse->element, parse->errors, argument->name,
                                  argument->min, argument->max};
    bool required = argument->kind == ARG_REQUIRED || argument->kind == ARG_KEYWORD_REQUIRED;
    const char *text = NULL;
    unsigned before;
    int found = find_keyword(parse, argument->name), position;

    if (found >= 0) {
        text = parse->words.word[found] + parse->keyword_length[found];
        text += strspn(text, " \t\r\n\v\f");
    }
    if (argument->kind == ARG_REQUIRED || argument->kind == ARG_OPTIONAL) {
        position = find_positional(parse, anywhere);
        /* A required one that is missing swallows what looks like a keyword, as Click's does. */
        if (position >= 0 && !parse->keyword_length[position]) {
            parse->state[position] = WORD_POSITIONAL;
            if (position > found) {
                text = parse->words.word[position];
                found = position;
            }
        } else if (position >= 0 && found < 0 && required) {
            parse->state[position] = WORD_POSITIONAL;
            text = parse->words.word[position];
            found = position;
        }
    }
    /* An empty place between commas leaves the argument as if it had not been given. */
    if (found < 0 || !*text) {
        if (required)
            parse->ok = args_error(&context, "required argument missing");
        return;
    }
    before = parse->errors->count;
    if (argument->type->parse(&context, text, parse->values + parse->value_at[row])) {
        parse->parsed[row] = true;
        return;
    }
    if (parse->errors->count == before)
        args_error(&context, "parse error (want %s, got '%s')", argument->type->name, text);
    parse->ok = false;
}

/* What no row took: an error, or the words of ARG_REST. */
static void handle_leftovers(struct parse *parse, bool rest_wanted, struct words *rest)
{
    unsigned too_many = 0;

    for (unsigned i = 0; i < parse->words.n; i++) {
        if (parse->state[i] != WORD_FREE)
            continue;
        if (rest_wanted) {
            if (words_take(rest, parse->words.word[i]) < 0)
                parse->ok = false;
            else
                parse->words.word[i] = NULL;
        } else if (parse->keyword_length[i]) {
            errors_add(parse->errors, NULL, "%.*s: unknown argument",
                       (int)parse->keyword_length[i], parse->words.word[i]);
            parse->ok = false;
        } else {
            too_many++;
        }
    }
    if (too_many) {
        errors_add(parse->errors, NULL, "too many arguments");
        parse->ok = false;
    }
}

/* Moves parsed values into the element, or releases them when the parse failed. */
static void settle(struct parse *parse, const struct argument *table, bool store)
{
    for (unsigned row = 0; table && table[row].name; row++) {
        void *value = parse->values + parse->value_at[row];
        const struct argument *a = &table[row];
        char *place = (char *)parse->element + a->offset;

        if (!parse->parsed[row])
            continue;
        if (!store || a->kind == ARG_IGNORED) {
            if (a->type->release)
                a->type->release(value);
            continue;
        }
        if (a->type->release)
            a->type->release(place);
        memcpy(place, value, a->type->size);
        if (a->given)
            *((bool *)((char *)parse->element + a->given)) = true;
    }
}

static bool prepare(struct parse *parse, const struct argument *table, const char *config,
                    bool *rest_wanted)
{
    size_t size = 0;

    *rest_wanted = false;
    for (unsigned row = 0; table && table[row].name; row++) {
        if (row >= ROWS_MAX)
            abort();                    /* a table longer than any: our own mistake */
        parse->value_at[row] = size;
        if (table[row].kind == ARG_REST)
            *rest_wanted = true;
        else
            size += (table[row].type->size + 15) & ~(size_t)15;
    }
    parse->values = calloc(1, size + 1);
    if (!parse->values || words_split_commas(&parse->words, config) < 0)
        return false;
    parse->keyword_length = calloc(parse->words.n + 1, sizeof *parse->keyword_length);
    parse->state = calloc(parse->words.n + 1, sizeof *parse->state);
    if (!parse->keyword_length || !parse->state)
        return false;
    for (unsigned i = 0; i < parse->words.n; i++)
        parse->keyword_length[i] = args_keyword_length(parse->words.word[i]);
    return true;
}

/* ---- values put away, so that they can come back ---- */

static bool is_stored(const struct argument *a)
{
    return a->kind != ARG_REST && a->kind != ARG_IGNORED;
}

/* Copies all values and `given` flags from one struct of the class to another; nobody's are released. */
static void copy_values(const struct argument *table, void *to, const void *from)
{
    for (; table && table->name; table++) {
        if (!is_stored(table))
            continue;
        memcpy((char *)to + table->offset, (const char *)from + table->offset, table->type->size);
        if (table->given)
            memcpy((char *)to + table->given, (const char *)from + table->given, sizeof(bool));
    }
}

/* Rows may share a place: what was released is zeroed, so that it is not released again. */
static void release_values(const struct argument *table, void *in)
{
    for (; table && table->name; table++) {
        if (!is_stored(table) || !table->type->release)
            continue;
        table->type->release((char *)in + table->offset);
        memset((char *)in + table->offset, 0, table->type->size);
    }
}

static bool parse_into(struct element *element, const char *config, const void *defaults,
                       struct args_undo *undo, struct words *rest, struct errors *errors)
{
    const struct argument *table = element->class->arguments;
    bool rest_wanted, anywhere = element->class->keywords_anywhere;
    struct parse parse = {.element = element, .errors = errors, .ok = true};

    *rest = (struct words){0};
    if (!prepare(&parse, table, config, &rest_wanted)) {
        errors_add(errors, NULL, "out of memory");
        parse.ok = false;
    } else {
        /* Where keywords may stand anywhere, they are taken out first. */
        for (int pass = rest_wanted || anywhere ? 0 : 1; pass < 2; pass++) {
            for (unsigned row = 0; table && table[row].name; row++) {
                bool positional = table[row].kind == ARG_REQUIRED ||
                                  table[row].kind == ARG_OPTIONAL;

                if (table[row].kind == ARG_REST)
                    continue;
                if (!(rest_wanted || anywhere) || positional == (pass == 1))
                    parse_row(&parse, row, &table[row], rest_wanted || anywhere);
            }
        }
        handle_leftovers(&parse, rest_wanted, rest);
        if (parse.ok && defaults) {
            copy_values(table, undo->values, element);
            copy_values(table, element, defaults);
        }
        settle(&parse, table, parse.ok);
    }
    words_free(&parse.words);
    free(parse.keyword_length);
    free(parse.state);
    free(parse.values);
    return parse.ok;
}

bool args_parse(struct element *element, const char *config, struct words *rest,
                struct errors *errors)
{
    return parse_into(element, config, NULL, NULL, rest, errors);
}

bool args_replace(struct element *element, const void *defaults, const char *config,
                  struct args_undo *undo, struct words *rest, struct errors *errors)
{
    *rest = (struct words){0};
    undo->values = calloc(1, element->class->size);
    if (!undo->values) {
        errors_add(errors, NULL, "out of memory");
        return false;
    }
    if (parse_into(element, config, defaults, undo, rest, errors))
        return true;
    free(undo->values);
    undo->values = NULL;
    return false;
}

void args_commit(struct element *element, struct args_undo *undo)
{
    release_values(element->class->arguments, undo->values);
    free(undo->values);
    undo->values = NULL;
}

void args_rollback(struct element *element, struct args_undo *undo)
{
    release_values(element->class->arguments, element);
    copy_values(element->class->arguments, element, undo->values);
    free(undo->values);
    undo->values = NULL;
}

void args_release(struct element *element)
{
    release_values(element->class->arguments, element);
}
