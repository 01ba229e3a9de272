// SPDX-License-Identifier: BSD-2-Clause
/* results.c - handlers and exit status after the run; see results.h. */
#define _GNU_SOURCE
#include "platform/linux/results.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/router.h"

enum { STATUS_UNKNOWN = 255 };

bool results_report(struct errors *errors, bool no_warnings)
{
    bool failed = errors->count > 0;

    if (!(no_warnings && !failed))
        fputs(text_string(&errors->text), stderr);
    errors_free(errors);
    return failed;
}

/* ---- handlers ---- */

static bool print_value(struct router *r, const char *name, bool with_name)
{
    struct errors errors = {0};
    struct text value = {0};
    bool ok = router_read(r, name, NULL, &value, &errors);

    if (ok) {
        if (with_name)
            printf("%s:\n", name);
        fwrite(text_string(&value), 1, value.length, stdout);
        if (value.length && value.s[value.length - 1] != '\n')
            putchar('\n');
        if (with_name)
            putchar('\n');
    }
    text_free(&value);
    return !results_report(&errors, false) && ok;
}

static bool can_be_read(struct element *e, const char *handler)
{
    unsigned index;
    const struct handler *h = handler_find(e->router, e, handler, &index);

    return h && handler_readable(h) && !(h->flags & HANDLER_PRIVATE);
}

/*
 * "fw/c*.count" or "Counter.count": the handler of every element that is called so, or is of that
 * class, where there is such a handler.
 */
static bool print_of_all(struct router *r, const char *which, const char *handler)
{
    bool pattern = strpbrk(which, "*?["), any = false, ok = true;

    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *e = r->elements[i];
        struct text name = {0};

        if (pattern ? fnmatch(which, e->name, 0) != 0 : !element_cast(e, which))
            continue;
        any = true;
        if (!can_be_read(e, handler))
            continue;
        text_printf(&name, "%s.%s", e->name, handler);
        ok &= print_value(r, text_string(&name), true);
        text_free(&name);
    }
    if (!any)
        fprintf(stderr, "no element%s '%s'\n", pattern ? " matching" : "", which);
    return any && ok;
}

static bool print_handler(struct router *r, const char *name, bool with_name)
{
    const char *dot = strchr(name, '.');
    char *which;
    bool ok;

    if (!dot || dot == name)
        return print_value(r, name, with_name);
    which = strndup(name, (size_t)(dot - name));
    if (!which)
        return false;
    if (router_find(r, which) || strspn(which, "0123456789") == strlen(which))
        ok = print_value(r, name, with_name);
    else
        ok = print_of_all(r, which, dot + 1);
    free(which);
    return ok;
}

bool results_print(struct router *r, const char *const *handlers, unsigned n)
{
    bool ok = true;

    for (unsigned i = 0; i < n; i++)
        ok &= print_handler(r, handlers[i], n > 1);
    fflush(stdout);
    return ok;
}

/* ---- exit status ---- */

static bool read_status(const char *text, int *status)
{
    struct errors unwanted = {0};
    struct arg_context context = {.errors = &unwanted};
    int32_t number;
    bool truth, ok = true;

    if (arg_int.parse(&context, text, &number))
        *status = number & 255;
    else if (arg_bool.parse(&context, text, &truth))
        *status = truth ? 0 : 1;
    else
        ok = false;
    errors_free(&unwanted);
    return ok;
}

int results_exit_status(struct router *r, const char *name)
{
    struct errors errors = {0};
    struct text value = {0};
    int status = STATUS_UNKNOWN;

    if (router_read(r, name, NULL, &value, &errors) && !read_status(text_string(&value), &status))
        errors_add(&errors, NULL, "exit handler value should be integer");
    results_report(&errors, false);
    text_free(&value);
    return status;
}

bool results_write_flat(struct router *r, const char *name)
{
    FILE *f = strcmp(name, "-") == 0 ? stdout : fopen(name, "w");
    struct text flat = {0};
    bool ok = f != NULL;

    plan_unparse(r->plan, &flat);
    if (f) {
        ok = fwrite(text_string(&flat), 1, flat.length, f) == flat.length;
        ok &= (f == stdout ? fflush(f) : fclose(f)) == 0;
    }
    text_free(&flat);
    if (!ok)
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
    return ok;
}
