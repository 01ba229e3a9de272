// SPDX-License-Identifier: BSD-2-Clause
/* buffers_test.c - pages lent for good, to more backend domains than there are tables and with few grants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/netfront.h"

enum { FRAMES = 200, GRANTS = 3000, FIRST = 8 };

/* ---- the guest: page numbers from 0 on, a grant table ---- */

static struct {
    uint16_t domain;
    uint64_t page;
    bool used, held;
} table[GRANTS];
static unsigned n_free = GRANTS, n_vifs = 1;

static uint32_t test_grant_page(uint16_t domain, const void *page, bool read_only)
{
    assert_false(read_only);
    assert_in_range((uint64_t)page >> PAGE_SHIFT, 0, FRAMES - 1);
    assert_int_equal((uint64_t)page % PAGE_SIZE, 0);
    for (unsigned i = 0; i < GRANTS; i++)
        if (!table[i].used) {
            table[i].domain = domain;
            table[i].page = (uint64_t)page >> PAGE_SHIFT;
            table[i].used = true;
            n_free--;
            return FIRST + i;
        }
    return GRANT_NONE;
}

static bool test_revoke(uint32_t reference)
{
    assert_true(table[reference - FIRST].used);
    if (table[reference - FIRST].held)
        return false;
    table[reference - FIRST].used = false;
    n_free++;
    return true;
}

unsigned grants_free(void)
{
    return n_free;
}

unsigned netfront_count(void)
{
    return n_vifs;
}

uint64_t pages_frames(void)
{
    return FRAMES;
}

uint64_t pages_total(void)
{
    return FRAMES;
}

uint64_t pages_free_count(void)
{
    return FRAMES;
}

void *pages_alloc(size_t count)
{
    (void)count;
    return NULL;
}

static const void *freed;

void pages_free(void *run)
{
    freed = run;
}

/* This program is linked with the process's answers to platform.h, which has some of the same names. */
#define platform_buffers_alloc      test_buffers_alloc
#define platform_buffers_free       test_buffers_free
#define platform_can_spare          test_can_spare
#define platform_large_buffer_alloc test_large_buffer_alloc
#define platform_large_buffer_free  test_large_buffer_free
#define grant_page                  test_grant_page
#define grant_revoke                test_revoke
void *test_buffers_alloc(uint32_t want, uint32_t *count, uint32_t *stride, uint32_t *capacity);
void test_buffers_free(void *chunk, uint32_t count, uint32_t stride);
bool test_can_spare(size_t bytes);
void *test_large_buffer_alloc(uint32_t bytes);
void test_large_buffer_free(void *buffer, uint32_t bytes);
#include "platform/xen/buffers.c"

static const void *page(uint64_t number)
{
    return (const void *)(number * PAGE_SIZE + 64);
}

static unsigned lent_to(uint16_t domain)
{
    unsigned n = 0;

    for (unsigned i = 0; i < GRANTS; i++)
        n += table[i].used && table[i].domain == domain;
    return n;
}

static int reset(void **state)
{
    (void)state;
    for (unsigned d = 0; d < DOMAINS_MAX; d++)
        free(lent[d].references);
    memset(lent, 0, sizeof lent);
    memset(table, 0, sizeof table);
    n_free = GRANTS;
    n_vifs = 1;
    freed = NULL;
    return 0;
}

/* ---- tests ---- */

static void test_a_page_is_lent_once_to_each_domain(void **state)
{
    struct buffer_loans *loans[DOMAINS_MAX];
    uint32_t reference[DOMAINS_MAX][FRAMES];

    (void)state;
    for (uint16_t d = 0; d < DOMAINS_MAX; d++) {
        loans[d] = buffer_loans_open(d);
        assert_non_null(loans[d]);
        for (unsigned i = 1; i < FRAMES; i++) {
            reference[d][i] = buffer_grant(loans[d], page(i));
            assert_int_equal(table[reference[d][i] - FIRST].domain, d);
            assert_int_equal(table[reference[d][i] - FIRST].page, i);
        }
    }
    for (uint16_t d = 0; d < DOMAINS_MAX; d++)
        for (unsigned i = 1; i < FRAMES; i++)
            assert_int_equal(buffer_grant(loans[d], page(i)), reference[d][i]);
    assert_int_equal(n_free, GRANTS - DOMAINS_MAX * (FRAMES - 1));
}

static void test_one_domain_too_many(void **state)
{
    struct buffer_loans *loans[DOMAINS_MAX];

    (void)state;
    for (uint16_t d = 0; d < DOMAINS_MAX; d++)
        loans[d] = buffer_loans_open(d);
    assert_null(buffer_loans_open(DOMAINS_MAX));
    assert_int_equal(buffer_grant(NULL, page(1)), GRANT_NONE);
    buffer_loans_close(NULL);
    /* Those that have one share it, however many they are. */
    assert_ptr_equal(buffer_loans_open(2), loans[2]);
    buffer_loans_close(loans[2]);
    buffer_grant(loans[2], page(7));
    assert_null(buffer_loans_open(DOMAINS_MAX));
    buffer_loans_close(loans[2]);
    /* What nobody uses is kept for who comes back, and recalled for others. */
    assert_int_equal(lent_to(2), 1);
    assert_ptr_equal(buffer_loans_open(2), loans[2]);
    assert_int_equal(lent_to(2), 1);
    buffer_loans_close(loans[2]);
    struct buffer_loans *other = buffer_loans_open(DOMAINS_MAX);
    assert_non_null(other);
    assert_int_equal(lent_to(2), 0);
    buffer_grant(other, page(7));
    assert_int_equal(lent_to(DOMAINS_MAX), 1);
}

/* Domains that go on using a page keep their table. */
static void test_a_domain_that_does_not_let_go(void **state)
{
    struct buffer_loans *loans[DOMAINS_MAX];

    (void)state;
    for (uint16_t d = 0; d < DOMAINS_MAX; d++)
        loans[d] = buffer_loans_open(d);
    uint32_t held = buffer_grant(loans[1], page(3));
    buffer_grant(loans[1], page(4));
    table[held - FIRST].held = true;
    buffer_loans_close(loans[1]);
    assert_null(buffer_loans_open(9));
    assert_int_equal(lent_to(1), 1);
    assert_ptr_equal(buffer_loans_open(1), loans[1]);
    assert_int_equal(buffer_grant(loans[1], page(3)), held);
    buffer_loans_close(loans[1]);
    table[held - FIRST].held = false;
    assert_non_null(buffer_loans_open(9));
}

/* The rings of all vifs can be lent frame by frame, whatever is lent for good. */
static void test_grants_kept_back(void **state)
{
    struct buffer_loans *mine, *unused;
    unsigned given = 0;

    (void)state;
    n_vifs = 5;                                 /* 2,560 */
    unused = buffer_loans_open(1);
    for (unsigned i = 1; i < FRAMES; i++)
        assert_int_not_equal(buffer_grant(unused, page(i)), GRANT_NONE);
    buffer_loans_close(unused);
    for (uint16_t d = 2; d < 4; d++) {
        mine = buffer_loans_open(d);
        for (unsigned i = 1; i < FRAMES; i++)
            given += buffer_grant(mine, page(i)) != GRANT_NONE;
    }
    assert_int_equal(lent_to(1), 0);            /* recalled */
    assert_int_equal(given, 2 * (FRAMES - 1));
    mine = buffer_loans_open(4);
    for (unsigned i = 1; i < FRAMES; i++)
        given += buffer_grant(mine, page(i)) != GRANT_NONE;
    assert_int_equal(given, GRANTS - 2560);
    assert_int_equal(n_free, 2560);
}

static void test_free_recalls(void **state)
{
    void *chunk = (void *)(10ull * PAGE_SIZE);

    (void)state;
    struct buffer_loans *a = buffer_loans_open(0), *b = buffer_loans_open(3);
    uint32_t last = GRANT_NONE;
    for (unsigned i = 10; i < 20; i++) {
        buffer_grant(a, page(i));
        last = buffer_grant(b, page(i));
    }
    buffer_grant(a, page(20));
    table[last - FIRST].held = true;
    test_buffers_free(chunk, 10, PAGE_SIZE);
    assert_null(freed);                         /* one page is in use still */
    assert_int_equal(lent_to(0), 1);
    assert_int_equal(lent_to(3), 1);
    table[last - FIRST].held = false;
    test_buffers_free(chunk, 10, PAGE_SIZE);
    assert_ptr_equal(freed, chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_page_is_lent_once_to_each_domain, reset, reset),
        cmocka_unit_test_setup_teardown(test_one_domain_too_many, reset, reset),
        cmocka_unit_test_setup_teardown(test_a_domain_that_does_not_let_go, reset, reset),
        cmocka_unit_test_setup_teardown(test_grants_kept_back, reset, reset),
        cmocka_unit_test_setup_teardown(test_free_recalls, reset, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
