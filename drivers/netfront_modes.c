// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_modes.c - what can be chosen about a vif, by name: a set of words, "all" of them, or one word for none.
 *
 * Modes, the boot line's netfront=: "basic", "all", or any of "poll", "gru", "fr". What the backend may leave to
 * us, offload=: "none", "all", or any of "sg", "csum", "csum6", "gso", "gso6".
 */
#include <stdio.h>
#include <string.h>

#include "drivers/netfront.h"

enum { WORDS_MAX = 5 };

struct vocabulary {
    const char *boot_name, *what, *none;
    unsigned all;
    struct {
        const char *name;           /* NULL: there are no more */
        unsigned bit;
    } words[WORDS_MAX + 1];
};

static const struct vocabulary modes = {
    "netfront", "mode", "basic", NETFRONT_MODES_ALL,
    { { "poll", NETFRONT_POLL }, { "gru", NETFRONT_GRU }, { "fr", NETFRONT_FR } },
};

static const struct vocabulary features = {
    "offload", "offload", "none", NETFRONT_FEATURES_ALL,
    { { "sg", NETFRONT_SG }, { "csum", NETFRONT_CSUM4 }, { "csum6", NETFRONT_CSUM6 },
      { "gso", NETFRONT_GSO4 }, { "gso6", NETFRONT_GSO6 } },
};

static const char separators[] = ",+ \t\n";

static void add_names(const struct vocabulary *v, unsigned set, const char *between, struct text *out)
{
    bool first = true;

    for (unsigned i = 0; v->words[i].name; i++)
        if (set & v->words[i].bit) {
            text_printf(out, "%s%s", first ? "" : between, v->words[i].name);
            first = false;
        }
}

static void format(const struct vocabulary *v, unsigned set, struct text *out)
{
    if (set)
        add_names(v, set, ",", out);
    else
        text_puts(out, v->none);
}

static bool equal(const char *name, const char *word, size_t length)
{
    return strlen(name) == length && !memcmp(name, word, length);
}

static unsigned find(const struct vocabulary *v, const char *word, size_t length)
{
    for (unsigned i = 0; v->words[i].name; i++)
        if (equal(v->words[i].name, word, length))
            return v->words[i].bit;
    return equal("all", word, length) ? v->all : 0;
}

/* Always false. `problem` ends before what there is instead. */
static bool refuse(const struct vocabulary *v, const char *problem, struct errors *errors)
{
    struct text all = {0};

    add_names(v, v->all, ", ", &all);
    errors_add(errors, NULL, "%s; there is %s, all, or any of %s", problem, v->none, text_string(&all));
    text_free(&all);
    return false;
}

static bool parse(const struct vocabulary *v, const char *text, unsigned *result, struct errors *errors)
{
    unsigned set = 0, words = 0;
    bool none = false;
    char problem[96];

    for (const char *word = text + strspn(text, separators); *word; words++) {
        size_t length = strcspn(word, separators);
        unsigned bit = find(v, word, length);

        none |= equal(v->none, word, length);
        if (!bit && !equal(v->none, word, length)) {
            snprintf(problem, sizeof problem, "unknown %s '%.*s'", v->what, length < 32 ? (int)length : 32, word);
            return refuse(v, problem, errors);
        }
        set |= bit;
        word += length;
        word += strspn(word, separators);
    }
    if (words == 0 || (none && set)) {
        snprintf(problem, sizeof problem, words ? "%s is none of the others" : "no %s",
                 words ? v->none : v->what);
        return refuse(v, problem, errors);
    }
    *result = set;
    return true;
}

static unsigned of_boot_line(const struct vocabulary *v)
{
    unsigned set = v->all;
    struct errors errors = {0};
    char value[64];

    if (boot_argument(v->boot_name, value, sizeof value) && !parse(v, value, &set, &errors))
        console_printf("%s=%s: %s", v->boot_name, value, text_string(&errors.text));
    errors_free(&errors);
    return set;
}

bool netfront_modes_parse(const char *text, unsigned *set, struct errors *errors)
{
    return parse(&modes, text, set, errors);
}

void netfront_modes_format(unsigned set, struct text *out)
{
    format(&modes, set, out);
}

unsigned netfront_modes_default(void)
{
    static unsigned set;
    static bool known;

    if (!known)
        set = of_boot_line(&modes);
    known = true;
    return set;
}

void netfront_features_format(unsigned set, struct text *out)
{
    format(&features, set, out);
}

/* A segment to be cut comes in several pages, and its checksum is blank. */
unsigned netfront_features_possible(unsigned set)
{
    if (!(set & NETFRONT_SG) || !(set & NETFRONT_CSUM4))
        set &= ~(unsigned)NETFRONT_GSO4;
    if (!(set & NETFRONT_SG) || !(set & NETFRONT_CSUM6))
        set &= ~(unsigned)NETFRONT_GSO6;
    return set;
}

unsigned netfront_features_default(void)
{
    static unsigned set;
    static bool known;

    if (!known)
        set = netfront_features_possible(of_boot_line(&features));
    known = true;
    return set;
}
