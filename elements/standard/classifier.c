// SPDX-License-Identifier: BSD-2-Clause
/*
 * Classifier(PATTERN, ..., PATTERN)
 *
 * Sends each packet to the output of the first pattern that its bytes match; see .manual.
 * This file reads the patterns, classify.c compiles them, classify_run.c runs them.
 */
#include <ctype.h>

#include "elements/standard/classify.h"
#include "router/element.h"

enum { OFFSET_MAX = 65535 - 4 };

struct classifier {
    struct element base;
    struct classify_program *program;
    uint64_t drops;
};

/* ---- reading patterns ---- */

struct reader {
    struct classify_rules *rules;
    const char *at;
    unsigned pattern;
    struct errors *errors;
};

static bool complain(struct reader *r, const char *message)
{
    errors_add(r->errors, NULL, "pattern %u: %s", r->pattern, message);
    return false;
}

static void skip_space(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

/* A run of hexadecimal digits and question marks. */
struct digits {
    const char *s;
    size_t n;
};

static struct digits read_digits(struct reader *r)
{
    struct digits d = {r->at, 0};

    while (isxdigit((unsigned char)r->at[0]) || *r->at == '?')
        r->at++;
    d.n = (size_t)(r->at - d.s);
    return d;
}

/* Byte i of the digits; `*care` gets the bits that are not "?". */
static unsigned byte_of(const struct digits *d, size_t i, unsigned *care)
{
    unsigned byte = 0;

    *care = 0;
    for (size_t k = 2 * i; k < 2 * i + 2; k++) {
        char c = (char)tolower((unsigned char)d->s[k]);
        unsigned digit = c == '?' ? 0 : isdigit((unsigned char)c) ? (unsigned)(c - '0')
                                                                   : (unsigned)(c - 'a' + 10);

        byte = byte << 4 | digit;
        *care = *care << 4 | (c == '?' ? 0 : 0xFu);
    }
    return byte;
}

static bool check_digits(struct reader *r, const struct digits *value, const struct digits *mask)
{
    if (value->n < 2)
        return complain(r, "value has less than 2 hex digits");
    if (value->n % 2)
        return complain(r, "value has odd number of hex digits");
    if (mask->s && mask->n != value->n)
        return complain(r, mask->n > value->n ? "mask has too many hex digits"
                                              : "mask has too few hex digits");
    return true;
}

/* OFFSET/VALUE[%MASK] as a conjunction of tests, two bytes each where they stand together. */
static uint32_t make_clause(struct reader *r, unsigned offset, const struct digits *value,
                            const struct digits *mask)
{
    uint32_t clause = classify_group(r->rules, CLASSIFY_AND);
    size_t n = value->n / 2;

    for (size_t i = 0; i < n; i += 2) {
        unsigned v = 0, m = 0, size = i + 1 < n ? 2 : 1;

        for (size_t k = i; k < i + size; k++) {
            unsigned care, mask_care, mask_byte;

            v = v << 8 | byte_of(value, k, &care);
            if (mask->s) {
                mask_byte = byte_of(mask, k, &mask_care);
                care &= mask_byte & mask_care;
            }
            m = m << 8 | care;
        }
        classify_append(r->rules, clause, classify_test(r->rules, CLASSIFY_DATA,
                                                        offset + (unsigned)i, size, CLASSIFY_EQ,
                                                        m, v));
    }
    return clause;
}

/* One clause, "!" included; 0: an error was added. */
static uint32_t read_clause(struct reader *r)
{
    struct digits value, mask = {NULL, 0};
    bool negated = *r->at == '!';
    unsigned offset = 0;
    uint32_t clause, inverse;

    if (negated) {
        r->at++;
        skip_space(r);
    }
    if (!isdigit((unsigned char)*r->at))
        return complain(r, "expected a digit");
    for (; isdigit((unsigned char)*r->at); r->at++)
        if ((offset = offset * 10 + (unsigned)(*r->at - '0')) > OFFSET_MAX)
            return complain(r, "offset too large");
    if (*r->at != '/')
        return complain(r, "expected '/'");
    r->at++;
    value = read_digits(r);
    if (*r->at == '%') {
        r->at++;
        mask = read_digits(r);
    }
    if (!check_digits(r, &value, &mask))
        return 0;
    if (offset + value.n / 2 > OFFSET_MAX)
        return complain(r, "offset too large");
    clause = make_clause(r, offset, &value, &mask);
    if (!negated)
        return clause;
    inverse = classify_group(r->rules, CLASSIFY_NOT);
    classify_append(r->rules, inverse, clause);
    return inverse;
}

static void read_pattern(struct reader *r)
{
    uint32_t pattern = classify_group(r->rules, CLASSIFY_AND), clause;

    skip_space(r);
    if (r->at[0] == '-' && !r->at[1])
        r->at++;
    while (*r->at) {
        clause = read_clause(r);
        if (!clause)
            break;
        classify_append(r->rules, pattern, clause);
        skip_space(r);
    }
    classify_add_rule(r->rules, pattern);
}

/* ---- the element ---- */

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct classifier *c = element_as(struct classifier, e);
    struct classify_rules rules = {0};
    struct classify_program *program;
    unsigned before = errors->count;

    if (rest->n != e->n_outputs)
        return element_error(e, errors, "need %u arguments, one per output port", e->n_outputs);
    for (unsigned i = 0; i < rest->n; i++)
        read_pattern(&(struct reader){&rules, rest->word[i], i, errors});
    if (errors->count > before) {
        classify_rules_free(&rules);
        return false;
    }
    program = classify_compile(&rules);
    if (!program)
        return element_error(e, errors, "out of memory for %u patterns", rest->n);
    for (unsigned i = 0; i < rest->n; i++)
        if (classify_rule_is_dead(program, i))
            errors_warn(errors, NULL, "output %u matches no packets", i);
    classify_free(c->program);
    c->program = program;
    return true;
}

static void cleanup(struct element *e)
{
    classify_free(element_as(struct classifier, e)->program);
}

/* CLASSIFY_NONE is an output that nobody has, so what matches nothing is dropped and counted. */
static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct classifier *c = element_as(struct classifier, e);
    unsigned out[BATCH_MAX];

    (void)port;
    classify_run(c->program, batch->pkt, batch->n, out);
    element_dispatch(e, batch, out, &c->drops);
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    struct classifier *c = element_as(struct classifier, e);
    unsigned out = classify_run_one(c->program, p);

    (void)port;
    if (out >= e->n_outputs)
        c->drops++;
    element_push_or_free(e, out, p);
}

static int read_program(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    classify_describe(element_as(struct classifier, e)->program, out);
    return 0;
}

static const struct argument arguments[] = {
    {.name = "PATTERN", .kind = ARG_REST, .help = "what goes to this output; one per output"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "program", .flags = HANDLER_CALM, .read = read_program,
     .help = "size and shape of the compiled patterns"},
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct classifier, drops),
     .help = "packets dropped because no pattern matched"},
    {0},
};

ELEMENT_CLASS(classifier) = {
    .name = "Classifier", .ports = "1/-", .processing = PUSH, .size = sizeof(struct classifier),
    .arguments = arguments, .handlers = handlers, .live_config = true,
    .configure = configure, .cleanup = cleanup,
    .push = push, .push_one = push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct classifier, drops)),
    .offload = true, .group = "standard",
    .purpose = "sends packets to outputs by patterns of their bytes",
    .manual =
        "There is one pattern per output; a packet goes to the output of the first pattern "
        "that it matches, and is dropped when it matches none.\n"
        "\n"
        "A pattern is a list of clauses with spaces between them, all of which must hold. A "
        "clause is OFFSET/VALUE or OFFSET/VALUE%MASK: the bytes from the (decimal) offset on "
        "have this (hexadecimal) value, or have it where the mask has ones. A ? in the value "
        "stands for any digit. With ! in front the clause must not hold. The pattern - "
        "matches every packet. A packet too short for a clause does not fulfil it.\n"
        "\n"
        "Example: Classifier(12/0806 20/0001, 12/0806 20/0002, 12/0800, -) tells apart ARP "
        "requests, ARP replies, IP packets and the rest.",
};
