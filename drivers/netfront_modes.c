// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_modes.c - the modes of a vif by name: "basic", "all", or any of "poll", "gru", "fr".
 */
#include <string.h>

#include "drivers/netfront.h"

static const struct {
    const char *name;
    unsigned mode;
} modes[] = {
    { "poll", NETFRONT_POLL },
    { "gru", NETFRONT_GRU },
    { "fr", NETFRONT_FR },
    { "all", NETFRONT_MODES_ALL },              /* last: a set is shown by what is in it */
};

enum { N_MODES = sizeof modes / sizeof *modes };

static const char basic[] = "basic", separators[] = ",+ \t\n";

static bool equal(const char *name, const char *word, size_t length)
{
    return strlen(name) == length && !memcmp(name, word, length);
}

static unsigned find(const char *word, size_t length)
{
    for (unsigned i = 0; i < N_MODES; i++)
        if (equal(modes[i].name, word, length))
            return modes[i].mode;
    return 0;
}

bool netfront_modes_parse(const char *text, unsigned *result, struct errors *errors)
{
    unsigned set = 0, words = 0;
    bool is_basic = false;

    for (const char *word = text + strspn(text, separators); *word; words++) {
        size_t length = strcspn(word, separators);
        unsigned mode = find(word, length);

        is_basic |= equal(basic, word, length);
        if (!mode && !equal(basic, word, length)) {
            errors_add(errors, NULL, "unknown mode '%.*s'; there is basic, all, or any of poll, gru, fr", (int)length, word);
            return false;
        }
        set |= mode;
        word += length;
        word += strspn(word, separators);
    }
    if (words == 0 || (is_basic && set)) {
        errors_add(errors, NULL, "%s; there is basic, all, or any of poll, gru, fr",
                   words ? "basic is none of the others" : "no mode");
        return false;
    }
    *result = set;
    return true;
}

void netfront_modes_format(unsigned set, struct text *out)
{
    bool first = true;

    for (unsigned i = 0; i < N_MODES - 1; i++)
        if (set & modes[i].mode) {
            text_printf(out, "%s%s", first ? "" : ",", modes[i].name);
            first = false;
        }
    if (first)
        text_puts(out, basic);
}

unsigned netfront_modes_default(void)
{
    static unsigned set = NETFRONT_MODES_ALL;
    static bool known;
    struct errors errors = {0};
    char value[64];

    if (known)
        return set;
    known = true;
    if (boot_argument("netfront", value, sizeof value) && !netfront_modes_parse(value, &set, &errors))
        console_printf("netfront=%s: %s", value, text_string(&errors.text));
    errors_free(&errors);
    return set;
}
