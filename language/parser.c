// SPDX-License-Identifier: BSD-2-Clause
/*
 * parser.c - Click statements into bodies (syntax.h).
 *
 * - Names are resolved where they stand: classes and elements must come before their use.
 * - After an error parsing goes on at the next token that makes sense, so that one run
 *   shows all mistakes. Nesting beyond NESTING_MAX is the exception: it ends the run.
 * - The recursion is statement -> chain -> item -> compound or group -> statement,
 *   bounded by NESTING_MAX; what is large lives in `struct level`, not on the stack.
 */
#include <stdlib.h>
#include <string.h>

#include "language/chain.h"
#include "language/syntax.h"
#include "router/args.h"

/* Not to be inlined, so that its variables do not pile up in the recursion. */
#define LEAF __attribute__((noinline))

/* What statements stand in decides how they end and whether `->` may imply `input`. */
enum enclosure { IN_FILE, IN_COMPOUND, IN_GROUP };

/* A class name in force. */
struct binding {
    struct slice name;
    struct syntax_class *class;
    struct binding *hidden;             /* what the name meant outside */
    struct binding *previous;           /* bound before this one */
};

struct level {
    struct item_list left, right;
    bool ended_in_output;               /* the last chain did */
};

struct parser {
    struct syntax *syntax;
    struct lexer lexer;
    struct syntax_body *body;           /* being filled */
    struct symbols bound_classes;       /* value: struct binding */
    struct symbols other_classes;       /* value: struct syntax_class, primitive or unknown */
    struct binding *bindings;           /* newest first */
    unsigned requirements_capacity;
    unsigned depth;                     /* index into levels */
    unsigned ports_left;
    struct landmark *bar;               /* the `||` that ended statements */
    bool stopped;                       /* nested too deep: say nothing more */
    struct chain_scratch scratch;
    struct level levels[NESTING_MAX + 1];
};

/* What ended statements. */
enum closing { CLOSED_BY_END, CLOSED_BY_BRACKET, CLOSED_BY_BAR };

static enum closing parse_statements(struct parser *parser, enum enclosure enclosure,
                                     struct landmark *open);

/* ---- tokens ---- */

static struct token next(struct parser *parser)
{
    return lexer_next(&parser->lexer);
}

static const struct token *peek(struct parser *parser)
{
    return lexer_peek(&parser->lexer, 0);
}

static bool peek_is(struct parser *parser, char character)
{
    return token_is(peek(parser), character);
}

static bool peek_arrow(struct parser *parser)
{
    enum token_kind kind = peek(parser)->kind;

    return kind == TOKEN_ARROW || kind == TOKEN_DOUBLE_ARROW;
}

/* Takes a token that is known already, and tells where it stood. */
static LEAF struct landmark *take(struct parser *parser)
{
    return next(parser).landmark;
}

static bool accept(struct parser *parser, char character)
{
    if (!peek_is(parser, character))
        return false;
    take(parser);
    return true;
}

static LEAF void syntax_error_near(struct parser *parser, const struct token *token)
{
    char shown[TOKEN_PRINTED_MAX];

    if (parser->stopped)
        return;
    if (token->kind == TOKEN_END)
        syntax_error(parser->syntax, token->landmark, "syntax error at end of file");
    else
        syntax_error(parser->syntax, token->landmark, "syntax error near '%s'",
                     token_print(token, shown));
}

/* An error at the coming token. */
static void error_here(struct parser *parser, const char *message)
{
    if (!parser->stopped)
        syntax_error(parser->syntax, peek(parser)->landmark, "%s", message);
}

/* False: too deep, and the end of parsing. */
static bool enter(struct parser *parser, struct landmark *landmark)
{
    struct level *level;

    if (parser->depth == NESTING_MAX) {
        if (!parser->stopped)
            syntax_error(parser->syntax, landmark,
                         "compound elements and groups nested more than %d deep", NESTING_MAX);
        parser->stopped = true;
        lexer_stop(&parser->lexer);
        return false;
    }
    level = &parser->levels[++parser->depth];
    item_list_clear(&level->left);
    item_list_clear(&level->right);
    level->ended_in_output = true;
    return true;
}

static void leave(struct parser *parser)
{
    parser->depth--;
}

/* ---- classes ---- */

static struct syntax_class *new_class(struct parser *parser, enum class_kind kind, const char *name)
{
    struct syntax_class *class = arena_alloc(&parser->syntax->arena, sizeof(*class));

    if (class) {
        class->kind = kind;
        class->name = name;
    }
    return class;
}

static const char *copy_name(struct parser *parser, struct slice name)
{
    return arena_copy(&parser->syntax->arena, name.s, name.length);
}

static LEAF void bind_class(struct parser *parser, struct slice name, struct syntax_class *class)
{
    struct symbol *symbol = symbols_add(&parser->bound_classes, &parser->syntax->arena, name.s,
                                        name.length);
    struct binding *binding = arena_alloc(&parser->syntax->arena, sizeof(*binding));

    if (!symbol || !binding || !class)
        return;
    *binding = (struct binding){name, class, symbol->value, parser->bindings};
    symbol->value = parser->bindings = binding;
}

/* The end of a scope: names mean again what they meant at `mark`. */
static void unbind_classes(struct parser *parser, const struct binding *mark)
{
    for (; parser->bindings != mark; parser->bindings = parser->bindings->previous) {
        const struct slice *name = &parser->bindings->name;

        symbols_find(&parser->bound_classes, name->s, name->length)->value =
            parser->bindings->hidden;
    }
}

static struct syntax_class *find_bound(struct parser *parser, struct slice name)
{
    const struct symbol *symbol = symbols_find(&parser->bound_classes, name.s, name.length);

    return symbol && symbol->value ? ((struct binding *)symbol->value)->class : NULL;
}

/* Without a table of classes, names like those that Click's classes have are classes. */
static bool class_known(struct parser *parser, struct slice name)
{
    const struct language_options *options = parser->syntax->options;
    char copy[256];

    if (!options || !options->class_known)
        return name.s[0] >= 'A' && name.s[0] <= 'Z' && !memchr(name.s, '@', name.length) &&
               !memchr(name.s, '/', name.length);
    if (name.length >= sizeof(copy))
        return false;
    memcpy(copy, name.s, name.length);
    copy[name.length] = '\0';
    return options->class_known(copy);
}

static struct syntax_class *enter_other(struct parser *parser, struct slice name,
                                        enum class_kind kind)
{
    struct syntax_class *class = new_class(parser, kind, copy_name(parser, name));
    struct symbol *symbol = symbols_add(&parser->other_classes, &parser->syntax->arena, name.s,
                                        name.length);

    if (symbol)
        symbol->value = class;
    return class;
}

/* A primitive, or a name that was already reported as unknown. */
static struct syntax_class *find_other(struct parser *parser, struct slice name)
{
    const struct symbol *symbol = symbols_find(&parser->other_classes, name.s, name.length);

    if (symbol)
        return symbol->value;
    return class_known(parser, name) ? enter_other(parser, name, CLASS_PRIMITIVE) : NULL;
}

static struct syntax_class *find_class(struct parser *parser, struct slice name)
{
    struct syntax_class *class = find_bound(parser, name);

    return class ? class : find_other(parser, name);
}

/* A name that is neither element nor class: of somebody else's, where that may be. NULL: it may not. */
static struct syntax_class *enter_foreign(struct parser *parser, struct slice name)
{
    const struct language_options *options = parser->syntax->options;

    return options && options->foreign_classes ? enter_other(parser, name, CLASS_PRIMITIVE) : NULL;
}

/* Where only a class can stand. Each unknown name is reported once. */
static struct syntax_class *need_class(struct parser *parser, const struct token *token)
{
    struct syntax_class *class = find_class(parser, token->text);

    if (class || (class = enter_foreign(parser, token->text)))
        return class;
    syntax_error(parser->syntax, token->landmark, "unknown element class '%.*s'",
                 (int)token->text.length, token->text.s);
    return enter_other(parser, token->text, CLASS_UNKNOWN);
}

/* ---- ports ---- */

/* As in C, also 0b and digits grouped by underscores. */
static bool read_port(struct slice text, unsigned *port)
{
    unsigned base = 10, value = 0;
    size_t i = 0;

    if (text.length > 2 && text.s[0] == '0' && (text.s[1] | 0x20) == 'x') {
        base = 16;
        i = 2;
    } else if (text.length > 2 && text.s[0] == '0' && (text.s[1] | 0x20) == 'b') {
        base = 2;
        i = 2;
    } else if (text.length > 1 && text.s[0] == '0') {
        base = 8;
        i = 1;
    }
    for (; i < text.length; i++) {
        char c = text.s[i];
        unsigned digit;

        if (c == '_' && i + 1 < text.length)
            continue;
        digit = lexer_is_digit(c) ? (unsigned)(c - '0')
                                  : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
                                        ? (unsigned)((c | 0x20) - 'a') + 10 : base;
        if (digit >= base)
            return false;
        if (value <= PORT_MAX)
            value = value * base + digit;
    }
    *port = value;
    return true;
}

static void add_port(struct parser *parser, struct item_list *list, struct port_list *ports,
                     unsigned port, struct landmark *landmark)
{
    if (!parser->ports_left) {
        if (!parser->stopped)
            syntax_error(parser->syntax, landmark, "too many ports");
        parser->stopped = true;
        lexer_stop(&parser->lexer);
        return;
    }
    parser->ports_left--;
    item_list_add_port(list, &parser->syntax->arena, ports, port);
}

/* To the end of a port list that went wrong. */
static void skip_ports(struct parser *parser)
{
    while (!accept(parser, ']')) {
        const struct token *token = peek(parser);

        if (token->kind == TOKEN_END || token_is(token, ';') || token_is(token, '{') ||
            token_is(token, '}') || peek_arrow(parser))
            return;
        next(parser);
    }
}

/* `[0, 2-4, 7-]`, when there is one. */
static void parse_ports(struct parser *parser, struct item_list *list, struct port_list *ports)
{
    struct syntax *syntax = parser->syntax;
    unsigned port = 0, last = 0;
    bool range = false;

    if (!accept(parser, '['))
        return;
    while (!parser->stopped) {
        struct token token;

        if (peek_is(parser, ']')) {             /* `[]` and `[1-]` take what there is */
            token = next(parser);
            if (!ports->n)
                add_port(parser, list, ports, 0, token.landmark);
            ports->expandable = true;
            return;
        }
        if (peek(parser)->kind != TOKEN_IDENTIFIER) {
            error_here(parser, "syntax error: expected port number");
            skip_ports(parser);
            return;
        }
        token = next(parser);
        if (!read_port(token.text, &port)) {
            syntax_error(syntax, token.landmark,
                         "syntax error: port number should be integer, not '%.*s'",
                         (int)token.text.length, token.text.s);
            port = 0;
        } else if (port > PORT_MAX) {
            syntax_error(syntax, token.landmark, "port number %.*s too large (at most %d)",
                         (int)token.text.length, token.text.s, PORT_MAX);
            port = 0;
        } else if (range && port < last) {
            syntax_error(syntax, token.landmark, "ports %u-%u run backwards", last, port);
        }
        if (range)
            for (last++; last <= port && !parser->stopped; last++)
                add_port(parser, list, ports, last, token.landmark);
        else
            add_port(parser, list, ports, port, token.landmark);
        last = port;

        if (accept(parser, ']'))
            return;
        if (!range && accept(parser, '-')) {
            range = true;
        } else if (accept(parser, ',')) {
            range = false;
        } else {
            error_here(parser, "syntax error: expected ','");
            skip_ports(parser);
            return;
        }
    }
}

/* ---- variables ---- */

static void define(struct parser *parser, struct slice name, const char *keyword, const char *value,
                   struct landmark *landmark)
{
    if (!body_define(parser->syntax, parser->body, name, keyword, value) &&
        !parser->syntax->arena.failed)
        syntax_error(parser->syntax, landmark, "parameter '$%.*s' multiply defined",
                     (int)name.length, name.s);
}

/* Formals of a compound: `$a, KEYWORD $b, __REST__ $c |`. May be missing altogether. */
static LEAF void parse_formals(struct parser *parser)
{
    struct syntax_body *body = parser->body;
    struct symbols keywords = {0};
    bool order_reported = false;
    const char *keyword, *before = NULL;
    struct symbol *symbol;
    struct token token;

    if (accept(parser, '|'))
        return;
    for (;;) {
        keyword = "";
        if (peek(parser)->kind == TOKEN_IDENTIFIER &&
            lexer_peek(&parser->lexer, 1)->kind == TOKEN_VARIABLE) {
            token = next(parser);
            keyword = copy_name(parser, token.text);
            symbol = symbols_add(&keywords, &parser->syntax->arena, token.text.s,
                                 token.text.length);
            if (!keyword || !symbol)
                return;
            if (symbol->value)
                syntax_error(parser->syntax, token.landmark,
                             "repeated keyword parameter '%s' in compound element", keyword);
            symbol->value = body;
        } else if (peek(parser)->kind != TOKEN_VARIABLE) {
            if (body->n_formals)
                error_here(parser, "expected variable");
            return;
        }
        token = next(parser);
        if (before && !order_reported &&
            ((!*keyword && *before) || strcmp(before, "__REST__") == 0)) {
            syntax_error(parser->syntax, token.landmark,
                         "compound element parameters out of order "
                         "(the correct order is: positional, keywords, __REST__)");
            order_reported = true;
        }
        before = keyword;
        define(parser, token.text, keyword, NULL, token.landmark);
        body->n_formals = body->n_variables;

        if (accept(parser, '|'))
            return;
        if (!accept(parser, ',')) {
            error_here(parser, "expected ',' or '|'");
            return;
        }
    }
}

/* The configuration string behind a keyword, cut at commas. Free with words_free(). */
static bool parse_words(struct parser *parser, struct words *words)
{
    struct token open;
    struct slice config;
    char *text;

    *words = (struct words){0};
    if (!peek_is(parser, '(')) {
        error_here(parser, "expected '('");
        return false;
    }
    open = next(parser);
    config = lexer_config(&parser->lexer, &open);
    text = arena_copy(&parser->syntax->arena, config.s, config.length);
    if (!text || words_split_commas(words, text) < 0) {
        parser->syntax->arena.failed = true;
        return false;
    }
    return true;
}

/* `define($a 1, $b 2)` */
static LEAF void parse_define(struct parser *parser, struct landmark *landmark)
{
    struct words words;
    unsigned i;

    if (parse_words(parser, &words)) {
        for (i = 0; i < words.n; i++) {
            const char *s = words.word[i], *name_end, *name;

            if (!*s)
                continue;
            for (name_end = s + 1; lexer_is_word(*name_end); name_end++)
                ;
            if (*s != '$' || name_end == s + 1 || (*name_end && !lexer_is_space(*name_end))) {
                syntax_error(parser->syntax, landmark,
                             "bad 'define' declaration: not a variable: '%s'", s);
                continue;
            }
            name = arena_copy(&parser->syntax->arena, s, strlen(s));
            if (!name)
                break;
            name_end += name - s;
            while (lexer_is_space(*name_end))
                name_end++;
            for (s = name + 1; lexer_is_word(*s); s++)
                ;
            define(parser, (struct slice){name + 1, (size_t)(s - name - 1)}, "", name_end,
                   landmark);
        }
    }
    words_free(&words);
}

/* ---- requirements ---- */

static void add_requirement(struct parser *parser, const char *type, const char *value,
                            struct landmark *landmark)
{
    struct arena *arena = parser->syntax->plan_arena;
    struct plan *plan = parser->syntax->plan;
    struct plan_requirement *requirement;

    if (!arena_grow(arena, (void **)&plan->requirements, &parser->requirements_capacity,
                    plan->n_requirements, sizeof(*plan->requirements)))
        return;
    requirement = &plan->requirements[plan->n_requirements];
    requirement->type = arena_copy(arena, type, strlen(type));
    requirement->value = arena_copy(arena, value, strlen(value));
    requirement->landmark = landmark_text(landmark, arena);
    if (requirement->type && requirement->value)
        plan->n_requirements++;
}

static void require_library(struct parser *parser, const char *name, enum enclosure enclosure,
                            struct landmark *landmark)
{
    struct syntax *syntax = parser->syntax;
    const struct language_options *options = syntax->options;
    struct lexer including = parser->lexer;
    struct syntax_library *library, *other;
    size_t length = 0;

    if (enclosure != IN_FILE) {
        syntax_error(syntax, landmark, "'require library' must be used at file scope");
        return;
    }
    if (!options || !options->read_library) {
        syntax_error(syntax, landmark, "library '%s': there are no library files here", name);
        return;
    }
    library = arena_alloc(&syntax->arena, sizeof(*library));
    if (!library)
        return;
    library->text = options->read_library(options->closure, name, landmark->file, &library->path,
                                          &length);
    if (!library->text) {
        syntax_error(syntax, landmark, "library '%s' not found in CLICKPATH/conf", name);
        free(library->path);
        return;
    }
    for (other = syntax->libraries; other; other = other->next)
        if (strcmp(other->path, library->path) == 0) {
            free(library->path);
            free(library->text);
            return;
        }
    library->next = syntax->libraries;
    syntax->libraries = library;
    if (!enter(parser, landmark))
        return;
    lexer_open(&parser->lexer, library->text, length, library->path, &syntax->arena,
               syntax->plan_arena, syntax->errors);
    parse_statements(parser, IN_FILE, NULL);
    parser->lexer = including;
    if (parser->stopped)
        lexer_stop(&parser->lexer);
    leave(parser);
}

static char *unquote(struct parser *parser, const char *word)
{
    size_t length;
    char *value = args_unquote(word, &length);

    if (!value)
        parser->syntax->arena.failed = true;
    return value;
}

static void bad_requirement(struct parser *parser, const char *text, struct landmark *landmark)
{
    syntax_error(parser->syntax, landmark, "syntax error at requirement '%s'", text);
}

static void require(struct parser *parser, const char *text, enum enclosure enclosure,
                    struct landmark *landmark)
{
    struct words words = {0};
    char *value = NULL;

    if (words_split_spaces(&words, text) < 0) {
        parser->syntax->arena.failed = true;
    } else if (words.n == 0) {
        /* an empty place between commas */
    } else if (words.n == 1 && strcmp(words.word[0], "compact_config") == 0) {
        add_requirement(parser, words.word[0], "", landmark);
    } else if (words.n == 1 && strcmp(words.word[0], "package") != 0 &&
               strcmp(words.word[0], "library") != 0) {
        /* `require(x)` is short for `require(package x)` */
        value = unquote(parser, words.word[0]);
        if (value && !args_is_one_word(value))
            bad_requirement(parser, text, landmark);
        else if (value)
            add_requirement(parser, "package", value, landmark);
    } else if (words.n == 2 && strcmp(words.word[0], "package") == 0) {
        value = unquote(parser, words.word[1]);
        if (value)
            add_requirement(parser, "package", value, landmark);
    } else if (words.n == 2 && strcmp(words.word[0], "library") == 0) {
        value = unquote(parser, words.word[1]);
        if (value)
            require_library(parser, value, enclosure, landmark);
    } else {
        bad_requirement(parser, text, landmark);
    }
    free(value);
    words_free(&words);
}

/* `require(package x, library y.click, compact_config)` */
static LEAF void parse_require(struct parser *parser, enum enclosure enclosure,
                          struct landmark *landmark)
{
    struct words words;
    unsigned i;

    if (parse_words(parser, &words))
        for (i = 0; i < words.n; i++)
            require(parser, words.word[i], enclosure, landmark);
    words_free(&words);
}

/* ---- compounds and groups ---- */

static struct syntax_body *parse_body(struct parser *parser, const char *name,
                                      struct landmark *open, enum closing *closing)
{
    struct syntax *syntax = parser->syntax;
    struct syntax_body *body = arena_alloc(&syntax->arena, sizeof(*body));
    const struct binding *mark = parser->bindings;

    if (body) {
        body->name = name;
        body->landmark = open;
        body->outer = parser->body;
    }
    if (!body || !body_add_ends(syntax, body) || !enter(parser, open)) {
        lexer_stop(&parser->lexer);
        return NULL;
    }
    parser->body = body;
    parse_formals(parser);
    *closing = parse_statements(parser, IN_COMPOUND, open);
    parser->body = body->outer;
    leave(parser);
    unbind_classes(parser, mark);
    body_finish_names(syntax, body);
    body_check_ends(syntax, body, BODY_INPUT, *name ? name : "<anonymous>", open, &body->n_inputs,
                    &body->n_outputs);
    return body;
}

/* `...` : the class that is extended. */
static LEAF struct syntax_class *parse_extension(struct parser *parser, const char *name,
                                                 bool is_last)
{
    struct token token = next(parser);
    struct syntax_class *class = NULL;

    if (*name)
        class = find_class(parser, (struct slice){name, strlen(name)});
    if (!class)
        syntax_error(parser->syntax, token.landmark, "cannot extend unknown element class '%s'",
                     name);
    if (!is_last || !peek_is(parser, '}'))
        syntax_error(parser->syntax, token.landmark,
                     "'...' should occur last, after one or more compounds");
    return class;
}

/* `{ ... || ... }`, the opening brace taken. */
static struct syntax_class *parse_compound(struct parser *parser, const char *name,
                                           struct landmark *open)
{
    struct syntax_class *class = name ? new_class(parser, CLASS_COMPOUND, name) : NULL;
    struct syntax_body **place;
    enum closing closing;

    if (!class) {
        lexer_stop(&parser->lexer);
        return NULL;
    }
    place = &class->bodies;
    for (;;) {
        if (peek(parser)->kind == TOKEN_ELLIPSIS) {
            class->extends = parse_extension(parser, name, class->bodies != NULL);
            if (accept(parser, '}') || peek(parser)->kind == TOKEN_END)
                return class;
            open = peek(parser)->landmark;
            if (peek(parser)->kind == TOKEN_DOUBLE_BAR)
                take(parser);
            continue;
        }
        *place = parse_body(parser, name, open, &closing);
        if (!*place || closing != CLOSED_BY_BAR)
            return class;
        place = &(*place)->next;
        open = parser->bar;
    }
}

static void *set_name(struct parser *parser, const char *name, void *value)
{
    struct symbol *symbol = symbols_add(&parser->body->element_names, &parser->syntax->arena, name,
                                        strlen(name));
    void *old;

    if (!symbol)
        return NULL;
    old = symbol->value;
    symbol->value = value;
    return old;
}

static unsigned add_passage(struct parser *parser, const char *name, struct landmark *landmark)
{
    unsigned index = body_add(parser->syntax, parser->body, name, true, NULL, (struct slice){"", 0},
                              landmark);

    if (index != NO_ELEMENT) {
        parser->body->elements[index].ports =
            arena_alloc(&parser->syntax->arena, sizeof(struct port_set));
        if (!parser->body->elements[index].ports)
            return NO_ELEMENT;
    }
    return index;
}

static void imply_ports(struct parser *parser, struct item_list *list, struct port_list *ports,
                        unsigned n, struct landmark *landmark)
{
    unsigned i;

    if (!ports->n)
        for (i = 0; i < n; i++)
            add_port(parser, list, ports, i, landmark);
}

/*
 * `( statements )`, the opening parenthesis taken. Names inside are those outside, but for `input`
 * and `output`.
 */
static void parse_group(struct parser *parser, struct item_list *list, struct item *item,
                        struct landmark *open)
{
    struct syntax *syntax = parser->syntax;
    struct syntax_body *body = parser->body;
    const char *name = body_anonymous_name(syntax, body, "");
    void *outer_input, *outer_output;
    unsigned group, n_inputs, n_outputs;

    item->group = true;
    if (!name || !enter(parser, open))
        return;
    item->name = (struct slice){name, strlen(name)};
    group = body_add(syntax, body, name, true, NULL, (struct slice){"", 0}, open);
    if (group == NO_ELEMENT || add_passage(parser, name, open) == NO_ELEMENT ||
        add_passage(parser, name, open) == NO_ELEMENT) {
        lexer_stop(&parser->lexer);
        leave(parser);
        return;
    }
    body->elements[group].group = true;
    item->element = group;

    outer_input = set_name(parser, "input", (void *)((uintptr_t)group + 2));
    outer_output = set_name(parser, "output", (void *)((uintptr_t)group + 3));
    parse_statements(parser, IN_GROUP, open);
    set_name(parser, "input", outer_input);
    set_name(parser, "output", outer_output);
    leave(parser);

    body_check_ends(syntax, body, group + 1, "<anonymous group>", open, &n_inputs,
                    &n_outputs);
    item->outputs.n = item->outputs.first = 0;
    imply_ports(parser, list, &item->inputs, n_inputs, open);
    if (!peek_is(parser, '['))
        imply_ports(parser, list, &item->outputs, n_outputs, open);
}

/* ---- chains ---- */

/* Nothing stands where an element should: maybe `input` or `output` is meant. */
static LEAF bool imply_end(struct parser *parser, struct item_list *list, struct item *item,
                           bool first, enum enclosure enclosure)
{
    const struct token *token = peek(parser);
    bool has_ports = item->inputs.n > 0, at_start = list->n == 1, implied;
    char shown[TOKEN_PRINTED_MAX];

    if (enclosure == IN_FILE || token->kind == TOKEN_DOUBLE_COLON)
        return false;
    if (peek_arrow(parser))
        implied = first && (has_ports || at_start);
    else if (token_is(token, ','))
        implied = has_ports;
    else
        implied = !first && (has_ports || at_start);
    if (!implied)
        return false;
    if (first && !has_ports && !parser->levels[parser->depth].ended_in_output) {
        token_print(token, shown);
        errors_warn(parser->syntax->errors,
                    landmark_text(token->landmark, parser->syntax->plan_arena),
                    "suggest 'input %s' or '[0] %s' to start connection", shown, shown);
    }
    item->landmark = token->landmark;
    item->name = first ? (struct slice){"input", 5} : (struct slice){"output", 6};
    if (first) {
        item->outputs = item->inputs;
        item->inputs = (struct port_list){0};
    }
    return true;
}

static LEAF void read_class_name(struct parser *parser, struct item *item)
{
    struct token token = next(parser);

    item->declared = need_class(parser, &token);
}

static void parse_declaration(struct parser *parser, struct item *item)
{
    if (item->group)
        error_here(parser, "syntax error: an element group cannot be declared");
    take(parser);
    item->bare = false;
    if (peek(parser)->kind == TOKEN_IDENTIFIER) {
        read_class_name(parser, item);
    } else if (peek_is(parser, '{')) {
        item->declared = parse_compound(parser, "", take(parser));
    } else {
        error_here(parser, "missing element type in declaration");
        item->declared = new_class(parser, CLASS_UNKNOWN, "");
    }
}

static LEAF void parse_config(struct parser *parser, struct item *item)
{
    struct token open = next(parser);

    item->config = lexer_config(&parser->lexer, &open);
    item->bare = false;
    if (item->group)
        syntax_error(parser->syntax, open.landmark,
                     "configuration string ignored on element group");
}

/*
 * `[ports] name :: Class(config) [ports]` with everything optional. False: there is no element,
 * which was reported where that is an error; then nothing was added to the list.
 */
static bool parse_item(struct parser *parser, struct item_list *list, bool first,
                       enum enclosure enclosure, bool *implied)
{
    struct item *item = item_list_add(list, &parser->syntax->arena);

    if (!item) {
        lexer_stop(&parser->lexer);
        return false;
    }
    parse_ports(parser, list, &item->inputs);
    item->landmark = peek(parser)->landmark;
    if (peek(parser)->kind == TOKEN_IDENTIFIER) {
        item->name = peek(parser)->text;
        take(parser);
        item->bare = true;
    } else if (peek_is(parser, '{')) {
        item->named_class = parse_compound(parser, "", take(parser));
    } else if (peek_is(parser, '(')) {
        parse_group(parser, list, item, take(parser));
    } else if (imply_end(parser, list, item, first, enclosure)) {
        *implied = true;
        return true;
    } else {
        if (item->inputs.n)
            error_here(parser, "stranded port ignored");
        list->n--;
        if (list->n || (first && enclosure != IN_FILE && item->inputs.n)) {
            /* As in Click a comma may end a list that ends a statement. */
            if (list->n && !peek_is(parser, ';') && peek(parser)->kind != TOKEN_END)
                syntax_error_near(parser, peek(parser));
            if (peek(parser)->kind == TOKEN_DOUBLE_COLON)
                take(parser);
        } else {
            syntax_error_near(parser, peek(parser));
            take(parser);
        }
        return false;
    }

    if (peek(parser)->kind == TOKEN_DOUBLE_COLON)
        parse_declaration(parser, item);
    if (peek_is(parser, '('))
        parse_config(parser, item);
    parse_ports(parser, list, &item->outputs);
    return true;
}

/*
 * `a, b :: Class(config)` declares both, when it stands alone. So does `Class, Class(config)`,
 * which Click takes the same way.
 */
static LEAF void spread_declaration(struct parser *parser, struct item_list *list)
{
    const struct item *last = &list->items[list->n - 1];
    unsigned i;

    if (last->bare || peek_arrow(parser))
        return;
    for (i = 0; i < list->n; i++) {
        const struct item *item = &list->items[i];

        if (item->inputs.n || item->outputs.n || (i + 1 < list->n && !item->bare))
            return;
    }
    for (i = 0; i + 1 < list->n; i++) {
        list->items[i].declared = last->declared;
        list->items[i].config = last->config;
    }
}

static void report_redeclaration(struct parser *parser, const struct item *item)
{
    const struct syntax_element *earlier = &parser->body->elements[item->element];

    syntax_error(parser->syntax, item->landmark, "redeclaration of element '%.*s'",
                 (int)item->name.length, item->name.s);
    if (earlier->class)
        syntax_error(parser->syntax, earlier->landmark, "element '%.*s' previously declared here",
                     (int)item->name.length, item->name.s);
}

/* Finds what the item's name stands for, and declares what it declares. */
static LEAF void resolve_item(struct parser *parser, struct item *item)
{
    struct syntax *syntax = parser->syntax;
    const char *name;

    if (item->group || (!item->named_class && !item->name.length))
        return;
    if (!item->named_class) {
        item->named_class = find_bound(parser, item->name);
        if (!item->named_class)
            item->element = body_find(parser->body, item->name.s, item->name.length);
        if (item->element != NO_ELEMENT) {
            if (item->config.s && !item->bare)
                syntax_error(syntax, item->landmark,
                             "configuration string ignored on element reference '%.*s'",
                             (int)item->name.length, item->name.s);
            if (item->declared)
                report_redeclaration(parser, item);
            return;
        }
        if (!item->named_class)
            item->named_class = find_other(parser, item->name);
    }
    /* A name once reported as undeclared may still be declared later. */
    if (item->declared && item->named_class && item->named_class->kind == CLASS_UNKNOWN)
        item->named_class = NULL;
    if (!item->config.s)
        item->config = (struct slice){"", 0};

    if (item->declared && !item->named_class) {
        name = copy_name(parser, item->name);
        if (name)
            item->element = body_add(syntax, parser->body, name, false, item->declared,
                                     item->config, item->landmark);
        return;
    }
    if (item->declared) {
        syntax_error(syntax, item->landmark, "class '%.*s' used as element name",
                     (int)item->name.length, item->name.s);
    } else if (!item->named_class && !(item->named_class = enter_foreign(parser, item->name))) {
        if (item->bare)
            syntax_error(syntax, item->landmark, "undeclared element '%.*s'",
                         (int)item->name.length, item->name.s);
        else
            syntax_error(syntax, item->landmark, "unknown element class '%.*s'",
                         (int)item->name.length, item->name.s);
        item->named_class = enter_other(parser, item->name, CLASS_UNKNOWN);
    }
    name = copy_name(parser, item->name);
    if (name && item->named_class)
        name = body_anonymous_name(syntax, parser->body, name);
    if (name && item->named_class)
        item->element = body_add(syntax, parser->body, name, true, item->named_class, item->config,
                                 item->landmark);
}

/* A list of items between arrows. False: there is none. */
static bool parse_list(struct parser *parser, struct item_list *list, bool first,
                       enum enclosure enclosure)
{
    bool implied = false;
    unsigned i;

    item_list_clear(list);
    do
        if (!parse_item(parser, list, first, enclosure, &implied))
            break;
    while (accept(parser, ','));
    if (!list->n)
        return false;
    if (implied && !first && peek_arrow(parser))
        error_here(parser, "implicit ports used in the middle of a chain");
    if (first && !implied && list->n > 1)
        spread_declaration(parser, list);
    for (i = 0; i < list->n; i++)
        resolve_item(parser, &list->items[i]);
    return true;
}

/* Ports that lead nowhere. */
static LEAF void check_loose(struct parser *parser, const struct item_list *list, bool outputs)
{
    unsigned i;

    for (i = 0; i < list->n; i++) {
        const struct item *item = &list->items[i];

        /* A group's ports were maybe not written by anybody; they are found unused later. */
        if (outputs ? item->outputs.n : item->inputs.n) {
            syntax_error(parser->syntax, item->landmark, "%s",
                         outputs ? "output ports ignored at end of chain"
                                 : "input ports ignored at start of chain");
            return;
        }
    }
}

static void swap_lists(struct level *level)
{
    struct item_list list = level->left;

    level->left = level->right;
    level->right = list;
}

/* What separates chains from what follows. */
static LEAF void end_chain(struct parser *parser)
{
    struct token token;

    if (!accept(parser, ';') && peek_is(parser, '(')) {
        /* A second configuration string, most likely, and hardly a group. */
        token = next(parser);
        syntax_error_near(parser, &token);
        lexer_config(&parser->lexer, &token);
    }
}

/* `list -> list => list ...;` */
static void parse_chain(struct parser *parser, enum enclosure enclosure)
{
    struct level *level = &parser->levels[parser->depth];
    bool first = true, many = false;
    struct landmark *arrow = NULL;

    item_list_clear(&level->left);
    while (parse_list(parser, &level->right, first, enclosure)) {
        if (first)
            check_loose(parser, &level->right, false);
        else
            chain_connect(parser->syntax, &parser->scratch, parser->body, &level->left,
                          &level->right, many, arrow);
        swap_lists(level);
        first = false;
        while (peek_is(parser, ',') || peek(parser)->kind == TOKEN_DOUBLE_COLON) {
            syntax_error_near(parser, peek(parser));
            take(parser);
        }
        if (!peek_arrow(parser))
            break;
        many = peek(parser)->kind == TOKEN_DOUBLE_ARROW;
        arrow = take(parser);
    }
    check_loose(parser, &level->left, true);
    level->ended_in_output =
        level->left.n == 1 && level->left.items[0].element != NO_ELEMENT &&
        level->left.items[0].element == body_find(parser->body, "output", 6);
    item_list_clear(&level->left);
    end_chain(parser);
}

/* `elementclass Name { ... }` or `elementclass Name OtherName` */
static void parse_elementclass(struct parser *parser)
{
    struct slice name = {"", 0};
    struct syntax_class *class;

    if (peek(parser)->kind == TOKEN_IDENTIFIER) {
        name = peek(parser)->text;
        take(parser);
    } else {
        error_here(parser, "expected element type name");
    }

    if (peek_is(parser, '{')) {
        class = parse_compound(parser, copy_name(parser, name), take(parser));
    } else if (peek(parser)->kind == TOKEN_IDENTIFIER) {
        class = need_class(parser, peek(parser));
        take(parser);
    } else {
        syntax_error_near(parser, peek(parser));
        class = new_class(parser, CLASS_UNKNOWN, copy_name(parser, name));
    }
    if (name.length)
        bind_class(parser, name, class);
}

/* ---- statements ---- */

static bool begins_chain(const struct token *token)
{
    return token->kind == TOKEN_IDENTIFIER || token->kind == TOKEN_ARROW ||
           token->kind == TOKEN_DOUBLE_ARROW || token_is(token, '[') || token_is(token, '{') ||
           token_is(token, '(');
}

/* The text ended inside `open`. */
static LEAF void report_unclosed(struct parser *parser, struct landmark *open, char expected)
{
    char message[] = "expected 'x'";

    message[10] = expected;
    error_here(parser, message);
    if (!parser->stopped)
        syntax_error(parser->syntax, open, "the '%c' that is missing its '%c' stands here",
                     expected == '}' ? '{' : '(', expected);
}

static LEAF void parse_other(struct parser *parser, enum enclosure enclosure)
{
    struct token token = next(parser);

    if (token.kind == TOKEN_REQUIRE)
        parse_require(parser, enclosure, token.landmark);
    else if (token.kind == TOKEN_DEFINE)
        parse_define(parser, token.landmark);
    else if (!token_is(&token, ';'))
        syntax_error_near(parser, &token);
}

/* Statements up to what closes the enclosure, which is taken. */
static enum closing parse_statements(struct parser *parser, enum enclosure enclosure,
                                     struct landmark *open)
{
    for (;;) {
        const struct token *ahead = peek(parser);

        if (begins_chain(ahead)) {
            parse_chain(parser, enclosure);
        } else if (ahead->kind == TOKEN_ELEMENTCLASS) {
            take(parser);
            parse_elementclass(parser);
        } else if (ahead->kind == TOKEN_END) {
            if (enclosure != IN_FILE)
                report_unclosed(parser, open, enclosure == IN_GROUP ? ')' : '}');
            return CLOSED_BY_END;
        } else if (enclosure == IN_GROUP &&
                   (token_is(ahead, '}') || ahead->kind == TOKEN_DOUBLE_BAR)) {
            /* The group was not closed; the compound around it may go on. */
            syntax_error_near(parser, ahead);
            return CLOSED_BY_END;
        } else if ((enclosure == IN_GROUP && token_is(ahead, ')')) ||
                   (enclosure == IN_COMPOUND && token_is(ahead, '}'))) {
            take(parser);
            return CLOSED_BY_BRACKET;
        } else if (enclosure == IN_COMPOUND && ahead->kind == TOKEN_DOUBLE_BAR) {
            parser->bar = take(parser);
            return CLOSED_BY_BAR;
        } else {
            parse_other(parser, enclosure);
        }
    }
}

void parser_run(struct syntax *syntax, struct syntax_body *file, const char *text, size_t length,
                const char *filename)
{
    struct parser *parser = arena_alloc(&syntax->arena, sizeof(*parser));

    if (!parser)
        return;
    parser->syntax = syntax;
    parser->body = file;
    parser->ports_left = parser->scratch.connections_left = CONNECTIONS_MAX;
    parser->levels[0].ended_in_output = true;
    lexer_open(&parser->lexer, text, length, filename, &syntax->arena,
               syntax->plan_arena, syntax->errors);
    parse_statements(parser, IN_FILE, NULL);
    body_finish_names(syntax, file);
}
