// SPDX-License-Identifier: BSD-2-Clause
/*
 * round_robin_ip_mapper.c - RoundRobinIPMapper(PATTERN FOUTPUT ROUTPUT, ...): balances load.
 *
 * A rewriter that names it as an input specification gives each new flow the next pattern in turn;
 * one that has nothing free is passed over. Known flows stay with their pattern.
 */
#include <stdlib.h>
#include <string.h>

#include "elements/ip/rewriter_base.h"
#include "router/router.h"

struct choice {
    struct rewriter_pattern *pattern;
    uint64_t output[2];                 /* as written; checked against each rewriter that asks */
};

struct round_robin_ip_mapper {
    struct element base;
    struct ip_mapper mapper;
    struct choice *choice;
    unsigned n_choices;
    unsigned next;
};

static struct round_robin_ip_mapper *mapper_of(struct ip_mapper *mapper)
{
    return element_as(struct round_robin_ip_mapper, mapper->element);
}

static bool check(struct ip_mapper *mapper, const struct rewriter *rewriter, const char *prefix,
                  struct errors *errors)
{
    const struct round_robin_ip_mapper *m = mapper_of(mapper);
    unsigned n = rewriter->element->n_outputs, before = errors->count;

    for (unsigned i = 0; i < m->n_choices; i++) {
        if (m->choice[i].output[0] < n && m->choice[i].output[1] < n)
            continue;
        element_error(rewriter->element, errors,
                      "%soutput port out of range in %s :: %s pattern %u", prefix, m->base.name,
                      m->base.class->name, i);
    }
    return errors->count == before;
}

static int map(struct ip_mapper *mapper, const struct rewriter_query *query, struct packet *p,
               struct flow_key *rewritten, uint16_t output[2])
{
    struct round_robin_ip_mapper *m = mapper_of(mapper);

    (void)p;
    for (unsigned tries = 0; tries < m->n_choices; tries++) {
        const struct choice *choice = &m->choice[m->next];

        m->next = m->next + 1 == m->n_choices ? 0 : m->next + 1;
        if (rewriter_pattern_map(choice->pattern, query, rewritten)) {
            output[0] = (uint16_t)choice->output[0];
            output[1] = (uint16_t)choice->output[1];
            return REWRITER_MAP;
        }
    }
    return REWRITER_DROP;
}

static bool covers(struct ip_mapper *mapper, const struct rewriter_query *query,
                   const struct flow_key *rewritten, uint16_t output[2])
{
    const struct round_robin_ip_mapper *m = mapper_of(mapper);

    for (unsigned i = 0; i < m->n_choices; i++)
        if (rewriter_pattern_covers(m->choice[i].pattern, query->ping, query->key, rewritten)) {
            output[0] = (uint16_t)m->choice[i].output[0];
            output[1] = (uint16_t)m->choice[i].output[1];
            return true;
        }
    return false;
}

static bool read_choice(struct round_robin_ip_mapper *m, const struct words *words,
                        struct errors *errors)
{
    struct choice *choice = &m->choice[m->n_choices];
    struct text why = {0};
    bool ok = false;

    if (words->n <= 2) {
        text_puts(&why, "syntax error");
    } else {
        choice->pattern = rewriter_pattern_parse(words->word, words->n - 2, &m->base, &why);
        if (choice->pattern) {
            m->n_choices++;
            if (!args_read_unsigned(words->word[words->n - 2], UINT16_MAX, &choice->output[0]))
                text_puts(&why, "bad forward port");
            else if (!args_read_unsigned(words->word[words->n - 1], UINT16_MAX,
                                         &choice->output[1]))
                text_puts(&why, "bad reply port");
            else
                ok = true;
        }
    }
    if (!ok)
        element_error(&m->base, errors, "%s", text_string(&why));
    text_free(&why);
    return ok;
}

static void setup(struct element *e)
{
    element_as(struct round_robin_ip_mapper, e)->mapper =
        (struct ip_mapper){.element = e, .check = check, .map = map, .covers = covers};
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct round_robin_ip_mapper *m = element_as(struct round_robin_ip_mapper, e);
    unsigned before = errors->count;

    if (!rest->n)
        return element_error(e, errors, "no patterns given");
    if (rest->n == 1)
        errors_warn(errors, NULL, "only one pattern given");
    m->choice = calloc(rest->n, sizeof *m->choice);
    if (!m->choice)
        return element_error(e, errors, "out of memory");
    for (unsigned i = 0; i < rest->n; i++) {
        struct words words = {0};

        if (words_split_spaces(&words, rest->word[i]) < 0)
            element_error(e, errors, "out of memory");
        else
            read_choice(m, &words, errors);
        words_free(&words);
    }
    return errors->count == before;
}

static void take_state(struct element *e, struct element *predecessor)
{
    struct round_robin_ip_mapper *m = element_as(struct round_robin_ip_mapper, e);
    const struct round_robin_ip_mapper *old = element_as(struct round_robin_ip_mapper, predecessor);

    m->next = old->next % m->n_choices;
    for (unsigned i = 0; i < m->n_choices && i < old->n_choices; i++)
        rewriter_pattern_continue(m->choice[i].pattern, old->choice[i].pattern);
}

static void cleanup(struct element *e)
{
    struct round_robin_ip_mapper *m = element_as(struct round_robin_ip_mapper, e);

    for (unsigned i = 0; i < m->n_choices; i++)
        rewriter_pattern_release(m->choice[i].pattern);
    free(m->choice);
}

static void *cast(struct element *e, const char *interface)
{
    return strcmp(interface, "IPMapper") == 0
        ? &element_as(struct round_robin_ip_mapper, e)->mapper : NULL;
}

static const struct argument arguments[] = {
    {.name = "PATTERN", .kind = ARG_REST, .help = "SADDR SPORT DADDR DPORT FOUTPUT ROUTPUT"},
    {0},
};

ELEMENT_CLASS(round_robin_ip_mapper) = {
    .name = "RoundRobinIPMapper", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct round_robin_ip_mapper), .arguments = arguments, .phase = PHASE_PREPARE,
    .setup = setup, .configure = configure, .cleanup = cleanup, .take_state = take_state, .cast = cast,
    .group = "ip", .purpose = "deals a rewriter's new flows out to patterns in turn",
    .manual = "Named as an input specification of IPRewriter and its like. Each new flow takes the "
              "next of the patterns, written as in IPRewriter; a pattern that has nothing free is "
              "passed over. When another configuration takes the place of this one, a mapper of the same name "
              "goes on with the pattern whose turn it is.",
};
