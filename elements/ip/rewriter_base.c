// SPDX-License-Identifier: BSD-2-Clause
/* rewriter_base.c - see rewriter_base.h. */
#include "elements/ip/rewriter_base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/router.h"

enum { REAP_SLICE = 4096 };             /* flows removed before packets get a turn */
static const uint64_t second_ns = 1000000000, slice_pause_ns = 1000000;

/* ---- input specifications ---- */

static bool read_output(const char *word, const struct element *e, uint16_t *output,
                        struct text *why, const char *which)
{
    uint64_t v;
    bool negative = word[0] == '-' && args_read_unsigned(word + 1, UINT32_MAX, &v);

    if (!negative && !args_read_unsigned(word, UINT32_MAX, &v)) {
        text_printf(why, "bad %s port", which);
        return false;
    }
    if (negative || v >= e->n_outputs || v > UINT16_MAX) {
        text_puts(why, "output port out of range");
        return false;
    }
    *output = (uint16_t)v;
    return true;
}

static bool read_outputs(char *const *word, unsigned n, const struct element *e,
                         uint16_t output[2], struct text *why)
{
    if (n != 2) {
        text_puts(why, "bad forward port");
        return false;
    }
    return read_output(word[0], e, &output[FLOW_FORWARD], why, "forward") &&
           read_output(word[1], e, &output[FLOW_REPLY], why, "reply");
}

static bool read_drop(struct rewriter *rw, struct rewriter_input *input, const struct words *w,
                      struct text *why)
{
    (void)rw;
    input->kind = REWRITER_INPUT_DROP;
    if (w->n > 1)
        text_printf(why, "syntax error, expected '%s'", w->word[0]);
    return w->n == 1;
}

static bool read_pass(struct rewriter *rw, struct rewriter_input *input, const struct words *w,
                      struct text *why)
{
    input->kind = REWRITER_INPUT_PASS;
    if (w->n == 2 && !read_output(w->word[1], rw->element, &input->output[0], why, "forward") &&
        strcmp(text_string(why), "output port out of range") == 0)
        return false;
    if (w->n <= 2 && !why->length)
        return true;
    text_truncate(why, 0);
    text_puts(why, "syntax error, expected 'nochange [OUTPUT]'");
    return false;
}

static bool read_keep(struct rewriter *rw, struct rewriter_input *input, const struct words *w,
                      struct text *why)
{
    input->kind = REWRITER_INPUT_KEEP;
    return read_outputs(w->word + 1, w->n - 1, rw->element, input->output, why);
}

static bool read_pattern(struct rewriter *rw, struct rewriter_input *input, const struct words *w,
                         struct text *why)
{
    input->kind = REWRITER_INPUT_PATTERN;
    if (w->n <= 3) {
        text_puts(why, "syntax error");
        return false;
    }
    input->pattern = rewriter_pattern_parse(w->word + 1, w->n - 3, rw->element, why);
    return input->pattern &&
           read_outputs(w->word + w->n - 2, 2, rw->element, input->output, why);
}

static const struct spec {
    const char *word;
    bool (*read)(struct rewriter *rw, struct rewriter_input *input, const struct words *words,
                 struct text *why);
} specs[] = {
    {"drop", read_drop}, {"discard", read_drop},
    {"pass", read_pass}, {"passthrough", read_pass}, {"nochange", read_pass},
    {"keep", read_keep},
    {"pattern", read_pattern}, {"xpattern", read_pattern},
};

static bool read_mapper(struct rewriter *rw, struct rewriter_input *input, const struct words *w,
                        struct text *why)
{
    struct element *e = element_find_partner(rw->element, w->word[0]);

    input->kind = REWRITER_INPUT_MAPPER;
    if (!e)
        text_puts(why, "unknown specification");
    else if (w->n > 1)
        text_puts(why, "syntax error, expected element name");
    else if (!(input->mapper = element_cast(e, "IPMapper")))
        text_puts(why, "element is not an IPMapper");
    return input->mapper != NULL;
}

/* On failure `input` holds nothing. */
static bool read_spec(struct rewriter *rw, const char *spec, struct rewriter_input *input,
                      struct text *why)
{
    struct words words = {0};
    bool ok = false;

    *input = (struct rewriter_input){.kind = REWRITER_INPUT_DROP};
    if (words_split_spaces(&words, spec) < 0) {
        text_puts(why, "out of memory");
    } else if (!words.n) {
        text_puts(why, "empty argument");
    } else {
        const struct spec *known = NULL;

        for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
            if (strcmp(words.word[0], specs[i].word) == 0)
                known = &specs[i];
        ok = known ? known->read(rw, input, &words, why) : read_mapper(rw, input, &words, why);
    }
    if (!ok) {
        rewriter_pattern_release(input->pattern);
        input->pattern = NULL;
    }
    words_free(&words);
    return ok;
}

/* ---- configuration ---- */

static void flow_removed(struct flow_owner *owner, const struct flow *flow)
{
    struct rewriter *rw = owner->user;

    rw->input[flow->input].flows--;
}

void rewriter_setup(struct rewriter *rw, struct element *e)
{
    rw->element = e;
    rw->owner = (struct flow_owner){.user = rw, .removed = flow_removed};
    rw->timeout_s = 300;
    rw->guarantee_s = 5;
    rw->reap_interval_s = 900;
    rw->set_dst_anno = true;
    rw->capacity = FLOW_CAPACITY_UNLIMITED;
}

static bool read_capacity(struct rewriter *rw, const char *word, struct errors *errors)
{
    uint64_t v;

    if (args_read_unsigned(word, FLOW_CAPACITY_UNLIMITED, &v)) {
        rw->capacity = (uint32_t)v;
        rw->shares_with = NULL;
        return true;
    }
    rw->shares_with = element_find_partner(rw->element, word);
    if (rw->shares_with && rewriter_of(rw->shares_with))
        return true;
    rw->shares_with = NULL;
    return element_error(rw->element, errors, "bad MAPPING_CAPACITY");
}

bool rewriter_configure(struct rewriter *rw, const struct words *given, struct errors *errors)
{
    unsigned before = errors->count;

    for (unsigned i = 0; i < 2; i++)
        if (rw->capacity_words[i].s && !read_capacity(rw, rw->capacity_words[i].s, errors))
            return false;
    if (given->n != rw->element->n_inputs)
        return element_error(rw->element, errors, "need %u arguments, one per input port",
                             rw->element->n_inputs);
    rw->input = calloc(given->n, sizeof *rw->input);
    if (!rw->input)
        return element_error(rw->element, errors, "out of memory");
    rw->n_inputs = given->n;
    for (unsigned i = 0; i < given->n; i++) {
        struct text why = {0};

        if (!read_spec(rw, given->word[i], &rw->input[i], &why))
            element_error(rw->element, errors, "input spec %u: %s", i, text_string(&why));
        text_free(&why);
    }
    return errors->count == before;
}

/* The rewriter whose table is meant, through others that share; NULL: they form a circle. */
static struct rewriter *table_holder(struct rewriter *rw)
{
    for (unsigned steps = 0; rw->shares_with; steps++) {
        rw = rewriter_of(rw->shares_with);
        if (steps > rw->element->router->n_elements)
            return NULL;
    }
    return rw;
}

static bool open_table(struct rewriter *rw, struct errors *errors)
{
    struct rewriter *holder = table_holder(rw);

    if (!holder)
        return element_error(rw->element, errors, "MAPPING_CAPACITY refers to itself");
    if (!holder->flows) {
        holder->flows = flow_table_new();
        if (!holder->flows)
            return element_error(rw->element, errors, "out of memory");
        holder->flows->capacity = holder->capacity;
    }
    if (rw != holder)
        rw->flows = flow_table_share(holder->flows);
    return true;
}

static void reap(struct element *e, struct timer *timer)
{
    struct rewriter *rw = rewriter_of(e);

    if (flow_table_reap(rw->flows, flow_ticks(platform_now_ns()), REAP_SLICE))
        timer_set_after(timer, slice_pause_ns);
    else
        timer_set_after(timer, rw->reap_interval_s * second_ns);
}

static bool check_mapper(struct rewriter *rw, const struct rewriter_input *input, unsigned port,
                         struct errors *errors)
{
    char prefix[32];

    if (!input->mapper)
        return true;
    snprintf(prefix, sizeof prefix, "input spec %u: ", port);
    return input->mapper->check(input->mapper, rw, prefix, errors);
}

bool rewriter_initialize(struct rewriter *rw, unsigned n_maps, const struct flow_lifetime *kinds,
                         unsigned n_kinds, struct errors *errors)
{
    unsigned before = errors->count;

    for (unsigned i = 0; i < rw->n_inputs; i++)
        check_mapper(rw, &rw->input[i], i, errors);
    if (errors->count != before || !open_table(rw, errors))
        return false;
    if (flow_table_register(rw->flows, &rw->owner, n_maps, kinds, n_kinds) < 0 ||
        timer_init(&rw->reaper, rw->element, reap) < 0)
        return element_error(rw->element, errors, "out of memory");
    if (rw->reap_interval_s)
        timer_set_after(&rw->reaper, rw->reap_interval_s * second_ns);
    return true;
}

void rewriter_cleanup(struct rewriter *rw)
{
    timer_destroy(&rw->reaper);
    if (rw->flows) {
        flow_table_unregister(rw->flows, &rw->owner);
        flow_table_release(rw->flows);
        rw->flows = NULL;
    }
    for (unsigned i = 0; i < rw->n_inputs; i++)
        rewriter_pattern_release(rw->input[i].pattern);
    free(rw->input);
    rw->input = NULL;
    rw->n_inputs = 0;
}

/* ---- new flows ---- */

uint16_t rewriter_delta(const void *from, const void *to, unsigned words)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < words; i++) {
        uint16_t a, b;

        memcpy(&a, (const uint8_t *)from + 2 * i, sizeof a);
        memcpy(&b, (const uint8_t *)to + 2 * i, sizeof b);
        sum += (uint16_t)~a + (uint32_t)b;
    }
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    return sum == 0xFFFF ? 0 : (uint16_t)sum;       /* both are zero */
}

static int decide(struct rewriter_input *input, const struct rewriter_query *query,
                  struct packet *p, struct flow_key *rewritten, uint16_t output[2])
{
    output[0] = input->output[0];
    output[1] = input->output[1];
    switch (input->kind) {
    case REWRITER_INPUT_DROP:
        return REWRITER_DROP;
    case REWRITER_INPUT_PASS:
        return input->output[0];
    case REWRITER_INPUT_KEEP:
        *rewritten = *query->key;
        return REWRITER_MAP;
    case REWRITER_INPUT_PATTERN:
        if (rewriter_pattern_map(input->pattern, query, rewritten))
            return REWRITER_MAP;
        break;
    case REWRITER_INPUT_MAPPER:
        if (input->mapper->map(input->mapper, query, p, rewritten, output) == REWRITER_MAP)
            return REWRITER_MAP;
        break;
    }
    input->failures++;
    return REWRITER_DROP;
}

int rewriter_begin(struct rewriter *rw, const struct rewriter_begin *how,
                   const struct flow_key *key, struct packet *p, struct flow **flow)
{
    struct rewriter_input *input = &rw->input[how->port];
    unsigned map = rewriter_map_number(rw, how->map);
    const struct rewriter_query query = {rw->flows, map, key, how->ping};
    struct flow_request request = {
        .key = *key, .input = (uint16_t)how->port, .map = map, .kind = how->kind,
        .protocol = how->protocol, .now = how->now,
    };
    struct flow *f;
    int what = decide(input, &query, p, &request.rewritten, request.output);

    if (what != REWRITER_MAP)
        return what;
    f = flow_table_add(rw->flows, &request);
    if (!f) {
        input->failures++;
        return REWRITER_DROP;
    }
    input->flows++;
    /* A key begins with the two addresses, then the two ports. */
    f->ip_delta = rewriter_delta(key, &request.rewritten, 4);
    f->transport_delta = how->ping
        ? rewriter_delta(&key->src_port, &request.rewritten.src_port, 1)
        : rewriter_delta(key, &request.rewritten, 6);
    if (rw->reply_anno_given)
        f->reply_anno = p->anno[rw->reply_anno];
    *flow = f;
    return REWRITER_MAP;
}

/* ---- from one configuration to the next ---- */

/* Whether the input makes such flows; the outputs are those that it gives them. */
static bool input_covers(const struct rewriter_input *input, const struct rewriter_query *query,
                         const struct flow_key *rewritten, uint16_t output[2])
{
    output[0] = input->output[0];
    output[1] = input->output[1];
    switch (input->kind) {
    case REWRITER_INPUT_DROP:
    case REWRITER_INPUT_PASS:
        break;
    case REWRITER_INPUT_KEEP:
        return flow_key_equal(query->key, rewritten);
    case REWRITER_INPUT_PATTERN:
        return rewriter_pattern_covers(input->pattern, query->ping, query->key, rewritten);
    case REWRITER_INPUT_MAPPER:
        return input->mapper->covers(input->mapper, query, rewritten, output);
    }
    return false;
}

static void take_flow(struct rewriter *rw, const struct rewriter *from, const struct flow *flow, unsigned kind,
                      bool ping, uint32_t now)
{
    struct flow_request request = {
        .key = flow->key[FLOW_FORWARD], .rewritten = flow_key_reverse(&flow->key[FLOW_REPLY]),
        .input = flow->input, .map = rewriter_map_number(rw, flow->map - from->owner.first_map), .kind = kind,
        .protocol = flow->protocol, .now = now,
    };
    const struct rewriter_query query = {rw->flows, request.map, &request.key, ping};

    if (flow->input < rw->n_inputs && flow_table_remaining(from->flows, flow, now) > 0 &&
        input_covers(&rw->input[flow->input], &query, &request.rewritten, request.output) &&
        flow_table_add_copy(rw->flows, &request, flow))
        rw->input[flow->input].flows++;
}

void rewriter_take(struct rewriter *rw, struct rewriter *from, bool ping)
{
    uint32_t now = flow_ticks(platform_now_ns());

    for (unsigned i = 0; i < rw->n_inputs && i < from->n_inputs; i++) {
        rw->input[i].failures += from->input[i].failures;
        if (rw->input[i].pattern && from->input[i].pattern)
            rewriter_pattern_continue(rw->input[i].pattern, from->input[i].pattern);
    }
    rw->drops += from->drops;
    if (!rw->shares_with && !from->shares_with)
        rw->flows->evictions += from->flows->evictions;
    for (unsigned kind = 0; kind < from->owner.n_lists; kind++) {
        struct flow *flow;

        while ((flow = flow_table_first(from->flows, &from->owner, kind))) {
            take_flow(rw, from, flow, kind, ping, now);
            flow_table_remove(from->flows, flow);
        }
    }
}

/* ---- handlers ---- */

static void format_key(const struct rewriter *rw, const struct flow_key *key, struct text *out)
{
    char src[16], dst[16];

    if (rw->format_key)
        rw->format_key(key, out);
    else
        text_printf(out, "(%s, %u, %s, %u)", args_format_ip(src, key->src), be16(key->src_port),
                    args_format_ip(dst, key->dst), be16(key->dst_port));
}

void rewriter_format_table(struct rewriter *rw, unsigned map, struct text *out)
{
    uint32_t cursor, now = flow_ticks(platform_now_ns());
    struct flow *flow = NULL;

    if (!rw->flows)
        return;
    while ((flow = flow_table_next(rw->flows, rewriter_map_number(rw, map), flow, &cursor))) {
        int64_t left = (int64_t)flow_table_remaining(rw->flows, flow, now) << 24;

        for (unsigned d = 0; d < 2; d++) {
            struct flow_key rewritten = flow_key_reverse(&flow->key[!d]);

            format_key(rw, &flow->key[d], out);
            text_puts(out, " => ");
            format_key(rw, &rewritten, out);
            text_printf(out, " [%s%u %s%u] i%u exp%lld\n", d == FLOW_FORWARD ? "*" : "",
                        flow->output[0], d == FLOW_REPLY ? "*" : "", flow->output[1],
                        flow->input, (long long)((left + (int64_t)second_ns / 2) /
                                                 (int64_t)second_ns));
        }
    }
}

int rewriter_lookup(struct rewriter *rw, unsigned map, const struct handler_call *call,
                    struct text *out)
{
    static const struct {
        const char *name;
        const struct arg_type *type;
    } fields[] = {
        {"SADDR", &arg_ip}, {"SPORT", &arg_tcp_port}, {"DADDR", &arg_ip}, {"DPORT", &arg_tcp_port},
    };
    union { uint32_t address; uint16_t port; } value[4] = {0};
    struct words words = {0};
    struct flow_key key;
    struct flow_hit hit;
    char src[16], dst[16];
    bool ok = words_split_spaces(&words, call->value) == 0;

    for (unsigned i = 0; ok && i < 4; i++) {
        const struct arg_context context = {rw->element, call->errors, fields[i].name, 0, 0};
        unsigned before = call->errors->count;

        if (i >= words.n)
            ok = args_error(&context, "required argument missing");
        else if (!fields[i].type->parse(&context, words.word[i], &value[i]))
            ok = call->errors->count > before ? false : args_error(&context, "parse error");
    }
    if (ok && words.n > 4) {
        errors_add(call->errors, NULL, "too many arguments");
        ok = false;
    }
    words_free(&words);
    if (!ok || !rw->flows)
        return -EINVAL;
    key = (struct flow_key){value[0].address, value[2].address, be16(value[1].port),
                            be16(value[3].port)};
    hit = flow_table_find(rw->flows, rewriter_map_number(rw, map), &key);
    if (hit.flow) {
        key = flow_key_reverse(&hit.flow->key[!hit.direction]);
        text_printf(out, "%s %u %s %u", args_format_ip(src, key.src), be16(key.src_port),
                    args_format_ip(dst, key.dst), be16(key.dst_port));
    }
    return 0;
}

static void format_input(const struct rewriter_input *input, struct text *out)
{
    static const char *const names[] = {
        [REWRITER_INPUT_DROP] = "<drop>", [REWRITER_INPUT_PASS] = "<nochange>",
        [REWRITER_INPUT_KEEP] = "<keep>", [REWRITER_INPUT_MAPPER] = "<mapper>",
    };

    if (input->pattern)
        rewriter_pattern_format(input->pattern, out);
    else
        text_puts(out, names[input->kind]);
    if (input->flows)
        text_printf(out, " [%u]", input->flows);
    text_putc(out, '\n');
}

int rewriter_read_table_size(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct rewriter *rw = rewriter_of(e);
    uint32_t flows = 0;

    (void)call;
    for (unsigned i = 0; i < rw->n_inputs; i++)
        flows += rw->input[i].flows;
    text_printf(out, "%u", flows);
    return 0;
}

int rewriter_read_failures(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct rewriter *rw = rewriter_of(e);
    uint64_t failures = 0;

    (void)call;
    for (unsigned i = 0; i < rw->n_inputs; i++)
        failures += rw->input[i].failures;
    text_printf(out, "%llu", (unsigned long long)failures);
    return 0;
}

int rewriter_read_patterns(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct rewriter *rw = rewriter_of(e);

    (void)call;
    for (unsigned i = 0; i < rw->n_inputs; i++)
        format_input(&rw->input[i], out);
    return 0;
}

int rewriter_read_pattern(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct rewriter *rw = rewriter_of(e);

    if (call->index < rw->n_inputs)
        format_input(&rw->input[call->index], out);
    return 0;
}

unsigned rewriter_count_inputs(struct element *e)
{
    return e->n_inputs;
}

int rewriter_read_size(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct rewriter *rw = rewriter_of(e);

    (void)call;
    text_printf(out, "%u", rw->flows ? rw->flows->count : 0);
    return 0;
}

int rewriter_read_capacity(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct rewriter *rw = rewriter_of(e);

    (void)call;
    text_printf(out, "%u", rw->flows ? rw->flows->capacity : rw->capacity);
    return 0;
}

int rewriter_read_evictions(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct rewriter *rw = rewriter_of(e);

    (void)call;
    text_printf(out, "%llu", rw->flows ? (unsigned long long)rw->flows->evictions : 0);
    return 0;
}

int rewriter_read_drops(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_printf(out, "%llu", (unsigned long long)rewriter_of(e)->drops);
    return 0;
}

int rewriter_write_capacity(struct element *e, const struct handler_call *call)
{
    const struct rewriter *rw = rewriter_of(e);
    uint64_t capacity;

    if (!args_read_unsigned(call->value, FLOW_CAPACITY_UNLIMITED, &capacity)) {
        errors_add(call->errors, NULL, "CAPACITY: want a number of flows, got '%s'", call->value);
        return -EINVAL;
    }
    if (rw->flows)
        flow_table_set_capacity(rw->flows, (uint32_t)capacity, flow_ticks(platform_now_ns()));
    return 0;
}

int rewriter_write_clear(struct element *e, const struct handler_call *call)
{
    const struct rewriter *rw = rewriter_of(e);

    (void)call;
    if (rw->flows)
        flow_table_clear(rw->flows);
    return 0;
}

static void remove_flows_of_input(struct rewriter *rw, unsigned port)
{
    for (unsigned map = 0; map < rw->owner.n_maps; map++) {
        uint32_t cursor;
        struct flow *flow = NULL;

        while ((flow = flow_table_next(rw->flows, rewriter_map_number(rw, map), flow, &cursor)))
            if (flow->input == port)
                flow_table_remove(rw->flows, flow);
    }
}

int rewriter_write_pattern(struct element *e, const struct handler_call *call)
{
    struct rewriter *rw = rewriter_of(e);
    struct rewriter_input input;
    struct text why = {0};

    if (call->index >= rw->n_inputs)
        return -EINVAL;
    if (!read_spec(rw, call->value, &input, &why)) {
        errors_add(call->errors, NULL, "input spec %u: %s", call->index, text_string(&why));
        text_free(&why);
        return -EINVAL;
    }
    text_free(&why);
    if (!check_mapper(rw, &input, call->index, call->errors))
        return -EINVAL;
    if (rw->flows)
        remove_flows_of_input(rw, call->index);
    rewriter_pattern_release(rw->input[call->index].pattern);
    input.failures = rw->input[call->index].failures;
    rw->input[call->index] = input;
    return 0;
}
