// SPDX-License-Identifier: BSD-2-Clause
/* top_view_test.c - two looks as a table: rates, order, and VMs that come, go, and say other things than before. */
#include "cli/top_view.h"
#include "tests/running.h"

#include <stdlib.h>
#include <string.h>

static struct observed_vm vm(const char *name, uint32_t domid, double cpu_seconds, const char *vifs)
{
    return (struct observed_vm){
        .name = name, .there = true, .answers = true, .vifs = figures_read(vifs, true),
        .memory = figures_read("total 1000\nused 250\n", false),
        .domain = {.domid = domid, .pv = true, .state = STATE_RUNNING, .memory_kb = 4096,
                   .cpu_ns = (uint64_t)(cpu_seconds * 1e9)},
    };
}

/* Looks are ten seconds apart. */
static struct observation at(unsigned look, struct observed_vm *vms, unsigned n)
{
    return (struct observation){
        .at_ns = (look + 1) * UINT64_C(10000000000), .n = n, .vms = vms,
        .host = {.cpus = 2, .memory_kb = 4096 * 1024, .free_kb = 1024 * 1024, .dom0_cpu_ns = look * UINT64_C(2500000000)},
    };
}

static void release(struct observation *o)
{
    for (unsigned i = 0; i < o->n; i++) {
        figures_free(&o->vms[i].vifs);
        figures_free(&o->vms[i].memory);
    }
}

/* What stands behind the first two lines. */
static char *lines(struct top_view view, struct observation *before, struct observation *now)
{
    struct text out = {0};
    char *copy;

    top_view_text(&view, before, now, &out);
    assert_true(strncmp(text_string(&out), "clickos top - ", 14) == 0);
    copy = strdup(strstr(text_string(&out), "\n\n") + 2);
    text_free(&out);
    return copy;
}

static void shows(struct top_view view, struct observation *before, struct observation *now, const char *wanted)
{
    char *got = lines(view, before, now);

    assert_string_equal(got, wanted);
    free(got);
}

#define TITLE "NAME       ID STATE    CPU% MEM(M) USE%  RXp/s  RXb/s  TXp/s  TXb/s DROP/s\n"

static void test_rates(void **state)
{
    struct observed_vm first[] = {vm("fw", 3, 1, "0 state up\n0 rx_packets 1000\n0 rx_bytes 64000\n0 tx_packets 5\n0 tx_bytes 500\n"
                                                 "0 rx_drops.a 1\n0 tx_drops.b 0\n1 state down\n1 rx_packets 7\n1 rx_bytes 7\n")};
    struct observed_vm second[] = {vm("fw", 3, 4.5, "0 state up\n0 rx_packets 124000\n0 rx_bytes 7936000\n0 tx_packets 15\n0 tx_bytes 1500\n"
                                                    "0 rx_drops.a 21\n0 tx_drops.b 10\n1 state down\n1 rx_packets 7\n1 rx_bytes 7\n")};
    struct observation before = at(0, first, 1), now = at(1, second, 1);
    struct text out = {0};

    (void)state;
    second->n_instances = instances_read("0 Running 3 12\n7 Stopped 1 2\n", second->instances);
    shows((struct top_view){0}, &before, &now,
          TITLE "fw          3 running  35.0    4.0   25  12.3K  6.30M      1    800      3\n"
                "  instances 0 Running (12 elements), 7 Stopped (2 elements)\n"
                "  vif 0 up                               12.3K  6.30M      1    800      3\n"
                "  vif 1 down                                 0      0      -      -      -\n");
    shows((struct top_view){.hide_vifs = true, .hide_instances = true}, &before, &now,
          TITLE "fw          3 running  35.0    4.0   25  12.3K  6.30M      1    800      3\n");
    top_view_text(&(struct top_view){0}, &before, &now, &out);
    assert_non_null(strstr(text_string(&out), ", 1 VM, 1 running; 2 CPUs, dom0 25.0 %; 4096 MB, 1024 free\n"));
    text_free(&out);
    release(&before);
    release(&now);
}

static void test_vms_come_and_go(void **state)
{
    struct observed_vm first[] = {vm("gone", 1, 1, "0 rx_packets 5\n"), vm("again", 2, 9, "0 rx_packets 5\n"),
                                  vm("silent", 4, 1, "0 rx_packets 5\n"), vm("reset", 6, 1, "0 rx_packets 500\n0 rx_bytes 5\n")};
    struct observed_vm second[] = {{.name = "gone"}, vm("again", 3, 1, "0 rx_packets 9\n"), vm("silent", 4, 1, ""),
                                   vm("new", 5, 1, "0 rx_packets 9\n"), vm("reset", 6, 2, "0 rx_packets 4\n0 rx_bytes up\n")};
    struct observation before = at(0, first, 4), now = at(1, second, 5);

    (void)state;
    second[2].answers = false;
    figures_free(&second[2].memory);
    shows((struct top_view){.sort = TOP_NAME}, &before, &now,
          TITLE "again       3 running     -    4.0   25      -      -      -      -      -\n"
                "  vif 0                                      -      -      -      -      -\n"
                "gone        - gone\n"
                "new         5 running     -    4.0   25      -      -      -      -      -\n"
                "  vif 0                                      -      -      -      -      -\n"
                "reset       6 running  10.0    4.0   25      0      -      -      -      -\n"
                "  vif 0                                      0      -      -      -      -\n"
                "silent      4 running   0.0    4.0    -      -      -      -      -      -\n"
                "  does not answer\n");
    release(&before);
    release(&now);
}

static void starts_with(enum top_sort sort, struct observation *before, struct observation *now, const char *name)
{
    char *got = lines((struct top_view){.sort = sort, .hide_vifs = true}, before, now);

    assert_true(strncmp(strchr(got, '\n') + 1, name, strlen(name)) == 0);
    free(got);
}

static void test_order(void **state)
{
    struct observed_vm first[] = {vm("d", 1, 0, "0 rx_packets 0\n0 rx_drops.x 0\n"), vm("c", 2, 0, "0 rx_packets 0\n0 tx_packets 0\n"),
                                  vm("b", 3, 0, ""), vm("a", 4, 0, "")};
    struct observed_vm second[] = {vm("d", 1, 1, "0 rx_packets 9\n0 rx_drops.x 5\n"), vm("c", 2, 0, "0 rx_packets 9\n0 tx_packets 9\n"),
                                   vm("b", 3, 0, ""), vm("a", 4, 0, "")};
    struct observation before = at(0, first, 4), now = at(1, second, 4);

    (void)state;
    second[2].domain.memory_kb = 8192;
    starts_with(TOP_CPU, &before, &now, "d");
    starts_with(TOP_MEMORY, &before, &now, "b");
    starts_with(TOP_NAME, &before, &now, "a");
    starts_with(TOP_PACKETS, &before, &now, "c");
    starts_with(TOP_DROPS, &before, &now, "d");
    /* The first look stands for both, and takes no time. */
    starts_with(TOP_PACKETS, &before, &before, "a");
    release(&before);
    release(&now);
}

static void test_names_that_are_too_long(void **state)
{
    struct observed_vm vms[] = {vm("caf\xc3\xa9-au-lait", 1, 0, "")};
    struct observation o = at(0, vms, 1);
    char *got = lines((struct top_view){.columns = 80}, &o, &o);

    (void)state;
    assert_non_null(strstr(got, "\ncaf\xc3\xa9-au-lait    1 running"));
    free(got);
    vms->name = "1234567\xc3\xa9-too-long";
    got = lines((struct top_view){.columns = 40}, &o, &o);
    assert_non_null(strstr(got, "\n1234567     1 running"));
    free(got);
    release(&o);
}

static void test_json(void **state)
{
    struct observed_vm first[] = {vm("fw", 3, 1, "0 state up\n0 rx_packets 1000\n")};
    struct observed_vm second[] = {vm("fw", 3, 2, "0 state up\n0 rx_packets 1010\n"), {.name = "g\xff"}};
    struct observation before = at(0, first, 1), now = at(1, second, 2);
    json_t *json = top_view_json(&(struct top_view){0}, &before, &now), *one = json_array_get(json_object_get(json, "vms"), 0);
    char *vifs = json_dumps(json_object_get(one, "vifs"), JSON_COMPACT), *gone;

    (void)state;
    assert_string_equal(vifs, "[{\"vif\":0,\"rates\":{\"rx_packets\":1.0,\"rx_bits\":null,\"tx_packets\":null,\"tx_bits\":null,\"drops\":null},"
                              "\"figures\":{\"rx_packets\":1010,\"state\":\"up\"}}]");
    assert_true(json_real_value(json_object_get(one, "cpu_percent")) == 10);
    gone = json_dumps(json_array_get(json_object_get(json, "vms"), 1), JSON_COMPACT);
    assert_string_equal(gone, "{\"name\":\"g\\\\xff\",\"state\":\"gone\",\"answers\":false}");
    free(vifs);
    free(gone);
    json_decref(json);
    release(&before);
    release(&now);
}

int main(void)
{
    return RUN_TESTS(TEST(test_rates), TEST(test_vms_come_and_go), TEST(test_order), TEST(test_names_that_are_too_long),
                     TEST(test_json));
}
