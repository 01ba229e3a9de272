// SPDX-License-Identifier: BSD-2-Clause
/*
 * guest.h - what the files of the guest kernel offer each other, grouped by file.
 *
 * One CPU, cooperative threads, no interrupts: a function that does not say "may block" runs to its
 * end without anything else running in between. Nothing here is for router/ or elements/.
 */
#ifndef PLATFORM_XEN_GUEST_H
#define PLATFORM_XEN_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_SIZE = 4096, PAGE_SHIFT = 12 };

/* ---- boot_pv.c, boot_pvh.c: the two ways in fill this; guest_main() goes on with it ---- */

enum { BOOT_RANGES_MAX = 32, BOOT_ARGUMENTS_MAX = 1024 };

struct boot_range {
    uint64_t start, end;            /* bytes, [start, end) */
};

struct boot {
    bool pv;
    unsigned n_ram, n_reserved;
    struct boot_range ram[BOOT_RANGES_MAX];
    struct boot_range reserved[BOOT_RANGES_MAX];    /* within ram, and in use */
    const uint64_t *p2m;            /* PV: machine frame of each of our frames */
    uint64_t p2m_count;
    uint64_t l4;                    /* PV: top page table (identity mapped) */
    uint64_t shared_info_frame;     /* PV: machine frame */
    void *console_ring, *store_ring;    /* NULL: none */
    uint32_t console_port, store_port;
    const void *ramdisk;            /* the VM's ramdisk, or NULL */
    size_t ramdisk_length;
    char arguments[BOOT_ARGUMENTS_MAX];
};

extern struct boot boot;            /* guest.c */
void guest_main(void);

/*
 * The value of `name=value` on the kernel's command line ("" for a bare name), copied; false: not
 * there.
 */
bool boot_argument(const char *name, char *value, size_t size);

/* ---- guest.ld: symbols; only their addresses mean something ---- */

extern char image_start[], rodata_start[], data_start[], image_end[];
extern char boot_stack[], boot_stack_top[];

/* ---- console.c: text out; works from the first line on ---- */

/* Uses Xen's emergency console until a ring is there. */
void console_init(void *ring, uint32_t port);
void console_write(const char *text, size_t length);
void console_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Waits until dom0 has read all, at most `timeout_ms`. */
void console_flush(unsigned timeout_ms);

/* ---- trap.c: crash ---- */

void trap_init(void);
/* Prints the reason with registers and stack, then the domain is shut down as crashed. */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Deliberate faults (boot argument crash=page0, text, data, stack, panic), to show that they are caught. */
void trap_provoke(const char *what);

/* ---- shutdown.c ---- */

/* SHUTDOWN_poweroff and friends of xen/sched.h; flushes the console first. */
void shutdown_now(unsigned reason) __attribute__((noreturn));

/* ---- mapping.c: page tables, both modes ---- */

enum mapping_rights { MAPPING_NONE, MAPPING_READ, MAPPING_WRITE, MAPPING_EXECUTE };

/* Maps the rest of memory, unmaps page 0, sets the image's rights; feeds the page allocator. */
void mapping_init(void);
/* Sets the rights of identity mapped memory. False: no memory for a page table. */
bool mapping_protect(void *first, unsigned count, enum mapping_rights rights);
/*
 * A window of pages near 4 GB, for what Xen shares with us: maps a machine frame (PV) there. In PVH
 * the caller tells Xen to put the page at mapping_window_frame(slot); rights are set already.
 */
enum { WINDOW_SHARED_INFO = 0, WINDOW_GRANTS = 1, WINDOW_SLOTS = 128 };
void *mapping_window(unsigned slot);
uint64_t mapping_window_frame(unsigned slot);
void mapping_window_map(unsigned slot, uint64_t machine_frame);
/* What Xen calls the page: the machine frame in PV, the guest frame in PVH. */
uint64_t mapping_frame(const void *page);

/* ---- pages.c: whole pages, first fit ---- */

/* `frames`: the number of frames that the map has to cover. The first page that is left. */
uint64_t pages_init(uint64_t frames);
/* Hands in memory (page numbers [first, end)); called by mapping_init(). */
void pages_add(uint64_t first, uint64_t end);
/* `count` pages in a row, contents undefined; NULL when there is no such run. */
void *pages_alloc(size_t count);
/* The whole run that pages_alloc() gave. */
void pages_free(void *run);
size_t pages_length(const void *run);       /* in pages */
uint64_t pages_free_count(void);
uint64_t pages_total(void);
uint64_t pages_frames(void);                /* every page number is below */

/* ---- heap.c: malloc and friends; see there ---- */

uint64_t heap_used(void);           /* bytes handed out, rounding included */

/* ---- time.c: the shared info page and its clocks ---- */

struct shared_info;
extern struct shared_info *shared_info;
void shared_info_init(void);

/* Nanoseconds since the host started; the clock of SCHEDOP_poll and of platform_now_ns(). */
uint64_t time_now(void);
uint64_t time_wall(void);           /* nanoseconds since 1970 */

/* ---- events.c: event channels, masked for ever and polled ---- */

/* Called when the port was signalled, from the scheduler: must not block. NULL: only wakes the VM up. */
typedef void event_handler(void *argument);

void events_init(void);
/* Watches a port. 0 or -ENOSPC. */
int event_bind(uint32_t port, event_handler *handler, void *argument);
void event_unbind(uint32_t port);
/* A new port that domain `remote` may bind. The port, or a negative errno. */
int event_alloc_unbound(uint16_t remote);
void event_close(uint32_t port);
void event_notify(uint32_t port);
/* As if the other side had signalled: the port's handler is called between two threads. */
void event_raise(uint32_t port);
unsigned events_in_use(void);       /* ports watched */
/* Calls the handlers of signalled ports; says whether there were any. */
bool events_poll(void);
/* Sleeps until a port is signalled or until `deadline` (time_now() clock; UINT64_MAX: never). */
void events_wait(uint64_t deadline);

/* ---- thread.c: cooperative threads ---- */

struct thread;

enum { THREAD_STACK_PAGES = 4, THREAD_NAME_MAX = 15 };

void thread_init(void);             /* the caller becomes the thread "main" */
/* NULL when memory is short. Stacks have a guard page below. */
struct thread *thread_create(const char *name, void (*function)(void *), void *argument,
                             unsigned stack_pages);
struct thread *thread_self(void);
const char *thread_name(const struct thread *thread);
/* Lets the others run; returns when it is our turn again. May block. */
void thread_yield(void);
/*
 * Sleeps until thread_wake() or the deadline (time_now() clock; UINT64_MAX: never). A wake that came
 * since the last thread_block() makes it return at once, so "test, then block" loses nothing, even
 * when the test itself has to wait: for that there is a second bell.
 */
void thread_block(uint64_t deadline);
void thread_sleep_until(uint64_t deadline);
void thread_wake(struct thread *thread);
/* The second bell: sleeps until thread_answer() or the deadline, and leaves wakes to the next thread_block(). */
void thread_await(uint64_t deadline);
void thread_answer(struct thread *thread);
void thread_exit(void) __attribute__((noreturn));
/* Name of the thread whose guard page holds this address, or NULL. */
const char *thread_guard_owner(uint64_t address);
/* Whether the address lies in the stack of a thread (not in its guard page). */
bool thread_stack_holds(uint64_t address);
/* Calls for each thread (handlers, crash report). */
void thread_each(void (*each)(const struct thread *, void *), void *argument);

/* ---- grants.c: pages lent to other domains (grant table version 1) ---- */

enum { GRANT_NONE = 0 };            /* Xen keeps references 0-7 to itself */

void grants_init(void);
/* Lends a page; GRANT_NONE when the table is full. */
uint32_t grant_page(uint16_t domain, const void *page, bool read_only);
/* Takes it back: false while the other side still has it mapped (the page must stay untouched). */
bool grant_revoke(uint32_t reference);
/* Takes back when the other side lets go; the page is freed with pages_free() then, if given. */
void grant_revoke_later(uint32_t reference, void *page_to_free);
unsigned grants_free(void);
unsigned grants_in_use(void);
unsigned grants_lingering(void);    /* of them, those that the other side should have let go of */

/* ---- libc.c: what musl's libc.a needs around it ---- */

void libc_init(void);

/* ---- random.c ---- */

uint64_t random_u64(void);

#endif
