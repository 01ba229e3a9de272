// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_parser.c - libFuzzer target: any bytes as a configuration.
 *
 * What parses without errors must print as a configuration that parses again, to the same print;
 * unless variables are about, whose values may hold half a string or another variable.
 * Dictionary: fuzz_parser.dict.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "language/plan.h"

static char *read_library(void *closure, const char *name, const char *includer, char **path,
                          size_t *length)
{
    static const char library[] = "elementclass L { $a | input -> X($a) -> output }";

    (void)closure;
    (void)includer;
    if (strlen(name) > 3)
        return NULL;
    *path = strdup(name);
    *length = sizeof(library) - 1;
    return strdup(library);
}

static bool same_names_as_text(const char *name)
{
    return name[0] >= 'A' && name[0] <= 'Z' && !strpbrk(name, "@/");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct language_define defines[] = {{"d", "$e (1) \"2\""}, {"e", "'x' y"}};
    const struct language_options options = {
        .class_known = same_names_as_text, .defines = defines, .n_defines = 2,
        .read_library = read_library,
    };
    struct errors errors = {0};
    struct text first = {0}, second = {0};
    char *copy = malloc(size ? size : 1);       /* so that reading beyond the end is seen */
    struct plan *plan, *again;

    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    plan = language_parse(copy, size, "fuzz", &options, &errors);
    free(copy);
    if (plan && !errors.count && (!size || !memchr(data, '$', size))) {
        plan_unparse(plan, &first);
        again = language_parse(text_string(&first), first.length, "fuzz", &options, &errors);
        if (errors.count || !again)
            abort();
        plan_unparse(again, &second);
        if (first.length != second.length ||
            memcmp(text_string(&first), text_string(&second), first.length) != 0)
            abort();
        plan_free(again);
    }
    plan_free(plan);
    text_free(&first);
    text_free(&second);
    errors_free(&errors);
    return 0;
}
