// SPDX-License-Identifier: BSD-2-Clause
/* args_test.c - splitting, quoting, types, and the rules by which words find their row. */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "router/element.h"

struct subject {
    struct element base;
    uint32_t first, second;
    uint8_t small;
    bool flag, flag_given;
    struct arg_string text;
    uint64_t wait_ns, rate;
};

static const struct argument table[] = {
    {.name = "FIRST", .kind = ARG_REQUIRED, .type = &arg_unsigned,
     .offset = offsetof(struct subject, first)},
    {.name = "SECOND", .kind = ARG_OPTIONAL, .type = &arg_unsigned,
     .offset = offsetof(struct subject, second)},
    {.name = "SMALL", .kind = ARG_KEYWORD, .type = &arg_u8, .offset = offsetof(struct subject, small)},
    {.name = "FLAG", .kind = ARG_KEYWORD, .type = &arg_bool, .offset = offsetof(struct subject, flag),
     .given = offsetof(struct subject, flag_given)},
    {.name = "TEXT", .kind = ARG_KEYWORD, .type = &arg_string, .offset = offsetof(struct subject, text)},
    {.name = "WAIT", .kind = ARG_KEYWORD, .type = &arg_seconds,
     .offset = offsetof(struct subject, wait_ns)},
    {.name = "RATE", .kind = ARG_KEYWORD, .type = &arg_bandwidth,
     .offset = offsetof(struct subject, rate)},
    {0},
};

static const struct element_class class = {.name = "Subject", .arguments = table};
static const struct element_class anywhere = {.name = "Subject", .arguments = table,
                                              .keywords_anywhere = true};

static void parse(struct subject *s, const char *config, const char *wanted_error)
{
    struct errors errors = {0};
    struct words rest;
    bool ok = args_parse(&s->base, config, &rest, &errors);

    assert_string_equal(text_string(&errors.text), wanted_error);
    assert_int_equal(ok, !*wanted_error);
    assert_int_equal(rest.n, 0);
    words_free(&rest);
    errors_free(&errors);
}

static void test_splitting(void **state)
{
    static const struct { const char *text; unsigned n; const char *word[4]; } cases[] = {
        {"", 0, {0}},
        {"  ", 0, {0}},
        {"a", 1, {"a"}},
        {"a, b ,c", 3, {"a", "b", "c"}},
        {"a,", 1, {"a"}},
        {"a,,b", 3, {"a", "", "b"}},
        {"\"a,b\", 'c,d'", 2, {"\"a,b\"", "'c,d'"}},
        {"a /* , */ b // , c\n, d", 2, {"a b", "d"}},
        {"\\<41, 42>, x", 2, {"\\<41, 42>", "x"}},
        {"\"open, b", 1, {"\"open, b"}},
        {"'open, b", 1, {"'open, b"}},
        {"/* open", 0, {0}},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct words words;

        assert_int_equal(words_split_commas(&words, cases[i].text), 0);
        assert_int_equal(words.n, cases[i].n);
        for (unsigned k = 0; k < words.n; k++)
            assert_string_equal(words.word[k], cases[i].word[k]);
        words_free(&words);
    }
}

static void test_quoting(void **state)
{
    static const struct { const char *text, *bytes; size_t length; } cases[] = {
        {"plain", "plain", 5},
        {"'a\\b'", "a\\b", 3},
        {"\"a\\tb\\x41\\101\\\"\"", "a\tbAA\"", 6},
        {"a\"b\"'c'", "abc", 3},
        {"\\<41 4 2>", "AB", 2},
        {"\"\\<00ff>\"", "\0\xff", 2},
        {"\"a\\0b\"", "a\0b", 3},
        {"\"open", "open", 4},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text again = {0};
        size_t length, length_again;
        char *bytes = args_unquote(cases[i].text, &length), *back;

        assert_int_equal(length, cases[i].length);
        assert_memory_equal(bytes, cases[i].bytes, length);
        args_quote(&again, bytes, length);
        back = args_unquote(text_string(&again), &length_again);
        assert_int_equal(length_again, length);
        assert_memory_equal(back, bytes, length);
        free(bytes);
        free(back);
        text_free(&again);
    }
}

static void test_one_word(void **state)
{
    static const char *const one[] = {
        "a", "a\"b c\"d", "'a b'", "\\<41 42>", "\"a\\\" b\"", "\"\"", "'open x",
    };
    static const char *const more[] = {"", "a b", "'a' 'b'", " a", "a ", "\"a\" b"};

    (void)state;
    for (unsigned i = 0; i < sizeof one / sizeof *one; i++)
        assert_true(args_is_one_word(one[i]));
    for (unsigned i = 0; i < sizeof more / sizeof *more; i++)
        assert_false(args_is_one_word(more[i]));
}

static void test_empty_arguments(void **state)
{
    struct subject s = {.base = {.class = &class}, .second = 7};

    (void)state;
    parse(&s, "1, , SMALL 3", "");
    assert_int_equal(s.second, 7);
    assert_int_equal(s.small, 3);
    parse(&s, ", 2", "FIRST: required argument missing\n");
    parse(&s, "5, 6,", "");
    assert_int_equal(s.second, 6);
}

static void test_prefixes_and_macs(void **state)
{
    static const struct { const char *text; bool ok; } prefixes[] = {
        {"1.2.3.4/24", true}, {"10/8", true}, {"1.2.3.4/255.255.0.0", true}, {"1.2.3.4", true},
        {"1.2.3.4/0x18", false}, {"1.2.3.4/33", false}, {"1.2.3.4/", false}, {"/24", false},
        {"1.2.3.4/-1", false}, {"1.2.3.4/4294967297", false},
    }, macs[] = {
        {"0:1:2:3:4:5", true}, {"00-0a-0B-ff-FF-00", true}, {"00:01-02:03:04:05", false},
        {"0:1:2:3:4", false}, {"0:1:2:3:4:5:6", false}, {"000:1:2:3:4:5", false}, {"", false},
    };
    struct arg_prefix prefix;
    uint8_t mac[6];

    (void)state;
    for (unsigned i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        assert_int_equal(args_read_prefix(NULL, prefixes[i].text, &prefix), prefixes[i].ok);
    for (unsigned i = 0; i < sizeof macs / sizeof *macs; i++)
        assert_int_equal(args_read_ether(NULL, macs[i].text, mac), macs[i].ok);
    /* Decimal, however it looks. */
    assert_true(args_read_prefix(NULL, "1.2.3.4/010", &prefix));
    assert_int_equal(prefix.mask, htobe32(0xFFC00000));
}

static void test_positions_and_keywords(void **state)
{
    struct subject s = {.base = {.class = &class}};

    (void)state;
    parse(&s, "1, 2, SMALL 3, FLAG true", "");
    assert_int_equal(s.first, 1);
    assert_int_equal(s.second, 2);
    assert_int_equal(s.small, 3);
    assert_true(s.flag && s.flag_given);
    parse(&s, "SECOND 9, FIRST 8", "");
    assert_int_equal(s.first, 8);
    assert_int_equal(s.second, 9);
    /* The last of duplicates wins. */
    parse(&s, "1, SMALL 4, SMALL 5", "");
    assert_int_equal(s.small, 5);
    /* A keyword before positional arguments blocks them, unless the class says otherwise. */
    parse(&s, "SMALL 1, 7", "FIRST: invalid number (got 'SMALL 1')\n");
    parse(&s, "FIRST 1, SMALL 1, 7", "too many arguments\n");
    s.base.class = &anywhere;
    parse(&s, "SMALL 1, 7", "");
    assert_int_equal(s.first, 7);
    args_release(&s.base);
}

static void test_a_failed_parse_stores_nothing(void **state)
{
    struct subject s = {.base = {.class = &class}, .first = 77};

    (void)state;
    parse(&s, "1, TEXT \"new\", SMALL 300", "SMALL: out of range, bound 255\n");
    assert_int_equal(s.first, 77);
    assert_null(s.text.s);
    parse(&s, "1, TEXT \"new\"", "");
    parse(&s, "2, TEXT \"newer\", NOPE 1, 5, 6",
          "NOPE: unknown argument\ntoo many arguments\n");
    assert_string_equal(s.text.s, "new");
    parse(&s, "", "FIRST: required argument missing\n");
    parse(&s, "x, FLAG maybe",
          "FIRST: invalid number (got 'x')\nFLAG: parse error (want boolean, got 'maybe')\n");
    args_release(&s.base);
}

static void test_integers(void **state)
{
    static const struct { const char *text; bool ok; uint64_t value; } cases[] = {
        {"0", true, 0}, {"12", true, 12}, {"0x1F", true, 31}, {"017", true, 15},
        {"0b101", true, 5}, {"1_000", true, 1000}, {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0}, {"", false, 0}, {"0x", false, 0}, {"08", false, 0},
        {"1_", false, 0}, {"1__0", false, 0}, {"12a", false, 0}, {"-1", false, 0},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 0;

        assert_int_equal(args_read_unsigned(cases[i].text, UINT64_MAX, &value), cases[i].ok);
        assert_true(value == cases[i].value);
    }
}

static void test_signed_bounds(void **state)
{
    static const struct { const char *text; bool ok; int32_t value; } cases[] = {
        {"-2147483648", true, INT32_MIN}, {"-2147483649", false, 0},
        {"2147483647", true, INT32_MAX}, {"2147483648", false, 0}, {"-0x10", true, -16},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct errors errors = {0};
        struct arg_context context = {.errors = &errors};
        int32_t value = 0;

        assert_int_equal(arg_int.parse(&context, cases[i].text, &value), cases[i].ok);
        assert_int_equal(value, cases[i].value);
        errors_free(&errors);
    }
}

static void test_times_and_rates(void **state)
{
    struct subject s = {.base = {.class = &class}};

    (void)state;
    parse(&s, "1, WAIT 1.5, RATE 8Mbps", "");
    assert_int_equal(s.wait_ns, 1500000000);
    assert_int_equal(s.rate, 1000000);
    parse(&s, "1, WAIT 2 min, RATE 1.5kB/s", "");
    assert_int_equal(s.wait_ns, 120000000000);
    assert_int_equal(s.rate, 1500);
    parse(&s, "1, WAIT 3 parsec", "WAIT: parse error (want time in seconds, got '3 parsec')\n");
    args_release(&s.base);
}

static void test_decimals(void **state)
{
    static const struct { const char *text; bool ok; uint64_t value; } cases[] = {
        {"1.5", true, 1500}, {".5", true, 500}, {"5.", true, 5000}, {"15e-1", true, 1500},
        {"0.0015E+3", true, 1500}, {"1_0.0_1", true, 10010}, {"1_", true, 1000}, {"+2", true, 2000},
        {"0.0004", true, 0}, {"0.0005", true, 1}, {"1e-400", true, 0}, {"0e99999999999", true, 0},
        {"000000000000000000000000000000000000000000000000000001", true, 1000},
        {"0.00000000000000000000000000000000000000000000000005e50", true, 5000},
        {"18446744073709551.615", true, UINT64_MAX}, {"18446744073709551.616", false, 0},
        {"1e17", false, 0}, {"1e99999999999999999999", false, 0}, {"", false, 0}, {".", false, 0},
        {"e3", false, 0}, {".e3", false, 0}, {"1e", false, 0}, {"1e+", false, 0}, {"1e1_0", false, 0},
        {"1__0", false, 0}, {"_1", false, 0}, {"1_.5", false, 0}, {"1._5", false, 0},
        {"-1", false, 0}, {"++1", false, 0}, {"0x10", false, 0}, {"1 ", false, 0}, {" 1", false, 0},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 0;

        assert_int_equal(args_read_decimal(cases[i].text, 1000, &value), cases[i].ok);
        assert_true(value == cases[i].value);
    }
}

static void test_rounding_and_limits(void **state)
{
    struct subject s = {.base = {.class = &class}};

    (void)state;
    parse(&s, "1, RATE 1.5, WAIT 1e30", "");
    assert_int_equal(s.rate, 2);
    assert_true(s.wait_ns == INT64_MAX);
    parse(&s, "1, RATE 1.5bps", "");
    assert_int_equal(s.rate, 0);
    parse(&s, "1, RATE 4bps", "");
    assert_int_equal(s.rate, 1);
    parse(&s, "1, RATE 1e30", "RATE: out of range, bound 2305843009213693951\n");
    args_release(&s.base);
}

static void test_addresses(void **state)
{
    struct arg_prefix prefix;
    struct text out = {0};
    uint8_t mac[6];
    uint32_t ip;

    (void)state;
    assert_true(args_read_ip(NULL, "1.2.3.4", &ip));
    assert_memory_equal(&ip, "\1\2\3\4", 4);
    assert_false(args_read_ip(NULL, "1.2.3.256", &ip));
    assert_false(args_read_ip(NULL, "1.2.3", &ip));
    assert_false(args_read_ip(NULL, "1.2.3.4.5", &ip));
    assert_true(args_read_prefix(NULL, "10.0.0.0/8", &prefix));
    args_format_prefix(&out, prefix.address, prefix.mask);
    assert_string_equal(text_string(&out), "10.0.0.0/8");
    text_truncate(&out, 0);
    assert_true(args_read_prefix(NULL, "10.0.0.0/255.0.255.0", &prefix));
    args_format_prefix(&out, prefix.address, prefix.mask);
    assert_string_equal(text_string(&out), "10.0.0.0/255.0.255.0");
    assert_false(args_read_prefix(NULL, "10.0.0.0/33", &prefix));
    assert_true(args_read_ether(NULL, "0:1a:2B:3:4:5", mac));
    assert_memory_equal(mac, "\0\x1a\x2b\3\4\5", 6);
    assert_false(args_read_ether(NULL, "0:1:2:3:4", mac));
    assert_false(args_read_ether(NULL, "0:1:2:3:4:5:6", mac));
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splitting),
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_one_word),
        cmocka_unit_test(test_empty_arguments),
        cmocka_unit_test(test_prefixes_and_macs),
        cmocka_unit_test(test_positions_and_keywords),
        cmocka_unit_test(test_a_failed_parse_stores_nothing),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_signed_bounds),
        cmocka_unit_test(test_times_and_rates),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_rounding_and_limits),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
