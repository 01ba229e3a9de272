// SPDX-License-Identifier: BSD-2-Clause
/* netfront_modes_test.c - names of modes, right and wrong, and the boot line's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/netfront_modes.c"

static const char *boot_line;
static char said[256];

bool boot_argument(const char *name, char *value, size_t size)
{
    assert_true(strcmp(name, "netfront") == 0 || strcmp(name, "offload") == 0);
    if (!boot_line)
        return false;
    snprintf(value, size, "%s", boot_line);
    return true;
}

void console_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(said, sizeof said, format, args);
    va_end(args);
}

static void assert_is(const char *text, const char *expected)
{
    struct errors errors = {0};
    struct text out = {0};
    unsigned set = 99;

    assert_true(netfront_modes_parse(text, &set, &errors));
    netfront_modes_format(set, &out);
    assert_string_equal(text_string(&out), expected);
    text_free(&out);
}

static void test_good(void **state)
{
    (void)state;
    assert_is("basic", "basic");
    assert_is("poll", "poll");
    assert_is("fr,poll", "poll,fr");
    assert_is(" gru  fr\n", "gru,fr");
    assert_is("poll, gru, fr", "poll,gru,fr");
    assert_is("poll+fr", "poll,fr");
    assert_is("all", "poll,gru,fr");
    assert_is("poll,poll", "poll");
}

static void assert_wrong(const char *text, const char *part)
{
    struct errors errors = {0};
    unsigned set = 99;

    assert_false(netfront_modes_parse(text, &set, &errors));
    assert_int_equal(set, 99);
    if (!strstr(text_string(&errors.text), part))
        fail_msg("'%s': no '%s' in '%s'", text, part, text_string(&errors.text));
    errors_free(&errors);
}

static void test_bad(void **state)
{
    (void)state;
    assert_wrong("fast", "unknown mode 'fast'; there is basic, all, or any of poll, gru, fr");
    assert_wrong("poll,grub", "unknown mode 'grub'");
    assert_wrong("Poll", "unknown mode 'Poll'");
    assert_wrong("basic,fr", "basic is none of the others");
    assert_wrong("", "no mode");
    assert_wrong(" ,", "no mode");
}

/* One process, one boot line: a wrong one, which must not keep the VM from running. */
static void test_boot_line(void **state)
{
    (void)state;
    boot_line = "poll,basix";
    assert_int_equal(netfront_modes_default(), NETFRONT_MODES_ALL);
    assert_string_equal(said, "netfront=poll,basix: unknown mode 'basix'; there is basic, all, or any of poll, gru, fr\n");
    boot_line = "csum6,gso6";
    assert_int_equal(netfront_features_default(), NETFRONT_CSUM6);      /* gso6 without sg comes to nothing */
}

static void test_features(void **state)
{
    struct text out = {0};

    (void)state;
    netfront_features_format(0, &out);
    text_putc(&out, ' ');
    netfront_features_format(NETFRONT_FEATURES_ALL, &out);
    assert_string_equal(text_string(&out), "none sg,csum,csum6,gso,gso6");
    text_free(&out);
    for (unsigned set = 0; set <= NETFRONT_FEATURES_ALL; set++) {
        unsigned possible = netfront_features_possible(set);

        assert_int_equal(possible & ~set, 0);
        assert_int_equal(possible & 7, set & 7);
        assert_int_equal(possible & NETFRONT_GSO4, (set & 11) == 11 ? NETFRONT_GSO4 : 0);
        assert_int_equal(possible & NETFRONT_GSO6, (set & 21) == 21 ? NETFRONT_GSO6 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_boot_line),
        cmocka_unit_test(test_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
