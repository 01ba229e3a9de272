// SPDX-License-Identifier: BSD-2-Clause
/* options_test.c - command lines by table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/print.h"

static const char *const kinds[] = {"pv", "pvh", NULL};

static const struct option options[] = {
    {.name = "memory", .letter = 'm', .value = "MB", .initial = "8", .min = 1, .max = 100, .help = "memory"},
    {.name = "vif", .value = "SPEC", .repeat = true, .help = "a vif"},
    {.name = "type", .value = "pv|pvh", .choices = kinds, .help = "kind"},
    {.name = "json", .letter = 'j', .help = "json"},
    {0},
};

static const struct command command = {
    .name = "test", .operands = "A [B]", .min_operands = 1, .max_operands = 2, .summary = "a test", .options = options,
};

static struct invocation invocation;

static bool parse(int n, ...)
{
    char *argv[32];
    va_list args;

    va_start(args, n);
    for (int i = 0; i < n; i++)
        argv[i] = va_arg(args, char *);
    va_end(args);
    command_free(&invocation);
    return command_parse(&command, n, argv, &invocation);
}

static void test_good(void **state)
{
    unsigned at = 0;

    (void)state;
    assert_true(parse(1, "a"));
    assert_string_equal(invocation.operand[0], "a");
    assert_int_equal(option_number(&invocation, "memory"), 8);
    assert_false(option_given(&invocation, "json"));
    assert_true(parse(8, "--memory", "5", "a", "--vif=x=1,y=2", "-j", "--vif", "z", "b"));
    assert_int_equal(invocation.n_operands, 2);
    assert_int_equal(option_number(&invocation, "memory"), 5);
    assert_true(option_given(&invocation, "json"));
    assert_string_equal(option_next(&invocation, "vif", &at), "x=1,y=2");
    assert_string_equal(option_next(&invocation, "vif", &at), "z");
    assert_null(option_next(&invocation, "vif", &at));
    assert_true(parse(4, "-m7", "a", "-m", "9"));
    assert_int_equal(option_number(&invocation, "memory"), 9);
    assert_true(parse(3, "--", "--memory", "-j"));
    assert_string_equal(invocation.operand[0], "--memory");
    assert_true(parse(2, "a", "-1.5"));
    assert_string_equal(invocation.operand[1], "-1.5");
    assert_true(parse(1, "-"));
    assert_true(parse(3, "--type", "pvh", "a"));
    assert_true(parse(1, "--help"));
    assert_true(invocation.help);
}

static void test_bad(void **state)
{
    (void)state;
    assert_false(parse(0));
    assert_false(parse(3, "a", "b", "c"));
    assert_false(parse(2, "a", "--nonsense"));
    assert_false(parse(2, "a", "--memor"));
    assert_false(parse(2, "a", "--memory"));
    assert_false(parse(3, "a", "--memory", "0"));
    assert_false(parse(3, "a", "--memory", "101"));
    assert_false(parse(3, "a", "--memory", "5x"));
    assert_false(parse(3, "a", "--memory", ""));
    assert_false(parse(3, "a", "--memory", "99999999999999999999"));
    assert_false(parse(3, "a", "--type", "hvm"));
    assert_false(parse(2, "a", "--json=1"));
    assert_false(parse(2, "a", "-jx"));
    assert_false(parse(2, "a", "-x"));
}

/* What a guest says must not steer the terminal. */
static void test_harmless(void **state)
{
    static const char text[] = "a\x1b[2Jb\tc\nd\x7f\xc3\xa9\xc2\x9bz";
    char *out = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&out, &n);

    (void)state;
    print_line(file, text, sizeof text - 1, true);
    fclose(file);
    assert_string_equal(out, "a\\x1b[2Jb\tc\nd\\x7f\xc3\xa9\\xc2\x9bz\n");
    free(out);
}

static int teardown(void **state)
{
    (void)state;
    command_free(&invocation);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_good, teardown),
        cmocka_unit_test_teardown(test_bad, teardown),
        cmocka_unit_test(test_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
