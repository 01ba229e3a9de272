// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_count.c - a plugin for QEMU that counts instructions, exactly, by where they lie.
 *
 *     -plugin FILE,out=PATH,base=ADDRESS,size=BYTES
 *
 * - Those in [base, base + size) are counted one by one: a guest that is linked at an address which nobody
 *   else in the machine runs at (make clickos-counted) so shows what each of its functions takes.
 * - All others by the half of the address space they lie in: Xen's own, Linux kernels, programs.
 * - Whoever executes the instruction MARK, which does nothing, ends a line of the account: PATH gets what was
 *   counted since the mark before.
 *       mark N xen X linux L programs P guest G
 *       ADDRESS TIMES                        (of the guest, hexadecimal and decimal; where not 0)
 * - An iteration of a repeated string instruction counts as an instruction, as QEMU runs it.
 * - For one processor: QEMU must not run several at the same time.
 *
 * Debian ships QEMU's plugins but no header, so what is called is declared here (QEMU 7.2, version 1
 * of the interface; docs/devel/tcg-plugins.rst there).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/netfront_mark.h"

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { INLINE_ADD_U64 = 0, CB_NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation, void *counter, uint64_t by);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int operation, void *counter, uint64_t by);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int flags, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

extern int qemu_plugin_version;
int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

enum where { XEN, LINUX, PROGRAMS, PLACES };

static const uint64_t xen_start = 0xffff800000000000, linux_start = 0xffff880000000000;
static const char *const names[PLACES] = {"xen", "linux", "programs"};

static FILE *out;
static uint64_t base, size;
static uint64_t elsewhere[PLACES], elsewhere_before[PLACES];
static uint64_t *guest, *guest_before;          /* by address, less base */
static unsigned n_marks;

static uint64_t since(uint64_t now, uint64_t *before)
{
    uint64_t n = now - *before;

    *before = now;
    return n;
}

static void marked(unsigned processor, void *unused)
{
    uint64_t total = 0;

    (void)processor;
    (void)unused;
    for (uint64_t i = 0; i < size; i++)
        total += guest[i] - guest_before[i];
    fprintf(out, "mark %u", n_marks++);
    for (unsigned i = 0; i < PLACES; i++)
        fprintf(out, " %s %" PRIu64, names[i], since(elsewhere[i], &elsewhere_before[i]));
    fprintf(out, " guest %" PRIu64 "\n", total);
    for (uint64_t i = 0; i < size; i++) {
        uint64_t n = since(guest[i], &guest_before[i]);
        if (n)
            fprintf(out, "%" PRIx64 " %" PRIu64 "\n", base + i, n);
    }
    fflush(out);
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
    static const uint8_t mark[] = {MARK_BYTES};

    return qemu_plugin_insn_size(insn) == sizeof mark && !memcmp(qemu_plugin_insn_data(insn), mark, sizeof mark);
}

/* A block of instructions is about to be run for the first time. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    uint64_t address = qemu_plugin_tb_vaddr(tb);
    size_t n = qemu_plugin_tb_n_insns(tb);

    (void)id;
    if (address - base < size) {
        for (size_t i = 0; i < n; i++) {
            struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
            uint64_t at = qemu_plugin_insn_vaddr(insn) - base;
            if (at < size)
                qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &guest[at], 1);
        }
        return;
    }
    enum where where = address >= linux_start ? LINUX : address >= xen_start ? XEN : PROGRAMS;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &elsewhere[where], n);
    for (size_t i = 0; where == PROGRAMS && i < n; i++)
        if (is_mark(qemu_plugin_tb_get_insn(tb, i)))
            qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_tb_get_insn(tb, i), marked, CB_NO_REGS, NULL);
}

static int refuse(const char *why)
{
    fprintf(stderr, "netfront_count: %s; want out=PATH,base=ADDRESS,size=BYTES\n", why);
    return 1;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "w");
        else if (!strncmp(argv[i], "base=", 5))
            base = strtoull(argv[i] + 5, NULL, 0);
        else if (!strncmp(argv[i], "size=", 5))
            size = strtoull(argv[i] + 5, NULL, 0);
        else
            return refuse(argv[i]);
    }
    if (!out)
        return refuse("nothing can be written");
    if (!base || !size || size > 64 << 20)
        return refuse("no guest");
    guest = calloc(size, sizeof *guest);
    guest_before = calloc(size, sizeof *guest_before);
    if (!guest || !guest_before)
        return refuse("out of memory");
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
