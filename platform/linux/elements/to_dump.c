// SPDX-License-Identifier: BSD-2-Clause
/*
 * to_dump.c - ToDump(FILENAME [, SNAPLEN, ENCAP], keywords): packets into a capture file.
 *
 * Passes packets on when it has an output; as a sink with a pull input it has a task
 * that sleeps while nothing is there. A packet without a timestamp gets the time of
 * day. A file that cannot be written (disk full) is said once, and counted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/linux/elements/filename.h"
#include "platform/linux/elements/pcap_file.h"
#include "platform/platform.h"
#include "router/element.h"
#include "router/router.h"

enum { SNAPLEN_DEFAULT = 2000, BURST = BATCH_NORMAL };

struct to_dump {
    struct element base;
    struct arg_string filename;
    uint32_t snaplen;
    uint32_t linktype;
    bool encap_given;
    struct arg_string encap_from;
    bool extra_length, unbuffered, nano;
    FILE *file;
    uint64_t count, failures;
    struct task task;
    struct signal signal;
};

static bool parse_encap(const struct arg_context *c, const char *text, void *value)
{
    static const struct pcap_linktype types[] = {PCAP_LINKTYPES, {1, "ETHERNET"}, {1, "ETH"}};
    uint64_t number;

    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, text) == 0) {
            memcpy(value, &types[i].number, sizeof types[i].number);
            return true;
        }
    }
    if (!args_read_unsigned(text, UINT16_MAX, &number))
        return args_error(c, "want a link type such as ETHER, IP or a number, got '%s'", text);
    *(uint32_t *)value = (uint32_t)number;
    return true;
}

static void format_encap(const void *value, struct text *out)
{
    text_printf(out, "%u", *(const uint32_t *)value);
}

static const struct arg_type encap_type = {"link type", sizeof(uint32_t), parse_encap,
                                           format_encap, NULL};

static const struct argument arguments[] = {
    {.name = "FILENAME", .kind = ARG_REQUIRED, .type = &arg_filename,
     .offset = offsetof(struct to_dump, filename), .help = "capture file; - is standard output"},
    {.name = "SNAPLEN", .kind = ARG_OPTIONAL, .type = &arg_unsigned,
     .offset = offsetof(struct to_dump, snaplen),
     .help = "bytes kept of each packet; 0: all; default 2000"},
    {.name = "ENCAP", .kind = ARG_OPTIONAL, .type = &encap_type,
     .offset = offsetof(struct to_dump, linktype), .given = offsetof(struct to_dump, encap_given),
     .help = "link type: ETHER (default), IP, ..."},
    {.name = "USE_ENCAP_FROM", .kind = ARG_KEYWORD, .type = &arg_text,
     .offset = offsetof(struct to_dump, encap_from),
     .help = "elements whose handler encap, on which they agree, gives the link type"},
    {.name = "EXTRA_LENGTH", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct to_dump, extra_length),
     .help = "add the extra length annotation to the length on the wire; default true"},
    {.name = "UNBUFFERED", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct to_dump, unbuffered), .help = "write each packet at once"},
    {.name = "NANO", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct to_dump, nano), .help = "timestamps in nanoseconds"},
    {0},
};

static void setup(struct element *e)
{
    struct to_dump *t = element_as(struct to_dump, e);

    t->snaplen = SNAPLEN_DEFAULT;
    t->linktype = 1;
    t->extra_length = true;
}

static void write_packet(struct to_dump *t, const struct packet *p)
{
    uint64_t ns = p->timestamp_ns ? p->timestamp_ns : platform_wall_ns();
    uint32_t captured = t->snaplen && p->length > t->snaplen ? t->snaplen : p->length;
    uint64_t length = (uint64_t)p->length +
                      (t->extra_length ? packet_anno_u32(p, ANNO_EXTRA_LENGTH) : 0);
    struct pcap_record_header h = {
        (uint32_t)(ns / 1000000000), (uint32_t)(ns % 1000000000) / (t->nano ? 1 : 1000),
        captured, length > UINT32_MAX ? UINT32_MAX : (uint32_t)length,
    };

    if (fwrite(&h, sizeof h, 1, t->file) != 1 ||
        (captured && fwrite(p->data, captured, 1, t->file) != 1)) {
        if (!t->failures++)
            element_log(&t->base, "%s: %s", t->filename.s, strerror(errno));
        return;
    }
    t->count++;
    if (t->unbuffered)
        fflush(t->file);
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    write_packet(element_as(struct to_dump, e), p);
    if (e->n_outputs)
        return p;
    packet_free(p);
    return NULL;
}

ELEMENT_ACTION(action)

static bool run(struct element *e, struct task *task)
{
    struct to_dump *t = element_as(struct to_dump, e);
    struct batch batch;
    unsigned n;

    batch.n = 0;
    n = element_pull(e, 0, &batch, BURST);
    for (unsigned i = 0; i < n; i++)
        write_packet(t, batch.pkt[i]);
    batch_free(&batch);
    if (n || signal_active(&t->signal))
        task_reschedule(task);
    return n > 0;
}

/* ---- the link type of others ---- */

/* The element's, of which the first is to be the others'. */
static bool take_encap(struct to_dump *t, struct element *from, bool first, struct errors *errors)
{
    struct element *e = &t->base;
    struct arg_context context = {.element = e, .errors = errors, .name = "USE_ENCAP_FROM"};
    const struct handler *handler;
    struct text encap = {0};
    uint32_t linktype = 0;
    unsigned index;
    bool ok;

    handler = handler_find(e->router, from, "encap", &index);
    if (!handler || !handler_readable(handler))
        return element_error(e, errors, "'%s :: %s' has no 'encap' read handler", from->name,
                             from->class->name);
    ok = handler_call_read(e->router, from, handler, index, NULL, &encap, errors) &&
         parse_encap(&context, text_string(&encap), &linktype);
    if (ok && !first && linktype != t->linktype)
        ok = element_error(e, errors, "encapsulations of USE_ENCAP_FROM differ: '%s' has %s",
                           from->name, text_string(&encap));
    text_free(&encap);
    t->linktype = linktype;
    return ok;
}

/* Walks over the elements named; with `take` their link type becomes ours. */
static bool each_encap(struct to_dump *t, bool take, struct errors *errors)
{
    struct words names;
    bool ok = true;

    if (words_split_spaces(&names, t->encap_from.s) < 0)
        return element_error(&t->base, errors, "out of memory");
    for (unsigned i = 0; ok && i < names.n; i++) {
        struct element *from = element_find(&t->base, names.word[i]);

        if (!from)
            ok = element_error(&t->base, errors, "no element named '%s'", names.word[i]);
        else if (take)
            ok = take_encap(t, from, i == 0, errors);
    }
    words_free(&names);
    return ok;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct to_dump *t = element_as(struct to_dump, e);

    (void)rest;
    if (t->encap_from.s && t->encap_given)
        return element_error(e, errors, "specify at most one of 'ENCAP' and 'USE_ENCAP_FROM'");
    return !t->encap_from.s || each_encap(t, false, errors);
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct to_dump *t = element_as(struct to_dump, e);
    struct pcap_file_header h;

    if (t->encap_from.s && !each_encap(t, true, errors))
        return false;
    h = (struct pcap_file_header){
        t->nano ? PCAP_MAGIC_NS : PCAP_MAGIC_US, 2, 4, 0, 0,
        t->snaplen ? t->snaplen : PCAP_RECORD_MAX, t->linktype,
    };
    t->file = strcmp(t->filename.s, "-") == 0 ? stdout : fopen(t->filename.s, "we");
    if (!t->file || fwrite(&h, sizeof h, 1, t->file) != 1)
        return element_error(e, errors, "%s: %s", t->filename.s, strerror(errno));
    if (e->n_outputs || !e->input_is_pull[0])
        return true;
    if (task_init(&t->task, e, run) < 0 || signal_upstream(&t->signal, e, 0, &t->task) < 0)
        return element_error(e, errors, "out of memory");
    task_schedule(&t->task);
    return true;
}

static void cleanup(struct element *e)
{
    struct to_dump *t = element_as(struct to_dump, e);
    bool failed = false;

    task_destroy(&t->task);
    signal_destroy(&t->signal);
    if (t->file)
        failed = t->file == stdout ? fflush(stdout) : fclose(t->file);
    if (failed && !t->failures)
        element_log(e, "%s: %s", t->filename.s, strerror(errno));
}

static int write_reset(struct element *e, const struct handler_call *call)
{
    (void)call;
    element_as(struct to_dump, e)->count = 0;
    return 0;
}

static const struct handler handlers[] = {
    {.name = "count", .type = &arg_u64, .offset = offsetof(struct to_dump, count),
     .flags = HANDLER_READ, .help = "packets written"},
    {.name = "failures", .type = &arg_u64, .offset = offsetof(struct to_dump, failures),
     .flags = HANDLER_READ, .help = "packets that could not be written"},
    {.name = "reset_counts", .write = write_reset, .flags = HANDLER_BUTTON,
     .help = "sets count to zero"},
    {.name = "filename", .type = &arg_string, .offset = offsetof(struct to_dump, filename),
     .flags = HANDLER_READ, .help = "the file's name"},
    {0},
};

ELEMENT_CLASS(to_dump) = {
    .name = "ToDump", .ports = "1/0-1", .processing = AGNOSTIC, .size = sizeof(struct to_dump),
    .phase = PHASE_LAST,                /* when those whose link type is taken know it */
    .arguments = arguments, .handlers = handlers, .setup = setup, .configure = configure,
    .initialize = initialize, .order = ORDER_OWN,
    .cleanup = cleanup, ELEMENT_ENTRIES(action), .group = "userlevel",
    .purpose = "writes packets to a tcpdump capture file",
    .manual = "In a process only.",
};
