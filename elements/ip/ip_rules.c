// SPDX-License-Identifier: BSD-2-Clause
/* ip_rules.c - a rule set of IPFilter or IPClassifier; see ip_rules.h. */
#include "elements/ip/ip_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elements/ip/ip_expression.h"

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

/* allow, deny, drop or an output; returns what follows. */
static const char *read_action(struct ip_rule *rule, const struct element *e, const char *where,
                               struct errors *errors)
{
    size_t n = strcspn(rule->text, " \t\r\n");
    char word[24];
    uint64_t output;

    snprintf(word, sizeof word, "%.*s", (int)n, rule->text);
    rule->action_length = n;
    rule->output = (unsigned)IP_RULES_DROP;
    if (!strcmp(word, "allow")) {
        rule->output = 0;
        if (!e->n_outputs)
            errors_add(errors, NULL, "%s'allow' is meaningless, element has zero outputs", where);
    } else if (n < sizeof word && args_read_unsigned(word, UINT32_MAX, &output)) {
        rule->output = (unsigned)output;
        if (output >= e->n_outputs)
            errors_add(errors, NULL, "%sslot '%s' out of range", where, word);
    } else if (strcmp(word, "deny") && strcmp(word, "drop")) {
        errors_add(errors, NULL, "%sunknown slot ID '%.*s'", where, (int)n, rule->text);
    }
    return skip_space(rule->text + n);
}

static bool make_rule(struct ip_rule *rule, struct classify_rules *rules, const char *word,
                      unsigned number, bool actions, const struct element *e,
                      struct errors *errors)
{
    char where[32];
    const char *expression;
    char *text = args_unquote(word, &(size_t){0});

    if (!text)
        return false;
    snprintf(where, sizeof where, "pattern %u: ", number);
    /* The text loses its outer space, in place. */
    expression = skip_space(text);
    memmove(text, expression, strlen(expression) + 1);
    rule->text = text;
    rule->output = number;
    if (actions && !*text) {
        errors_add(errors, NULL, "empty pattern %u", number);
        return true;
    }
    expression = actions ? read_action(rule, e, where, errors) : text;
    classify_add_rule(rules, ip_expression_read(rules, e, expression, where, errors));
    return true;
}

bool ip_rules_make(struct ip_rules *rules, const struct words *words, bool actions,
                   const struct element *e, struct errors *errors)
{
    struct ip_rules made = {.rule = calloc(words->n + 1, sizeof *made.rule)};
    struct classify_rules expressions = {0};
    unsigned before = errors->count;
    bool room = made.rule != NULL;

    for (; room && made.n < words->n; made.n++)
        room = make_rule(&made.rule[made.n], &expressions, words->word[made.n], made.n, actions,
                         e, errors);
    if (room && errors->count == before) {
        made.program = classify_compile(&expressions);
        room = made.program != NULL;
    }
    classify_rules_free(&expressions);
    if (!room)
        errors_add(errors, NULL, "out of memory for %u rules", words->n);
    if (errors->count > before) {
        ip_rules_release(&made);
        return false;
    }
    ip_rules_release(rules);
    *rules = made;
    return true;
}

void ip_rules_release(struct ip_rules *rules)
{
    for (unsigned i = 0; i < rules->n; i++)
        free(rules->rule[i].text);
    free(rules->rule);
    classify_free(rules->program);
    *rules = (struct ip_rules){0};
}

static inline unsigned account(struct ip_rules *rules, unsigned matched)
{
    if (matched == (unsigned)CLASSIFY_NONE) {
        rules->unmatched++;
        return (unsigned)IP_RULES_DROP;
    }
    rules->rule[matched].packets++;
    return rules->rule[matched].output;
}

void ip_rules_run(struct ip_rules *rules, const struct batch *batch, unsigned *out)
{
    struct ip_rule *rule = rules->rule;     /* locals: the counts may alias everything */
    unsigned n = batch->n;

    classify_run(rules->program, batch->pkt, n, out);
    for (unsigned i = 0; i < n; i++) {
        if (__builtin_expect(out[i] == (unsigned)CLASSIFY_NONE, 0)) {
            out[i] = account(rules, out[i]);
            continue;
        }
        rule[out[i]].packets++;
        out[i] = rule[out[i]].output;
    }
}

unsigned ip_rules_run_one(struct ip_rules *rules, struct packet *p)
{
    return account(rules, classify_run_one(rules->program, p));
}

/* ---- elements ---- */

static struct ip_rules_element *element_of(struct element *e)
{
    return element_as(struct ip_rules_element, e);
}

void ip_rules_push(struct element *e, unsigned port, struct batch *batch)
{
    unsigned out[BATCH_MAX];

    (void)port;
    ip_rules_run(&element_of(e)->rules, batch, out);
    element_dispatch(e, batch, out, &element_of(e)->drops);
}

void ip_rules_push_one(struct element *e, unsigned port, struct packet *p)
{
    unsigned out = ip_rules_run_one(&element_of(e)->rules, p);

    (void)port;
    if (__builtin_expect(out < e->n_outputs, 1)) {
        element_push_one(e, out, p);
        return;
    }
    element_of(e)->drops++;
    packet_free(p);
}

void ip_rules_cleanup(struct element *e)
{
    ip_rules_release(&element_of(e)->rules);
}

/* Without memory it counts where the original counts, and the two may miss something. */
void ip_rules_copy(struct element *copy, struct element *original)
{
    struct ip_rules *rules = &element_of(copy)->rules;
    struct ip_rule *from = element_of(original)->rules.rule;
    struct ip_rule *own = calloc(rules->n + 1, sizeof *own);

    for (unsigned i = 0; own && i < rules->n; i++)
        own[i] = (struct ip_rule){.text = from[i].text, .output = from[i].output};
    rules->borrowed = !own;
    rules->rule = own ? own : from;
}

void ip_rules_uncopy(struct element *copy)
{
    if (!element_of(copy)->rules.borrowed)
        free(element_of(copy)->rules.rule);
    element_of(copy)->rules.rule = NULL;
}

void ip_rules_collect(struct element *e, struct element *copy)
{
    struct ip_rules *to = &element_of(e)->rules, *from = &element_of(copy)->rules;

    for (unsigned i = 0; i < to->n && !from->borrowed; i++) {
        to->rule[i].packets += from->rule[i].packets;
        from->rule[i].packets = 0;
    }
}

int ip_rules_read_program(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    classify_describe(element_of(e)->rules.program, out);
    return 0;
}
