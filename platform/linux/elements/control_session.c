// SPDX-License-Identifier: BSD-2-Clause
/*
 * control_session.c - the ControlSocket protocol; see control_session.h.
 *
 * A session is a small machine: a line, then for some commands data, counted or up to a line that ends it. A table
 * says what each command takes.
 */
#include "platform/linux/elements/control_session.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "router/args.h"

enum { WORDS_MAX = 4, KEPT_CAPACITY = 1 << 16 };

/* What a command's line may be followed by. */
enum data { DATA_NONE, DATA_IN_LINE, DATA_COUNTED, DATA_COUNTED_OR_NONE, DATA_UNTIL };

struct control_command {
    const char *name;
    enum data data;
    unsigned min_words, max_words;      /* with the command itself */
    void (*run)(struct control_session *s, const char *handler, const char *value, size_t length);
    const char *help;                   /* NULL: another name of the one before */
};

/* ---- output ---- */

static size_t waiting(const struct control_session *s)
{
    return s->out.length - s->out_begin;
}

/* The client's own words come back in messages; what a terminal could act on is written as ^A. */
static void add_printable(struct text *out, const char *s, size_t n)
{
    for (; n; s++, n--) {
        unsigned char c = (unsigned char)*s;

        if (c < ' ' || c == 0x7f) {
            text_putc(out, '^');
            text_putc(out, (char)(c ^ 0x40));
        } else {
            text_putc(out, (char)c);
        }
    }
}

static void message(struct control_session *s, enum control_code code, bool more, const char *text,
                    size_t length)
{
    text_printf(&s->out, "%d%c", code, more ? '-' : ' ');
    add_printable(&s->out, text, length);
    text_puts(&s->out, "\r\n");
}

static void say(struct control_session *s, enum control_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct control_session *s, enum control_code code, const char *format, ...)
{
    struct text line = {0};
    va_list args;

    va_start(args, format);
    text_vprintf(&line, format, args);
    va_end(args);
    s->broken |= line.failed;
    message(s, code, false, text_string(&line), line.length);
    text_free(&line);
}

/* What stands in front of the messages, for those codes that have something to say of their own. */
static const char *outcome(enum control_code code)
{
    static const struct {
        enum control_code code;
        const char *word;
    } outcomes[] = {
        {CONTROL_OK, "OK"}, {CONTROL_OK_WARNINGS, "OK with warnings"},
        {CONTROL_HANDLER_ERROR, "error"}, {CONTROL_UNSPECIFIED, "error"},
    };

    for (unsigned i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (outcomes[i].code == code)
            return outcomes[i].word;
    return NULL;
}

static void say_answer(struct control_session *s, const char *what, const char *handler,
                       const struct control_answer *answer)
{
    const char *word = outcome(answer->code), *line = text_string(&answer->messages), *end;
    struct text head = {0};

    if (word) {
        text_printf(&head, "%s handler '%s' %s%s", what, handler, word, *line ? ":" : "");
        message(s, answer->code, *line, text_string(&head), head.length);
        s->broken |= head.failed;
        text_free(&head);
    }
    for (; *line; line = end) {
        size_t n = strcspn(line, "\n");

        end = line + n + (line[n] == '\n');
        message(s, answer->code, *end, line, n);
    }
    s->broken |= answer->messages.failed;
}

static void free_answer(struct control_answer *answer)
{
    text_free(&answer->messages);
    text_free(&answer->data);
}

/* ---- commands ---- */

static void run_read(struct control_session *s, const char *handler, const char *value,
                     size_t length)
{
    struct control_answer answer = {.code = CONTROL_OK};

    s->calls->read(s->context, handler, value, length, &answer);
    if (answer.data.failed)             /* half a value is none */
        answer = (struct control_answer){CONTROL_UNSPECIFIED, answer.messages, answer.data};
    say_answer(s, "Read", handler, &answer);
    if (answer.code == CONTROL_OK) {
        text_printf(&s->out, "DATA %zu\r\n", answer.data.length);
        text_add(&s->out, text_string(&answer.data), answer.data.length);
    }
    free_answer(&answer);
}

static void run_write(struct control_session *s, const char *handler, const char *value,
                      size_t length)
{
    struct control_answer answer = {.code = CONTROL_OK};

    s->calls->write(s->context, handler, value, length, &answer);
    say_answer(s, "Write", handler, &answer);
    free_answer(&answer);
}

static void check(struct control_session *s, const char *handler, bool writing)
{
    struct control_answer answer = {.code = CONTROL_OK};

    s->calls->check(s->context, handler, writing, &answer);
    say_answer(s, writing ? "Write" : "Read", handler, &answer);
    free_answer(&answer);
}

static void run_check_read(struct control_session *s, const char *handler, const char *value,
                           size_t length)
{
    (void)value;
    (void)length;
    check(s, handler, false);
}

static void run_check_write(struct control_session *s, const char *handler, const char *value,
                            size_t length)
{
    (void)value;
    (void)length;
    check(s, handler, true);
}

/* No element here has LLRPCs; a name that makes no sense, or means nobody, is told apart all the same. */
static void run_llrpc(struct control_session *s, const char *name, const char *value, size_t length)
{
    const char *number = strchr(name, '#');
    struct control_answer answer = {.code = CONTROL_OK};
    struct text handler = {0};

    (void)value;
    (void)length;
    if (!number || !number[1] || strspn(number + 1, "0123456789abcdefABCDEF") != strlen(number + 1) ||
        strlen(number + 1) > 8) {
        say(s, CONTROL_SYNTAX, "Syntax error in LLRPC name '%s'", name);
        return;
    }
    text_printf(&handler, "%.*s.name", (int)(number - name), name);
    s->calls->check(s->context, text_string(&handler), false, &answer);
    if (answer.code == CONTROL_OK)
        say(s, CONTROL_UNIMPLEMENTED, "Cannot call LLRPC '%s' remotely", name);
    else
        say_answer(s, "Read", text_string(&handler), &answer);
    text_free(&handler);
    free_answer(&answer);
}

static void run_help(struct control_session *s, const char *handler, const char *value,
                     size_t length);

static void run_quit(struct control_session *s, const char *handler, const char *value,
                     size_t length)
{
    (void)value;
    (void)length;
    if (handler)
        say(s, CONTROL_SYNTAX, "Bad command syntax");
    say(s, CONTROL_OK, "Goodbye!");
    s->state = CONTROL_OVER;
}

static const struct control_command commands[] = {
    {"READ", DATA_IN_LINE, 2, UINT32_MAX, run_read,
     "READ handler [arg...]    reads a handler; its value follows as DATA"},
    {"GET", DATA_IN_LINE, 2, UINT32_MAX, run_read, NULL},
    {"READDATA", DATA_COUNTED, 3, 3, run_read,
     "READDATA handler n       the same; n bytes behind the line are the argument"},
    {"READUNTIL", DATA_UNTIL, 2, UINT32_MAX, run_read,
     "READUNTIL handler [end]  the same; lines up to one that says 'end' are the argument"},
    {"WRITE", DATA_IN_LINE, 2, UINT32_MAX, run_write,
     "WRITE handler [arg...]   writes a handler"},
    {"SET", DATA_IN_LINE, 2, UINT32_MAX, run_write, NULL},
    {"WRITEDATA", DATA_COUNTED, 3, 3, run_write,
     "WRITEDATA handler n      the same; n bytes behind the line are the value"},
    {"SETDATA", DATA_COUNTED, 3, 3, run_write, NULL},
    {"WRITEUNTIL", DATA_UNTIL, 2, UINT32_MAX, run_write,
     "WRITEUNTIL handler [end] the same; lines up to one that says 'end' are the value"},
    {"CHECKREAD", DATA_NONE, 2, 2, run_check_read,
     "CHECKREAD handler        says whether a handler can be read"},
    {"CHECKWRITE", DATA_NONE, 2, 2, run_check_write,
     "CHECKWRITE handler       says whether a handler can be written"},
    {"LLRPC", DATA_COUNTED_OR_NONE, 2, 3, run_llrpc,
     "LLRPC element#hex [n]    refused: no element here has any"},
    {"HELP", DATA_NONE, 1, UINT32_MAX, run_help, "HELP                     says this"},
    {"QUIT", DATA_NONE, 1, UINT32_MAX, run_quit, "QUIT                     ends the connection"},
    {"CLOSE", DATA_NONE, 1, UINT32_MAX, run_quit, NULL},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void run_help(struct control_session *s, const char *handler, const char *value,
                     size_t length)
{
    static const char head[] = "Commands:";

    (void)handler;
    (void)value;
    (void)length;
    message(s, CONTROL_OK, true, head, sizeof head - 1);
    for (unsigned i = 0; i < N_COMMANDS; i++)
        if (commands[i].help)
            message(s, CONTROL_OK, commands[i].run != run_quit, commands[i].help,
                    strlen(commands[i].help));
}

/* ---- what a command holds while it comes in ---- */

/* What counts towards the memory of all: who sends short commands does not depend on it. */
static size_t counted(const struct control_memory *memory, size_t length)
{
    return length > memory->free ? length - memory->free : 0;
}

static void forget_text(struct control_session *s)
{
    s->memory->used -= counted(s->memory, s->in.length);
    if (s->in.capacity > KEPT_CAPACITY || s->in.failed)
        text_free(&s->in);
    text_truncate(&s->in, 0);
    s->too_big = false;
}

/* Keeps the bytes, or from then on nothing until the command is over. */
static void keep(struct control_session *s, const char *bytes, size_t n)
{
    size_t before = s->in.length, more;
    bool fits;

    if (s->too_big || !n)
        return;
    more = counted(s->memory, before + n) - counted(s->memory, before);
    fits = before + n <= s->memory->command_max && more <= s->memory->max &&
           s->memory->used <= s->memory->max - more;
    if (fits) {
        text_add(&s->in, bytes, n);
        fits = !s->in.failed;
    }
    if (fits) {
        s->memory->used += more;
    } else {
        forget_text(s);
        s->too_big = true;
    }
}

static void next_command(struct control_session *s)
{
    forget_text(s);
    free(s->handler);
    free(s->terminator);
    s->handler = s->terminator = NULL;
    if (s->state != CONTROL_OVER)
        s->state = CONTROL_LINE;
}

/* ---- lines ---- */

struct line_words {
    struct { const char *s; size_t n; } word[WORDS_MAX];
    unsigned n;                         /* also counts those that are not kept */
    const char *end;                    /* behind the last one */
};

static void split(const char *line, size_t length, struct line_words *words)
{
    const char *end = line + length, *begin;

    *words = (struct line_words){.end = line};
    for (;;) {
        while (line < end && isspace((unsigned char)*line))
            line++;
        if (line == end)
            return;
        for (begin = line; line < end && !isspace((unsigned char)*line); line++)
            continue;
        if (words->n < WORDS_MAX) {
            words->word[words->n].s = begin;
            words->word[words->n].n = (size_t)(line - begin);
        }
        words->n++;
        words->end = line;
    }
}

static const struct control_command *find_command(const char *name, size_t length)
{
    for (unsigned i = 0; i < N_COMMANDS; i++)
        if (strlen(commands[i].name) == length && strncasecmp(commands[i].name, name, length) == 0)
            return &commands[i];
    return NULL;
}

static void unimplemented(struct control_session *s, const char *name, size_t length)
{
    struct text upper = {0};

    text_puts(&upper, "Command '");
    for (; length; name++, length--)
        text_putc(&upper, (char)toupper((unsigned char)*name));
    text_puts(&upper, "' unimplemented");
    message(s, CONTROL_UNIMPLEMENTED, false, text_string(&upper), upper.length);
    text_free(&upper);
}

/* The number of bytes that follow; false: it is none. */
static bool read_count(const struct line_words *words, size_t *count)
{
    uint64_t n;
    char *text = strndup(words->word[2].s, words->word[2].n);
    bool ok = text && strlen(text) == words->word[2].n && args_read_unsigned(text, INT32_MAX, &n);

    free(text);
    if (ok)
        *count = n;
    return ok;
}

/* Which command, and its handler. False: something is wrong with it, which was said. */
static bool begin_command(struct control_session *s, const struct line_words *words)
{
    const struct control_command *c = find_command(words->word[0].s, words->word[0].n);

    if (!c) {
        unimplemented(s, words->word[0].s, words->word[0].n);
        return false;
    }
    if (words->n < c->min_words || words->n > c->max_words) {
        say(s, CONTROL_SYNTAX, "Wrong number of arguments");
        return false;
    }
    s->command = c;
    if (words->n == 1)
        return true;
    if (memchr(words->word[1].s, '\0', words->word[1].n)) {
        say(s, CONTROL_SYNTAX, "Syntax error in '%s'", c->name);
        return false;
    }
    s->handler = strndup(words->word[1].s, words->word[1].n);
    s->broken |= !s->handler;
    return !s->broken;
}

static void run(struct control_session *s, const char *value, size_t length)
{
    s->command->run(s, s->handler, value, length);
    next_command(s);
}

static void begin_counted(struct control_session *s, const struct line_words *words)
{
    const char *name = s->command->name;

    s->left = 0;
    if (words->n > 2 && !read_count(words, &s->left)) {
        say(s, CONTROL_SYNTAX, "Syntax error in '%s'", name);
        next_command(s);
        return;
    }
    forget_text(s);
    s->too_big = s->left > s->memory->command_max;
    s->state = CONTROL_COUNTED;
    if (!s->left)
        run(s, "", 0);
}

static void begin_line(struct control_session *s)
{
    s->line_begin = s->in.length;
    s->line_length = 0;
    s->line_differs = false;
}

static void begin_until(struct control_session *s, const struct line_words *words)
{
    const char *terminator = words->n > 2 ? words->word[2].s : words->end;

    s->terminator = strndup(terminator, (size_t)(words->end - terminator));
    s->broken |= !s->terminator;
    forget_text(s);
    s->state = CONTROL_UNTIL;
    s->data_after_cr = false;
    begin_line(s);
}

static void take_line(struct control_session *s)
{
    struct line_words words;

    if (s->too_big) {
        say(s, CONTROL_TOO_BIG, "Command too long");
        next_command(s);
        return;
    }
    split(text_string(&s->in), s->in.length, &words);
    if (!words.n || !begin_command(s, &words)) {
        next_command(s);
        return;
    }
    switch (s->command->data) {
    case DATA_NONE:
        run(s, "", 0);
        break;
    case DATA_IN_LINE: {
        const char *value = words.n > 2 ? words.word[2].s : words.end;

        run(s, value, (size_t)(words.end - value));
        break;
    }
    case DATA_COUNTED:
    case DATA_COUNTED_OR_NONE:
        begin_counted(s, &words);
        break;
    case DATA_UNTIL:
        begin_until(s, &words);
        break;
    }
}

/* The data is there, or was too much. */
static void take_data(struct control_session *s, size_t length)
{
    if (s->too_big) {
        say(s, CONTROL_TOO_BIG, "Data too large for handler '%s'", s->handler);
        next_command(s);
    } else {
        run(s, text_string(&s->in), length);
    }
}

/* ---- bytes ---- */

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

static size_t input_line(struct control_session *s, const char *bytes, size_t n)
{
    size_t i = 0;

    while (i < n && !ends_line(bytes[i]))
        i++;
    keep(s, bytes, i);
    if (i == n)
        return n;
    s->after_cr = bytes[i] == '\r';
    take_line(s);
    return i + 1;
}

static size_t input_counted(struct control_session *s, const char *bytes, size_t n)
{
    size_t take = n < s->left ? n : s->left;

    keep(s, bytes, take);
    s->left -= take;
    if (!s->left)
        take_data(s, s->in.length);
    return take;
}

/*
 * The line is compared as it comes, so that its end is seen in data that is too much to keep. White space at
 * its end does not count, and a terminator has none.
 */
static void compare(struct control_session *s, char c)
{
    size_t length = strlen(s->terminator);

    if (s->line_length < length ? s->terminator[s->line_length] != c : !isspace((unsigned char)c))
        s->line_differs = true;
    s->line_length++;
}

static size_t input_until(struct control_session *s, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool continued = s->data_after_cr && bytes[i] == '\n';

        s->data_after_cr = bytes[i] == '\r';
        if (ends_line(bytes[i]) && !continued && !s->line_differs &&
            s->line_length >= strlen(s->terminator)) {
            s->after_cr = bytes[i] == '\r';
            take_data(s, s->line_begin);
            return i + 1;
        }
        keep(s, bytes + i, 1);
        if (ends_line(bytes[i]))
            begin_line(s);
        else
            compare(s, bytes[i]);
    }
    return n;
}

/* ---- for whoever has the connection ---- */

void control_session_init(struct control_session *s, const struct control_calls *calls,
                          void *context, struct control_memory *memory)
{
    *s = (struct control_session){.calls = calls, .context = context, .memory = memory};
    text_puts(&s->out, CONTROL_GREETING);
}

void control_session_move(struct control_session *s, void *context, struct control_memory *memory)
{
    s->memory->used -= counted(s->memory, s->in.length);
    memory->used += counted(memory, s->in.length);
    s->memory = memory;
    s->context = context;
}

void control_session_free(struct control_session *s)
{
    next_command(s);
    text_free(&s->in);
    text_free(&s->out);
}

bool control_session_over(const struct control_session *s)
{
    return s->state == CONTROL_OVER || s->broken || s->out.failed;
}

bool control_session_listens(const struct control_session *s)
{
    return !control_session_over(s) && waiting(s) < CONTROL_OUTPUT_HIGH;
}

size_t control_session_input(struct control_session *s, const char *bytes, size_t n)
{
    size_t skipped = 0;

    if (control_session_over(s))
        return n;
    if (!n || !control_session_listens(s))
        return 0;
    if (s->after_cr) {
        s->after_cr = false;
        skipped = *bytes == '\n';
        if (skipped == n)
            return n;
    }
    switch (s->state) {
    case CONTROL_LINE: return skipped + input_line(s, bytes + skipped, n - skipped);
    case CONTROL_COUNTED: return skipped + input_counted(s, bytes + skipped, n - skipped);
    case CONTROL_UNTIL: return skipped + input_until(s, bytes + skipped, n - skipped);
    case CONTROL_OVER: break;
    }
    return n;
}

void control_session_end(struct control_session *s)
{
    if (s->state == CONTROL_LINE)
        take_line(s);
    if (s->state == CONTROL_COUNTED || s->state == CONTROL_UNTIL)
        say(s, CONTROL_SYNTAX, "Not enough data");
    s->state = CONTROL_OVER;
    next_command(s);
}

const char *control_session_output(const struct control_session *s, size_t *n)
{
    *n = waiting(s);
    return text_string(&s->out) + (*n ? s->out_begin : 0);
}

void control_session_sent(struct control_session *s, size_t n)
{
    s->out_begin += n;
    if (!waiting(s)) {
        s->out_begin = 0;
        if (s->out.capacity > KEPT_CAPACITY)
            text_free(&s->out);
        text_truncate(&s->out, 0);
    } else if (s->out_begin > waiting(s)) {
        /* What is moved is less than what was sent: each byte moves once on average. */
        memmove(s->out.s, s->out.s + s->out_begin, waiting(s));
        text_truncate(&s->out, waiting(s));
        s->out_begin = 0;
    }
}
