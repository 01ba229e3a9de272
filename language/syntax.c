// SPDX-License-Identifier: BSD-2-Clause
/* syntax.c - bodies and what is in them; see syntax.h. */
#include "language/syntax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void syntax_error(struct syntax *syntax, struct landmark *landmark, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    errors_vadd(syntax->errors, landmark_text(landmark, syntax->plan_arena), format, args);
    va_end(args);
}

/* Indexes are kept as pointers, plus 1 so that NULL is none. */
static void *index_value(unsigned index)
{
    return (void *)((uintptr_t)index + 1);
}

unsigned body_find(const struct syntax_body *body, const char *name, size_t length)
{
    const struct symbol *symbol = symbols_find(&body->element_names, name, length);

    return symbol && symbol->value ? (unsigned)((uintptr_t)symbol->value - 1) : NO_ELEMENT;
}

/* "1/x" would read as a number somewhere. */
static bool has_numeric_component(const char *name)
{
    bool numeric = true;

    for (;; name++) {
        if (*name == '/' || !*name) {
            if (numeric)
                return true;
            if (!*name)
                return false;
            numeric = true;
        } else if (!lexer_is_digit(*name)) {
            numeric = false;
        }
    }
}

static bool enter_name(struct syntax *syntax, struct syntax_body *body, const char *name,
                       unsigned index)
{
    struct symbol *symbol = symbols_add(&body->element_names, &syntax->arena, name, strlen(name));

    if (symbol)
        symbol->value = index_value(index);
    return symbol;
}

unsigned body_add(struct syntax *syntax, struct syntax_body *body, const char *name, bool anonymous,
                  struct syntax_class *class, struct slice config, struct landmark *landmark)
{
    unsigned index = body->n_elements;

    if (!arena_grow(&syntax->arena, (void **)&body->elements, &body->elements_capacity, index,
                    sizeof(*body->elements)))
        return NO_ELEMENT;
    if (!anonymous) {
        if (has_numeric_component(name))
            syntax_error(syntax, landmark, "element name '%s' has all-digit component", name);
        if (!enter_name(syntax, body, name, index))
            return NO_ELEMENT;
    }
    body->elements[index] = (struct syntax_element){
        .name = name, .class = class, .config = config, .landmark = landmark,
        .anonymous = anonymous,
    };
    body->n_elements++;
    return index;
}

const char *body_anonymous_name(struct syntax *syntax, const struct syntax_body *body,
                                const char *class_name)
{
    /* Numbers count what was declared in this scope; a compound's own ends do not count. */
    unsigned number = body->n_elements + 1 - (body->outer ? 2 : 0);
    size_t length = strlen(class_name);
    char *name = arena_alloc(&syntax->arena, length + 16);

    if (name) {
        memcpy(name, class_name, length);
        snprintf(name + length, 16, "@%u", number);
    }
    return name;
}

static bool watch_ports(struct syntax *syntax, struct syntax_element *element)
{
    element->ports = arena_alloc(&syntax->arena, sizeof(*element->ports));
    return element->ports;
}

bool body_add_ends(struct syntax *syntax, struct syntax_body *body)
{
    static const char *const names[] = {"input", "output"};
    unsigned i, index;

    for (i = 0; i < 2; i++) {
        index = body_add(syntax, body, names[i], false, NULL, (struct slice){"", 0},
                         body->landmark);
        if (index == NO_ELEMENT || !watch_ports(syntax, &body->elements[index]))
            return false;
    }
    return true;
}

static void use_port(struct syntax *syntax, struct port_set *set, unsigned port)
{
    unsigned words = port / 32 + 1;

    if (words > set->n_words) {
        unsigned capacity = set->n_words;

        if (!arena_grow(&syntax->arena, (void **)&set->bits, &capacity, words - 1,
                        sizeof(*set->bits)))
            return;
        set->n_words = capacity;
    }
    set->bits[port / 32] |= (uint32_t)1 << port % 32;
}

static bool port_used(const struct port_set *set, unsigned port)
{
    return port / 32 < set->n_words && (set->bits[port / 32] >> port % 32 & 1);
}

void body_connect(struct syntax *syntax, struct syntax_body *body, unsigned from,
                  unsigned from_port, unsigned to, unsigned to_port, struct landmark *landmark)
{
    struct syntax_element *source = &body->elements[from], *target = &body->elements[to];

    if (!arena_grow(&syntax->arena, (void **)&body->connections, &body->connections_capacity,
                    body->n_connections, sizeof(*body->connections)))
        return;
    body->connections[body->n_connections++] =
        (struct syntax_connection){from, from_port, to, to_port, landmark};
    if (source->n_outputs <= from_port)
        source->n_outputs = from_port + 1;
    if (target->n_inputs <= to_port)
        target->n_inputs = to_port + 1;
    if (source->ports)
        use_port(syntax, source->ports, from_port);
    if (target->ports)
        use_port(syntax, target->ports, to_port);
}

bool body_define(struct syntax *syntax, struct syntax_body *body, struct slice name,
                 const char *keyword, const char *value)
{
    struct symbol *symbol;

    symbol = symbols_add(&body->variable_names, &syntax->arena, name.s, name.length);
    if (!symbol || symbol->value)
        return false;
    if (!arena_grow(&syntax->arena, (void **)&body->variables, &body->variables_capacity,
                    body->n_variables, sizeof(*body->variables)))
        return false;
    body->variables[body->n_variables] = (struct syntax_variable){name, keyword, value};
    symbol->value = index_value(body->n_variables++);
    return true;
}

const struct syntax_variable *body_variable(const struct syntax_body *body, const char *name,
                                            size_t length)
{
    const struct symbol *symbol = symbols_find(&body->variable_names, name, length);

    return symbol && symbol->value ? &body->variables[(uintptr_t)symbol->value - 1] : NULL;
}

static void check_sequence(struct syntax *syntax, const struct syntax_element *end,
                           unsigned n_ports, const char *shown_name, const char *side,
                           struct landmark *landmark)
{
    unsigned port;

    for (port = 0; port < n_ports; port++)
        if (!port_used(end->ports, port))
            syntax_error(syntax, landmark, "'%s' %s %u missing", shown_name, side, port);
}

void body_check_ends(struct syntax *syntax, const struct syntax_body *body, unsigned input,
                     const char *shown_name, struct landmark *landmark, unsigned *n_inputs,
                     unsigned *n_outputs)
{
    const struct syntax_element *in = &body->elements[input], *out = in + 1;

    if (in->n_inputs)
        syntax_error(syntax, landmark, "'%s' pseudoelement 'input' may only be used as output",
                     shown_name);
    else
        check_sequence(syntax, in, in->n_outputs, shown_name, "input", landmark);
    if (out->n_outputs)
        syntax_error(syntax, landmark, "'%s' pseudoelement 'output' may only be used as input",
                     shown_name);
    else
        check_sequence(syntax, out, out->n_inputs, shown_name, "output", landmark);
    *n_inputs = in->n_outputs;
    *n_outputs = out->n_inputs;
}

/* Numbers `first`..`last` behind one prefix that are known to be taken. */
struct taken {
    unsigned long first, last;
};

/* Counts up from a taken name. The run of taken numbers is remembered and not walked twice. */
static const char *free_name(struct syntax *syntax, const struct syntax_body *body,
                             struct symbols *runs, const char *name)
{
    size_t prefix = (size_t)(strrchr(name, '@') - name) + 1;
    unsigned long number = strtoul(name + prefix, NULL, 10);
    struct symbol *symbol = symbols_add(runs, &syntax->arena, name, prefix);
    char *other = arena_alloc(&syntax->arena, prefix + 24);
    struct taken *taken;

    if (!symbol || !other)
        return NULL;
    taken = symbol->value;
    if (!taken)
        taken = symbol->value = arena_alloc(&syntax->arena, sizeof(*taken));
    if (!taken)
        return NULL;
    if (number < taken->first || number > taken->last)
        *taken = (struct taken){number, number};
    memcpy(other, name, prefix);
    do
        snprintf(other + prefix, 24, "%lu", ++taken->last);
    while (body_find(body, other, strlen(other)) != NO_ELEMENT);
    return other;
}

void body_finish_names(struct syntax *syntax, struct syntax_body *body)
{
    struct symbols runs = {0};
    unsigned i;

    for (i = 0; i < body->n_elements; i++) {
        struct syntax_element *element = &body->elements[i];

        if (!element->anonymous)
            continue;
        if (body_find(body, element->name, strlen(element->name)) != NO_ELEMENT) {
            const char *name = free_name(syntax, body, &runs, element->name);

            if (!name)
                return;
            element->name = name;
        }
        enter_name(syntax, body, element->name, i);
    }
}
