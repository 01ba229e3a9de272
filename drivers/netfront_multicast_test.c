// SPDX-License-Identifier: BSD-2-Clause
/* netfront_multicast_test.c - groups by their addresses, and in what order a backend is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "drivers/netfront_multicast.c"

static struct {
    uint8_t type, last;
} told[64];
static unsigned n_told, refuse;
static struct vif vif;

bool netfront_describe(struct netfront_queue *queue, const struct netif_extra_info *extra)
{
    (void)queue;
    if (refuse > 0) {
        refuse--;
        return false;
    }
    told[n_told].type = extra->type;
    told[n_told++].last = extra->u.mcast.addr[5];
    return true;
}

uint64_t time_now(void)
{
    return 0;
}

void thread_sleep_until(uint64_t deadline)
{
    (void)deadline;
}

static void assert_is(const char *text, const char *expected)
{
    struct netfront_groups groups;
    struct errors errors = {0};
    struct text out = {0};

    assert_true(netfront_multicast_parse(text, &groups, &errors));
    netfront_multicast_format(&groups, &out);
    assert_string_equal(text_string(&out), expected);
    text_free(&out);
}

static void assert_wrong(const char *text, const char *part)
{
    struct netfront_groups groups = { .n = 99 };
    struct errors errors = {0};

    assert_false(netfront_multicast_parse(text, &groups, &errors));
    assert_int_equal(groups.n, 99);
    if (!strstr(text_string(&errors.text), part))
        fail_msg("'%s': no '%s' in '%s'", text, part, text_string(&errors.text));
    errors_free(&errors);
}

static void test_names(void **state)
{
    char many[40 * 18] = "";

    (void)state;
    assert_is("all", "all");
    assert_is(" all\n", "all");
    assert_is("none", "none");
    assert_is("01:00:5e:00:00:05", "01:00:5e:00:00:05");
    assert_is("1:0:5E:0:0:5, 33:33:00:00:00:01\n", "01:00:5e:00:00:05,33:33:00:00:00:01");
    assert_wrong("", "expected all, none");
    assert_wrong("some", "got 'some'");
    assert_wrong("allow", "got 'allow'");
    assert_wrong("00:16:3e:00:00:01", "expected all");          /* no group */
    assert_wrong("01:00:5e:00:00", "expected all");
    assert_wrong("01:00:5e:00:00:05:06", "expected all");
    assert_wrong("01:00:5e:00:00:100", "expected all");
    for (unsigned i = 0; i <= NETFRONT_GROUPS_MAX; i++)
        strcat(many, "01:00:5e:00:00:05 ");
    assert_wrong(many, "at most 32 groups");
}

static void want(const char *text)
{
    struct errors errors = {0};

    n_told = 0;
    vif.up = true;
    assert_true(netfront_multicast_parse(text, &vif.groups, &errors));
    vif.groups_changed = true;
}

static void test_telling(void **state)
{
    (void)state;
    want("01:00:5e:00:00:05 01:00:5e:00:00:06");
    refuse = 3;
    assert_true(netfront_multicast_tell(&vif));
    assert_int_equal(n_told, 2);
    assert_int_equal(told[0].type, XEN_NETIF_EXTRA_TYPE_MCAST_ADD);
    assert_int_equal(told[1].last, 6);
    want("01:00:5e:00:00:07 01:00:5e:00:00:06");        /* one stays: there is no moment without it */
    assert_true(netfront_multicast_tell(&vif));
    assert_int_equal(n_told, 2);
    assert_int_equal(told[0].type, XEN_NETIF_EXTRA_TYPE_MCAST_DEL);
    assert_int_equal(told[0].last, 5);
    assert_int_equal(told[1].type, XEN_NETIF_EXTRA_TYPE_MCAST_ADD);
    assert_int_equal(told[1].last, 7);
    want("all");
    assert_true(netfront_multicast_tell(&vif));
    assert_int_equal(n_told, 0);
    assert_false(vif.groups_told.filter);
    assert_false(vif.groups_changed);
    want("none");
    assert_true(netfront_multicast_tell(&vif));
    assert_int_equal(n_told, 2);
    assert_true(vif.groups_told.filter);
    want("01:00:5e:00:00:05");
    vif.up = false;
    refuse = 1;
    assert_false(netfront_multicast_tell(&vif));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_telling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
