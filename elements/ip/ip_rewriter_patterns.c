// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_rewriter_patterns.c - IPRewriterPatterns(NAME PATTERN, ...): names for rewriters' patterns.
 *
 * Rewriters that use the same named pattern share its place in a port range. A name is visible
 * in the compound where it is defined.
 */
#include <stdlib.h>

#include "elements/ip/rewriter_pattern.h"
#include "router/element.h"
#include "router/names.h"

struct ip_rewriter_patterns {
    struct element base;
    struct rewriter_pattern **pattern;  /* a reference each */
    unsigned n_patterns;
};

static bool define(struct ip_rewriter_patterns *r, char *const *word, unsigned n,
                   struct errors *errors)
{
    struct rewriter_pattern *pattern;
    struct text why = {0};
    int status;

    if (names_find(&r->base, NAME_REWRITER_PATTERN, word[0], &pattern, sizeof pattern))
        return element_error(&r->base, errors, "pattern '%s' already defined", word[0]);
    pattern = rewriter_pattern_parse(word + 1, n - 1, &r->base, &why);
    if (!pattern) {
        element_error(&r->base, errors, "%s", text_string(&why));
        text_free(&why);
        return false;
    }
    text_free(&why);
    r->pattern[r->n_patterns++] = pattern;
    status = names_define(&r->base, NAME_REWRITER_PATTERN, word[0], &pattern, sizeof pattern);
    return status == 0 || element_error(&r->base, errors, "out of memory");
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct ip_rewriter_patterns *r = element_as(struct ip_rewriter_patterns, e);
    unsigned before = errors->count;

    r->pattern = calloc(rest->n + 1, sizeof *r->pattern);
    if (!r->pattern)
        return element_error(e, errors, "out of memory");
    for (unsigned i = 0; i < rest->n; i++) {
        struct words words = {0};

        if (words_split_spaces(&words, rest->word[i]) < 0)
            element_error(e, errors, "out of memory");
        else if (words.n)
            define(r, words.word, words.n, errors);
        words_free(&words);
    }
    return errors->count == before;
}

static void cleanup(struct element *e)
{
    struct ip_rewriter_patterns *r = element_as(struct ip_rewriter_patterns, e);

    for (unsigned i = 0; i < r->n_patterns; i++)
        rewriter_pattern_release(r->pattern[i]);
    free(r->pattern);
}

static const struct argument arguments[] = {
    {.name = "PATTERN", .kind = ARG_REST, .help = "NAME SADDR SPORT DADDR DPORT"},
    {0},
};

ELEMENT_CLASS(ip_rewriter_patterns) = {
    .name = "IPRewriterPatterns", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct ip_rewriter_patterns), .arguments = arguments, .phase = PHASE_INFO,
    .configure = configure, .cleanup = cleanup,
    .group = "ip", .purpose = "gives names to patterns that rewriters use",
    .manual = "Each argument is a name and a pattern as IPRewriter describes them. Rewriters that "
              "name the same pattern share its place in the range of ports.",
};
