// SPDX-License-Identifier: BSD-2-Clause
/* element.c - the registry of classes, and what every element can do; see element.h. */
#include "router/element.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "platform/platform.h"
#include "router/router.h"

/* ---- registered classes ---- */

/* The linker makes these around the section that ELEMENT_CLASS fills. */
extern const struct element_class *const __start_element_classes[];
extern const struct element_class *const __stop_element_classes[];

unsigned element_class_count(void)
{
    return (unsigned)(__stop_element_classes - __start_element_classes);
}

const struct element_class *element_class_at(unsigned i)
{
    return i < element_class_count() ? __start_element_classes[i] : NULL;
}

/* Looked up by configurations only, yet a configuration may have 100,000 elements: hashed. */
enum { CLASS_SLOTS = 1024 };

static unsigned hash_name(const char *name)
{
    unsigned h = 5381;

    while (*name)
        h = h * 33 + (unsigned char)*name++;
    return h;
}

const struct element_class *element_class_find(const char *name)
{
    static const struct element_class *slots[CLASS_SLOTS];
    static bool filled;
    unsigned i;

    if (!filled) {
        for (unsigned c = 0; c < element_class_count() && c < CLASS_SLOTS / 2; c++) {
            i = hash_name(__start_element_classes[c]->name) % CLASS_SLOTS;
            while (slots[i])
                i = (i + 1) % CLASS_SLOTS;
            slots[i] = __start_element_classes[c];
        }
        filled = true;
    }
    for (i = hash_name(name) % CLASS_SLOTS; slots[i]; i = (i + 1) % CLASS_SLOTS)
        if (strcmp(slots[i]->name, name) == 0)
            return slots[i];
    return NULL;
}

/* ---- moving packets ---- */

void element_push_one_by_batch(struct element *e, unsigned port, struct packet *p)
{
    struct batch batch;

    batch.n = 1;
    batch.pkt[0] = p;
    e->class->push(e, port, &batch);
}

void element_push_nowhere(struct element *e, unsigned port, struct batch *batch)
{
    (void)e;
    (void)port;
    batch_free(batch);
}

unsigned element_pull_nothing(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    (void)e;
    (void)port;
    (void)batch;
    (void)max;
    return 0;
}

/* A bit for each of n packets that goes to `port`, without a branch for each. */
static uint64_t going_to(const unsigned *out, unsigned n, unsigned port)
{
    uint64_t all = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1, mask = 0;

#if defined(__SSE2__)
    const __m128i *four = (const __m128i *)out, wanted = _mm_set1_epi32((int)port);

    for (unsigned i = 0; i < n; i += 16, four += 4) {
        __m128i a = _mm_cmpeq_epi32(_mm_loadu_si128(four), wanted);
        __m128i b = _mm_cmpeq_epi32(_mm_loadu_si128(four + 1), wanted);
        __m128i c = _mm_cmpeq_epi32(_mm_loadu_si128(four + 2), wanted);
        __m128i d = _mm_cmpeq_epi32(_mm_loadu_si128(four + 3), wanted);
        __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d));

        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(bytes) << i;
    }
#else
    for (unsigned i = 0; i < n; i++)
        mask |= (uint64_t)(out[i] == port) << i;
#endif
    return mask & all;                  /* what stands behind the n means nothing */
}

static void push_or_drop(struct element *e, unsigned port, struct batch *batch, uint64_t *drops)
{
    if (port >= e->n_outputs) {
        *drops += batch->n;
        batch_free(batch);
    } else if (batch->n == 1) {
        element_push_one(e, port, batch->pkt[0]);
    } else {
        element_push(e, port, batch);
    }
}

void element_dispatch(struct element *e, struct batch *batch, const unsigned *out, uint64_t *drops)
{
    uint64_t all = batch->n == 64 ? UINT64_MAX : (UINT64_C(1) << batch->n) - 1, left = all;

    if (batch->n == 1) {
        push_or_drop(e, out[0], batch, drops);
        return;
    }
    /* One output at a time, in the order in which outputs first occur in the batch; mostly there is but one. */
    while (left) {
        unsigned port = out[__builtin_ctzll(left)];
        uint64_t mask = going_to(out, batch->n, port);
        struct batch run;

        if (mask == all) {
            push_or_drop(e, port, batch, drops);
            return;
        }
        left &= ~mask;
        run.n = 0;
        for (; mask; mask &= mask - 1)
            batch_add(&run, batch->pkt[__builtin_ctzll(mask)]);
        push_or_drop(e, port, &run, drops);
    }
}

/* ---- helpers for element code ---- */

bool element_error(struct element *e, struct errors *errors, const char *format, ...)
{
    struct errors_context context;
    char *declaration = NULL;
    va_list args;

    /* Outside of configure and initialize nobody has said yet whom this is about. */
    if (!errors->context) {
        declaration = element_declaration(e);
        errors_enter(errors, &context, e->landmark, declaration ? declaration : e->name);
    }
    va_start(args, format);
    errors_vadd(errors, NULL, format, args);
    va_end(args);
    if (errors->context == &context)
        errors_leave(errors);
    free(declaration);
    return false;
}

/* Ends the line that says whom it is about, and lets it out. */
static void log_message(struct text *line, const char *format, va_list args)
{
    text_puts(line, ": ");
    text_vprintf(line, format, args);
    text_putc(line, '\n');
    platform_log(text_string(line), line->length);
    text_free(line);
}

void element_log(const struct element *e, const char *format, ...)
{
    struct text line = {0};
    va_list args;

    text_puts(&line, e->name);
    va_start(args, format);
    log_message(&line, format, args);
    va_end(args);
}

void element_log_declared(const struct element *e, const char *format, ...)
{
    struct text line = {0};
    va_list args;

    text_printf(&line, "%s :: %s", e->name, e->class->name);
    va_start(args, format);
    log_message(&line, format, args);
    va_end(args);
}

struct element *element_find(struct element *scope, const char *name)
{
    size_t prefix = strlen(scope->name);
    struct element *found = NULL;
    struct text full = {0};

    /* The compound that scope stands in is its name up to the last slash. */
    for (;;) {
        while (prefix > 0 && scope->name[prefix - 1] != '/')
            prefix--;
        text_truncate(&full, 0);
        text_add(&full, scope->name, prefix);
        text_puts(&full, name);
        found = router_find(scope->router, text_string(&full));
        if (found || !prefix)
            break;
        prefix--;
    }
    text_free(&full);
    return found;
}

/* Both are bound, and the router knows that they belong together. */
static bool tie(struct element *a, struct element *b)
{
    struct router *r = a->router;

    if (r->scheduler)                   /* threads are given already */
        return a->threads == b->threads && !a->copy && !b->copy;
    if (r->n_ties == r->room_ties) {
        unsigned room = r->room_ties ? 2 * r->room_ties : 8;
        struct router_tie *grown = realloc(r->ties, room * sizeof *grown);

        if (!grown)
            return false;
        r->ties = grown;
        r->room_ties = room;
    }
    r->ties[r->n_ties++] = (struct router_tie){a, b};
    element_bind(a);
    element_bind(b);
    return true;
}

struct element *element_find_partner(struct element *scope, const char *name)
{
    struct element *found = element_find(scope, name);

    return found && tie(scope, found) ? found : NULL;
}

void element_bind(struct element *e)
{
    e->one_thread = true;
    e->router->n_bound++;
}

void *element_cast(struct element *e, const char *interface)
{
    if (strcmp(e->class->name, interface) == 0)
        return e;
    return e->class->cast ? e->class->cast(e, interface) : NULL;
}

char *element_declaration(const struct element *e)
{
    struct text t = {0};

    text_printf(&t, "%s :: %s", e->name, e->class->name);
    return text_take(&t);
}
