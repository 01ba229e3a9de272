// SPDX-License-Identifier: BSD-2-Clause
/*
 * IPFilter(ACTION PATTERN, ...)
 *
 * A packet filter: the first rule whose pattern matches decides. See .manual, and
 * IPClassifier for the language of patterns. Rules are compiled (classify.h): a
 * thousand cost little more than one. Replacing the rules of a running filter is one pointer
 * assignment between two batches; rules with errors leave the old ones in place.
 */
#include "elements/ip/ip_rules.h"

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    return ip_rules_make(&element_as(struct ip_rules_element, e)->rules, rest, true, e, errors);
}

static int read_rules(struct element *e, const struct handler_call *call, struct text *out)
{
    struct ip_rules *rules = &element_as(struct ip_rules_element, e)->rules;

    (void)call;
    for (unsigned i = 0; i < rules->n; i++) {
        const struct ip_rule *rule = &rules->rule[i];
        const char *pattern = rule->text + rule->action_length;

        while (*pattern == ' ' || *pattern == '\t' || *pattern == '\n' || *pattern == '\r')
            pattern++;
        text_printf(out, "%.*s\t%llu\t%s\n", (int)rule->action_length, rule->text,
                    (unsigned long long)rule->packets, *pattern ? pattern : "all");
    }
    return 0;
}

static int reset_counts(struct element *e, const struct handler_call *call)
{
    struct ip_rules_element *f = element_as(struct ip_rules_element, e);

    (void)call;
    for (unsigned i = 0; i < f->rules.n; i++)
        f->rules.rule[i].packets = 0;
    f->rules.unmatched = 0;
    f->drops = 0;
    return 0;
}

static const struct argument arguments[] = {
    {.name = "RULE", .kind = ARG_REST,
     .help = "an action (allow, deny, drop or an output's number) and a pattern"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "rules", .read = read_rules,
     .help = "one line per rule: action, packets it decided, pattern; separated by tabs"},
    {.name = "unmatched", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct ip_rules_element, rules.unmatched),
     .help = "packets that no rule matched"},
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct ip_rules_element, drops),
     .help = "packets dropped, by rules or because none matched"},
    {.name = "reset_counts", .flags = HANDLER_BUTTON, .write = reset_counts,
     .help = "sets the counts to zero"},
    {.name = "program", .read = ip_rules_read_program, .help = "size and shape of the compiled rules"},
    {0},
};

ELEMENT_CLASS(ip_filter) = {
    .name = "IPFilter", .ports = "1/-", .processing = PUSH, .size = sizeof(struct ip_rules_element),
    .arguments = arguments, .handlers = handlers, .live_config = true,
    .configure = configure, .cleanup = ip_rules_cleanup,
    .push = ip_rules_push, .push_one = ip_rules_push_one, IP_RULES_THREADS,
    .offload = true, .group = "ip",
    .purpose = "filters IP packets by an ordered list of rules",
    .manual =
        "Each rule is an action and a pattern. Rules are tried in order, and the first whose "
        "pattern matches the packet decides: allow sends it to output 0, a number sends it to "
        "that output, deny and drop discard it. A packet that no rule matches is discarded. "
        "IPClassifier describes the patterns; a rule without one matches every packet.\n"
        "\n"
        "Packets need their network header marked, as CheckIPHeader and MarkIPHeader do.\n"
        "\n"
        "Writing config replaces the whole list while packets flow: each packet sees either "
        "the old list or the new one, and a list with errors changes nothing. The counts of "
        "rules begin again at zero.",
};
