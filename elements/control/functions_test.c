// SPDX-License-Identifier: BSD-2-Clause
/* functions_test.c - what scripts compute, row by row: a function, its words, its value or its error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "elements/control/functions.h"
#include "platform/platform.h"

struct row {
    const char *name;
    handler_read_function *function;
    const char *words;
    const char *value;          /* NULL: an error */
    const char *error;
};

#define ROW(name, words, value) {#name, function_##name, words, value, NULL}
#define BAD(name, words, error) {#name, function_##name, words, NULL, error "\n"}

static const struct row rows[] = {
    ROW(add, "", "0"),
    ROW(add, "1 2 3", "6"),
    ROW(add, "010 0x10 0b11 1_000", "1027"),
    ROW(add, "1 2.25", "3.25"),
    ROW(add, "9223372036854775807 1", "-9223372036854775808"),
    ROW(add, "9223372036854775808 0", "9.22337203685e+18"),
    ROW(add, "-9223372036854775808 0", "-9223372036854775808"),
    ROW(add, " 1 // one\n /* two */ 2 ", "3"),
    BAD(add, "1 x", "expected list of numbers"),
    BAD(add, "1 -", "expected list of numbers"),
    BAD(add, "1 inf", "expected list of numbers"),
    BAD(add, "1 nan", "expected list of numbers"),
    BAD(add, "1 0x1p3", "expected list of numbers"),
    BAD(add, "1 1e", "expected list of numbers"),
    BAD(add, "--1", "expected list of numbers"),
    BAD(add, "-+1", "expected list of numbers"),
    BAD(add, "\"1\"", "expected list of numbers"),
    ROW(sub, "10 2 2", "6"),
    ROW(sub, "5", "5"),
    ROW(min, "10 6 20", "6"),
    ROW(min, "", "1"),
    ROW(min, "3 2.5 9", "2.5"),
    ROW(max, "-1 6 3", "6"),
    ROW(max, "-1 -6.5", "-1"),
    ROW(mul, "", "1"),
    ROW(mul, "1 2 3", "6"),
    ROW(mul, "2 1.5", "3"),
    ROW(mul, "9223372036854775807 2", "-2"),
    ROW(div, "75 2.5 5", "6"),
    ROW(div, "10 3", "3.33333333333"),
    ROW(div, "1 0", "inf"),
    ROW(idiv, "60 2 5", "6"),
    ROW(idiv, "7 -2", "-3"),
    ROW(idiv, "10 4 2", "1"),
    ROW(idiv, "1e300 1", "9223372036854775807"),
    ROW(idiv, "-1e300 1", "-9223372036854775808"),
    ROW(idiv, "0 0", "0"),

    ROW(mod, "7 3", "1"),
    ROW(mod, "-7 3", "-1"),
    ROW(mod, "-9223372036854775808 -1", "0"),
    BAD(mod, "7 0", "division by zero"),
    BAD(mod, "7.5 2", "expected two numbers"),
    BAD(mod, "7", "expected two numbers"),
    BAD(mod, "7 2 1", "expected two numbers"),
    ROW(rem, "7.5 2", "1.5"),
    ROW(rem, "7 4", "3"),
    BAD(rem, "7 x", "expected two numbers"),
    ROW(neg, "5", "-5"),
    ROW(neg, "-2.5", "2.5"),
    ROW(neg, "-9223372036854775808", "-9223372036854775808"),
    BAD(neg, "", "expected one number"),
    BAD(neg, "1 2", "expected one number"),
    ROW(abs, "-7", "7"),
    ROW(abs, "7", "7"),
    ROW(abs, "-0.5", "0.5"),
    BAD(abs, "x", "expected one number"),

    ROW(eq, "10 0xA", "true"),
    ROW(eq, "2.50 2.5", "true"),
    ROW(eq, "10x 10x", "true"),
    ROW(eq, "\"a\" a", "true"),
    ROW(eq, "1 a", "false"),
    ROW(ne, "1 1.5", "true"),
    ROW(lt, "9 10", "true"),
    ROW(lt, "\"a b\" c", "true"),
    ROW(lt, "ab abc", "true"),
    ROW(lt, "-1 -2", "false"),
    ROW(le, "9 8", "false"),
    ROW(le, "8 8", "true"),
    ROW(gt, "abc ab", "true"),
    ROW(ge, "2.5 2.5", "true"),
    BAD(eq, "1", "expected two numbers"),
    BAD(eq, "1 2 3", "expected two numbers"),

    ROW(not, "true", "false"),
    ROW(not, "0", "true"),
    BAD(not, "", "syntax error"),
    BAD(not, "maybe", "syntax error"),
    ROW(and, "", "true"),
    ROW(and, "1 true yes", "true"),
    ROW(and, "1 false x", "false"),
    BAD(and, "1 x false", "syntax error"),
    ROW(nand, "1 1", "false"),
    ROW(nand, "1 0", "true"),
    ROW(or, "", "false"),
    ROW(or, "0 no true", "true"),
    ROW(or, "true x", "true"),
    BAD(or, "x", "syntax error"),
    ROW(nor, "0 0", "true"),
    ROW(nor, "0 1", "false"),
    ROW(if, "true a b", "a"),
    ROW(if, "0 a \"b c\"", "\"b c\""),
    ROW(if, "false a", ""),
    BAD(if, "", "syntax error"),
    BAD(if, "x 1 2", "syntax error"),
    ROW(in, "foo bar foo", "true"),
    ROW(in, "a \"a\"", "true"),
    ROW(in, "foo", "false"),
    ROW(in, "", "false"),
    ROW(in, "10 0xA", "false"),

    ROW(first, "\"a b\" c", "\"a b\""),
    ROW(first, "", ""),
    ROW(length, "abcdef", "6"),
    ROW(length, " a ", "3"),
    ROW(unquote, "\"a b\"", "a b"),
    ROW(unquote, "\"\\<41 42>\"c", "ABc"),

    ROW(sprintf, "\"%05x\" 127", "0007f"),
    ROW(sprintf, "\"%-5d|%+d|% d|%i\" -3 4 5 0x1f", "-3   |+4| 5|31"),
    ROW(sprintf, "\"%s and %5.3s|\" \"a b\" abcdefg", "a b and   abc|"),
    ROW(sprintf, "\"100%%\"", "100%"),
    ROW(sprintf, "\"%*d|%-*d|\" 5 3 -4 7", "    3|7   |"),
    ROW(sprintf, "\"%hd %hu %lld %qX\" 70000 65537 5000000000 255", "4464 1 5000000000 FF"),
    ROW(sprintf, "\"%o\" 8", "10"),
    ROW(sprintf, "plain", "plain"),
    ROW(sprintf, "\"%.0d|\" 0", "|"),
    BAD(sprintf, "\"%d\"", "syntax error"),
    BAD(sprintf, "\"%d\" x", "syntax error"),
    BAD(sprintf, "\"%u\" -1", "syntax error"),
    BAD(sprintf, "\"%d\" 2.5", "syntax error"),
    BAD(sprintf, "\"%d\" 1 2", "syntax error"),
    BAD(sprintf, "\"%n\" 1", "syntax error"),
    BAD(sprintf, "\"%c\" 65", "syntax error"),
    BAD(sprintf, "\"%g\" 1", "syntax error"),
    BAD(sprintf, "\"%\"", "syntax error"),
    BAD(sprintf, "\"abc%\"", "syntax error"),
    BAD(sprintf, "\"%99999999999999999999d\" 1", "syntax error"),
    BAD(sprintf, "\"%.1001d\" 1", "syntax error"),
    BAD(sprintf, "\"%*d\" 1001 1", "syntax error"),
    BAD(sprintf, "\"%.*d\" -1 1", "syntax error"),
    BAD(sprintf, "\"%        d\" 1", "syntax error"),
    BAD(sprintf, "\"%s\"", "syntax error"),
    ROW(sprintf, "\"%s|\" \"\"", "|"),

    ROW(htons, "1", "256"),
    ROW(ntohs, "70000", "28689"),
    ROW(htonl, "1", "16777216"),
    ROW(ntohl, "-1", "4294967295"),
    BAD(htons, "x", "syntax error"),
    BAD(htonl, "4294967296", "syntax error"),
    BAD(htonl, "1 2", "syntax error"),

    ROW(random, "1", "0"),
    ROW(random, "5 5", "5"),
    BAD(random, "0", "bad N"),
    BAD(random, "5 4", "bad N"),
    BAD(random, "x", "bad N"),
    BAD(random, "1 2 3", "too many arguments"),
    BAD(kill, "", "bad SIGNO"),
    BAD(kill, "NOSUCH 1", "bad SIGNO"),
    BAD(kill, "INT x", "bad PID"),
    BAD(kill, "INT 99999999999", "bad PID"),
    BAD(cat, "", "bad FILE"),
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct errors errors = {0};
        struct text out = {0};
        struct handler_call call = {.value = row->words, .length = strlen(row->words),
                                    .errors = &errors};
        int status = row->function(NULL, &call, &out);
        const char *want = row->value ? row->value : row->error;
        const char *got = row->value ? text_string(&out) : text_string(&errors.text);

        if (strcmp(want, got) != 0 || (status < 0) != !row->value || errors.count != !row->value)
            fail_msg("%s %s: status %d, value '%s', errors '%s', not '%s'", row->name, row->words,
                     status, text_string(&out), text_string(&errors.text), want);
        text_free(&out);
        errors_free(&errors);
    }
}

static long random_value(const char *words)
{
    struct errors errors = {0};
    struct text out = {0};
    struct handler_call call = {.value = words, .length = strlen(words), .errors = &errors};
    long value;

    assert_int_equal(function_random(NULL, &call, &out), 0);
    value = atol(text_string(&out));
    text_free(&out);
    return value;
}

/* Both ends come up, nothing beyond them does. */
static void test_random(void **state)
{
    unsigned seen[4] = {0};

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        long value = random_value("3 6");

        assert_in_range(value, 3, 6);
        seen[value - 3]++;
        assert_in_range(random_value("2"), 0, 1);
        assert_in_range(random_value(""), 0, INT32_MAX);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_in_range(seen[i], 300, 700);
}

/* The time is the platform's, to the nanosecond. */
static void test_now(void **state)
{
    struct errors errors = {0};
    struct text out = {0};
    struct handler_call call = {.value = "", .errors = &errors};
    uint64_t before = platform_wall_ns() / 1000000000;
    char *end;

    (void)state;
    assert_int_equal(function_now(NULL, &call, &out), 0);
    assert_in_range(strtoull(text_string(&out), &end, 10), before, before + 5);
    assert_int_equal(*end, '.');
    assert_int_equal(strlen(end), 10);
    text_free(&out);
}

/* A parameter may hold any bytes. */
static void test_length_counts_nuls(void **state)
{
    struct errors errors = {0};
    struct text out = {0};
    struct handler_call call = {.value = "a\0b", .length = 3, .errors = &errors};

    (void)state;
    assert_int_equal(function_length(NULL, &call, &out), 0);
    assert_string_equal(text_string(&out), "3");
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_now),
        cmocka_unit_test(test_length_counts_nuls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
