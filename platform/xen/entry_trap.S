// SPDX-License-Identifier: BSD-2-Clause
/*
 * entry_trap.S - every exception ends here, and none returns: save what the crash report shows.
 *
 * The frame built is struct trap_frame of trap.c. Xen's PV frame is the machine's frame with rcx
 * and r11 on top (they hold SYSRET's scratch); once those are popped both modes look the same.
 */
    .macro ENTRY vector, has_code
    .text
    .balign 16
trap_pv_\vector:
    pop  %rcx
    pop  %r11
trap_pvh_\vector:
    .if !\has_code
    push $0
    .endif
    push $\vector
    jmp  trap_common
    .section .rodata.trap_entries, "a"
    .quad trap_pv_\vector, trap_pvh_\vector
    .endm

    .section .rodata.trap_entries, "a"
    .balign 8
    .globl trap_entries
trap_entries:
    .irp n, 0,1,2,3,4,5,6,7
    ENTRY \n, 0
    .endr
    ENTRY 8, 1
    ENTRY 9, 0
    .irp n, 10,11,12,13,14
    ENTRY \n, 1
    .endr
    ENTRY 15, 0
    ENTRY 16, 0
    ENTRY 17, 1
    .irp n, 18,19,20
    ENTRY \n, 0
    .endr
    ENTRY 21, 1

    .text
trap_common:
    push %rax
    push %rbx
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %rbp
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov  %rsp, %rdi
    mov  %rsp, %rbp
    and  $-16, %rsp
    call trap_crash
    ud2

    .section .note.GNU-stack, "", @progbits
