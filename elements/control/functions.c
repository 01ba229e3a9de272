// SPDX-License-Identifier: BSD-2-Clause
/* functions.c - what scripts compute with; see functions.h. */
#include "elements/control/functions.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/headers.h"
#include "router/router.h"

static int fail(const struct handler_call *call, const char *message)
{
    errors_add(call->errors, NULL, "%s", message);
    return -EINVAL;
}

/* ---- words to numbers and back ---- */

struct number {
    bool fraction;
    int64_t i;
    double d;                   /* the same value, always */
};

static bool read_signed(const char *word, int64_t *value)
{
    bool negative = *word == '-';
    uint64_t magnitude;

    if (!args_read_unsigned(word + negative, (uint64_t)INT64_MAX + negative, &magnitude) ||
        (negative && word[1] == '+'))
        return false;
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static bool read_number(const char *word, struct number *n)
{
    char *end;

    if (read_signed(word, &n->i)) {
        n->fraction = false;
        n->d = (double)n->i;
        return true;
    }
    /* strtod() knows more than we want: infinities, hexadecimal, space. */
    if (!*word || word[strspn(word, "0123456789.eE+-")])
        return false;
    n->fraction = true;
    n->d = strtod(word, &end);
    return !*end;
}

static int put_integer(struct text *out, int64_t i)
{
    text_printf(out, "%lld", (long long)i);
    return 0;
}

static int put_fraction(struct text *out, double d)
{
    text_printf(out, "%.12g", d);
    return 0;
}

static int put_truth(struct text *out, bool truth)
{
    text_puts(out, truth ? "true" : "false");
    return 0;
}

static bool read_truth(const char *word, bool *truth)
{
    struct arg_context context = {0};

    return arg_bool.parse(&context, word, truth);
}

/* Exactly as many words as wanted, or a message. Free them in any case. */
static bool read_words(const struct handler_call *call, struct words *words, unsigned wanted,
                       const char *message)
{
    if (words_split_spaces(words, call->value) < 0 || words->n != wanted) {
        fail(call, message);
        return false;
    }
    return true;
}

/* ---- a list of numbers to one ---- */

enum operation { ADD, SUB, MIN, MAX, MUL, DIV, IDIV };

static void combine(enum operation o, struct number *a, const struct number *b)
{
    uint64_t x = (uint64_t)a->i, y = (uint64_t)b->i;

    switch (o) {
    case ADD: a->d += b->d; x += y; break;
    case SUB: a->d -= b->d; x -= y; break;
    case MIN: a->d = b->d < a->d ? b->d : a->d; x = b->i < a->i ? y : x; break;
    case MAX: a->d = b->d > a->d ? b->d : a->d; x = b->i > a->i ? y : x; break;
    case MUL: a->d *= b->d; x *= y; break;
    case DIV:
    case IDIV: a->d /= b->d; break;
    }
    a->i = (int64_t)x;
    if (!a->fraction && o != DIV && o != IDIV)
        a->d = (double)a->i;
}

static int64_t truncated(double d)
{
    if (isnan(d))
        return 0;
    return d >= 9223372036854775808.0 ? INT64_MAX : d < -9223372036854775808.0 ? INT64_MIN
                                                                              : (int64_t)d;
}

static int calculate(const struct handler_call *call, struct text *out, enum operation o)
{
    bool one = o != ADD && o != SUB;
    struct number total = {o == DIV || o == IDIV, one, one}, n;
    struct words words;
    int status = 0;

    if (words_split_spaces(&words, call->value) < 0)
        return -ENOMEM;
    for (unsigned i = 0; i < words.n; i++) {
        if (!read_number(words.word[i], &n)) {
            status = fail(call, "expected list of numbers");
            break;
        }
        total.fraction |= n.fraction;
        if (i)
            combine(o, &total, &n);
        else
            total = (struct number){total.fraction, n.i, n.d};
    }
    words_free(&words);
    if (status < 0)
        return status;
    if (o == IDIV)
        return put_integer(out, truncated(total.d));
    return total.fraction ? put_fraction(out, total.d) : put_integer(out, total.i);
}

#define CALCULATION(name, operation)                                                            \
    int function_##name(struct element *e, const struct handler_call *call, struct text *out)   \
    {                                                                                           \
        (void)e;                                                                                \
        return calculate(call, out, operation);                                                 \
    }

CALCULATION(add, ADD)
CALCULATION(sub, SUB)
CALCULATION(min, MIN)
CALCULATION(max, MAX)
CALCULATION(mul, MUL)
CALCULATION(div, DIV)
CALCULATION(idiv, IDIV)

/* ---- of two numbers, of one ---- */

static int remainder_of(const struct handler_call *call, struct text *out, bool fractions)
{
    static const char message[] = "expected two numbers";
    struct words words;
    struct number a, b;
    int status;

    if (!read_words(call, &words, 2, message))
        status = -EINVAL;
    else if (!read_number(words.word[0], &a) || !read_number(words.word[1], &b) ||
             (!fractions && (a.fraction || b.fraction)))
        status = fail(call, message);
    else if (a.fraction || b.fraction)
        status = put_fraction(out, fmod(a.d, b.d));
    else if (!b.i)
        status = fail(call, "division by zero");
    else
        status = put_integer(out, b.i == -1 ? 0 : a.i % b.i);
    words_free(&words);
    return status;
}

int function_mod(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    return remainder_of(call, out, false);
}

int function_rem(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    return remainder_of(call, out, true);
}

static int with_sign(const struct handler_call *call, struct text *out, bool magnitude)
{
    struct words words;
    struct number n;
    int status;

    if (!read_words(call, &words, 1, "expected one number"))
        status = -EINVAL;
    else if (!read_number(words.word[0], &n))
        status = fail(call, "expected one number");
    else if (n.fraction)
        status = put_fraction(out, magnitude ? fabs(n.d) : -n.d);
    else
        status = put_integer(out, magnitude && n.i >= 0 ? n.i : (int64_t)(0 - (uint64_t)n.i));
    words_free(&words);
    return status;
}

int function_neg(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    return with_sign(call, out, false);
}

int function_abs(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    return with_sign(call, out, true);
}

/* ---- comparing: numbers if both are, else bytes without their quotes ---- */

static int compare_bytes(const char *a, const char *b, int *order)
{
    size_t an = 0, bn = 0, least;
    char *ax = args_unquote(a, &an), *bx = args_unquote(b, &bn);
    int status = ax && bx ? 0 : -ENOMEM;

    if (!status) {
        least = an < bn ? an : bn;
        *order = memcmp(ax, bx, least);
        if (!*order)
            *order = an < bn ? -1 : an > bn;
    }
    free(ax);
    free(bx);
    return status;
}

/* Which of less (1), equal (2) and greater (4) make it true. */
static int compare(const struct handler_call *call, struct text *out, unsigned truths)
{
    struct words words;
    struct number a, b;
    int order = 0, status = 0;

    if (!read_words(call, &words, 2, "expected two numbers"))
        status = -EINVAL;
    else if (!read_number(words.word[0], &a) || !read_number(words.word[1], &b))
        status = compare_bytes(words.word[0], words.word[1], &order);
    else if (a.fraction || b.fraction)
        order = a.d < b.d ? -1 : a.d > b.d;
    else
        order = a.i < b.i ? -1 : a.i > b.i;
    words_free(&words);
    if (status < 0)
        return status;
    return put_truth(out, truths & (order < 0 ? 1 : order > 0 ? 4 : 2));
}

#define COMPARISON(name, truths)                                                                \
    int function_##name(struct element *e, const struct handler_call *call, struct text *out)   \
    {                                                                                           \
        (void)e;                                                                                \
        return compare(call, out, truths);                                                      \
    }

COMPARISON(lt, 1)
COMPARISON(eq, 2)
COMPARISON(le, 1 | 2)
COMPARISON(gt, 4)
COMPARISON(ne, 1 | 4)
COMPARISON(ge, 2 | 4)

/* ---- truth ---- */

int function_not(struct element *e, const struct handler_call *call, struct text *out)
{
    struct words words;
    bool truth;
    int status;

    (void)e;
    if (!read_words(call, &words, 1, "syntax error"))
        status = -EINVAL;
    else if (!read_truth(words.word[0], &truth))
        status = fail(call, "syntax error");
    else
        status = put_truth(out, !truth);
    words_free(&words);
    return status;
}

/* Looks at words until one is `decisive`; none is: the opposite. */
static int decide(const struct handler_call *call, struct text *out, bool decisive, bool negate)
{
    bool result = !decisive, truth;
    struct words words;
    int status = 0;

    if (words_split_spaces(&words, call->value) < 0)
        return -ENOMEM;
    for (unsigned i = 0; i < words.n && result != decisive && !status; i++) {
        if (!read_truth(words.word[i], &truth))
            status = fail(call, "syntax error");
        else if (truth == decisive)
            result = decisive;
    }
    words_free(&words);
    return status < 0 ? status : put_truth(out, result != negate);
}

#define DECISION(name, decisive, negate)                                                        \
    int function_##name(struct element *e, const struct handler_call *call, struct text *out)   \
    {                                                                                           \
        (void)e;                                                                                \
        return decide(call, out, decisive, negate);                                             \
    }

DECISION(and, false, false)
DECISION(nand, false, true)
DECISION(or, true, false)
DECISION(nor, true, true)

int function_if(struct element *e, const struct handler_call *call, struct text *out)
{
    struct words words;
    unsigned chosen;
    bool truth;
    int status = 0;

    (void)e;
    if (words_split_spaces(&words, call->value) < 0)
        return -ENOMEM;
    if (!words.n || !read_truth(words.word[0], &truth)) {
        status = fail(call, "syntax error");
    } else {
        chosen = truth ? 1 : 2;
        text_puts(out, chosen < words.n ? words.word[chosen] : "");
    }
    words_free(&words);
    return status;
}

int function_in(struct element *e, const struct handler_call *call, struct text *out)
{
    struct words words;
    int status = 0, order = -1;

    (void)e;
    if (words_split_spaces(&words, call->value) < 0)
        return -ENOMEM;
    for (unsigned i = 1; i < words.n && order && status >= 0; i++)
        status = compare_bytes(words.word[0], words.word[i], &order);
    words_free(&words);
    return status < 0 ? status : put_truth(out, !order);
}

/* ---- texts ---- */

int function_first(struct element *e, const struct handler_call *call, struct text *out)
{
    const char *rest = call->value;
    char *word = words_shift(&rest);

    (void)e;
    if (!word)
        return -ENOMEM;
    text_puts(out, word);
    free(word);
    return 0;
}

int function_length(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    text_printf(out, "%zu", call->length);
    return 0;
}

static int put_unquoted(struct text *out, const char *word)
{
    size_t length;
    char *bytes = args_unquote(word, &length);

    if (!bytes)
        return -ENOMEM;
    text_add(out, bytes, length);
    free(bytes);
    return 0;
}

int function_unquote(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    return put_unquoted(out, call->value);
}

/* ---- sprintf ---- */

enum { WIDTH_MAX = 1000 };      /* of a field, and digits of a precision */

struct conversion {
    char flags[8];
    int width, precision;       /* precision -1: none */
    char size;                  /* 0, 'h', 'l', 'q' (long long) */
    char letter;
};

/* A number in the format, or the next word for a '*'. */
static bool read_width(const char **s, const char **words, int64_t least, int *width)
{
    int64_t value = 0;
    char *word;
    bool ok = true;

    if (**s == '*') {
        (*s)++;
        word = words_shift(words);
        ok = word && read_signed(word, &value);
        free(word);
    } else {
        for (; isdigit((unsigned char)**s); (*s)++)
            if (value <= WIDTH_MAX)
                value = value * 10 + **s - '0';
    }
    *width = ok && value >= least && value <= WIDTH_MAX ? (int)value : 0;
    return ok && value >= least && value <= WIDTH_MAX;
}

/* s is behind the '%'. NULL: this is no conversion. */
static const char *read_conversion(const char *s, const char **words, struct conversion *c)
{
    size_t n = strspn(s, "0#- +");

    *c = (struct conversion){.precision = -1};
    if (n >= sizeof c->flags)
        return NULL;
    memcpy(c->flags, s, n);
    s += n;
    if (!read_width(&s, words, -WIDTH_MAX, &c->width))
        return NULL;
    if (*s == '.') {
        s++;
        if (!read_width(&s, words, 0, &c->precision))
            return NULL;
    }
    for (; *s && strchr("hlLq", *s); s++)
        c->size = *s == 'L' || (*s == 'l' && c->size == 'l') ? 'q' : *s;
    c->letter = *s;
    return *s && strchr("oxXudis%", *s) ? s + 1 : NULL;
}

static bool format_word(const struct conversion *c, const char *word, struct text *out)
{
    char format[32];
    bool has_sign = c->letter == 'd' || c->letter == 'i';
    int64_t i = 0;
    uint64_t u = 0;
    struct text string = {0};
    bool ok;

    snprintf(format, sizeof format, "%%%s*.*%s%c", c->flags, c->letter == 's' ? "" : "ll",
             c->letter);
    if (c->letter == 's') {
        ok = *word && put_unquoted(&string, word) >= 0;
        if (ok)
            text_printf(out, format, c->width, c->precision, text_string(&string));
        text_free(&string);
        return ok;
    }
    ok = has_sign ? read_signed(word, &i) : args_read_unsigned(word, UINT64_MAX, &u);
    if (!ok)
        return false;
    if (has_sign)
        text_printf(out, format, c->width, c->precision,
                    (long long)(c->size == 'h' ? (short)i : i));
    else
        text_printf(out, format, c->width, c->precision,
                    (unsigned long long)(c->size == 'h' ? (unsigned short)u : u));
    return true;
}

static bool format_all(const char *format, const char **words, struct text *out)
{
    for (;;) {
        size_t plain = strcspn(format, "%");
        struct conversion c;
        char *word;
        bool ok;

        text_add(out, format, plain);
        format += plain;
        if (!*format)
            return !**words;            /* words left over are a mistake */
        format = read_conversion(format + 1, words, &c);
        if (!format)
            return false;
        if (c.letter == '%') {
            text_putc(out, '%');
            continue;
        }
        word = words_shift(words);
        ok = word && format_word(&c, word, out);
        free(word);
        if (!ok)
            return false;
    }
}

int function_sprintf(struct element *e, const struct handler_call *call, struct text *out)
{
    const char *words = call->value;
    char *word = words_shift(&words);
    struct text format = {0};
    int status;

    (void)e;
    if (!word || put_unquoted(&format, word) < 0)
        status = -ENOMEM;
    else
        status = format_all(text_string(&format), &words, out) ? 0 : fail(call, "syntax error");
    if (status < 0)
        text_truncate(out, 0);
    free(word);
    text_free(&format);
    return status;
}

/* ---- byte order ---- */

static int swapped(const struct handler_call *call, struct text *out, bool is_short)
{
    struct words words;
    int64_t value;
    int status;

    if (!read_words(call, &words, 1, "syntax error"))
        status = -EINVAL;
    else if (!read_signed(words.word[0], &value) || value < INT32_MIN || value > INT32_MAX)
        status = fail(call, "syntax error");
    else
        status = put_integer(out, is_short ? be16((uint16_t)value) : be32((uint32_t)value));
    words_free(&words);
    return status;
}

#define BYTE_ORDER_OF(name, is_short)                                                           \
    int function_##name(struct element *e, const struct handler_call *call, struct text *out)   \
    {                                                                                           \
        (void)e;                                                                                \
        return swapped(call, out, is_short);                                                    \
    }

BYTE_ORDER_OF(htons, true)
BYTE_ORDER_OF(ntohs, true)
BYTE_ORDER_OF(htonl, false)
BYTE_ORDER_OF(ntohl, false)

/* ---- the world ---- */

int function_random(struct element *e, const struct handler_call *call, struct text *out)
{
    uint64_t bound[2] = {0, 0}, low = 0, n;
    struct words words;
    int status = 0;

    (void)e;
    if (words_split_spaces(&words, call->value) < 0)
        return -ENOMEM;
    if (words.n > 2)
        status = fail(call, "too many arguments");
    for (unsigned i = 0; i < words.n && !status; i++)
        if (!args_read_unsigned(words.word[i], UINT32_MAX, &bound[i]))
            status = fail(call, "bad N");
    if (words.n == 2) {
        low = bound[0];
        n = bound[1] + 1 - low;
    } else {
        n = words.n ? bound[0] : UINT64_C(1) << 31;
    }
    if (!status && (!n || (words.n == 2 && bound[1] < low)))
        status = fail(call, "bad N");
    words_free(&words);
    if (status < 0)
        return status;
    return put_integer(out, (int64_t)(low + (platform_random() * n >> 32)));
}

int function_now(struct element *e, const struct handler_call *call, struct text *out)
{
    uint64_t now = platform_wall_ns();

    (void)e;
    (void)call;
    text_printf(out, "%llu.%09u", (unsigned long long)(now / 1000000000),
                (unsigned)(now % 1000000000));
    return 0;
}

static int file_contents(const struct handler_call *call, struct text *out, bool quoted)
{
    size_t length;
    char *name = args_unquote(call->value, &length), *contents;

    if (!name)
        return -ENOMEM;
    contents = *name ? platform_file_read(name, &length, call->errors) : NULL;
    if (!*name)
        fail(call, "bad FILE");
    free(name);
    if (!contents)
        return -EINVAL;
    if (quoted)
        args_quote(out, contents, length);
    else
        text_add(out, contents, length);
    free(contents);
    return 0;
}

int function_cat(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    return file_contents(call, out, false);
}

int function_catq(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    return file_contents(call, out, true);
}

int function_kill(struct element *e, const struct handler_call *call, struct text *out)
{
    struct words words;
    int64_t process;
    int status = 0, number;

    (void)e;
    (void)out;
    if (words_split_spaces(&words, call->value) < 0)
        return -ENOMEM;
    number = words.n ? platform_signal_number(words.word[0]) : -1;
    if (number < 0)
        status = fail(call, "bad SIGNO");
    for (unsigned i = 1; i < words.n && !status; i++) {
        if (!read_signed(words.word[i], &process) || process < INT32_MIN || process > INT32_MAX)
            status = fail(call, "bad PID");
        else if (!platform_signal_send(number, (int)process, call->errors))
            status = -EINVAL;
    }
    words_free(&words);
    return status;
}

/* ---- handlers ---- */

static int can_be_called(struct element *e, const struct handler_call *call, struct text *out,
                         bool writing)
{
    struct handler_target target;
    struct errors unheard = {0};
    struct words words;
    bool all = true;

    if (words_split_spaces(&words, call->value) < 0)
        return -ENOMEM;
    for (unsigned i = 0; i < words.n && all; i++)
        all = handler_resolve(e, words.word[i], writing, &target, &unheard);
    errors_free(&unheard);
    words_free(&words);
    return put_truth(out, all);
}

int function_readable(struct element *e, const struct handler_call *call, struct text *out)
{
    return can_be_called(e, call, out, false);
}

int function_writable(struct element *e, const struct handler_call *call, struct text *out)
{
    return can_be_called(e, call, out, true);
}
