// SPDX-License-Identifier: BSD-2-Clause
/* figures.c - lines of figures that a guest wrote; see figures.h. */
#include "cli/figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789", word[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

/* Takes a word from the line; false: there is none, or it is too long. */
static bool take_word(const char **line, char out[FIGURE_WORD_MAX + 1])
{
    size_t n = strspn(*line, word);

    if (!n || n > FIGURE_WORD_MAX)
        return false;
    memcpy(out, *line, n);
    out[n] = '\0';
    *line += n;
    return true;
}

static bool take_vif(const char **line, int *vif)
{
    size_t n = strspn(*line, digits);

    if (!n || n > 3 || (*line)[n] != ' ')
        return false;
    *vif = atoi(*line);
    *line += n + 1;
    return *vif <= FIGURE_VIF_MAX;
}

static bool read_figure(const char *line, size_t length, bool vifs, struct figure *f)
{
    const char *end = line + length;

    *f = (struct figure){.vif = FIGURE_NO_VIF};
    if (vifs && !take_vif(&line, &f->vif))
        return false;
    if (!take_word(&line, f->name))
        return false;
    if (*line == '.' && (line++, !take_word(&line, f->part)))
        return false;
    if (*line++ != ' ' || line >= end || end - line > FIGURE_TEXT_MAX)
        return false;
    for (const char *s = line; s < end; s++)
        if (*s < ' ' || *s > '~')
            return false;
    memcpy(f->text, line, (size_t)(end - line));
    errno = 0;
    if (strspn(f->text, digits) == strlen(f->text)) {
        f->value = strtoull(f->text, NULL, 10);
        f->is_number = !errno;
    }
    return true;
}

/* Numbers before words, by size: "2" before "16". */
static int compare_parts(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    bool x = m && strspn(a, digits) == m, y = n && strspn(b, digits) == n;

    if (x != y)
        return x ? -1 : 1;
    return x && m != n ? (m > n) - (m < n) : strcmp(a, b);
}

static int compare(const struct figure *a, const struct figure *b)
{
    int names = a->vif != b->vif ? (a->vif > b->vif) - (a->vif < b->vif) : strcmp(a->name, b->name);

    return names ? names : compare_parts(a->part, b->part);
}

/* Of equals the one said first stands first. */
static int compare_for_sort(const void *a, const void *b)
{
    const struct figure *const *x = a, *const *y = b;
    int order = compare(*x, *y);

    return order ? order : (*x > *y) - (*x < *y);
}

static void sort(struct figures *figures)
{
    const struct figure **order = calloc(figures->n + 1, sizeof *order);
    struct figure *sorted = calloc(figures->n + 1, sizeof *sorted);
    unsigned kept = 0;

    if (!order || !sorted)
        abort();
    for (unsigned i = 0; i < figures->n; i++)
        order[i] = &figures->figure[i];
    qsort(order, figures->n, sizeof *order, compare_for_sort);
    for (unsigned i = 0; i < figures->n; i++)
        if (!kept || compare(&sorted[kept - 1], order[i]))
            sorted[kept++] = *order[i];
    figures->unreadable += figures->n - kept;
    free(order);
    free(figures->figure);
    figures->figure = sorted;
    figures->n = kept;
}

struct figures figures_read(const char *text, bool vifs)
{
    struct figures figures = {0};
    unsigned room = 0;

    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        if (figures.n == room && room < FIGURES_MAX) {
            room = room ? room * 2 : 64;
            figures.figure = realloc(figures.figure, room * sizeof *figures.figure);
            if (!figures.figure)
                abort();
        }
        if (figures.n < room && read_figure(text, length, vifs, &figures.figure[figures.n]))
            figures.n++;
        else
            figures.unreadable++;
    }
    sort(&figures);
    return figures;
}

void figures_free(struct figures *figures)
{
    free(figures->figure);
    *figures = (struct figures){0};
}

const struct figure *figures_find(const struct figures *figures, int vif, const char *name, const char *part)
{
    struct figure wanted = {.vif = vif};
    unsigned low = 0, high = figures->n;

    snprintf(wanted.name, sizeof wanted.name, "%s", name);
    snprintf(wanted.part, sizeof wanted.part, "%s", part);
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = compare(&figures->figure[middle], &wanted);

        if (!order)
            return &figures->figure[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint64_t figures_number(const struct figures *figures, int vif, const char *name)
{
    const struct figure *f = figures_find(figures, vif, name, "");

    return f && f->is_number ? f->value : 0;
}

json_t *figures_json(const struct figures *figures, int vif)
{
    json_t *json = json_object();

    for (unsigned i = 0; i < figures->n; i++) {
        const struct figure *f = &figures->figure[i];
        char name[2 * FIGURE_WORD_MAX + 2];

        if (f->vif != vif)
            continue;
        snprintf(name, sizeof name, "%s%s%s", f->name, *f->part ? "." : "", f->part);
        json_object_set_new(json, name, f->is_number && f->value <= INT64_MAX ? json_integer((json_int_t)f->value)
                                                                              : json_string(f->text));
    }
    return json;
}

unsigned instances_read(const char *text, struct instance instances[INSTANCES_MAX])
{
    unsigned n = 0;
    int used;

    for (; n < INSTANCES_MAX; text += used, n++) {
        struct instance *i = &instances[n];
        unsigned long long generation;

        if (sscanf(text, "%9u %15[A-Za-z] %19llu %9u\n%n", &i->id, i->status, &generation, &i->elements, &used) != 4)
            break;
        i->generation = generation;
        /* In order and so each once; whatever else it is, it is no list of instances. */
        if (i->id >= INSTANCES_MAX || (n && i->id <= instances[n - 1].id))
            break;
    }
    return n;
}

json_t *instances_json(const struct instance *instances, unsigned n)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:I, s:s, s:I, s:I}", "instance", (json_int_t)instances[i].id,
                                              "status", instances[i].status, "generation",
                                              (json_int_t)instances[i].generation, "elements",
                                              (json_int_t)instances[i].elements));
    return list;
}
