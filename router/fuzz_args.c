// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_args.c - libFuzzer target: any bytes as an argument of every type, and as the configuration of
 * every class.
 *
 * The first line is the name of a type or class, the next byte the number of ports, the rest is the
 * text. What a type reads it must print so that it reads it again, to the same print; what it refuses
 * must leave the value alone. A class whose configuration may be written while it runs must be as
 * before when it refuses the text. Nothing is initialised, so no element touches the world.
 * Dictionary: fuzz_args.dict.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "router/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct arg_type *const types[] = {
    &arg_int, &arg_unsigned, &arg_u8, &arg_u16, &arg_u64, &arg_int64, &arg_bool, &arg_string, &arg_word,
    &arg_text, &arg_ip, &arg_ip_prefix, &arg_ether, &arg_seconds, &arg_seconds_u32, &arg_bandwidth,
    &arg_ethertype, &arg_tcp_port, &arg_udp_port, &arg_anno_u8, &arg_anno_u32, &arg_element,
    &arg_handler_read, &arg_handler_write,
};

enum { VALUE_MAX = 64 };

/* Names that arguments may use. */
static const char names[] = "AddressInfo(a 1.2.3.4 0:1:2:3:4:5, n 10.0.0.0/8); PortInfo(p 99);"
                            "c :: Counter; q :: Queue; s :: Script(TYPE PASSIVE, return 0);"
                            "w :: IPRewriter(drop); Idle -> c -> q -> Idle -> w -> Idle;";

static void must(bool good)
{
    if (!good)
        abort();
}

static struct router *create(const char *text)
{
    struct errors errors = {0};
    struct router *r = router_from_text(text, strlen(text), "fuzz", NULL, 0, &errors);

    must(r || errors.count);
    errors_free(&errors);
    return r;
}

static bool read_value(const struct arg_type *type, const char *text, unsigned char *value)
{
    static struct router *r;
    struct errors errors = {0};
    struct arg_context context = {.errors = &errors, .name = "X"};
    unsigned char before[VALUE_MAX];
    bool ok;

    if (!r)
        r = create(names);
    must(r && type->size <= VALUE_MAX);
    context.element = router_find(r, "c");
    memset(value, 0xa5, VALUE_MAX);
    memcpy(before, value, VALUE_MAX);
    ok = type->parse(&context, text, value);
    must(errors.count <= !ok);
    must(ok || memcmp(value, before, VALUE_MAX) == 0);
    must(memcmp(value + type->size, before + type->size, VALUE_MAX - type->size) == 0);
    errors_free(&errors);
    return ok;
}

static void try_type(const struct arg_type *type, const char *text)
{
    unsigned char value[VALUE_MAX], again[VALUE_MAX];
    struct text first = {0}, second = {0};

    if (!read_value(type, text, value))
        return;
    type->format(value, &first);
    if (type != &arg_string && type != &arg_word && type != &arg_text) {    /* those print no quotes */
        must(read_value(type, text_string(&first), again));
        type->format(again, &second);
        must(strcmp(text_string(&first), text_string(&second)) == 0);
        if (type->release)
            type->release(again);
    }
    if (type->release)
        type->release(value);
    text_free(&first);
    text_free(&second);
}

/* How many ports one side of a specification such as "1/1-2" wants, at least, and up to `more` beyond. */
static unsigned port_count(const char *side, unsigned more)
{
    unsigned least = 0;

    while (*side >= '0' && *side <= '9')
        least = 10 * least + (unsigned)(*side++ - '0');
    if (*side == '-' && side[1] >= '0' && side[1] <= '9') {
        unsigned most = (unsigned)(side[1] - '0');

        return most - least < more ? most : least + more;
    }
    return *side && *side != '/' ? least + more : least;
}

static struct router *create_with(const struct element_class *class, unsigned ports, const char *config)
{
    const char *slash = strchr(class->ports, '/');
    unsigned inputs = port_count(class->ports, ports & 3);
    unsigned outputs = slash ? port_count(slash + 1, ports >> 2 & 3) : inputs;
    struct errors errors = {0};
    struct text text = {0};
    struct router *r = NULL;
    struct plan *plan;

    text_printf(&text, "%s e :: %s;", names, class->name);
    for (unsigned i = 0; i < inputs; i++)
        text_printf(&text, "Idle -> [%u]e;", i);
    for (unsigned i = 0; i < outputs; i++)
        text_printf(&text, "e[%u] -> Discard;", i);
    plan = router_parse(text_string(&text), text.length, "fuzz", NULL, 0, &errors);
    must(plan && !errors.count);
    for (unsigned i = 0; i < plan->n_elements; i++)
        if (strcmp(plan->elements[i].name, "e") == 0)
            plan->elements[i].config = config;
    r = router_create(plan, NULL, &errors);
    must(r || errors.count);
    text_free(&text);
    errors_free(&errors);
    return r;
}

/* The first half configures it, both together are written to it then. */
static void try_class(const struct element_class *class, unsigned ports, const char *text, size_t length)
{
    char *half = strndup(text, length / 2);
    struct text before = {0}, after = {0};
    struct errors errors = {0}, unwanted = {0};
    struct router *r = create_with(class, ports, text);

    router_destroy(r);
    r = create_with(class, ports, half);
    if (r && class->live_config) {
        must(router_read(r, "e.config", NULL, &before, &unwanted));
        if (!router_write(r, "e.config", text, length, &errors)) {
            must(errors.count > 0);
            must(router_read(r, "e.config", NULL, &after, &unwanted));
            must(strcmp(text_string(&before), text_string(&after)) == 0);
        }
    }
    router_destroy(r);
    free(half);
    text_free(&before);
    text_free(&after);
    errors_free(&errors);
    errors_free(&unwanted);
}

static const struct arg_type *find_type(const char *name)
{
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *end = memchr(data, '\n', size), *start = (const char *)data;
    const struct element_class *class;
    const struct arg_type *type;
    char *name, *text;
    size_t length;
    int verdict = 0;

    if (!end || end + 1 == start + size)
        return -1;
    length = size - (size_t)(end + 2 - start);
    name = strndup(start, (size_t)(end - start));
    text = malloc(length + 1);                  /* so that reading beyond the end is seen */
    must(name && text);
    memcpy(text, end + 2, length);
    text[length] = '\0';
    if ((type = find_type(name)))
        try_type(type, text);
    else if ((class = element_class_find(name)))
        try_class(class, (unsigned char)end[1], text, length);
    else
        verdict = -1;                           /* not worth keeping */
    free(name);
    free(text);
    return verdict;
}
