// SPDX-License-Identifier: BSD-2-Clause
/*
 * control_test.c - the control plane with a store in memory and threads that are run by hand.
 *
 * The elements are this file's own, so that what happens when is plain to see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/control.h"
#include "control/fake_store_test.h"
#include "control/protocol.h"
#include "router/packet.h"

/* AddressSanitizer's; gcc ships no header for it. */
size_t __sanitizer_get_current_allocated_bytes(void);

/* ---- an element to control ---- */

struct specimen {
    struct element base;
    uint32_t value;
    uint64_t runs;
    struct task task;
    struct packet *packet;
    bool bad;
};

static unsigned alive;

static bool run_task(struct element *e, struct task *task)
{
    element_as(struct specimen, e)->runs++;
    task_reschedule(task);
    return true;
}

static bool specimen_initialize(struct element *e, struct errors *errors)
{
    struct specimen *s = element_as(struct specimen, e);

    alive++;
    s->packet = packet_new();
    if (s->bad)
        return element_error(e, errors, "does not want to");
    if (task_init(&s->task, e, run_task))
        return false;
    task_schedule(&s->task);
    return true;
}

static void specimen_cleanup(struct element *e)
{
    struct specimen *s = element_as(struct specimen, e);

    if (!s->packet)
        return;
    alive--;
    packet_free(s->packet);
    task_destroy(&s->task);
}

static int read_big(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    for (int n = atoi(call->value); n > 0; n--)
        text_putc(out, (char)('a' + n % 26));
    return 0;
}

static int write_fail(struct element *e, const struct handler_call *call)
{
    (void)e;
    errors_add(call->errors, NULL, "never likes '%s'", call->value);
    return -EINVAL;
}

static const struct argument arguments[] = {
    {.name = "VALUE", .kind = ARG_OPTIONAL, .type = &arg_unsigned, .offset = offsetof(struct specimen, value),
     .help = "a number"},
    {.name = "BAD", .kind = ARG_KEYWORD, .type = &arg_bool, .offset = offsetof(struct specimen, bad),
     .help = "initialize fails"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "value", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_unsigned,
     .offset = offsetof(struct specimen, value), .help = "the number"},
    {.name = "runs", .flags = HANDLER_READ, .type = &arg_u64, .offset = offsetof(struct specimen, runs),
     .help = "how often the task ran"},
    {.name = "big", .flags = HANDLER_PARAMETER, .read = read_big, .help = "that many bytes"},
    {.name = "never", .write = write_fail, .help = "fails"},
    {.name = "secret", .flags = HANDLER_READ | HANDLER_PRIVATE, .type = &arg_unsigned,
     .offset = offsetof(struct specimen, value), .help = "not for the control plane"},
    {0},
};

ELEMENT_CLASS(specimen) = {
    .name = "Specimen", .ports = PORTS_0_0, .processing = AGNOSTIC, .size = sizeof(struct specimen),
    .arguments = arguments, .handlers = handlers, .initialize = specimen_initialize, .cleanup = specimen_cleanup,
    .purpose = "for tests",
};

/* ---- the world ---- */

static struct fake_tree tree;
static struct fake_store dom0, guest;
static struct control_host host;
static struct control *control;
static unsigned threads, refuse_threads, next_id;

struct thread {
    struct router *router;
    bool ended;
};

static struct thread *running[CONTROL_INSTANCES_MAX];

static void *host_start(struct control_host *h, unsigned id, struct router *router)
{
    struct thread *t;

    (void)h;
    if (refuse_threads && refuse_threads--)
        return NULL;
    t = calloc(1, sizeof *t);
    t->router = router;
    running[id] = t;
    threads++;
    return t;
}

static void host_replace(struct control_host *h, void *thread, struct router *router)
{
    (void)h;
    ((struct thread *)thread)->router = router;
}

static void host_stop(struct control_host *h, void *thread)
{
    (void)h;
    for (unsigned i = 0; i < CONTROL_INSTANCES_MAX; i++)
        if (running[i] == thread)
            running[i] = NULL;
    threads--;
    free(thread);
}

static bool host_ended(struct control_host *h, void *thread)
{
    (void)h;
    return ((struct thread *)thread)->ended;
}

static void run_threads(void)
{
    for (unsigned i = 0; i < CONTROL_INSTANCES_MAX; i++)
        if (running[i] && !running[i]->ended) {
            scheduler_run(running[i]->router->scheduler, 10);
            running[i]->ended = running[i]->router->scheduler->stop;
        }
    control_poll(control);
}

static void pump(void)
{
    char *event;

    while ((event = fake_next_event(&tree))) {
        control_event(control, event);
        free(event);
    }
}

static int setup(void **state)
{
    (void)state;
    packet_pool_init(64, 1024);
    dom0 = fake_connection(&tree, false);
    guest = fake_connection(&tree, true);
    host = (struct control_host){&guest.store, host_start, host_replace, host_stop, host_ended};
    control = control_create(&host);
    assert_int_equal(control_open(control), 0);
    pump();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    control_destroy(control);
    assert_int_equal(threads, 0);
    assert_int_equal(alive, 0);
    assert_int_equal(packet_pool_in_use(), 0);
    fake_free(&tree);
    packet_pool_destroy();
    return 0;
}

static void put(const char *path, const char *value)
{
    assert_int_equal(fake_write(&dom0.store, path, value, strlen(value)), 0);
}

static const char *node(const char *path)
{
    struct fake_node *n = fake_find(&tree, path);

    return n ? n->value : NULL;
}

static void assert_node(const char *path, const char *value)
{
    if (!node(path))
        fail_msg("%s is not there", path);
    assert_string_equal(node(path), value);
}

/* ---- a client ---- */

static struct message reply;
static char request_path[128], reply_path[128];

static void send_request(unsigned instance, const char *line, const char *data, size_t length, bool config)
{
    struct text text = {0};
    char path[128];

    text_puts(&text, line);
    snprintf(request_path, sizeof request_path, PROTOCOL_ROOT "/%u/control/r%u", instance, next_id);
    snprintf(reply_path, sizeof reply_path, PROTOCOL_ROOT "/%u/reply/r%u", instance, next_id++);
    if (config) {
        snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/config", instance);
        fake_remove(&dom0.store, path);
        protocol_word(&text, "config", NULL);
        assert_int_equal(protocol_write_chunks(&dom0.store, path, PROTOCOL_CHUNK_HOST, data, length, &text), 0);
    }
    assert_int_equal(protocol_send(&dom0.store, request_path, "request", PROTOCOL_CHUNK_HOST, &text,
                                   config ? "" : data, config ? 0 : length), 0);
}

static void fetch_reply(void)
{
    message_free(&reply);
    assert_int_equal(protocol_receive(&dom0.store, reply_path, "status", NULL, &reply, NULL), 0);
}

static void take_away(void)
{
    fake_remove(&dom0.store, request_path);
    pump();
    assert_null(fake_find(&tree, reply_path));
}

/* True: ok. The reply's data stays readable. */
static bool ask(unsigned instance, const char *line, const char *data)
{
    send_request(instance, line, data ? data : "", data ? strlen(data) : 0, !strncmp(line, "start", 5));
    pump();
    fetch_reply();
    take_away();
    return !strcmp(reply.verb, "ok");
}

static void assert_refused(unsigned instance, const char *line, const char *data, const char *code,
                           const char *part)
{
    if (ask(instance, line, data))
        fail_msg("'%s' was not refused", line);
    assert_string_equal(message_word(&reply, "code"), code);
    if (!strstr(text_string(&reply.data), part))
        fail_msg("'%s': no '%s' in '%s'", line, part, text_string(&reply.data));
}

static void assert_reads(unsigned instance, const char *line, const char *value)
{
    if (!ask(instance, line, NULL))
        fail_msg("'%s': %s", line, text_string(&reply.data));
    assert_string_equal(text_string(&reply.data), value);
}

/* ---- tests ---- */

static void test_start_read_write_stop(void **state)
{
    (void)state;
    assert_node(PROTOCOL_ROOT "/version", "1");
    assert_true(ask(0, "start file=a.click", "s :: Specimen(7);"));
    assert_string_equal(message_word(&reply, "generation"), "1");
    assert_string_equal(message_word(&reply, "elements"), "1");
    assert_node(PROTOCOL_ROOT "/0/status", "Running");
    assert_node(PROTOCOL_ROOT "/0/generation", "1");
    assert_reads(0, "read handler=s.value", "7");
    assert_true(ask(0, "write handler=s.value", "8"));
    assert_reads(0, "read handler=s.value", "8");
    run_threads();
    assert_reads(0, "read handler=s.runs", "10");
    assert_true(ask(0, "elements", NULL));
    assert_string_equal(text_string(&reply.data), "s\tSpecimen\n");
    assert_true(ask(0, "handlers element=s", NULL));
    assert_non_null(strstr(text_string(&reply.data), "value\trw"));
    assert_null(strstr(text_string(&reply.data), "secret"));
    assert_true(ask(0, "instances", NULL));
    assert_string_equal(text_string(&reply.data), "0 Running 1 1\n");
    assert_true(ask(0, "memory", NULL));
    assert_non_null(strstr(text_string(&reply.data), "packets_in_use 1\n"));
    assert_true(ask(0, "stop", NULL));
    assert_node(PROTOCOL_ROOT "/0/status", "Halted");
    assert_int_equal(alive, 0);
    assert_refused(0, "stop", NULL, "no-instance", "nor any other");
}

static void test_parameter_and_large_values(void **state)
{
    (void)state;
    assert_true(ask(0, "start", "s :: Specimen;"));
    assert_true(ask(0, "read handler=s.big parameter", "10000"));
    assert_int_equal(reply.data.length, 10000);
    assert_true(ask(0, "read handler=s.big parameter", "700000"));
    assert_int_equal(reply.data.length, 700000);
    assert_refused(0, "read handler=s.big parameter", "800000", "too-big", "800000 bytes");
    assert_refused(0, "read handler=s.value parameter", "1", "handler", "takes no parameter");
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    assert_refused(3, "read handler=s.value", NULL, "no-instance", "no instance 3");
    assert_true(ask(1, "start", "s :: Specimen; t :: Specimen;"));
    assert_refused(3, "read handler=s.value", NULL, "no-instance", "there is 1");
    assert_refused(1, "read handler=u.value", NULL, "no-element", "no element 'u'; there is s, t");
    assert_refused(1, "read handler=s.colour", NULL, "no-handler", "value, runs");
    assert_refused(1, "read handler=s.never", NULL, "no-handler", "no read handler 'never'");
    assert_refused(1, "write handler=s.runs", "1", "no-handler", "there is value");
    assert_refused(1, "read handler=s.secret", NULL, "no-handler", "no read handler 'secret'");
    assert_refused(1, "read handler=colour", NULL, "no-handler", "the router has no read handler 'colour'");
    assert_refused(1, "write handler=s.never", "it", "handler", "never likes 'it'");
    assert_refused(1, "handlers element=u", NULL, "no-element", "there is s, t");
    assert_refused(1, "write handler=s.value", "many", "handler", "");
    assert_refused(1, "read", NULL, "bad-request", "handler= is missing");
    assert_refused(1, "dance", NULL, "bad-request", "unknown request 'dance'");
}

/* What the platform tells is there without an instance as well; here it is a process, whose speed of time it tells. */
static void test_handlers_of_the_platform(void **state)
{
    (void)state;
    assert_reads(0, "read handler=timewarp", "1");
    assert_reads(7, "read handler=timewarp", "1");
    assert_refused(0, "read handler=timewarp parameter", "x", "no-instance", "");
    assert_refused(0, "read handler=list", NULL, "no-instance", "");
    assert_true(ask(0, "start", "s :: Specimen;"));
    assert_reads(0, "read handler=timewarp", "1");
    assert_reads(7, "read handler=timewarp", "1");
    assert_refused(0, "read handler=timewarp parameter", "x", "handler", "takes no parameter");
}

static void test_bad_configuration_keeps_the_old_one(void **state)
{
    (void)state;
    assert_refused(0, "start file=x.click", "s :: Nonsense;", "config", "x.click:1");
    assert_node(PROTOCOL_ROOT "/0/status", "Halted");
    assert_non_null(strstr(node(PROTOCOL_ROOT "/0/error"), "x.click:1"));
    assert_true(ask(0, "start file=good.click", "s :: Specimen(5);"));
    assert_node(PROTOCOL_ROOT "/0/error", "");
    run_threads();
    assert_refused(0, "start file=bad.click", "s :: Specimen(1);\nt :: Nonsense;", "config", "bad.click:2");
    assert_non_null(strstr(text_string(&reply.data), "instance 0 keeps running"));
    assert_refused(0, "start file=bad.click", "s :: Specimen(1);\nt :: Specimen(2, BAD true);", "config", "does not want to");
    assert_refused(0, "start file=bad.click", "s :: Specimen(", "config", "bad.click:1");
    assert_node(PROTOCOL_ROOT "/0/status", "Running");
    assert_node(PROTOCOL_ROOT "/0/generation", "1");
    assert_reads(0, "read handler=s.value", "5");
    assert_reads(0, "read handler=s.runs", "10");
    assert_int_equal(alive, 1);
    assert_true(ask(0, "start", "s :: Specimen(6);"));
    assert_node(PROTOCOL_ROOT "/0/generation", "2");
    assert_reads(0, "read handler=s.value", "6");
    assert_int_equal(threads, 1);
}

static void test_several_instances(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONTROL_INSTANCES_MAX; i++) {
        char config[64];

        snprintf(config, sizeof config, "s :: Specimen(%u);", i);
        assert_true(ask(i, "start", config));
    }
    assert_int_equal(control_running(control), CONTROL_INSTANCES_MAX);
    assert_true(ask(7, "stop", NULL));
    assert_reads(8, "read handler=s.value", "8");
    assert_reads(63, "read handler=s.value", "63");
    assert_refused(7, "read handler=s.value", NULL, "no-instance", "there is 0, 1");
    assert_int_equal(control_running(control), CONTROL_INSTANCES_MAX - 1);
}

static void test_large_configuration(void **state)
{
    struct text config = {0};

    (void)state;
    for (int i = 0; config.length < 200000; i++)
        text_printf(&config, "// a rule that says 100%% about number %d, caf\xc3\xa9\n", i);
    text_puts(&config, "s :: Specimen(9);\n");
    assert_true(ask(0, "start file=big.click", config.s));
    assert_reads(0, "read handler=s.value", "9");
    assert_true(ask(0, "read handler=config", NULL));
    assert_int_equal(reply.data.length, config.length);
    assert_memory_equal(reply.data.s, config.s, config.length);
    text_puts(&config, "x :: Nonsense;\n");
    assert_refused(0, "start file=big.click", config.s, "config", "big.click:");
    text_free(&config);
}

/* What a script can do with xenstore-write alone. */
static void test_by_hand(void **state)
{
    (void)state;
    put(PROTOCOL_ROOT "/2/config/0", "s :: Spec");
    put(PROTOCOL_ROOT "/2/config/1", "imen(3);");
    put(PROTOCOL_ROOT "/2/control/x/request", "start");
    pump();
    assert_node(PROTOCOL_ROOT "/2/status", "Running");
    assert_node(PROTOCOL_ROOT "/2/reply/x/status", "ok generation=1 elements=1");
    put(PROTOCOL_ROOT "/2/elements/s/value", "44");
    pump();
    assert_reads(2, "read handler=s.value", "44");
    put(PROTOCOL_ROOT "/2/elements/s/colour", "red");
    pump();
    assert_non_null(strstr(node(PROTOCOL_ROOT "/2/error"), "colour"));
    put(PROTOCOL_ROOT "/5/elements/s/value", "1");
    pump();
    assert_non_null(strstr(node(PROTOCOL_ROOT "/5/error"), "no instance 5"));
    put(PROTOCOL_ROOT "/3/control/x/request", "start");
    pump();
    assert_non_null(strstr(node(PROTOCOL_ROOT "/3/reply/x/status"), "there is no configuration"));
}

static void test_answered_once(void **state)
{
    (void)state;
    assert_true(ask(0, "start", "s :: Specimen(1);"));
    send_request(0, "stop", "", 0, false);
    for (int i = 0; i < 3; i++) {
        char path[160];

        snprintf(path, sizeof path, "%s/request", request_path);
        control_event(control, path);
        control_event(control, PROTOCOL_ROOT);
    }
    pump();
    fetch_reply();
    assert_string_equal(reply.verb, "ok");      /* a second stop would have been an error */
    take_away();
}

static void test_client_gives_up(void **state)
{
    (void)state;
    assert_true(ask(0, "start", "s :: Specimen(1);"));
    send_request(0, "stop", "", 0, false);
    fake_remove(&dom0.store, request_path);     /* before the guest came to it */
    pump();
    assert_null(fake_find(&tree, reply_path));
    assert_int_equal(control_running(control), 1);
}

static void test_requests_before_open(void **state)
{
    (void)state;
    control_destroy(control);
    fake_free(&tree);
    send_request(0, "start file=early", "s :: Specimen(1);", 17, true);
    control = control_create(&host);
    assert_int_equal(control_open(control), 0);
    pump();
    fetch_reply();
    assert_string_equal(reply.verb, "ok");
    take_away();
    assert_int_equal(control_running(control), 1);
}

static void test_boot_configuration(void **state)
{
    (void)state;
    assert_false(control_boot(control, "ramdisk", "s :: Nonsense;", 14));
    assert_node(PROTOCOL_ROOT "/0/status", "Halted");
    assert_true(control_boot(control, "ramdisk", "s :: Specimen(4);", 17));
    assert_node(PROTOCOL_ROOT "/0/status", "Running");
    assert_reads(0, "read handler=s.value", "4");
}

static void test_router_stops_itself(void **state)
{
    (void)state;
    assert_true(ask(0, "start", "s :: Specimen(4);"));
    assert_true(ask(0, "write handler=stop", NULL));
    run_threads();
    assert_node(PROTOCOL_ROOT "/0/status", "Stopped");
    assert_int_equal(threads, 0);
    assert_reads(0, "read handler=s.value", "4");
    assert_true(ask(0, "start", "s :: Specimen(5);"));
    assert_node(PROTOCOL_ROOT "/0/status", "Running");
    assert_true(ask(0, "write handler=stop", NULL));
    run_threads();
    assert_true(ask(0, "stop", NULL));
    assert_node(PROTOCOL_ROOT "/0/status", "Halted");
}

/* The one that ran keeps its thread until the new one has one. */
static void test_no_thread(void **state)
{
    (void)state;
    refuse_threads = 1;
    assert_refused(0, "start", "s :: Specimen(4);", "no-memory", "out of memory");
    assert_node(PROTOCOL_ROOT "/0/status", "Halted");
    assert_int_equal(alive, 0);
    assert_true(ask(0, "start", "s :: Specimen(5);"));
    assert_true(ask(0, "write handler=stop", NULL));
    run_threads();
    refuse_threads = 1;
    assert_refused(0, "start", "s :: Specimen(6);", "no-memory", "out of memory");
    assert_non_null(strstr(text_string(&reply.data), "instance 0 stays as it stopped"));
    assert_node(PROTOCOL_ROOT "/0/status", "Stopped");
    assert_reads(0, "read handler=s.value", "5");
    assert_true(ask(0, "start", "s :: Specimen(7);"));
    refuse_threads = 1;             /* a running one's thread goes on with the new one */
    assert_true(ask(0, "start", "s :: Specimen(8);"));
    assert_int_equal(refuse_threads, 1);
    refuse_threads = 0;
    run_threads();
    assert_reads(0, "read handler=s.value", "8");
    assert_reads(0, "read handler=s.runs", "10");
}

/* ---- one configuration in the place of another ---- */

static uint64_t read_number(const char *handler)
{
    char line[80];

    snprintf(line, sizeof line, "read handler=%s", handler);
    if (!ask(0, line, NULL))
        fail_msg("'%s': %s", line, text_string(&reply.data));
    return strtoull(text_string(&reply.data), NULL, 10);
}

/* One fills the queue, the other empties it, and so there are packets to hand over. */
static void test_replaced_under_load(void **state)
{
    static const char *const good[] = {
        "i :: InfiniteSource(LENGTH 60, BURST 5) -> sent :: Counter -> q :: Queue(40) -> "
        "Unqueue(BURST 2) -> received :: Counter -> Discard;",
        "i :: InfiniteSource(LENGTH 60, BURST 2) -> sent :: Counter -> q :: Queue(50) -> n :: Null -> "
        "Unqueue(BURST 5) -> received :: Counter -> Discard;",
    };
    static const char *const bad[] = {
        "sent :: Counter -> ", "q :: Queue(-1);", "i :: Idle -> q :: Queue(40) -> Discard; t :: Nonsense;",
        "i :: Idle -> sent :: Counter -> q :: Queue(40) -> Unqueue -> received :: Counter -> Discard; "
        "s :: Specimen(1, BAD true);",
    };
    int log = dup(2), null = open("/dev/null", O_WRONLY);
    uint64_t sent, received, queued, last_sent = 0, most_queued = 0;
    size_t before = 0;

    (void)state;
    dup2(null, 2);                  /* the same errors again and again */
    assert_true(ask(0, "start", good[0]));
    for (int i = 1; i <= 1000; i++) {
        run_threads();
        assert_true(ask(0, "start", good[i % 2]));
        if (i % 10 == 0)
            assert_false(ask(0, "start", bad[i / 10 % 4]));
        sent = read_number("sent.count");
        received = read_number("received.count");
        queued = read_number("q.length");
        assert_int_equal(sent, received + queued);
        assert_true(sent > last_sent);
        last_sent = sent;
        if (queued > most_queued)
            most_queued = queued;
        message_free(&reply);
        if (i == 100)
            before = __sanitizer_get_current_allocated_bytes();
    }
    dup2(log, 2);
    close(log);
    close(null);
    assert_in_range(most_queued, 10, 50);
    assert_int_equal(threads, 1);
    assert_int_equal(packet_pool_in_use(), queued + 1);     /* what the source sends clones of */
    assert_in_range(__sanitizer_get_current_allocated_bytes(), 0, before + 4096);
}

static void test_clickos_control(void **state)
{
    (void)state;
    assert_true(ask(0, "start", "c :: ClickOSControl(READONLY true); s :: Specimen(4);"));
    assert_reads(0, "read handler=s.value", "4");
    assert_refused(0, "write handler=s.value", "5", "handler", "READONLY");
    assert_reads(0, "read handler=c.writes", "1");
    assert_reads(0, "read handler=c.failures", "1");
    assert_reads(0, "read handler=c.reads", "3");
    assert_true(ask(0, "start", "c :: ClickOSControl; s :: Specimen(4);"));     /* counts on */
    assert_true(ask(0, "write handler=s.value", "5"));
    assert_reads(0, "read handler=c.writes", "2");
    assert_reads(0, "read handler=c.reads", "5");
}

static void test_dead_clients_do_not_fill_the_store(void **state)
{
    (void)state;
    assert_true(ask(0, "start", "s :: Specimen(4);"));
    for (int i = 0; i < 300; i++) {
        send_request(0, "read handler=s.big parameter", "9000", 4, false);
        pump();
    }
    assert_true(tree.guest_nodes < 1000);
    assert_true(ask(0, "read handler=s.value", NULL));
    assert_non_null(message_word(&reply, "crowded"));
    fake_remove(&dom0.store, PROTOCOL_ROOT "/0/control");
    pump();
    assert_true(ask(0, "read handler=s.value", NULL));
    assert_null(message_word(&reply, "crowded"));
}

static void test_store_that_fails(void **state)
{
    (void)state;
    assert_true(ask(0, "start", "s :: Specimen(4);"));
    for (unsigned n = 1; n < 12; n++) {
        send_request(0, "read handler=s.big parameter", "9000", 4, false);
        tree.fail_after = n;
        pump();
        tree.fail_after = 0;
        fetch_reply();
        if (strcmp(reply.verb, "ok"))
            assert_string_equal(message_word(&reply, "code"), "store");
        take_away();
    }
    assert_reads(0, "read handler=s.value", "4");
}

/* Whatever stands in the store, the worst is an error reply. */
static void test_hostile_store(void **state)
{
    static const char *const paths[] = {
        "0/control/a/request", "0/control/b/request", "0/control/a", "64/control/a/request", "00/control/a/request",
        "-1/control/a/request", "999999999999/control/a/request", "0/control/a/request/x", "0/control//request",
        "0/elements/s/value", "0/elements/s", "0/elements//", "0/config/0", "0/status", "0", "x",
        "0/control/0123456789012345678901234567890123456789012345/request", "0/elements/a/b/c/d/e/f",
    };
    static const char *const values[] = {
        "", " ", "start", "start chunks=1", "start chunks=4000 length=4194304 sum=1", "stop", "read handler=",
        "read handler=.", "read handler=s.", "read handler=.value", "read handler=%00", "write handler=s.value\n%00",
        "write handler=s.value\n%", "handlers element=%2e%2e", "elements x", "start file=%0a%1b[2J\ns :: Specimen;",
        "read handler=a/b/c/d.e", "memory", "instances", "%%%", "\x01\x02\x03",
    };
    uint32_t random = 12345;

    (void)state;
    for (int i = 0; i < 4000; i++) {
        char path[160];

        random = random * 1664525u + 1013904223u;
        snprintf(path, sizeof path, PROTOCOL_ROOT "/%s", paths[(random >> 16) % (sizeof paths / sizeof paths[0])]);
        random = random * 1664525u + 1013904223u;
        if ((random >> 16) % 4 == 0)
            fake_remove(&dom0.store, path);
        else
            put(path, values[(random >> 18) % (sizeof values / sizeof values[0])]);
        if ((random >> 24) % 3 == 0)
            pump();
        control_event(control, path);
    }
    control_event(control, "");
    control_event(control, "data/clickosX");
    control_event(control, "device/vif/0");
    pump();
    assert_true(ask(1, "start", "s :: Specimen(4);"));
    assert_reads(1, "read handler=s.value", "4");
}

static void test_thousand_starts(void **state)
{
    int log = dup(2), null = open("/dev/null", O_WRONLY);
    size_t before = 0;

    (void)state;
    dup2(null, 2);                  /* 1,000 times the same error */
    for (int i = 0; i < 1000; i++) {
        assert_true(ask(0, "start file=f.click", "s :: Specimen(4); t :: Specimen(5);"));
        assert_true(ask(0, "start file=f.click", "s :: Specimen(6);"));
        assert_false(ask(0, "start file=f.click", "s :: Specimen(6); t :: Specimen(BAD true)"));
        run_threads();
        assert_true(ask(0, "stop", NULL));
        assert_int_equal(packet_pool_in_use(), 0);
        message_free(&reply);
        if (i == 9)
            before = __sanitizer_get_current_allocated_bytes();
    }
    dup2(log, 2);
    close(log);
    close(null);
    /* The numbers in the store (generation, request ids) may have grown by some digits. */
    assert_in_range(__sanitizer_get_current_allocated_bytes(), 0, before + 256);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_start_read_write_stop), TEST(test_parameter_and_large_values), TEST(test_what_is_not_there),
        TEST(test_handlers_of_the_platform),
        TEST(test_bad_configuration_keeps_the_old_one), TEST(test_several_instances),
        TEST(test_large_configuration), TEST(test_by_hand), TEST(test_answered_once), TEST(test_client_gives_up),
        TEST(test_requests_before_open), TEST(test_boot_configuration), TEST(test_router_stops_itself),
        TEST(test_no_thread), TEST(test_replaced_under_load),
        TEST(test_clickos_control), TEST(test_dead_clients_do_not_fill_the_store),
        TEST(test_store_that_fails), TEST(test_hostile_store), TEST(test_thousand_starts),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    message_free(&reply);
    return failed;
}
