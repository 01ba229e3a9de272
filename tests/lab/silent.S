// SPDX-License-Identifier: BSD-2-Clause
/* silent.S - a PV guest that runs and never says anything: what a VM that hangs looks like from outside. */
    .section .note.Xen, "a", @note
    .macro note type, value:vararg
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \value
2:  .balign 4
    .endm
    note 5, .asciz "xen-3.0"        /* XEN_ELFNOTE_XEN_VERSION */
    note 8, .asciz "generic"        /* LOADER */
    note 3, .quad 0                 /* VIRT_BASE */
    note 1, .quad start             /* ENTRY */
    note 2, .quad hypercalls        /* HYPERCALL_PAGE */

    .text
    .balign 4096
hypercalls:
    .skip 4096
    .globl start
start:
    mov $3, %edi                    /* SCHEDOP_poll, for no port and without end */
    lea poll(%rip), %rsi
    call hypercalls + 29 * 32       /* __HYPERVISOR_sched_op */
    jmp start

    .data
poll:
    .skip 24
