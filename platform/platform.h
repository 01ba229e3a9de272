// SPDX-License-Identifier: BSD-2-Clause
/*
 * platform.h - all that the router may ask of the world.
 *
 * Two answers exist: platform/xen/ (the guest) and platform/linux/ (a process).
 * Besides this the router uses the pure parts of the C library: string.h, stdlib.h
 * (malloc, strto*, qsort), snprintf. An #ifdef in router/ or elements/ means that a
 * function is missing here.
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;
struct element;
struct errors;
struct handler;
struct scheduler;
struct task;
struct text;

/* ---- time, log, chance ---- */

uint64_t platform_now_ns(void);         /* monotonic */
uint64_t platform_wall_ns(void);        /* since 1970-01-01 UTC */
/* The processor's own counter, for differences: it runs on whatever the clocks above show. */
static inline uint64_t platform_cycles(void)
{
    return __builtin_ia32_rdtsc();
}
/* What elements print (Print, chatter): stderr in a process, the console in a guest. */
void platform_log(const char *text, size_t length);
/* Not for secrets: flow identifiers, jitter, hash seeds. */
uint32_t platform_random(void);
/* Handlers of the router itself that there are only here: a table that ends with a zeroed row. */
extern const struct handler *const platform_handlers;
const char *platform_name(void);        /* "userlevel" or "clickos": where Click says that it runs */

/* ---- the stack ---- */

/*
 * How far down the running thread's stack may grow by calls that ask (router/bounds.h). Below it is
 * room for whatever does not ask, and then the end.
 */
extern PER_THREAD uintptr_t platform_stack_end;

/* ---- threads ---- */

/*
 * Routers may run on several threads of the system at once, where the platform has them: in a process. A
 * guest has one virtual CPU. PER_THREAD, which the build defines, stands before variables that each has for
 * itself. (A guest's cooperative threads are no threads in this sense: there is one of them at a time.)
 */
extern PER_THREAD unsigned platform_thread;     /* this one's number; 0: the first */

/*
 * Between these two the caller may touch whatever belongs to other threads: they rest between two tasks, or
 * wait here themselves, in the midst of an element. They nest, and cost next to nothing where there is one thread.
 */
void platform_exclusive_begin(void);
void platform_exclusive_end(void);

/*
 * Bytes to leave behind what one thread writes to, so that the next thing does not share a cache line; 0 where
 * there is one thread.
 */
extern const size_t platform_apart;

/* For a few instructions at a time; *lock is 0 at first. */
void platform_lock(unsigned *lock);
void platform_unlock(unsigned *lock);

/* ---- packet buffers ---- */

/*
 * A chunk of `*count` buffers of `*capacity` bytes, `*stride` bytes apart. Asked
 * for about `want` of them. In a guest a buffer is one page, so that its grant can
 * stay with it for life. NULL when memory is short: enough is left for the rest of
 * the system. Chunks are given back only all together, at the end.
 */
void *platform_buffers_alloc(uint32_t want, uint32_t *count, uint32_t *stride,
                             uint32_t *capacity);
void platform_buffers_free(void *chunk, uint32_t count, uint32_t stride);
/* One of so many bytes, a multiple of 4,096, on pages of its own in a guest. NULL as above. */
void *platform_large_buffer_alloc(uint32_t bytes);
void platform_large_buffer_free(void *buffer, uint32_t bytes);

/*
 * Whether tables that grow with traffic may take so many bytes. Some memory is kept for what people ask for: a handler, another
 * configuration.
 */
bool platform_can_spare(size_t bytes);

/* Memory figures for handlers and `clickos list`, in bytes; total 0 where it means nothing. */
struct platform_memory {
    uint64_t total, used, heap_used;
};
void platform_memory(struct platform_memory *memory);

/* ---- the scheduler's sleep ---- */

/*
 * Called when a task of a sleeping scheduler is made runnable or a timer is set
 * earlier, maybe by another thread of the platform: whoever runs that scheduler
 * must look at it again. Cheap when it is not asleep.
 */
void platform_wake(struct scheduler *scheduler);

/* ---- network devices ---- */

struct device;                          /* the platform's */

struct device_options {
    bool promiscuous;
    bool outbound;                      /* also see frames that this host sends there */
    bool sniffer;                       /* leave the frames to the host too */
    uint32_t headroom;                  /* wanted in front of received frames, bytes */
    uint32_t snaplen;                   /* frames are cut to this; 0: not */
    int protocol;                       /* ethertype to receive, 0: all */
};

struct device_info {
    const char *name;                   /* "eth0", "vif 0" */
    uint8_t mac[6];
    uint32_t mtu;
    bool up;                            /* frames can pass now */
};

struct device_counts {
    uint64_t rx_packets, rx_bytes, rx_drops, tx_packets, tx_bytes, tx_drops;
};

/*
 * Opens the device called `name` for one element. A process takes interface names
 * ("eth0", "tap:NAME" makes a tap); a guest takes virtual interface numbers ("0").
 * On failure an error is added that says what there is, and NULL comes back.
 */
struct device *platform_device_open(const char *name, const struct device_options *options,
                                    struct errors *errors);
void platform_device_close(struct device *device);
void platform_device_info(struct device *device, struct device_info *info);
void platform_device_counts(struct device *device, struct device_counts *counts);
/* All that is known and counted, in lines "DEVICE NAME VALUE": "0 rx_packets 12345". */
void platform_device_report(struct device *device, struct text *out);
/*
 * What can be changed about a device while it runs, by name and as text: in a guest "mode", of which an empty one means
 * the VM's own, and "poll_rounds_before_blocking". False: an error was added, which lists what there is.
 */
bool platform_device_setting(struct device *device, const char *name, struct text *out, struct errors *errors);
bool platform_device_set(struct device *device, const char *name, const char *value, struct errors *errors);

/* Whether frames from devices may stand for several, or have blank checksums (router/offload.h). */
extern const bool platform_devices_offload;

/*
 * Adds up to `max` received frames to the batch (within BATCH_MAX); says how many.
 * Timestamps and packet types are set, header marks: mac only.
 */
unsigned platform_device_receive(struct device *device, struct batch *into, unsigned max);
/*
 * Sends from the front of the batch and takes those packets; says how many. The rest
 * (no room now) stays with the caller, at the same places of the vector. A frame that
 * can never be sent (too long, too short) is taken, freed and counted as a drop.
 */
unsigned platform_device_transmit(struct device *device, const struct batch *from);
/* Schedules the task whenever frames may be waiting (NULL: nobody any more). */
void platform_device_on_receive(struct device *device, struct task *task);
/* Schedules the task when room may be there again, once after each short transmit. */
void platform_device_on_transmit(struct device *device, struct task *task);

/* ---- files, where the platform has them ---- */

extern const bool platform_has_files;

/*
 * The whole contents, malloc'ed, or NULL with an error added; so for more than
 * 64 MiB. "-" is standard input in a process.
 */
char *platform_file_read(const char *name, size_t *length, struct errors *errors);
/*
 * The text of a file that the configuration `includer` requires as a library, malloc'ed, and its
 * malloc'ed *path. NULL: there is none (*path may still be set).
 */
char *platform_library_read(const char *name, const char *includer, char **path, size_t *length);
/* Replaces the contents, or adds to them. False: an error was added. */
bool platform_file_write(const char *name, bool append, const char *bytes, size_t length,
                         struct errors *errors);
/* What scripts print: to standard output in a process, to the console in a guest. */
void platform_print(const char *text, size_t length);

/* ---- signals and processes, where the platform has them ---- */

enum { SIGNALS_MAX = 32 };

/* The number of "INT" or "2"; -1: there is no such signal here. */
int platform_signal_number(const char *name);
/*
 * Calls `arrived` once, between two tasks, after the process received the signal; until then the
 * signal does nothing else. Asked for twice by one element it is called once. 0 or negative errno.
 */
int platform_signal_await(int number, struct element *element,
                          void (*arrived)(struct element *element));
void platform_signal_forget(struct element *element);
bool platform_signal_send(int number, int process, struct errors *errors);
int platform_process(void);             /* this one's number; 0: there are none */

#endif
