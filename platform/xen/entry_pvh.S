// SPDX-License-Identifier: BSD-2-Clause
/*
 * entry_pvh.S - the PVH entry: 32-bit, flat, paging off, %ebx = hvm_start_info.
 *
 * Builds identity page tables for 0-1 GB (memory) and 3-4 GB (the console and xenstore pages lie
 * near 0xfeffc000), switches to long mode and goes on in C. mapping.c later narrows the same
 * tables to what is there and sets the rights.
 */
    .section .text.boot, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    cli
    cld
    mov  $bss_start, %edi
    mov  $bss_end, %ecx
    sub  %edi, %ecx
    xor  %eax, %eax
    rep  stosb

    movl $pvh_l3 + 3, pvh_l4                /* 3: present, writable */
    movl $pvh_l2_low + 3, pvh_l3
    movl $pvh_l2_high + 3, pvh_l3 + 3 * 8
    xor  %ecx, %ecx
    mov  $0x83, %eax                        /* 0x80: 2 MB page */
    mov  $0xc0000083, %edx
1:  mov  %eax, pvh_l2_low(, %ecx, 8)
    mov  %edx, pvh_l2_high(, %ecx, 8)
    add  $0x200000, %eax
    add  $0x200000, %edx
    inc  %ecx
    cmp  $512, %ecx
    jne  1b

    mov  $pvh_l4, %eax
    mov  %eax, %cr3
    mov  $0x620, %eax                       /* PAE, OSFXSR, OSXMMEXCPT: libc uses SSE */
    mov  %eax, %cr4
    mov  $0xc0000080, %ecx                  /* EFER: LME, NXE */
    rdmsr
    or   $0x900, %eax
    wrmsr
    mov  $0x80010033, %eax                  /* PG, WP, NE, ET, MP, PE */
    mov  %eax, %cr0
    lgdt pvh_gdt_pointer
    ljmp $8, $2f

    .code64
2:  mov  $0x10, %eax
    mov  %eax, %ds
    mov  %eax, %es
    mov  %eax, %ss
    xor  %eax, %eax
    mov  %eax, %fs
    mov  %eax, %gs
    mov  $boot_stack_top, %esp
    xor  %ebp, %ebp
    mov  %ebx, %edi
    call boot_pvh
    ud2

    .section .data.pvh_gdt, "aw"
    .balign 8
    .globl pvh_gdt
pvh_gdt:
    .quad 0
    .quad 0x00af9b000000ffff                /* 0x08: 64-bit code */
    .quad 0x00cf93000000ffff                /* 0x10: data */
    .quad 0, 0                              /* 0x18: task state, filled by trap.c */
pvh_gdt_pointer:
    .word . - pvh_gdt - 1
    .long pvh_gdt

    .section .bss.pvh_tables, "aw", @nobits
    .balign 4096
    .globl pvh_l4, pvh_l3, pvh_l2_low, pvh_l2_high
pvh_l4:      .skip 4096
pvh_l3:      .skip 4096
pvh_l2_low:  .skip 4096
pvh_l2_high: .skip 4096

    .section .note.GNU-stack, "", @progbits
