// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify_proof_test.c - Classifier, IPClassifier and IPFilter do with a packet what the texts of their rules
 * say.
 *
 * Random rule sets (rule_sets.h) are configured as a user's are and get random packets, alone and in
 * batches, all long enough or not; what comes out where is compared with what the rules mean, read
 * a second time by other code (meaning.h). CLASSIFY_PROOF_PAIRS in the environment asks for another number of
 * (rule set, packet) pairs, CLASSIFY_PROOF_SEED for other ones: each set has a seed of its own, the
 * number after that of the one before, and a failure tells it.
 */
#include <stdio.h>
#include <time.h>

#include "elements/ip/ip_expression.h"
#include "elements/standard/classify_program.h"
#include "tests/proof/meaning.h"
#include "tests/proof/rule_sets.h"
#define TEST_POOL 1024
#include "tests/running.h"

enum { PAIRS = 200000, PACKETS = 512, NOWHERE = -1 };

static classify_search_function *fastest;

/* ---- a class that notes where packets came from, and lets them go ---- */

struct t_note {
    struct element base;
    unsigned *where;                /* by packet number */
};

static void note_one(struct element *e, unsigned port, struct packet *p)
{
    uint32_t number;

    memcpy(&number, p->anno + ANNO_PACKET_NUMBER, sizeof number);
    element_as(struct t_note, e)->where[number] = port;
    packet_free(p);
}

static void note(struct element *e, unsigned port, struct batch *batch)
{
    for (unsigned i = 0; i < batch->n; i++)
        note_one(e, port, batch->pkt[i]);
}

ELEMENT_CLASS(t_note) = {
    .name = "TNote", .ports = "-/0", .processing = PUSH, .size = sizeof(struct t_note),
    .push = note, .push_one = note_one,
};

/* ---- a rule set and what it means ---- */

struct subject {
    struct rule_set *set;
    struct meaning *meaning[PROOF_RULES_MAX];
    unsigned output[PROOF_RULES_MAX];           /* of each rule; NOWHERE: its packets are dropped */
    unsigned n_outputs;
    uint64_t seed;
    struct router *router;
    struct element *element;
    struct t_note *note;
};

static struct {
    unsigned long long pairs, matched, sets, rules, refused, whole;
    struct timespec begin;
} totals;

/* Does the element's reader take it? What is drawn here may be nonsense, now and then. */
static bool is_accepted(const char *text)
{
    struct classify_rules rules = {0};
    struct errors errors = {0};
    bool ok;

    ip_expression_read(&rules, NULL, text, "", &errors);
    ok = !errors.count;
    if (!ok && getenv("CLASSIFY_PROOF_REFUSED"))
        printf("'%s': %s", text, text_string(&errors.text));
    classify_rules_free(&rules);
    errors_free(&errors);
    return ok;
}

/* Meanings of all rules that are accepted; the others leave the set. */
static void find_meanings(struct subject *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->set->n; i++) {
        struct proof_rule *rule = &s->set->rule[i];
        const char *text = text_string(&rule->text);
        bool classifier = s->set->kind == SET_CLASSIFIER;

        if (!classifier && !is_accepted(text)) {
            totals.refused++;
            text_free(&rule->text);
            free(rule->pin);
            continue;
        }
        s->meaning[n] = classifier ? meaning_of_pattern(text) : meaning_of_expression(text);
        if (!s->meaning[n])
            fail_msg("set %llu: the reference does not understand '%s'", (unsigned long long)s->seed, text);
        s->set->rule[n++] = *rule;
    }
    s->set->n = n;
    totals.rules += n;
}

/* IPFilter's rules have actions; the others' have an output each. */
static void draw_outputs(struct subject *s)
{
    s->n_outputs = s->set->kind == SET_IP_FILTER ? 1 + proof_chance(4) : s->set->n;
    for (unsigned i = 0; i < s->set->n; i++) {
        s->output[i] = i;
        if (s->set->kind == SET_IP_FILTER)
            s->output[i] = proof_chance(3) ? proof_chance(s->n_outputs) : (unsigned)NOWHERE;
    }
}

static void add_rule(struct text *config, const struct subject *s, unsigned i)
{
    const char *text = text_string(&s->set->rule[i].text);
    bool quoted = strchr(text, ',') || (s->set->kind != SET_CLASSIFIER && !proof_chance(10));

    text_printf(config, "%s%s", i ? ",\n    " : "", quoted ? "\"" : "");
    if (s->set->kind == SET_IP_FILTER) {
        if (s->output[i] == (unsigned)NOWHERE)
            text_puts(config, proof_chance(2) ? "deny " : "drop ");
        else if (!s->output[i] && proof_chance(2))
            text_puts(config, "allow ");
        else
            text_printf(config, "%u ", s->output[i]);
    }
    text_printf(config, "%s%s", text, quoted ? "\"" : "");
}

static struct text configuration(const struct subject *s)
{
    static const char *const classes[] = {"Classifier", "IPClassifier", "IPFilter"};
    struct text config = {0};

    text_printf(&config, "n :: TNote; Idle -> c :: %s(", classes[s->set->kind]);
    for (unsigned i = 0; i < s->set->n; i++)
        add_rule(&config, s, i);
    text_puts(&config, ");\n");
    for (unsigned i = 0; i < s->n_outputs; i++)
        text_printf(&config, "c[%u] -> [%u] n;", i, i);
    return config;
}

static void start_subject(struct subject *s)
{
    struct text config = configuration(s);
    struct errors errors = {0};

    s->router = router_from_text(text_string(&config), config.length, "proof", NULL, 0, &errors);
    if (!s->router || !router_initialize(s->router, &scheduler, &errors))
        fail_msg("set %llu: %s\n%s", (unsigned long long)s->seed, text_string(&errors.text),
                 text_string(&config));
    s->element = router_find(s->router, "c");
    s->note = element_as(struct t_note, router_find(s->router, "n"));
    text_free(&config);
    errors_free(&errors);
}

static unsigned meant_rule(const struct subject *s, const struct packet *p)
{
    for (unsigned i = 0; i < s->set->n; i++)
        if (meaning_holds(s->meaning[i], p))
            return i;
    return (unsigned)NOWHERE;
}

/* ---- packets ---- */

/* A packet as it was when it came in. */
struct sample {
    uint8_t bytes[256];
    uint32_t length;
    int mac, network, transport;    /* offsets; -1: none */
    unsigned rule, output;          /* that it must have */
};

static int offset_in(const struct packet *p, const uint8_t *mark)
{
    return mark ? (int)(mark - p->data) : -1;
}

static struct sample take_sample(const struct subject *s, const struct packet *p)
{
    struct sample sample = {.length = p->length, .mac = offset_in(p, p->mac), .network = offset_in(p, p->network),
                            .transport = offset_in(p, p->transport), .rule = meant_rule(s, p)};

    memcpy(sample.bytes, p->data, p->length);
    sample.output = sample.rule == (unsigned)NOWHERE ? sample.rule : s->output[sample.rule];
    return sample;
}

static struct packet *packet_of(const struct sample *sample, uint32_t number)
{
    struct packet *p = packet_make(packet_pool_capacity() - sample->length, sample->bytes, sample->length, 0);

    assert_non_null(p);
    p->mac = sample->mac < 0 ? NULL : p->data + sample->mac;
    p->network = sample->network < 0 ? NULL : p->data + sample->network;
    p->transport = sample->transport < 0 ? NULL : p->data + sample->transport;
    memcpy(p->anno + ANNO_PACKET_NUMBER, &number, sizeof number);
    return p;
}

static void report(const struct subject *s, const struct sample *sample, unsigned got, const char *how)
{
    struct text config = configuration(s);

    printf("set %llu (%s)\n%s\n", (unsigned long long)s->seed, s->set->style, text_string(&config));
    text_free(&config);
    printf("packet ");
    for (unsigned i = 0; i < sample->length; i++)
        printf("%02x", sample->bytes[i]);
    printf("\n  mac %d, network %d, transport %d; %s\n", sample->mac, sample->network, sample->transport, how);
    if (sample->rule != (unsigned)NOWHERE)
        printf("rule %u must match: %s\n", sample->rule, text_string(&s->set->rule[sample->rule].text));
    if (s->set->kind != SET_IP_FILTER && got != (unsigned)NOWHERE)
        printf("rule %u did: %s\n", got, text_string(&s->set->rule[got].text));
    fail_msg("output %d, must be %d", (int)got, (int)sample->output);
}

/* One after the other, and in batches of any size. */
static void compare(const struct subject *s, const struct sample *sample, unsigned n)
{
    unsigned alone[PACKETS], batched[PACKETS];
    const struct element_class *class = s->element->class;

    memset(alone, 0xFF, sizeof alone);
    memset(batched, 0xFF, sizeof batched);
    s->note->where = alone;
    for (unsigned i = 0; i < n; i++) {
        bounds_renew();
        class->push_one(s->element, 0, packet_of(&sample[i], i));
    }
    s->note->where = batched;
    for (unsigned i = 0; i < n;) {
        struct batch batch = {.n = 0};

        for (unsigned size = 1 + proof_chance(BATCH_MAX); size && i < n; size--, i++)
            batch_add(&batch, packet_of(&sample[i], i));
        bounds_renew();
        class->push(s->element, 0, &batch);
    }
    for (unsigned i = 0; i < n; i++) {
        if (alone[i] != sample[i].output)
            report(s, &sample[i], alone[i], "alone");
        if (batched[i] != sample[i].output)
            report(s, &sample[i], batched[i], "in a batch");
        totals.matched += sample[i].rule != (unsigned)NOWHERE;
    }
}

static unsigned try_set(uint64_t seed)
{
    static struct rule_set set;
    static struct subject s;
    static struct sample samples[PACKETS];
    unsigned n = 0;

    proof_seed(seed);
    s = (struct subject){.set = &set, .seed = seed};
    rule_set_make(&set);
    find_meanings(&s);
    if (set.n) {
        draw_outputs(&s);
        start_subject(&s);
        while (n < PACKETS) {
            bool whole = proof_chance(2);
            unsigned first = n;

            for (unsigned size = BATCH_MAX; size; size--) {
                struct packet *p = border_packet(&set, whole);

                assert_non_null(p);
                samples[n++] = take_sample(&s, p);
                packet_free(p);
            }
            compare(&s, samples + first, n - first);
            totals.whole += whole ? n - first : 0;
        }
        router_destroy(s.router);
    }
    for (unsigned i = 0; i < set.n; i++)
        meaning_free(s.meaning[i]);
    rule_set_free(&set);
    totals.sets++;
    totals.pairs += n;
    return n;
}

static unsigned long long asked_for(const char *name, unsigned long long otherwise)
{
    const char *value = getenv(name);

    return value ? strtoull(value, NULL, 0) : otherwise;
}

static void prove(void)
{
    unsigned long long pairs = asked_for("CLASSIFY_PROOF_PAIRS", PAIRS);
    uint64_t first = asked_for("CLASSIFY_PROOF_SEED", 1), seed = first;

    memset(&totals, 0, sizeof totals);
    while (totals.pairs < pairs)
        try_set(seed++);
    print_message("%llu pairs of a rule set and a packet, seeds %llu to %llu: %llu sets, %llu rules, "
                  "%llu pairs matched a rule\n", totals.pairs, (unsigned long long)first,
                  (unsigned long long)seed - 1, totals.sets, totals.rules, totals.matched);
    assert_true(totals.matched > totals.pairs / 4 && totals.matched < totals.pairs);
    assert_true(totals.refused < totals.rules / 50);
}

static void elements_do_what_rules_mean(void **state)
{
    (void)state;
    prove();
}

/* The same sets, by what is left for processors that lack something. */
static void and_so_they_do_portably(void **state)
{
    (void)state;
    classify_search_portably = true;
    if (classify_search_best() != fastest)
        prove();
    else
        print_message("SKIP: this processor has nothing else\n");
    classify_search_portably = false;
}

int main(void)
{
    fastest = classify_search_best();
    return RUN_TESTS(TEST(elements_do_what_rules_mean), TEST(and_so_they_do_portably));
}
