// SPDX-License-Identifier: BSD-2-Clause
/*
 * reconfigure.c - a new configuration for an element that runs: as a whole, or one argument of it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "router/router.h"

/*
 * When it has errors everything stays as it was: arguments
 * come back from where they were put away, and classes say by live_config that what their configure()
 * makes of them is either whole or not touched.
 */
int element_write_config(struct element *e, const struct handler_call *call)
{
    struct args_undo undo;
    struct words rest;
    char *config = strndup(call->value, call->length);
    bool ok;

    if (!config)
        return -ENOMEM;
    ok = args_replace(e, e->defaults, config, &undo, &rest, call->errors);
    if (ok && e->class->configure && !e->class->configure(e, &rest, call->errors)) {
        args_rollback(e, &undo);
        ok = false;
    } else if (ok) {
        args_commit(e, &undo);
    }
    words_free(&rest);
    if (!ok) {
        free(config);
        return -EINVAL;
    }
    free(e->written_config);
    e->written_config = config;
    e->config = config;
    e->router->plan->elements[e->index].config = config;       /* flatconfig shows it */
    return 0;
}

/* ---- one argument ---- */

/* The row of an argument, and its place among the positional ones; -1: it is a keyword. */
static const struct argument *find_argument(const struct element *e, const char *name, int *position)
{
    int positional = 0;

    for (const struct argument *a = e->class->arguments; a && a->name; a++) {
        bool has_place = a->kind == ARG_REQUIRED || a->kind == ARG_OPTIONAL;

        if (strcmp(a->name, name) == 0) {
            *position = has_place ? positional : -1;
            return a;
        }
        positional += has_place;
    }
    return NULL;
}

/* Whether a word of a configuration is "NAME value" with a name that the class knows. */
static bool is_keyword(const struct element *e, const char *word, const char *name)
{
    unsigned length = args_keyword_length(word);

    if (!length)
        return false;
    if (name)
        return strlen(name) == length && memcmp(word, name, length) == 0;
    for (const struct argument *a = e->class->arguments; a && a->name; a++)
        if (is_keyword(e, word, a->name))
            return true;
    return false;
}

/* Which word is the argument now; words->n: none. */
static unsigned find_word(const struct element *e, const struct words *words, const char *name,
                          int position)
{
    unsigned n_positional = 0;

    for (unsigned i = words->n; i-- > 0;)
        if (is_keyword(e, words->word[i], name))
            return i;
    while (n_positional < words->n && !is_keyword(e, words->word[n_positional], NULL))
        n_positional++;
    return position >= 0 && (unsigned)position < n_positional ? (unsigned)position : words->n;
}

int element_write_argument(struct element *e, const struct handler_call *call)
{
    const char *name = call->handler->argument;
    struct handler_call whole = *call;
    struct text config = {0};
    struct words words;
    unsigned at;
    int position = -1, status;

    find_argument(e, name, &position);
    if (words_split_commas(&words, e->config) < 0)
        return -ENOMEM;
    at = find_word(e, &words, name, position);
    for (unsigned i = 0; i < words.n || i <= at; i++) {
        text_puts(&config, i ? ", " : "");
        if (i != at)
            text_puts(&config, words.word[i]);
        else if (at == words.n || is_keyword(e, words.word[i], name))
            text_printf(&config, "%s %s", name, call->value);
        else
            text_puts(&config, call->value);
    }
    words_free(&words);
    whole.value = text_string(&config);
    whole.length = config.length;
    status = config.failed ? -ENOMEM : element_write_config(e, &whole);
    text_free(&config);
    return status;
}
