// SPDX-License-Identifier: BSD-2-Clause
/* variables_test.c - substitution as elements such as Script use it, with values of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "language/variables.h"

static const char *find(const struct variables *variables, const char *name, size_t length)
{
    static const char *const values[][2] = {
        {"one", "1"}, {"two", "a b"}, {"?", "7"}, {"quote", "x\"\\\n\x01"}, {"loop", "<$loop>"},
    };
    size_t i;

    (void)variables;
    for (i = 0; i < sizeof(values) / sizeof(*values); i++)
        if (strlen(values[i][0]) == length && memcmp(values[i][0], name, length) == 0)
            return values[i][1];
    return NULL;
}

static bool value(const struct variables *variables, const char *name, size_t length,
                  enum variable_form form, unsigned depth, struct text *out)
{
    if (form == VARIABLE_COMMAND) {
        text_putc(out, '{');
        text_add(out, name, length);
        text_putc(out, '}');
        return true;
    }
    return variables_lookup(variables, name, length, form, depth, out, find);
}

static void check(const char *text, bool quote, const char *expected)
{
    size_t work = 100000;
    const struct variables variables = {.value = value, .work_left = &work, .quote = quote};
    struct text out = {0};

    variables_expand(&variables, text, strlen(text), 0, &out);
    assert_string_equal(text_string(&out), expected);
    assert_true(work > 0);
    text_free(&out);
}

static void test_plain(void **state)
{
    (void)state;
    check("", false, "");
    check("$one-$two ${one}", false, "1-a b 1");
    check("$? $x $ $", false, "7 $x $ $");
    check("${two[1]}${two[2]}${two[ 0]}", false, "ba");
    check("${x-$one}${x - $one}${one-9}${-9}", false, "1 119");
    check("$(cmd $one ')') $(", false, "{cmd 1 ')'} $(");
    check("${x${one} ${x$one}", false, "${x${one} ${x1}");
    check("$loop", false, "<<<<<<<<<<<$loop>>>>>>>>>>>");
    check("${unfinished $one", false, "${unfinished $one");
}

static void test_quotes(void **state)
{
    (void)state;
    check("'$one' \"$quote\" \"\\$one\"", false, "'$one' \"x\\\"\\\\\\n\\001\" \"\\$one\"");
    check("$two \"$two\" '$two'", true, "\"a b\" \"a b\" '$two'");
    check("// $one\n$one /* $one */", false, "// $one\n1 /* $one */");
}

static void test_work(void **state)
{
    size_t work = 10;
    const struct variables variables = {.value = value, .work_left = &work};
    struct text out = {0};

    (void)state;
    variables_expand(&variables, "$loop", 5, 0, &out);
    assert_int_equal(work, 0);
    text_free(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain), cmocka_unit_test(test_quotes), cmocka_unit_test(test_work),
    };

    return cmocka_run_group_tests_name("variables", tests, NULL, NULL);
}
