// SPDX-License-Identifier: BSD-2-Clause
/* profile_json_test.c - the table as it is, and what a guest might send instead. */
#include "cli/profile_json.h"
#include "tests/running.h"

static void is(const char *table, const char *wanted)
{
    json_t *json = profile_json(table);
    char *dump = json ? json_dumps(json, JSON_COMPACT) : NULL;

    if (wanted)
        assert_string_equal(dump, wanted);
    else
        assert_null(json);
    free(dump);
    json_decref(json);
}

static void test_a_table(void **state)
{
    (void)state;
    is("off: 0 cycles, 0 in elements, 0 to measure them\n", "{\"cycles\":0,\"in_elements\":0,\"to_measure\":0,\"elements\":[]}");
    is("on: 900 cycles, 120 in elements, 60 to measure them\n"
       "   self     %   self/packet   total  calls  packets  element\n"
       "    100  83.3            -      120      1        0  fw/s@1 :: InfiniteSource\n"
       "     20  16.7          2.0       20      2       10  c :: Counter\n",
       "{\"cycles\":900,\"in_elements\":120,\"to_measure\":60,\"elements\":["
       "{\"element\":\"fw/s@1\",\"class\":\"InfiniteSource\",\"self\":100,\"total\":120,\"calls\":1,\"packets\":0},"
       "{\"element\":\"c\",\"class\":\"Counter\",\"self\":20,\"total\":20,\"calls\":2,\"packets\":10}]}");
}

static void test_something_else(void **state)
{
    (void)state;
    is("", NULL);
    is("no", NULL);
    is("on: x cycles", NULL);
    is("on: 1 cycles, 2 in elements, 3 to\n1 2 3 4 5\n1 2 3\n4 5 6 c :: C", "{\"cycles\":1,\"in_elements\":2,\"to_measure\":3,\"elements\":[]}");
    is("on: 1 cycles, 2 in elements, 3 to\n1 2 3 4 5 6\n\n :: \n", "{\"cycles\":1,\"in_elements\":2,\"to_measure\":3,\"elements\":[]}");
    is("on: 1 cycles, 2 in elements, 3 to\n1 2 3 4 5 6 \xff :: \xff",
       "{\"cycles\":1,\"in_elements\":2,\"to_measure\":3,\"elements\":[{\"element\":\"\\\\xff\",\"class\":\"\\\\xff\",\"self\":1,"
       "\"total\":4,\"calls\":5,\"packets\":6}]}");
}

/* The table as the router writes it. */
static void test_of_a_router(void **state)
{
    struct router *r = start("s :: InfiniteSource(LIMIT 10, BURST 5) -> c :: Counter -> Discard");
    struct errors errors = {0};
    struct text table = {0};
    json_t *json, *elements;
    long long in_elements = 0;

    (void)state;
    assert_true(writes(r, "profile", "on"));
    scheduler_run(&scheduler, 2);
    assert_true(router_read(r, "profile", NULL, &table, &errors));
    json = profile_json(text_string(&table));
    assert_non_null(json);
    elements = json_object_get(json, "elements");
    assert_int_equal(json_array_size(elements), 3);
    for (unsigned i = 0; i < 3; i++) {
        const json_t *e = json_array_get(elements, i);

        in_elements += json_integer_value(json_object_get(e, "self"));
        assert_int_equal(json_integer_value(json_object_get(e, "packets")), 10);
    }
    assert_int_equal(json_integer_value(json_object_get(json, "in_elements")), in_elements);
    json_decref(json);
    text_free(&table);
    errors_free(&errors);
    router_destroy(r);
}

int main(void)
{
    return RUN_TESTS(TEST(test_a_table), TEST(test_something_else), TEST(test_of_a_router));
}
