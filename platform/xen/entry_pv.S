// SPDX-License-Identifier: BSD-2-Clause
/*
 * entry_pv.S - the PV entry: 64-bit, on Xen's page tables, %rsi = start_info.
 */
    .section .text.boot, "ax"
    .globl pv_entry
pv_entry:
    cld
    mov  %rsi, %rdx
    mov  $bss_start, %edi           /* the builder's memory is not promised to be zero */
    mov  $bss_end, %ecx
    sub  %edi, %ecx
    xor  %eax, %eax
    rep  stosb
    mov  $boot_stack_top, %esp
    xor  %ebp, %ebp
    mov  %rdx, %rdi
    call boot_pv
    ud2

    .section .note.GNU-stack, "", @progbits
