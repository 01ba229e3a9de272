// SPDX-License-Identifier: BSD-2-Clause
/* task_test.c - who runs when: turns, shares, and tasks that change the queue while they run. */
#include "tests/running.h"

enum { TASKS = 7 };

static struct {
    struct task task[TASKS];
    char ran[64];               /* one letter a run, "ABC" */
    unsigned n;
} game;

/* Task 1 does this when it runs, to itself and to task 2. */
static void (*trick)(struct task *self, struct task *other);

static bool run(struct element *e, struct task *task)
{
    (void)e;
    if (game.n < sizeof game.ran - 1)
        game.ran[game.n++] = (char)('A' + (task - game.task));
    task_reschedule(task);
    if (task == &game.task[1] && trick)
        trick(task, &game.task[2]);
    return true;
}

/* As many runs of the first n tasks, which were scheduled in their order. */
static void play(unsigned n, const int *tickets, unsigned runs, const char *wanted)
{
    struct router *r = start("Idle");

    memset(&game, 0, sizeof game);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(task_init(&game.task[i], r->elements[0], run), 0);
        if (tickets)
            task_set_tickets(&game.task[i], tickets[i]);
        task_schedule(&game.task[i]);
    }
    while (runs--)
        scheduler_run(&scheduler, 1);
    assert_string_equal(game.ran, wanted);
    for (unsigned i = 0; i < n; i++)
        task_destroy(&game.task[i]);
    assert_int_equal(scheduler.n_tasks, 0);
    assert_int_equal(scheduler.max_tasks, 0);
    trick = NULL;
    router_destroy(r);
}

static void test_the_first_come_is_first_served(void **state)
{
    (void)state;
    play(1, NULL, 3, "AAA");
    play(2, NULL, 7, "ABABABA");
    play(3, NULL, 9, "ABCABCABC");
    play(7, NULL, 21, "ABCDEFGABCDEFGABCDEFG");
}

static void test_tickets_are_shares(void **state)
{
    static const int tickets[] = {1024, 2048, 512};

    (void)state;
    play(2, tickets, 9, "ABBABBABB");
    play(3, tickets, 14, "ABCBABBCABBABB");
}

/* Turns are counted in 32 bits. */
static void test_turns_wrap(void **state)
{
    (void)state;
    scheduler.turns = UINT32_MAX - 4;
    play(3, NULL, 12, "ABCABCABCABC");
}

static void unschedule_self(struct task *self, struct task *other)
{
    (void)other;
    task_unschedule(self);
    assert_false(task_scheduled(self));
}

static void destroy_self(struct task *self, struct task *other)
{
    (void)other;
    task_destroy(self);
}

static void unschedule_other(struct task *self, struct task *other)
{
    (void)self;
    task_unschedule(other);
}

static void send_other_to_the_end(struct task *self, struct task *other)
{
    (void)self;
    task_unschedule(other);
    task_schedule(other);
}

static void test_tasks_change_the_queue_while_they_run(void **state)
{
    static const struct {
        void (*trick)(struct task *self, struct task *other);
        const char *ran;
    } cases[] = {
        {unschedule_self, "ABCDACDACD"},
        {destroy_self, "ABCDACDACD"},
        {unschedule_other, "ABDABDABDA"},
        {send_other_to_the_end, "ABDCABDCAB"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        trick = cases[i].trick;
        play(4, NULL, 10, cases[i].ran);
    }
}

int main(void)
{
    return RUN_TESTS(TEST(test_the_first_come_is_first_served), TEST(test_tickets_are_shares),
                     TEST(test_turns_wrap),
                     TEST(test_tasks_change_the_queue_while_they_run));
}
