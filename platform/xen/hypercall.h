// SPDX-License-Identifier: BSD-2-Clause
/*
 * hypercall.h - calls into Xen.
 *
 * hypercall__NAME() is the raw call with Xen's arguments and Xen's negative errno; the typed calls
 * that the rest of the guest uses live with their subject (events.c, grants.c, ...).
 */
#ifndef PLATFORM_XEN_HYPERCALL_H
#define PLATFORM_XEN_HYPERCALL_H

#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

// The call target is a slot of 32 bytes in the page that Xen filled; rcx and r11 are SYSCALL's.
#define HYPERCALL(number, a, b, c, d)                                                              \
    ({                                                                                             \
        long result_;                                                                              \
        long a_ = (long)(a), b_ = (long)(b), c_ = (long)(c);                                       \
        register long d_ __asm__("r10") = (long)(d);                                               \
        __asm__ volatile("call hypercall_page + %c[slot]"                                          \
                         : "=a"(result_), "+D"(a_), "+S"(b_), "+d"(c_), "+r"(d_)                   \
                         : [slot] "i"((number) * 32)                                               \
                         : "memory", "rcx", "r8", "r9", "r11");                                    \
        result_;                                                                                   \
    })

static inline long hypercall__mmu_update(struct mmu_update *updates, unsigned count)
{
    return HYPERCALL(__HYPERVISOR_mmu_update, updates, count, 0, DOMID_SELF);
}

static inline long hypercall__mmuext_op(struct mmuext_op *ops, unsigned count)
{
    return HYPERCALL(__HYPERVISOR_mmuext_op, ops, count, 0, DOMID_SELF);
}

static inline long hypercall__update_va_mapping(uint64_t va, uint64_t entry, uint64_t flags)
{
    return HYPERCALL(__HYPERVISOR_update_va_mapping, va, entry, flags, 0);
}

static inline long hypercall__set_trap_table(const struct trap_info *table)
{
    return HYPERCALL(__HYPERVISOR_set_trap_table, table, 0, 0, 0);
}

static inline long hypercall__set_segment_base(unsigned which, uint64_t base)
{
    return HYPERCALL(__HYPERVISOR_set_segment_base, which, base, 0, 0);
}

static inline long hypercall__memory_op(unsigned op, void *argument)
{
    return HYPERCALL(__HYPERVISOR_memory_op, op, argument, 0, 0);
}

static inline long hypercall__console_io(unsigned op, unsigned length, const char *text)
{
    return HYPERCALL(__HYPERVISOR_console_io, op, length, text, 0);
}

static inline long hypercall__xen_version(unsigned op, void *argument)
{
    return HYPERCALL(__HYPERVISOR_xen_version, op, argument, 0, 0);
}

static inline long hypercall__sched_op(unsigned op, void *argument)
{
    return HYPERCALL(__HYPERVISOR_sched_op, op, argument, 0, 0);
}

static inline long hypercall__event_channel_op(unsigned op, void *argument)
{
    return HYPERCALL(__HYPERVISOR_event_channel_op, op, argument, 0, 0);
}

static inline long hypercall__grant_table_op(unsigned op, void *argument, unsigned count)
{
    return HYPERCALL(__HYPERVISOR_grant_table_op, op, argument, count, 0);
}

static inline long hypercall__hvm_op(unsigned op, void *argument)
{
    return HYPERCALL(__HYPERVISOR_hvm_op, op, argument, 0, 0);
}

#endif
