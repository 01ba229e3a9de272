// SPDX-License-Identifier: BSD-2-Clause
/*
 * expand.c - replaces compounds by what they contain, and variables by their values.
 *
 * Elements come out in Click's order: those of the file first, then, for each compound in turn,
 * its contents, each compound's own elements before what is inside them.
 */
#include "language/expand.h"

#include <string.h>

#include "language/overload.h"
#include "language/variables.h"

enum { NODES_MAX = 1 << 22 };

/* Nodes whose compounds are still to be expanded. */
struct range {
    unsigned next, end;
};

struct lookup {
    struct variables variables;
    const struct expansion *expansion;
    const struct environment *environment;
};

static void give_up(struct expansion *expansion, struct landmark *landmark, const char *why)
{
    if (!expansion->full)
        syntax_error(expansion->syntax, landmark, "%s", why);
    expansion->full = true;
}

/* ---- variables ---- */

static const char *find_value(const struct variables *variables, const char *name, size_t length)
{
    const struct lookup *lookup = (const struct lookup *)variables;
    const struct language_options *options = lookup->expansion->syntax->options;
    const struct environment *environment;
    const struct syntax_variable *variable;
    unsigned i;

    for (environment = lookup->environment; environment; environment = environment->outer) {
        /* What comes from outside overrides the file's own. */
        if (!environment->outer && options)
            for (i = 0; i < options->n_defines; i++)
                if (strlen(options->defines[i].name) == length &&
                    memcmp(options->defines[i].name, name, length) == 0)
                    return options->defines[i].value;
        variable = body_variable(environment->body, name, length);
        if (variable && !environment->outer)
            return variable->value;
        if (variable && environment->values[variable - environment->body->variables])
            return environment->values[variable - environment->body->variables];
    }
    return NULL;
}

static bool value_of(const struct variables *variables, const char *name, size_t length,
                     enum variable_form form, unsigned depth, struct text *out)
{
    return variables_lookup(variables, name, length, form, depth, out, find_value);
}

/* NULL: out of memory or over the limit. */
static const char *expand_config(struct expansion *expansion, const struct node *node,
                                 struct arena *arena)
{
    struct syntax *syntax = expansion->syntax;
    struct lookup lookup = {
        .variables = {.value = value_of, .work_left = &syntax->work_left},
        .expansion = expansion,
        .environment = node->environment,
    };
    const struct slice *config = &node->element->config;
    struct text text = {0};
    const char *copy;

    if (!config->length || !memchr(config->s, '$', config->length)) {
        if (node->environment->outer && config->length >= syntax->work_left) {
            syntax->work_left = 0;
        } else if (node->environment->outer) {
            syntax->work_left -= config->length;
        }
        copy = arena_copy(arena, config->s, config->length);
    } else {
        variables_expand(&lookup.variables, config->s, config->length, 0, &text);
        syntax->arena.failed |= text.failed;
        copy = arena_copy(arena, text_string(&text), text.length);
        text_free(&text);
    }
    if (!syntax->work_left)
        give_up(expansion, node->element->landmark, "configuration too large when expanded");
    return copy;
}

/* ---- nodes ---- */

static unsigned node_named(const struct expansion *expansion, const char *name)
{
    size_t length = strlen(name);
    unsigned index = body_find(expansion->file, name, length);
    const struct symbol *symbol;

    if (index != NO_ELEMENT)
        return index;           /* the file's elements are the first nodes */
    symbol = symbols_find(&expansion->names, name, length);
    return symbol && symbol->value ? (unsigned)((uintptr_t)symbol->value - 1) : NO_ELEMENT;
}

static void enter_node(struct expansion *expansion, unsigned index, unsigned compound)
{
    struct syntax *syntax = expansion->syntax;
    const struct node *node = &expansion->nodes[index];
    unsigned other = node_named(expansion, node->name);
    struct symbol *symbol;

    if (other != NO_ELEMENT) {
        /* `x/y` was declared by hand, and x is a compound with a y. */
        syntax_error(syntax, expansion->nodes[compound].element->landmark,
                     "redeclaration of element '%s'", node->name);
        syntax_error(syntax, expansion->nodes[other].element->landmark,
                     "element '%s' previously declared here", node->name);
        return;
    }
    symbol = symbols_add(&expansion->names, &syntax->arena, node->name, strlen(node->name));
    if (symbol)
        symbol->value = (void *)((uintptr_t)index + 1);
}

/* "outer/inner", or a copy. */
static const char *make_name(struct expansion *expansion, const char *outer, const char *inner)
{
    struct syntax *syntax = expansion->syntax;
    size_t outer_length = outer ? strlen(outer) + 1 : 0, inner_length = strlen(inner);
    size_t length = outer_length + inner_length;
    char *name;

    if (outer && length >= syntax->work_left) {
        syntax->work_left = 0;
        return NULL;
    }
    syntax->work_left -= outer ? length : 0;
    name = arena_alloc(syntax->plan_arena, length + 1);
    if (!name)
        return NULL;
    if (outer) {
        memcpy(name, outer, outer_length - 1);
        name[outer_length - 1] = '/';
    }
    memcpy(name + outer_length, inner, inner_length);
    return name;
}

/* Nodes and wires for one use of a body, which is `compound`'s, or the file's: NO_ELEMENT. */
static bool add_body(struct expansion *expansion, const struct syntax_body *body,
                     const struct environment *environment, unsigned compound)
{
    struct arena *arena = &expansion->syntax->arena;
    unsigned first = expansion->n_nodes, i;
    struct landmark *landmark = compound == NO_ELEMENT
                                    ? body->landmark : expansion->nodes[compound].element->landmark;
    const char *outer = compound == NO_ELEMENT ? NULL : expansion->nodes[compound].name;

    if (body->n_elements > NODES_MAX - expansion->n_nodes) {
        give_up(expansion, landmark, "too many elements");
        return false;
    }
    if (body->n_connections > CONNECTIONS_MAX - expansion->n_wires) {
        give_up(expansion, landmark, "too many connections");
        return false;
    }
    for (i = 0; i < body->n_elements; i++) {
        const struct syntax_element *element = &body->elements[i];
        struct node node = {
            .element = element, .class = element->class, .environment = environment,
            .through = NO_ELEMENT, .inside = NO_ELEMENT, .plan_index = NO_ELEMENT,
        };

        if (element->group) {
            node.inside = node.through = first + i + 1;
        } else if (i >= 2 && body->elements[i - 2].group && !element->class) {
            node.through = first + i - 2;
        }
        node.name = make_name(expansion, outer, element->name);
        if (!node.name || !arena_grow(arena, (void **)&expansion->nodes, &expansion->nodes_capacity,
                                      expansion->n_nodes, sizeof(node))) {
            if (!expansion->syntax->work_left)
                give_up(expansion, landmark, "configuration too large when expanded");
            return false;
        }
        expansion->nodes[expansion->n_nodes++] = node;
        if (compound != NO_ELEMENT && element->class)
            enter_node(expansion, first + i, compound);
    }
    if (compound != NO_ELEMENT) {
        expansion->nodes[compound].inside = expansion->nodes[compound].through = first + BODY_INPUT;
        expansion->nodes[first + BODY_OUTPUT].through = compound;
    }
    for (i = 0; i < body->n_connections; i++) {
        const struct syntax_connection *connection = &body->connections[i];

        if (!arena_grow(arena, (void **)&expansion->wires, &expansion->wires_capacity,
                        expansion->n_wires, sizeof(*expansion->wires)))
            return false;
        expansion->wires[expansion->n_wires] = (struct wire){
            .from = first + connection->from, .from_port = connection->from_port,
            .to = first + connection->to, .to_port = connection->to_port,
            .order = expansion->n_wires, .landmark = connection->landmark,
        };
        expansion->n_wires++;
    }
    return true;
}

/* What a definition in a compound is worth in one use of it. NULL: out of memory. */
static const char *expand_definition(struct expansion *expansion,
                                     const struct environment *environment, const char *value)
{
    struct syntax *syntax = expansion->syntax;
    struct lookup lookup = {
        .variables = {.value = value_of, .work_left = &syntax->work_left},
        .expansion = expansion,
        .environment = environment,
    };
    struct text text = {0};
    const char *copy;

    variables_expand(&lookup.variables, value, strlen(value), 0, &text);
    syntax->arena.failed |= text.failed;
    copy = arena_copy(&syntax->arena, text_string(&text), text.length);
    text_free(&text);
    return copy;
}

/*
 * The environment of a use of `body` inside `here`. What encloses it is decided by the text.
 * Formals have their `values`; definitions get theirs now, one after the other, from what is known
 * here: a compound further in may have a variable of the same name.
 */
static const struct environment *new_environment(struct expansion *expansion,
                                                 const struct environment *here,
                                                 const struct syntax_body *body,
                                                 const char *const *values)
{
    struct arena *arena = &expansion->syntax->arena;
    struct environment *environment = arena_alloc(arena, sizeof(*environment));
    unsigned i;

    if (!environment)
        return NULL;
    while (here->outer && here->body != body->outer)
        here = here->outer;
    *environment = (struct environment){
        body, here, arena_alloc(arena, (body->n_variables + 1) * sizeof(*environment->values)),
    };
    if (!environment->values)
        return NULL;
    for (i = 0; i < body->n_variables; i++) {
        environment->values[i] =
            i < body->n_formals ? arena_copy(arena, values[i], strlen(values[i]))
                                : expand_definition(expansion, environment, body->variables[i].value);
        if (!environment->values[i])
            return NULL;
    }
    return environment;
}

/* False: nothing was added. */
static bool expand_compound(struct expansion *expansion, unsigned index)
{
    struct syntax *syntax = expansion->syntax;
    struct node *node = &expansion->nodes[index];
    const struct syntax_class *primitive;
    const struct environment *environment;
    const struct syntax_body *body;
    const char *config = expand_config(expansion, node, &syntax->arena), **values = NULL;
    struct words arguments = {0};
    struct use use = {
        .arguments = &arguments,
        .n_inputs = node->element->n_inputs, .n_outputs = node->element->n_outputs,
        .landmark = node->element->landmark,
    };
    bool expanded = false;

    if (!config || words_split_commas(&arguments, config) < 0) {
        syntax->arena.failed = true;
        words_free(&arguments);
        return false;
    }
    body = overload_choose(syntax, node->class, &use, &values, &primitive);
    if (body) {
        node->class = NULL;
        environment = new_environment(expansion, node->environment, body, values);
        expanded = environment && add_body(expansion, body, environment, index);
    } else {
        node->class = primitive;        /* NULL, and no way through, after an error */
    }
    words_free(&arguments);
    return expanded;
}

static void expand_compounds(struct expansion *expansion)
{
    struct arena *arena = &expansion->syntax->arena;
    struct range *stack = NULL;
    unsigned depth = 1, capacity = 0;

    if (!arena_grow(arena, (void **)&stack, &capacity, 0, sizeof(*stack)))
        return;
    stack[0] = (struct range){0, expansion->n_nodes};
    while (depth && !expansion->full && !arena->failed) {
        struct range *top = &stack[depth - 1];
        const struct syntax_class *class;
        unsigned index, first = expansion->n_nodes;

        if (top->next == top->end) {
            depth--;
            continue;
        }
        index = top->next++;
        class = expansion->nodes[index].class;
        if (!class || class->kind != CLASS_COMPOUND || !expand_compound(expansion, index))
            continue;
        if (!arena_grow(arena, (void **)&stack, &capacity, depth, sizeof(*stack)))
            return;
        stack[depth++] = (struct range){first + 2, expansion->n_nodes};
    }
}

static void fill_elements(struct expansion *expansion)
{
    struct syntax *syntax = expansion->syntax;
    struct plan *plan = syntax->plan;
    const struct syntax_class *last_class = NULL;
    const char *class_name = NULL;
    unsigned i, n = 0;

    for (i = 0; i < expansion->n_nodes; i++)
        n += expansion->nodes[i].class != NULL;
    plan->elements = arena_alloc(syntax->plan_arena, (size_t)n * sizeof(*plan->elements));
    if (!plan->elements)
        return;
    for (i = 0; i < expansion->n_nodes && !expansion->full; i++) {
        struct node *node = &expansion->nodes[i];
        struct plan_element *element = &plan->elements[plan->n_elements];

        if (!node->class)
            continue;
        if (node->class != last_class) {
            last_class = node->class;
            class_name = arena_copy(syntax->plan_arena, last_class->name, strlen(last_class->name));
        }
        element->name = node->name;
        element->class_name = class_name;
        element->config = expand_config(expansion, node, syntax->plan_arena);
        element->landmark = landmark_text(node->element->landmark, syntax->plan_arena);
        if (!element->config || !element->class_name)
            return;
        node->plan_index = plan->n_elements++;
    }
}

void expand_run(struct syntax *syntax, struct syntax_body *file)
{
    struct expansion expansion = {.syntax = syntax, .file = file};
    struct environment environment = {.body = file};

    if (!add_body(&expansion, file, &environment, NO_ELEMENT))
        return;
    expand_compounds(&expansion);
    if (expansion.full || syntax->arena.failed)
        return;
    fill_elements(&expansion);
    if (expansion.full || syntax->arena.failed || syntax->plan_arena->failed)
        return;
    wiring_run(&expansion);
}
