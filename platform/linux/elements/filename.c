// SPDX-License-Identifier: BSD-2-Clause
/* filename.c - reads and shows names of files; see filename.h. */
#include "platform/linux/elements/filename.h"

#include <stdlib.h>

static void release(void *value)
{
    arg_string.release(value);
}

static void format(const void *value, struct text *out)
{
    arg_string.format(value, out);
}

static bool expand_home(struct arg_string *name)
{
    const char *home = name->s[0] == '~' && name->s[1] == '/' ? getenv("HOME") : NULL;
    struct text t = {0};

    if (!home)
        return true;
    text_puts(&t, home);
    text_add(&t, name->s + 1, name->length - 1);
    if (t.failed) {
        text_free(&t);
        return false;
    }
    release(name);
    name->length = t.length;
    name->s = text_take(&t);
    return true;
}

static bool parse(const struct arg_context *c, const char *text, void *value)
{
    struct arg_string *name = value, v;

    if (!arg_string.parse(c, text, &v))
        return false;
    if (!v.length || !expand_home(&v)) {
        bool empty = !v.length;

        release(&v);
        return empty ? false : args_error(c, "out of memory");
    }
    *name = v;
    return true;
}

const struct arg_type arg_filename = {"file name", sizeof(struct arg_string), parse, format, release};
