// SPDX-License-Identifier: BSD-2-Clause
/*
 * from_dump.c - FromDump(FILENAME [, TIMING], keywords): packets from a capture file.
 *
 * A regular file is mapped, WINDOW bytes at a time: less than half of what read() of 256 KB costs, while windows of
 * a megabyte cost more than that. Pipes, and files with MMAP false, are read. Records are copied into packets. A damaged
 * or cut file ends there, with a message and what came before it kept. Works pushed (by its task) and pulled.
 *
 * START, END and their kin are times of the file. The first record of all makes those absolute that
 * are relative; from then on START is a comparison until one record passes, END until one is
 * beyond, which is left out. Then END_CALL is called, or the element becomes inactive; whoever makes
 * it active again gets what follows.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elements/standard/write_call.h"
#include "platform/linux/elements/filename.h"
#include "platform/linux/elements/pcap_file.h"
#include "platform/platform.h"
#include "router/element.h"
#include "router/headers.h"
#include "router/order.h"
#include "router/router.h"

enum {
    WINDOW = 16 << 20,                  /* larger ones keep others waiting when the file is not in memory */
    WINDOW_ALIGNMENT = 64 << 10,        /* of its place in the file: a multiple of any page size */
    READ_SIZE = 256 * 1024,
    SAMPLE_ONE = 1 << 28,
    SMALL = 128,                        /* frames up to this are copied as if they were that long */
    AHEAD = 2048,                       /* bytes: some 25 such records on the way from memory */
};

struct from_dump {
    struct element base;
    struct arg_string filename, end_call_text;
    bool timing, stop, active, force_ip, map;
    uint64_t sample;                    /* of SAMPLE_ONE */
    uint32_t burst;
    struct write_call end_call;
    struct {
        uint64_t start, start_after, end, end_after, interval;      /* as given; 0: not */
    } times;
    uint64_t first_ns, last_ns;         /* packets before, and from here on, are left out */
    bool check_first, check_last, relative_first, relative_last, interval_last, times_known;

    int fd;
    const uint8_t *block;               /* a window of the file, or `buffer`; file_position is at `used` */
    size_t have, used;
    void *window;                       /* what is mapped; NULL: nothing */
    size_t window_size;
    uint8_t *buffer;                    /* READ_SIZE + one record of the largest size; NULL: not needed so far */
    bool swapped, nanoseconds, read_all, ended;
    uint32_t linktype;
    uint64_t file_position, record_position;    /* of what is read next, and of what was last */
    uint64_t start_position;
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

    if (!args_read_decimal(text, SAMPLE_ONE, &v))
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

#define TIME(NAME, member, text)                                                               \
    {.name = NAME, .kind = ARG_KEYWORD, .type = &arg_seconds,                                  \
     .offset = offsetof(struct from_dump, times.member), .help = text}

static const struct argument arguments[] = {
    {.name = "FILENAME", .kind = ARG_REQUIRED, .type = &arg_filename,
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
    TIME("START", start, "leave out packets before this time, in seconds since 1970"),
    TIME("START_AFTER", start_after, "leave out what the file has of its first so many seconds"),
    TIME("END", end, "end at the first packet of this time or later, in seconds since 1970"),
    TIME("END_AFTER", end_after, "end at the first packet so many seconds after the file's first"),
    TIME("INTERVAL", interval, "end at the first packet so many seconds after START"),
    {.name = "END_CALL", .kind = ARG_KEYWORD, .type = &arg_text,
     .offset = offsetof(struct from_dump, end_call_text),
     .help = "\"HANDLER [VALUE]\": a write at the end; default, where an end was given, active false"},
    {.name = "FILEPOS", .kind = ARG_KEYWORD, .type = &arg_u64,
     .offset = offsetof(struct from_dump, start_position),
     .help = "begin at this byte of the file, where a record begins"},
    {.name = "MMAP", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct from_dump, map), 
     .help = "map the file, where it is one, which is faster; default true. Then a file that somebody cuts short "
             "meanwhile ends the program"},
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
    f->map = true;
    f->fd = -1;
}

/* ---- the file ---- */

/* Nothing is available afterwards. */
static void unmap(struct from_dump *f)
{
    static const uint8_t nothing[1];

    if (f->window)
        munmap(f->window, f->window_size);
    f->window = NULL;
    f->block = nothing;
    f->have = f->used = 0;
}

/* The window that begins before file_position, empty at the end of the file. False: this cannot be mapped, read it. */
static bool map_window(struct from_dump *f)
{
    uint64_t begin = f->file_position & ~(uint64_t)(WINDOW_ALIGNMENT - 1), end;
    struct stat s;

    unmap(f);
    if (fstat(f->fd, &s) < 0 || !S_ISREG(s.st_mode))
        return false;
    end = (uint64_t)s.st_size < begin + WINDOW ? (uint64_t)s.st_size : begin + WINDOW;
    if (end <= f->file_position)
        return true;
    f->window_size = (size_t)(end - begin);
    f->window = mmap(NULL, f->window_size, PROT_READ, MAP_SHARED | MAP_POPULATE, f->fd, (off_t)begin);
    if (f->window == MAP_FAILED) {
        f->window = NULL;
        lseek(f->fd, (off_t)f->file_position, SEEK_SET);
        return false;
    }
    f->block = f->window;
    f->have = f->window_size;
    f->used = (size_t)(f->file_position - begin);
    return true;
}

/* The same by read(). False at the end, or after an error. */
static bool read_more(struct from_dump *f, size_t n)
{
    if (!f->buffer)
        f->buffer = malloc(READ_SIZE + PCAP_RECORD_MAX + sizeof(struct pcap_record_header));
    if (!f->buffer)
        return false;
    f->block = f->buffer;
    while (f->have - f->used < n) {
        ssize_t got;

        memmove(f->buffer, f->buffer + f->used, f->have - f->used);
        f->have -= f->used;
        f->used = 0;
        got = read(f->fd, f->buffer + f->have, READ_SIZE);
        if (got <= 0)
            return false;
        f->have += (size_t)got;
    }
    return true;
}

/* Makes at least n bytes available at block + used; false at the end of the file, errno 0, or after an error. */
static bool need(struct from_dump *f, size_t n)
{
    if (f->have - f->used >= n)
        return true;
    errno = 0;
    f->map = f->map && map_window(f);
    return f->map ? f->have - f->used >= n : read_more(f, n);
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
        return element_error(&f->base, errors, "%s: %s", f->filename.s,
                             errno ? strerror(errno) : "not a tcpdump file (too short)");
    memcpy(&h, f->block + f->used, sizeof h);
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
    if (!pcap_linktype_is_ip(f->linktype) && f->linktype != 1 && f->force_ip)
        return element_error(&f->base, errors, "%s: unknown linktype %u; can't force IP packets",
                             f->filename.s, f->linktype);
    f->force_ip |= pcap_linktype_is_ip(f->linktype);
    return true;
}

static bool seek(struct from_dump *f, uint64_t position, struct errors *errors)
{
    if (position > INT64_MAX || lseek(f->fd, (off_t)position, SEEK_SET) < 0)
        return element_error(&f->base, errors, "%s: cannot go to byte %llu: %s", f->filename.s,
                             (unsigned long long)position,
                             position > INT64_MAX ? "out of range" : strerror(errno));
    unmap(f);
    f->file_position = position;
    f->read_all = f->ended = false;
    if (f->waiting)
        packet_free(f->waiting);
    f->waiting = NULL;
    return true;
}

/* ---- when ---- */

static void know_times(struct from_dump *f, uint64_t ns)
{
    if (f->relative_first)
        f->first_ns += ns;
    if (f->relative_last)
        f->last_ns += ns;
    else if (f->interval_last)
        f->last_ns += f->first_ns;
    f->times_known = true;
}

static bool has_end(const struct from_dump *f)
{
    return f->times.end || f->times.end_after || f->times.interval;
}

/* At the end that was given, and at that of the file. */
static void end_call(struct from_dump *f)
{
    if (f->stop) {
        f->active = false;
        router_please_stop(f->base.router);
    } else if (f->end_call.name) {
        write_call_make(&f->end_call, &f->base);
    } else if (has_end(f)) {
        f->active = false;
    }
}

/* Whether a record of this time is left out. The end may be moved by what is called at it. */
static bool out_of_time(struct from_dump *f, uint64_t ns)
{
    if (!f->times_known)
        know_times(f, ns);
    if (f->check_first && ns < f->first_ns)
        return true;
    f->check_first = false;
    while (f->check_last && ns >= f->last_ns) {
        f->check_last = false;
        end_call(f);
        if (!f->active) {
            notifier_deactivate(&f->notifier);
            return true;
        }
    }
    return false;
}

static bool sampled_out(const struct from_dump *f)
{
    return f->sample < SAMPLE_ONE && (platform_random() & (SAMPLE_ONE - 1)) >= f->sample;
}

/* There are SMALL bytes to read, and room for as many, however small n is. */
static inline void copy_small(uint8_t *to, const uint8_t *from, uint32_t n)
{
    if (n <= 64)
        memcpy(to, from, 64);
    else
        memcpy(to, from, SMALL);
    /* One store for a whole IP header: reads of it that straddle two stores would wait for both. */
    memcpy(to + 14, from + 14, 32);
}

/* Whether the next records are packets, and nothing else about them matters. One branch: it is asked for each of them. */
static inline bool is_plain(const struct from_dump *f)
{
    return !(f->swapped | f->timing | f->force_ip | f->check_first | f->check_last | f->ended) & f->times_known
           & f->active & (f->sample == SAMPLE_ONE) & !f->waiting;
}

/* The small record that stands whole between `at` and `end`, as a packet; NULL: it is not such a one, or no memory. */
static inline struct packet *plain_packet(const uint8_t *at, const uint8_t *end, uint64_t unit)
{
    struct pcap_record_header h;
    struct packet *p;

    if ((size_t)(end - at) < sizeof h + SMALL)
        return NULL;
    memcpy(&h, at, sizeof h);
    __builtin_prefetch(at + AHEAD);
    __builtin_prefetch(at + AHEAD + 64);
    if (h.captured > SMALL || !(p = packet_new()))
        return NULL;
    p->length = h.captured;
    p->timestamp_ns = (uint64_t)h.seconds * 1000000000 + h.fraction * unit;
    if (h.length > h.captured)
        packet_set_anno_u32(p, ANNO_EXTRA_LENGTH, h.length - h.captured);
    p->mac = p->data;
    copy_small(p->data, at + sizeof h, h.captured);
    return p;
}

/* The same as fill() for such records; leaves the rest to that. */
static unsigned fill_plain(struct from_dump *f, struct batch *batch, unsigned max)
{
    const uint8_t *at = f->block + f->used, *end = f->block + f->have;
    uint64_t unit = f->nanoseconds ? 1 : 1000;
    struct packet *p;
    unsigned got = 0;

    for (; got < max && (p = plain_packet(at, end, unit)); got++) {
        batch_add(batch, p);
        f->record_position = f->file_position + (uint64_t)(at - (f->block + f->used));
        at += sizeof(struct pcap_record_header) + p->length;
    }
    f->file_position += (uint64_t)(at - (f->block + f->used));
    f->used = (size_t)(at - f->block);
    return got;
}

/* The same as fill() for one such record, as BURST 1 is the default; NULL: that has to be asked. */
static inline struct packet *next_plain(struct from_dump *f)
{
    const uint8_t *at = f->block + f->used;
    struct packet *p;
    size_t size;

    if (!is_plain(f))
        return NULL;
    p = plain_packet(at, f->block + f->have, f->nanoseconds ? 1 : 1000);
    if (!p)
        return NULL;
    size = sizeof(struct pcap_record_header) + p->length;
    f->record_position = f->file_position;
    f->file_position += size;
    f->used += size;
    f->count++;
    return p;
}

/* The next record as a packet; NULL at the end, or (with `*skipped`) when it was left out. */
static struct packet *read_record(struct from_dump *f, bool *skipped)
{
    struct pcap_record_header h;
    const uint8_t *bytes;
    struct packet *p;
    uint32_t captured, length;
    uint64_t ns;

    *skipped = false;
    f->record_position = f->file_position;
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
    bytes = f->block + f->used + sizeof h;
    f->used += sizeof h + captured;
    f->file_position += sizeof h + captured;
    ns = (uint64_t)host32(f, h.seconds) * 1000000000 +
         (uint64_t)host32(f, h.fraction) * (f->nanoseconds ? 1 : 1000);
    if (out_of_time(f, ns) || sampled_out(f)) {
        *skipped = true;
        return NULL;
    }
    p = packet_make(PACKET_HEADROOM, bytes, captured, 0);
    if (!p) {
        f->drops++;
        *skipped = true;
        return NULL;
    }
    p->timestamp_ns = ns;
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
    end_call(f);
}

/* Adds up to max packets; says how many. Stops at one that is not due yet. */
static unsigned fill(struct from_dump *f, struct batch *batch, unsigned max, uint64_t *wait_ns)
{
    unsigned got = is_plain(f) ? fill_plain(f, batch, max) : 0;

    *wait_ns = 0;
    while (got < max && !f->ended && f->active) {
        bool skipped = false;
        struct packet *p = f->waiting;

        f->waiting = NULL;
        if (!p) {
            p = f->read_all ? NULL : read_record(f, &skipped);
            if (!p && skipped)
                continue;
            if (!p) {
                f->read_all = true;
                if (got == 0)           /* whoever is told finds that all packets have passed */
                    end(f);
                break;
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
    /* At an END somebody may be told, too, amid a batch. */
    uint32_t burst = f->check_last ? f->burst : order_burst(task, f->burst);
    unsigned bursts = 1 + BATCH_NORMAL / burst;
    struct batch batch;
    struct packet *p;
    uint64_t wait_ns;

    if (!f->active)
        return false;
    do {
        if (burst == 1 && (p = next_plain(f))) {
            element_push_one(e, 0, p);
            continue;
        }
        batch.n = 0;
        fill(f, &batch, burst, &wait_ns);
        if (wait_ns)
            timer_set_after(&f->timer, wait_ns);
        if (batch.n == 1)
            element_push_one(e, 0, batch.pkt[0]);
        else if (batch.n)
            element_push(e, 0, &batch);
        if (wait_ns || f->ended || !f->active)
            return true;
    } while (--bursts && task_is_alone(task));
    task_reschedule(task);
    return true;
}

static unsigned pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    struct from_dump *f = element_as(struct from_dump, e);
    uint64_t wait_ns;
    unsigned got;

    (void)port;
    if (!f->active) {
        notifier_deactivate(&f->notifier);
        return 0;
    }
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

static bool configure_times(struct from_dump *f, struct errors *errors)
{
    bool start = f->times.start, end = f->times.end, end_after = f->times.end_after;

    if (start && f->times.start_after)
        return element_error(&f->base, errors, "START and START_AFTER are mutually exclusive");
    if (end + end_after + (f->times.interval != 0) > 1)
        return element_error(&f->base, errors,
                             "END, END_AFTER, and INTERVAL are mutually exclusive");
    f->check_first = start || f->times.start_after;
    f->first_ns = start ? f->times.start : f->times.start_after;
    f->relative_first = !start;
    f->check_last = has_end(f);
    f->last_ns = end ? f->times.end : end_after ? f->times.end_after : f->times.interval;
    f->relative_last = end_after;
    f->interval_last = f->times.interval;
    return true;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct from_dump *f = element_as(struct from_dump, e);

    (void)rest;
    if (f->sample > SAMPLE_ONE) {
        errors_warn(errors, NULL, "SAMPLE probability reduced to 1");
        f->sample = SAMPLE_ONE;
    } else if (!f->sample) {
        errors_warn(errors, NULL, "SAMPLE probability is 0; emitting no packets");
    }
    if (!configure_times(f, errors))
        return false;
    if (f->stop && f->end_call_text.s)
        return element_error(e, errors, "END_CALL and STOP are mutually exclusive");
    return !f->end_call_text.s || write_call_parse(&f->end_call, e, f->end_call_text.s, errors);
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct from_dump *f = element_as(struct from_dump, e);

    if (task_init(&f->task, e, run) < 0 || timer_init(&f->timer, e, fire) < 0)
        return element_error(e, errors, "out of memory");
    f->fd = strcmp(f->filename.s, "-") == 0 ? dup(STDIN_FILENO)
                                            : open(f->filename.s, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        return element_error(e, errors, "%s: %s", f->filename.s, strerror(errno));
    if (!write_call_resolve(&f->end_call, e, errors) || !read_file_header(f, errors) ||
        (f->start_position && !seek(f, f->start_position, errors)))
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
    unmap(f);
    free(f->buffer);
    write_call_free(&f->end_call);
}

/* ---- handlers ---- */

static void activate(struct from_dump *f)
{
    f->active = true;
    if (f->ended)
        return;
    if (f->base.output_is_pull[0])
        notifier_activate(&f->notifier);
    else
        task_schedule(&f->task);
}

static int write_active(struct element *e, const struct handler_call *call)
{
    struct from_dump *f = element_as(struct from_dump, e);
    struct arg_context context = {.element = e, .errors = call->errors};

    if (!arg_bool.parse(&context, call->value, &f->active)) {
        errors_add(call->errors, NULL, "expected boolean, got '%s'", call->value);
        return -EINVAL;
    }
    if (f->active)
        activate(f);
    return 0;
}

static int write_extend_interval(struct element *e, const struct handler_call *call)
{
    struct from_dump *f = element_as(struct from_dump, e);
    struct arg_context context = {.element = e, .errors = call->errors};
    uint64_t more;

    if (!arg_seconds.parse(&context, call->value, &more)) {
        errors_add(call->errors, NULL, "'extend_interval' takes a time interval");
        return -EINVAL;
    }
    f->last_ns += more;
    if (f->stop || f->end_call.name || has_end(f)) {
        f->check_last = true;
        activate(f);
    }
    return 0;
}

/* The times as they are now, for whatever the file goes on with. */
static int write_reset_timing(struct element *e, const struct handler_call *call)
{
    struct from_dump *f = element_as(struct from_dump, e);

    (void)call;
    f->relative_first = f->relative_last = f->interval_last = f->times_known = false;
    f->clock_set = false;
    return 0;
}

static int write_position(struct element *e, const struct handler_call *call)
{
    struct from_dump *f = element_as(struct from_dump, e);
    uint64_t position;

    if (!args_read_unsigned(call->value, INT64_MAX, &position)) {
        errors_add(call->errors, NULL, "argument must be file position");
        return -EINVAL;
    }
    if (!seek(f, position, call->errors))
        return -EINVAL;
    if (f->active)
        activate(f);
    return 0;
}

static int read_size(struct element *e, const struct handler_call *call, struct text *out)
{
    struct stat s;

    (void)call;
    if (!fstat(element_as(struct from_dump, e)->fd, &s) && S_ISREG(s.st_mode))
        text_printf(out, "%lld", (long long)s.st_size);
    else
        text_putc(out, '-');
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
    {.name = "filesize", .read = read_size, .help = "the file's length in bytes; -: not known"},
    {.name = "filepos", .type = &arg_u64, .offset = offsetof(struct from_dump, file_position),
     .flags = HANDLER_READ, .write = write_position,
     .help = "the byte to go on from; one to be written is where a record begins"},
    {.name = "packet_filepos", .type = &arg_u64, .flags = HANDLER_READ,
     .offset = offsetof(struct from_dump, record_position),
     .help = "where in the file the last packet began"},
    {.name = "extend_interval", .write = write_extend_interval,
     .help = "moves the end by a time, and goes on"},
    {.name = "reset_timing", .write = write_reset_timing, .flags = HANDLER_BUTTON,
     .help = "forgets when the first packet came, after filepos was written"},
    {.name = "sampling_prob", .type = &sample_type, .offset = offsetof(struct from_dump, sample),
     .flags = HANDLER_READ, .help = "the sampling probability in use"},
    TASK_HANDLERS(struct from_dump, task),
    {0},
};

ELEMENT_CLASS(from_dump) = {
    .name = "FromDump", .ports = "0/1-2", .processing = PROCESSING_A_AH,
    .size = sizeof(struct from_dump), .arguments = arguments, .handlers = handlers,
    .setup = setup, .configure = configure, .initialize = initialize, .cleanup = cleanup,
    .pull = pull, .notifier = notifier, .order = ORDER_UNSEEN, .group = "userlevel",
    .purpose = "reads packets from a tcpdump capture file",
    .manual = "Reads pcap files of either byte order with microsecond or nanosecond timestamps. "
              "In a process only.",
};
