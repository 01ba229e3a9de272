// SPDX-License-Identifier: BSD-2-Clause
/*
 * thread_switch.S - void thread_switch(void **save_sp, void *next_sp)
 *
 * Threads give way only by calling this, so the callee-saved registers, the SSE control word and
 * the x87 control word are all there is to keep.
 */
    .text
    .globl thread_switch
thread_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub  $8, %rsp
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    mov  %rsp, (%rdi)
    mov  %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw   4(%rsp)
    add  $8, %rsp
    pop  %r15
    pop  %r14
    pop  %r13
    pop  %r12
    pop  %rbx
    pop  %rbp
    ret

    /* A new thread's first frame returns here with r12 = function, r13 = argument. */
    .globl thread_entry
thread_entry:
    mov  %r13, %rdi
    xor  %ebp, %ebp
    call *%r12
    call thread_exit
    ud2

    .section .note.GNU-stack, "", @progbits
