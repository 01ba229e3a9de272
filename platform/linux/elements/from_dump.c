// SPDX-License-Identifier: BSD-2-Clause
/*
 * from_dump.c - FromDump(FILENAME [, TIMING], keywords): packets from a capture file.
 *
 * Records are read with read() of 256 KB and copied into packets, which measured
 * faster than mapping a large file. A damaged or cut file ends there, with a
 * message and what came before it kept. Works pushed (by its task) and pulled.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "platform/linux/elements/pcap_file.h"
#include "platform/platform.h"
#include "router/element.h"
#include "router/headers.h"
#include "router/router.h"

enum { READ_SIZE = 256 * 1024, SAMPLE_ONE = 1 << 28 };

struct from_dump {
    struct element base;
    struct arg_string filename, end_call_text;
    bool timing, stop, active, force_ip;
    uint64_t sample;                    /* of SAMPLE_ONE */
    uint32_t burst;
    struct arg_handler end_call;

    int fd;
    uint8_t *block;                     /* READ_SIZE + one record of the largest size */
    size_t have, used;
    bool swapped, nanoseconds, ended;
    uint32_t linktype;
    uint64_t file_position;
    int64_t clock_offset_ns;            /* platform clock minus the file's, for TIMING */
    bool clock_set;
    struct packet *waiting;             /* read, but not yet due */
    struct task task;
    struct timer timer;
    uint64_t count, drops;
    struct notifier notifier;
};

static bool parse_sample(const struct arg_context *c, const char *text, void *value)
{
    uint64_t v;

    if (!args_read_decimal(text, SAMPLE_ONE, &v) || v > SAMPLE_ONE)
        return args_error(c, "want a probability between 0 and 1, got '%s'", text);
    memcpy(value, &v, sizeof v);
    return true;
}

static void format_sample(const void *value, struct text *out)
{
    uint64_t v;

    memcpy(&v, value, sizeof v);
    text_printf(out, "%g", (double)v / SAMPLE_ONE);
}

static const struct arg_type sample_type = {"probability", sizeof(uint64_t), parse_sample,
                                            format_sample, NULL};

static const struct argument arguments[] = {
    {.name = "FILENAME", .kind = ARG_REQUIRED, .type = &arg_string,
     .offset = offsetof(struct from_dump, filename), .help = "capture file; - is standard input"},
    {.name = "TIMING", .kind = ARG_OPTIONAL, .type = &arg_bool,
     .offset = offsetof(struct from_dump, timing), .help = "keep the time between packets"},
    {.name = "STOP", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct from_dump, stop), .help = "stop the driver at the end"},
    {.name = "ACTIVE", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct from_dump, active), .help = "emit packets; default true"},
    {.name = "SAMPLE", .kind = ARG_KEYWORD, .type = &sample_type,
     .offset = offsetof(struct from_dump, sample), .help = "emit each packet with this probability"},
    {.name = "FORCE_IP", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct from_dump, force_ip),
     .help = "emit only IP packets, with header marks; others leave by output 1"},
    {.name = "END_CALL", .kind = ARG_KEYWORD, .type = &arg_string,
     .offset = offsetof(struct from_dump, end_call_text), .help = "write handler called at the end"},
    {.name = "BURST", .kind = ARG_KEYWORD, .type = &arg_unsigned, .min = 1, .max = BATCH_MAX,
     .offset = offsetof(struct from_dump, burst), .help = "packets at a time; default 1"},
    {0},
};

static void setup(struct element *e)
{
    struct from_dump *f = element_as(struct from_dump, e);

    f->active = true;
    f->sample = SAMPLE_ONE;
    f->burst = 1;
    f->fd = -1;
}

/* ---- the file ---- */

/* Makes at least n bytes available at block + used; false at the end of the file. */
static bool need(struct from_dump *f, size_t n)
{
    while (f->have - f->used < n) {
        ssize_t got;

        memmove(f->block, f->block + f->used, f->have - f->used);
        f->have -= f->used;
        f->used = 0;
        got = read(f->fd, f->block + f->have, READ_SIZE);
        if (got <= 0)
            return false;
        f->have += (size_t)got;
    }
    return true;
}

static uint32_t host32(const struct from_dump *f, uint32_t v)
{
    return f->swapped ? __builtin_bswap32(v) : v;
}

static bool read_file_header(struct from_dump *f, struct errors *errors)
{
    struct pcap_file_header h;
    uint32_t magic;

    if (!need(f, sizeof h))
        return element_error(&f->base, errors, "%s: not a tcpdump file (too short)", f->filename.s);
    memcpy(&h, f->block, sizeof h);
    magic = h.magic;
    if (magic == __builtin_bswap32(PCAP_MAGIC_US) || magic == __builtin_bswap32(PCAP_MAGIC_NS)) {
        f->swapped = true;
        magic = __builtin_bswap32(magic);
    }
    if (magic != PCAP_MAGIC_US && magic != PCAP_MAGIC_NS)
        return element_error(&f->base, errors, "%s: not a tcpdump file (bad magic number %08x)",
                             f->filename.s, h.magic);
    f->nanoseconds = magic == PCAP_MAGIC_NS;
    f->linktype = host32(f, h.linktype) & 0xFFFF;
    f->used += sizeof h;
    f->file_position = sizeof h;
    return true;
}

/* The next record as a packet; NULL at the end, or (with `*skipped`) when there was no buffer for it. */
static struct packet *read_record(struct from_dump *f, bool *skipped)
{
    struct pcap_record_header h;
    struct packet *p;
    uint32_t captured, length;

    *skipped = false;
    if (!need(f, sizeof h)) {
        if (f->have != f->used)
            element_log(&f->base, "%s: cut off within a record header", f->filename.s);
        return NULL;
    }
    memcpy(&h, f->block + f->used, sizeof h);
    captured = host32(f, h.captured);
    length = host32(f, h.length);
    if (captured > PCAP_RECORD_MAX) {
        element_log(&f->base, "%s: bad record at byte %llu: %u bytes captured", f->filename.s,
                    (unsigned long long)f->file_position, captured);
        return NULL;
    }
    if (!need(f, sizeof h + captured)) {
        element_log(&f->base, "%s: cut off within a packet", f->filename.s);
        return NULL;
    }
    p = packet_make(PACKET_HEADROOM, f->block + f->used + sizeof h, captured, 0);
    f->used += sizeof h + captured;
    f->file_position += sizeof h + captured;
    if (!p) {
        f->drops++;
        *skipped = true;
        return NULL;
    }
    p->timestamp_ns = (uint64_t)host32(f, h.seconds) * 1000000000 +
                      (uint64_t)host32(f, h.fraction) * (f->nanoseconds ? 1 : 1000);
    if (length > captured)
        packet_set_anno_u32(p, ANNO_EXTRA_LENGTH, length - captured);
    p->mac = p->data;
    return p;
}

/* ---- what to do with a packet ---- */

/* Marks the IP header as FORCE_IP promises; false: no IP packet. */
static bool mark_ip(const struct from_dump *f, struct packet *p)
{
    uint32_t offset = 0, left;
    const struct ip_header *ip;

    if (f->linktype == 1) {
        if (p->length < 14 || be16_get(p->data + 12) != ETHERTYPE_IPV4)
            return false;
        offset = 14;
    } else if (!pcap_linktype_is_ip(f->linktype)) {
        return false;
    }
    left = p->length - offset;
    ip = (const struct ip_header *)(p->data + offset);
    if (left < sizeof *ip || ip_version(ip) != 4 || ip_header_length(ip) < sizeof *ip ||
        ip_header_length(ip) > left)
        return false;
    packet_pull(p, offset);
    packet_set_network(p, p->data, ip_header_length(ip));
    packet_set_dst_ip(p, ip->dst);
    return true;
}

static bool sampled_out(const struct from_dump *f)
{
    return f->sample < SAMPLE_ONE && (platform_random() & (SAMPLE_ONE - 1)) >= f->sample;
}

/* Nanoseconds until the packet is due; 0: now. */
static uint64_t due_in(struct from_dump *f, const struct packet *p)
{
    uint64_t now = platform_now_ns(), due;

    if (!f->clock_set) {
        f->clock_offset_ns = (int64_t)(now - p->timestamp_ns);
        f->clock_set = true;
    }
    due = p->timestamp_ns + (uint64_t)f->clock_offset_ns;
    return due > now ? due - now : 0;
}

static void end(struct from_dump *f)
{
    if (f->ended)
        return;
    f->ended = true;
    notifier_deactivate(&f->notifier);
    if (f->end_call.name) {
        struct errors errors = {0};
        struct text name = {0};

        text_printf(&name, "%s.%s", f->end_call.element ? f->end_call.element->name : "",
                    f->end_call.name);
        if (!router_write(f->base.router, text_string(&name), "", 0, &errors))
            element_log(&f->base, "END_CALL: %s", text_string(&errors.text));
        text_free(&name);
        errors_free(&errors);
    }
    if (f->stop)
        router_please_stop(f->base.router);
}

/* Adds up to max packets; says how many. Stops at one that is not due yet. */
static unsigned fill(struct from_dump *f, struct batch *batch, unsigned max, uint64_t *wait_ns)
{
    unsigned got = 0;

    *wait_ns = 0;
    while (got < max && !f->ended) {
        bool skipped = false;
        struct packet *p = f->waiting;

        f->waiting = NULL;
        if (!p) {
            p = read_record(f, &skipped);
            if (!p && skipped)
                continue;
            if (!p) {
                end(f);
                break;
            }
            if (sampled_out(f)) {
                packet_free(p);
                continue;
            }
            if (f->force_ip && !mark_ip(f, p)) {
                element_push_or_free(&f->base, 1, p);
                continue;
            }
        }
        if (f->timing) {
            *wait_ns = due_in(f, p);
            if (*wait_ns) {
                f->waiting = p;
                break;
            }
        }
        batch_add(batch, p);
        got++;
    }
    f->count += got;
    return got;
}

static bool run(struct element *e, struct task *task)
{
    struct from_dump *f = element_as(struct from_dump, e);
    struct batch batch;
    uint64_t wait_ns;

    batch.n = 0;
    if (!f->active)
        return false;
    fill(f, &batch, f->burst, &wait_ns);
    if (wait_ns)
        timer_set_after(&f->timer, wait_ns);
    else if (!f->ended)
        task_reschedule(task);
    if (batch.n == 1)
        element_push_one(e, 0, batch.pkt[0]);
    else if (batch.n)
        element_push(e, 0, &batch);
    return true;
}

static unsigned pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    struct from_dump *f = element_as(struct from_dump, e);
    uint64_t wait_ns;
    unsigned got;

    (void)port;
    if (!f->active)
        return 0;
    got = fill(f, batch, max, &wait_ns);
    if (wait_ns) {
        notifier_deactivate(&f->notifier);
        timer_set_after(&f->timer, wait_ns);
    }
    return got;
}

static void fire(struct element *e, struct timer *timer)
{
    struct from_dump *f = element_as(struct from_dump, e);

    (void)timer;
    if (e->output_is_pull[0])
        notifier_activate(&f->notifier);
    else
        task_schedule(&f->task);
}

static struct notifier *notifier(struct element *e, unsigned port, enum notifier_kind kind)
{
    (void)port;
    return kind == NOTIFIER_EMPTY ? &element_as(struct from_dump, e)->notifier : NULL;
}

/* ---- life ---- */

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct from_dump *f = element_as(struct from_dump, e);
    struct arg_context context = {.element = e, .errors = errors, .name = "END_CALL"};

    (void)rest;
    /* Named elements are known only now, so the handler's name is read here. */
    return !f->end_call_text.s ||
           arg_handler_write.parse(&context, f->end_call_text.s, &f->end_call) ||
           (errors->count == 0 && args_error(&context, "want a write handler"));
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct from_dump *f = element_as(struct from_dump, e);

    f->block = malloc(READ_SIZE + PCAP_RECORD_MAX + sizeof(struct pcap_record_header));
    if (!f->block || task_init(&f->task, e, run) < 0 || timer_init(&f->timer, e, fire) < 0)
        return element_error(e, errors, "out of memory");
    f->fd = strcmp(f->filename.s, "-") == 0 ? dup(STDIN_FILENO)
                                            : open(f->filename.s, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        return element_error(e, errors, "%s: %s", f->filename.s, strerror(errno));
    if (!read_file_header(f, errors))
        return false;
    f->notifier.active = f->active;
    if (f->active && !e->output_is_pull[0])
        task_schedule(&f->task);
    return true;
}

static void cleanup(struct element *e)
{
    struct from_dump *f = element_as(struct from_dump, e);

    task_destroy(&f->task);
    timer_destroy(&f->timer);
    notifier_destroy(&f->notifier);
    if (f->waiting)
        packet_free(f->waiting);
    if (f->fd >= 0)
        close(f->fd);
    free(f->block);
    free(f->end_call.name);
}

/* ---- handlers ---- */

static int write_active(struct element *e, const struct handler_call *call)
{
    struct from_dump *f = element_as(struct from_dump, e);
    struct arg_context context = {.element = e, .errors = call->errors};

    if (!arg_bool.parse(&context, call->value, &f->active)) {
        errors_add(call->errors, NULL, "expected boolean, got '%s'", call->value);
        return -EINVAL;
    }
    if (f->active && !f->ended) {
        if (e->output_is_pull[0])
            notifier_activate(&f->notifier);
        else
            task_schedule(&f->task);
    }
    return 0;
}

static int write_stop(struct element *e, const struct handler_call *call)
{
    struct from_dump *f = element_as(struct from_dump, e);

    (void)call;
    f->active = false;
    router_please_stop(e->router);
    return 0;
}

static int write_reset(struct element *e, const struct handler_call *call)
{
    (void)call;
    element_as(struct from_dump, e)->count = 0;
    return 0;
}

static int read_encap(struct element *e, const struct handler_call *call, struct text *out)
{
    static const struct pcap_linktype types[] = {PCAP_LINKTYPES};
    struct from_dump *f = element_as(struct from_dump, e);

    (void)call;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].number == f->linktype) {
            text_puts(out, types[i].name);
            return 0;
        }
    }
    text_printf(out, "%u", f->linktype);
    return 0;
}

static const struct handler handlers[] = {
    {.name = "count", .type = &arg_u64, .offset = offsetof(struct from_dump, count),
     .flags = HANDLER_READ, .help = "packets emitted"},
    {.name = "drops", .type = &arg_u64, .offset = offsetof(struct from_dump, drops),
     .flags = HANDLER_READ, .help = "records for which there was no packet buffer"},
    {.name = "reset_counts", .write = write_reset, .flags = HANDLER_BUTTON,
     .help = "sets count to zero"},
    {.name = "active", .type = &arg_bool, .offset = offsetof(struct from_dump, active),
     .flags = HANDLER_READ | HANDLER_CHECKBOX, .write = write_active, .help = "emit packets"},
    {.name = "stop", .write = write_stop, .flags = HANDLER_BUTTON,
     .help = "emit nothing more and stop the driver"},
    {.name = "encap", .read = read_encap, .help = "the file's link type"},
    {.name = "filename", .type = &arg_string, .offset = offsetof(struct from_dump, filename),
     .flags = HANDLER_READ, .help = "the file's name"},
    {.name = "filepos", .type = &arg_u64, .offset = offsetof(struct from_dump, file_position),
     .flags = HANDLER_READ, .help = "bytes read so far"},
    {.name = "sampling_prob", .type = &sample_type, .offset = offsetof(struct from_dump, sample),
     .flags = HANDLER_READ, .help = "the sampling probability in use"},
    TASK_HANDLERS(struct from_dump, task),
    {0},
};

ELEMENT_CLASS(from_dump) = {
    .name = "FromDump", .ports = "0/1-2", .processing = PROCESSING_A_AH,
    .size = sizeof(struct from_dump), .arguments = arguments, .handlers = handlers,
    .setup = setup, .configure = configure, .initialize = initialize, .cleanup = cleanup,
    .pull = pull, .notifier = notifier, .group = "userlevel",
    .purpose = "reads packets from a tcpdump capture file",
    .manual = "Reads pcap files of either byte order with microsecond or nanosecond timestamps. "
              "In a process only.",
};
