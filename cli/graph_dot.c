// SPDX-License-Identifier: BSD-2-Clause
/* graph_dot.c - a configured router in graphviz's language; see graph.h. */
#include "cli/graph.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_SHOWN_MAX = 28 };         /* longer arguments stand in the tooltip only */

static const char style[] =
    "    graph [fontname=Helvetica, fontsize=11, labeljust=l, nodesep=0.35, ranksep=0.45];\n"
    "    node [fontname=Helvetica, fontsize=10, shape=record, style=filled, fillcolor=\"#f5f7fa\", color=\"#4a5568\"];\n"
    "    edge [fontname=Helvetica, fontsize=9, color=\"#2d3748\"];\n";
static const char push_style[] = "arrowhead=normal";
static const char pull_style[] = "arrowhead=empty, style=dashed, color=\"#2b6cb0\"";
static const char legend[] =
    "    subgraph cluster_legend {\n"
    "        label=legend; style=dotted; fontcolor=\"#718096\"; color=\"#a0aec0\";\n"
    "        node [shape=plaintext, style=solid, fontcolor=\"#718096\"];\n"
    "        legend_a [label=\"\"]; legend_b [label=\"\"]; legend_c [label=\"\"]; legend_d [label=\"\"];\n"
    "        legend_a -> legend_b [label=push, %s];\n"
    "        legend_c -> legend_d [label=pull, %s];\n"
    "    }\n";

/* Within a quoted string; `record`: within a record's label, too, where more letters mean something. */
static void put_escaped(struct text *out, const char *s, size_t n, bool record)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c == '"' || c == '\\')
            text_printf(out, record && c == '\\' ? "\\\\%c%c" : "\\%c", c, c);
        else if (record && strchr("{}|<>", c) && c)
            text_printf(out, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            text_puts(out, c == '\n' || c == '\t' || c == '\r' ? " " : "?");
        else
            text_putc(out, (char)c);
    }
}

static void put_string(struct text *out, const char *s, bool record)
{
    put_escaped(out, s, strlen(s), record);
}

static void indent(struct text *out, unsigned depth)
{
    for (unsigned i = 0; i <= depth; i++)
        text_puts(out, "    ");
}

static void put_ports(struct text *out, char letter, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        text_printf(out, "%s<%c%u> %u", i ? "|" : "", letter, i, i);
}

/* {{<i0> 0|<i1> 1}|name\nClass(arguments)\nnotes|{<o0> 0}} */
static void put_element(struct text *out, const struct element *e, const char *note, unsigned depth)
{
    const char *slash = strrchr(e->name, '/');

    indent(out, depth);
    text_printf(out, "n%u [label=\"{", e->index);
    if (e->n_inputs) {
        text_puts(out, "{");
        put_ports(out, 'i', e->n_inputs);
        text_puts(out, "}|");
    }
    put_string(out, slash ? slash + 1 : e->name, true);
    text_puts(out, "\\n");
    put_string(out, e->class->name, true);
    if (*e->config && strlen(e->config) <= CONFIG_SHOWN_MAX) {
        text_puts(out, "(");
        put_string(out, e->config, true);
        text_puts(out, ")");
    }
    for (const char *line = note; line && *line; line += line[strcspn(line, "\n")] ? strcspn(line, "\n") + 1 : strlen(line)) {
        text_puts(out, "\\n");
        put_escaped(out, line, strcspn(line, "\n"), true);
    }
    if (e->n_outputs) {
        text_puts(out, "|{");
        put_ports(out, 'o', e->n_outputs);
        text_puts(out, "}");
    }
    text_puts(out, "}\", tooltip=\"");
    put_string(out, e->name, false);
    text_puts(out, " :: ");
    put_string(out, e->class->name, false);
    if (*e->config) {
        text_puts(out, "(");
        put_string(out, e->config, false);
        text_puts(out, ")");
    }
    text_puts(out, "\"];\n");
}

/* ---- compounds ---- */

/* By path, so that a compound's elements stand together: '/' comes before every other letter. */
static int by_path(const void *a, const void *b)
{
    const struct element *const *x = a, *const *y = b;
    const unsigned char *s = (const unsigned char *)(*x)->name, *t = (const unsigned char *)(*y)->name;

    while (*s && *s == *t) {
        s++;
        t++;
    }
    return (*s == '/' ? 1 : *s) - (*t == '/' ? 1 : *t);
}

/* How many bytes of a name its compounds take: up to the last slash. */
static size_t outer_length(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash ? (size_t)(slash - name) : 0;
}

/* The longest path of compounds that both names begin with, in bytes. */
static size_t common_path(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t common = 0;

    for (size_t i = 0; i <= a_length && i <= b_length; i++) {
        bool a_ends = i == a_length || a[i] == '/', b_ends = i == b_length || b[i] == '/';

        if (a_ends && b_ends)
            common = i;
        if (i == a_length || i == b_length || a[i] != b[i])
            break;
    }
    return common;
}

/* From one element's compounds to another's: closes some, opens some. */
static unsigned change_compound(struct text *out, const char *from, size_t from_length, const char *to,
                                size_t to_length, unsigned depth)
{
    size_t common = common_path(from, from_length, to, to_length);

    for (size_t i = from_length; i > common; i--)
        if (i == from_length || from[i] == '/') {
            indent(out, --depth);
            text_puts(out, "}\n");
        }
    for (size_t at = common; at < to_length;) {
        size_t begin = at ? at + 1 : 0, n = strcspn(to + begin, "/");

        indent(out, depth++);
        text_puts(out, "subgraph \"cluster/");
        put_escaped(out, to, begin + n, false);
        text_puts(out, "\" {\n");
        indent(out, depth);
        text_puts(out, "label=\"");
        put_escaped(out, to + begin, n, false);
        text_puts(out, "\"; style=rounded; color=\"#a0aec0\";\n");
        at = begin + n;
    }
    return depth;
}

static bool put_elements(struct text *out, const struct router *r, char *const *notes)
{
    struct element **sorted = malloc((r->n_elements + 1) * sizeof *sorted);
    const char *path = "";
    size_t length = 0;
    unsigned depth = 0;

    if (!sorted)
        return false;
    memcpy(sorted, r->elements, r->n_elements * sizeof *sorted);
    qsort(sorted, r->n_elements, sizeof *sorted, by_path);
    for (unsigned i = 0; i < r->n_elements; i++) {
        const struct element *e = sorted[i];

        depth = change_compound(out, path, length, e->name, outer_length(e->name), depth);
        path = e->name;
        length = outer_length(path);
        put_element(out, e, notes ? notes[e->index] : NULL, depth);
    }
    change_compound(out, path, length, "", 0, depth);
    free(sorted);
    return true;
}

void graph_dot(const struct router *r, const char *title, char *const *notes, struct text *out)
{
    text_puts(out, "digraph \"");
    put_string(out, title, false);
    text_puts(out, "\" {\n");
    text_puts(out, style);
    if (!put_elements(out, r, notes))
        out->failed = true;
    for (unsigned i = 0; i < r->plan->n_connections; i++) {
        const struct plan_connection *c = &r->plan->connections[i];

        text_printf(out, "    n%u:o%u:s -> n%u:i%u:n [%s];\n", c->from, c->from_port, c->to, c->to_port,
                    r->elements[c->from]->output_is_pull[c->from_port] ? pull_style : push_style);
    }
    text_printf(out, legend, push_style, pull_style);
    text_puts(out, "}\n");
}
