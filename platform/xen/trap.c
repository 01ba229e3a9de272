// SPDX-License-Identifier: BSD-2-Clause
/*
 * trap.c - exceptions and panics: say what happened, then shut the domain down as crashed.
 *
 * No exception is ever part of normal work here, so none returns. In PVH every exception runs on a
 * stack of its own, which makes a stack overflow reportable. In PV Xen pushes its frame onto the
 * stack in use: when that is the one that overflowed, Xen ends the domain itself (`xl dmesg` has
 * the registers) and nothing is printed here.
 *
 * The reason also goes to data/clickos/crash in xenstore, if the ring has room for it at once.
 */
#include <stdio.h>
#include <string.h>

#include "drivers/xenstore.h"
#include "platform/xen/guest.h"
#include "platform/xen/hypercall.h"

/* In the order in which entry_trap.S pushes, upwards. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, code;
    uint64_t rip, cs, rflags, rsp, ss;
};

enum { VECTORS = 22, VECTOR_PAGE_FAULT = 14, TRAP_STACK_SIZE = 12288, STACK_WORDS = 24 };

struct trap_entry {
    void *pv, *pvh;
};

extern const struct trap_entry trap_entries[VECTORS];

static const char *const names[VECTORS] = {
    "division error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound",
    "invalid instruction", "no floating point unit", "double fault", "coprocessor overrun",
    "invalid task state", "segment not present", "stack segment fault", "general protection fault",
    "page fault", "reserved", "x87 error", "unaligned access", "machine check", "SSE error",
    "virtualisation", "control protection",
};

/* ---- report ---- */

static unsigned crashing;

static void __attribute__((noreturn)) end_crashed(void)
{
    struct sched_shutdown crash = { .reason = SHUTDOWN_crash };

    for (;;)
        hypercall__sched_op(SCHEDOP_shutdown, &crash);
}

/* Memory that is certainly mapped, so that the report does not fault. */
static bool stack_readable(uint64_t address)
{
    return address >= (uint64_t)boot_stack && address < (uint64_t)boot_stack_top
        ? true : thread_stack_holds(address);
}

static void print_stack(uint64_t sp)
{
    console_printf("stack at %016llx:\n", (unsigned long long)sp);
    sp &= ~7ull;
    if (!stack_readable(sp))            /* after an overflow the words above the guard page tell most */
        sp = (sp | (PAGE_SIZE - 1)) + 1;
    for (unsigned i = 0; i < STACK_WORDS && stack_readable(sp); i++, sp += 8)
        console_printf("%s%016llx%s", i % 4 ? " " : "  ", *(unsigned long long *)sp,
                       i % 4 == 3 ? "\n" : "");
    console_printf("\n");
}

static void print_registers(const struct trap_frame *f)
{
    const struct { const char *name; uint64_t value; } registers[] = {
        { "rip", f->rip }, { "rsp", f->rsp }, { "rbp", f->rbp }, { "flags", f->rflags },
        { "rax", f->rax }, { "rbx", f->rbx }, { "rcx", f->rcx }, { "rdx", f->rdx },
        { "rsi", f->rsi }, { "rdi", f->rdi }, { "r8", f->r8 },   { "r9", f->r9 },
        { "r10", f->r10 }, { "r11", f->r11 }, { "r12", f->r12 }, { "r13", f->r13 },
        { "r14", f->r14 }, { "r15", f->r15 }, { "cs", f->cs },   { "ss", f->ss },
    };

    for (unsigned i = 0; i < sizeof registers / sizeof *registers; i++)
        console_printf(" %5s %016llx%s", registers[i].name, (unsigned long long)registers[i].value,
                       i % 4 == 3 ? "\n" : "");
}

/* What lies at a faulting address, in words. */
static void describe(uint64_t address, char *text, size_t size)
{
    const char *owner = thread_guard_owner(address);

    if (address < PAGE_SIZE)
        snprintf(text, size, "page 0: a NULL pointer");
    else if (owner)
        snprintf(text, size, "guard page: stack overflow of thread %s", owner);
    else if (address >= (uint64_t)image_start && address < (uint64_t)rodata_start)
        snprintf(text, size, "program text");
    else if (address >= (uint64_t)rodata_start && address < (uint64_t)data_start)
        snprintf(text, size, "read-only data, or overflow of the first stack");
    else if (address >= (uint64_t)data_start && address < (uint64_t)image_end)
        snprintf(text, size, "data");
    else
        snprintf(text, size, "no part of the image");
}

static uint64_t fault_address(void)
{
    uint64_t address;

    if (boot.pv)
        return shared_info ? shared_info->vcpu_info[0].arch.cr2 : 0;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}

/* The second time the report itself failed: one short line; the third time nothing. */
static void begin_report(uint64_t rip)
{
    static uint64_t first;

    if (++crashing == 1)
        first = rip;
    if (crashing == 2)
        console_printf("*** crash at %llx within the report of a crash at %llx\n",
                       (unsigned long long)rip, (unsigned long long)first);
    if (crashing >= 2)
        end_crashed();
}

/* The reason in one line: on the console, and below our own path in xenstore for `xl` and scripts. */
static void reason(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void reason(const char *format, ...)
{
    char text[320];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    console_printf("\n*** crash: %s\n", text);
    xenstore_post("data/clickos/crash", text);
}

static void __attribute__((noreturn)) end_report(void)
{
    console_printf("*** end of crash report\n");
    console_flush(1000);
    end_crashed();
}

void trap_crash(const struct trap_frame *f);

void trap_crash(const struct trap_frame *f)
{
    const char *name = f->vector < VECTORS ? names[f->vector] : "exception";

    begin_report(f->rip);
    if (f->vector == VECTOR_PAGE_FAULT) {
        uint64_t address = fault_address();
        char where[80];
        describe(address, where, sizeof where);
        reason("page fault: %s at %016llx (%s), thread %s",
               f->code & 16 ? "execution" : f->code & 2 ? "write" : "read",
               (unsigned long long)address, where, thread_name(thread_self()));
    } else {
        reason("%s, code %llx, thread %s", name, (unsigned long long)f->code,
               thread_name(thread_self()));
    }
    print_registers(f);
    print_stack(f->rsp);
    end_report();
}

void panic(const char *format, ...)
{
    char text[256];
    va_list arguments;

    begin_report((uint64_t)__builtin_return_address(0));
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reason("%s, thread %s", text, thread_name(thread_self()));
    print_stack((uint64_t)__builtin_frame_address(0));
    end_report();
}

/* ---- tables ---- */

static void init_pv(void)
{
    static struct trap_info table[VECTORS + 1];

    for (unsigned i = 0; i < VECTORS; i++)
        table[i] = (struct trap_info){ .vector = (uint8_t)i, .cs = FLAT_KERNEL_CS,
                                       .address = (unsigned long)trap_entries[i].pv };
    hypercall__set_trap_table(table);
}

static void init_pvh(void)
{
    extern uint64_t pvh_gdt[];
    static struct { uint64_t low, high; } gates[VECTORS];
    static uint8_t stack[TRAP_STACK_SIZE] __attribute__((aligned(16)));
    static struct {
        uint32_t unused;
        uint64_t rsp[3], unused2, ist[7], unused3;
        uint16_t unused4, io_map;
    } __attribute__((packed)) tss = { .io_map = 104 };
    struct { uint16_t limit; uint64_t base; } __attribute__((packed)) pointer = {
        sizeof gates - 1, (uint64_t)gates,
    };

    /* IST 1 for all of them; 0xe: interrupt gate, 8: present. */
    for (unsigned i = 0; i < VECTORS; i++) {
        uint64_t a = (uint64_t)trap_entries[i].pvh;
        gates[i].low = (a & 0xffff) | 8ull << 16 | 1ull << 32 | 0x8eull << 40 | (a >> 16 & 0xffff) << 48;
        gates[i].high = a >> 32;
    }
    tss.ist[0] = (uint64_t)(stack + sizeof stack);
    uint64_t a = (uint64_t)&tss;
    pvh_gdt[3] = 103 | (a & 0xffffff) << 16 | 0x89ull << 40 | (a >> 24 & 0xff) << 56;
    pvh_gdt[4] = a >> 32;
    __asm__ volatile("ltr %w0; lidt %1" : : "r"(0x18), "m"(pointer) : "memory");
}

void trap_init(void)
{
    if (boot.pv)
        init_pv();
    else
        init_pvh();
}

/* ---- deliberate faults ---- */

static unsigned __attribute__((noinline)) overflow(volatile unsigned *below)
{
    volatile unsigned deeper[64];

    deeper[0] = *below + 1;
    return deeper[0] == 0 ? 0 : overflow(deeper) + deeper[0];   /* 0: after 4 billion frames */
}

static void provoke_stack(void *unused)
{
    volatile unsigned zero = 0;

    (void)unused;
    overflow(&zero);
}

void trap_provoke(const char *what)
{
    static uint8_t code[] = { 0xc3 };           /* ret */
    volatile char *nowhere = (char *)8;
    void (*run)(void) = (void (*)(void))(uintptr_t)code;

    __asm__ volatile("" : "+r"(nowhere), "+r"(run));
    console_printf("crash=%s: provoking it\n", what);
    if (!strcmp(what, "page0"))
        *nowhere = 1;
    else if (!strcmp(what, "text"))
        *(volatile char *)(uintptr_t)trap_provoke = 1;
    else if (!strcmp(what, "rodata"))
        *(volatile char *)(uintptr_t)names = 1;
    else if (!strcmp(what, "data"))
        run();
    else if (!strcmp(what, "stack"))
        thread_create("overflow", provoke_stack, NULL, THREAD_STACK_PAGES);
    else if (!strcmp(what, "panic"))
        panic("asked for by the boot argument");
    else
        console_printf("crash=%s is none of page0, text, rodata, data, stack, panic\n", what);
    if (!strcmp(what, "stack"))
        thread_yield();
}
