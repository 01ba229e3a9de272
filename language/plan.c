// SPDX-License-Identifier: BSD-2-Clause
/* plan.c - from text to plan: parse, expand, give back what was needed on the way; see plan.h. */
#include "language/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "language/syntax.h"

/*
 * Compounds in compounds and variables in variables can multiply a small text beyond any
 * memory: this many bytes may come out of them, more when the text itself is large.
 */
enum { EXPANSION_MAX = 4 << 20, EXPANSION_PER_BYTE = 64 };

/* The plan and the memory that it points into. */
struct owned_plan {
    struct plan plan;
    struct arena arena;
};

static void free_libraries(struct syntax *syntax)
{
    while (syntax->libraries) {
        struct syntax_library *library = syntax->libraries;

        syntax->libraries = library->next;
        free(library->path);
        free(library->text);
    }
}

struct plan *language_parse(const char *text, size_t length, const char *filename,
                            const struct language_options *options, struct errors *errors)
{
    struct owned_plan *owned = calloc(1, sizeof(*owned));
    struct syntax syntax = {.errors = errors, .options = options};
    struct syntax_body file = {.name = ""};
    struct landmark start = {.file = filename, .line = 1};

    if (!owned) {
        errors_add(errors, NULL, "out of memory");
        return NULL;
    }
    syntax.plan = &owned->plan;
    syntax.plan_arena = &owned->arena;
    syntax.work_left = EXPANSION_MAX;
    if (length < (SIZE_MAX - EXPANSION_MAX) / EXPANSION_PER_BYTE)
        syntax.work_left += length * EXPANSION_PER_BYTE;
    file.landmark = &start;

    parser_run(&syntax, &file, text, length, filename);
    if (!syntax.arena.failed)
        expand_run(&syntax, &file);

    if (syntax.arena.failed || owned->arena.failed || errors->text.failed) {
        errors_add(errors, filename, "out of memory");
        plan_free(&owned->plan);
        owned = NULL;
    }
    free_libraries(&syntax);
    arena_free(&syntax.arena);
    return owned ? &owned->plan : NULL;
}

bool plan_add_element(struct plan *plan, const char *name, const char *class_name,
                      const char *config, const char *landmark)
{
    struct arena *arena = &((struct owned_plan *)plan)->arena;
    struct plan_element *grown = arena_alloc(arena, (plan->n_elements + 1) * sizeof *grown);
    struct plan_element element = {
        arena_copy(arena, name, strlen(name)), arena_copy(arena, class_name, strlen(class_name)),
        arena_copy(arena, config, strlen(config)), arena_copy(arena, landmark, strlen(landmark)),
    };

    if (arena->failed)
        return false;
    if (plan->n_elements)
        memcpy(grown, plan->elements, plan->n_elements * sizeof *grown);
    grown[plan->n_elements++] = element;
    plan->elements = grown;
    return true;
}

void plan_free(struct plan *plan)
{
    struct owned_plan *owned = (struct owned_plan *)plan;

    if (!owned)
        return;
    arena_free(&owned->arena);
    free(owned);
}
