// SPDX-License-Identifier: BSD-2-Clause
/*
 * boot_notes.S - what the domain builder has to know, and the hypercall page.
 *
 * PV needs XEN_VERSION, LOADER, VIRT_BASE and HYPERCALL_PAGE (without the last one the guest
 * spins); PVH needs PHYS32_ENTRY, and VIRT_BASE because PADDR_OFFSET is there.
 */
#define __ASSEMBLY__
#include <xen/elfnote.h>

    .macro NOTE type, data:vararg
    .section .note.Xen, "a", @note
    .balign 4
    .long 2f - 1f
    .long 4f - 3f
    .long \type
1:  .asciz "Xen"
2:  .balign 4
3:  \data
4:  .balign 4
    .endm

    NOTE XEN_ELFNOTE_GUEST_OS,       .asciz "ClickOS"
    NOTE XEN_ELFNOTE_XEN_VERSION,    .asciz "xen-3.0"
    NOTE XEN_ELFNOTE_LOADER,         .asciz "generic"
    NOTE XEN_ELFNOTE_VIRT_BASE,      .quad 0
    NOTE XEN_ELFNOTE_PADDR_OFFSET,   .quad 0
    NOTE XEN_ELFNOTE_ENTRY,          .quad pv_entry
    NOTE XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
    NOTE XEN_ELFNOTE_PHYS32_ENTRY,   .long pvh_entry
    NOTE XEN_ELFNOTE_SUSPEND_CANCEL, .long 1

    /* Xen fills this page: before the start in PV, at our wish in PVH (boot_pvh.c). */
    .section .text.hypercall_page, "ax"
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .skip 4096

    /* The first thread's stack (see guest.ld for what lies below it). */
    .section .boot_stack, "aw", @nobits
    .balign 4096
    .globl boot_stack, boot_stack_top
boot_stack:
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
