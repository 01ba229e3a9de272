// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify_run.c - asks a program about packets, many at a time; see classify_program.h.
 *
 * Cost per packet: per field one or two table reads and one row read; per surviving block of
 * 8 words a pass over the fields. No division, no allocation, no branch per rule. Where one field
 * decides about most packets it is asked alone, and the others about what is left.
 */
#include "elements/standard/classify_program.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "router/batch.h"

enum { GROUP = 16 };                /* packets that go through the phases together */

struct views {
    const uint8_t *start[CLASSIFY_BASES][GROUP];
    uint32_t length[CLASSIFY_BASES][GROUP];     /* not set when `whole` */
    bool whole;                     /* every packet has all fields */
};

/* Sets where every packet's bytes begin; true when all packets have all that the program looks at there. */
static inline bool look_at_one(const struct classify_program *program, enum classify_base base, struct views *v,
                               struct packet *const *packets, unsigned n)
{
    uint32_t extent = program->extent[base];
    bool whole = true;

    for (unsigned i = 0; extent && i < n; i++) {
        struct classify_view view = classify_view(packets[i], base);

        v->start[base][i] = view.start;
        whole &= view.length >= extent;
    }
    return whole;
}

/* The same with a loop for each base, so that none asks which it is. */
static bool look_at(const struct classify_program *program, enum classify_base base, struct views *v,
                    struct packet *const *packets, unsigned n)
{
    return base == CLASSIFY_DATA ? look_at_one(program, CLASSIFY_DATA, v, packets, n)
         : base == CLASSIFY_MAC ? look_at_one(program, CLASSIFY_MAC, v, packets, n)
         : base == CLASSIFY_NETWORK ? look_at_one(program, CLASSIFY_NETWORK, v, packets, n)
         : look_at_one(program, CLASSIFY_TRANSPORT, v, packets, n);
}

static void look(const struct classify_program *program, struct views *v, struct packet *const *packets, unsigned n)
{
    v->whole = true;
    for (unsigned b = 0; b < CLASSIFY_BASES; b++)
        v->whole &= look_at(program, (enum classify_base)b, v, packets, n);
    if (__builtin_expect(v->whole, 1))
        return;
    for (unsigned b = 0; b < CLASSIFY_BASES; b++)
        for (unsigned i = 0; program->extent[b] && i < n; i++)
            v->length[b][i] = classify_view(packets[i], (enum classify_base)b).length;
}

/* Where fields of one or two bytes have their value's entry in class_of or row_of. */
static inline unsigned entry_of(const struct classify_column *f, const uint8_t *at)
{
    return f->size == 1 ? at[0] : (unsigned)f->block[at[0]] << 8 | at[1];
}

static inline unsigned class_in(const struct classify_column *f, const uint8_t *start, uint32_t length, bool whole)
{
    if (!whole && (uint32_t)f->offset + f->size > length)
        return f->absent;
    return f->class_of[entry_of(f, start + f->offset)];
}

/* What the conjunctions in `bits` of word w say: a rule, or CLASSIFY_NONE when all were maybes. */
static inline unsigned decide(const struct classify_program *program, unsigned w, uint64_t bits,
                              const struct packet *packet)
{
    for (; bits; bits &= bits - 1) {
        unsigned c = w * 64 + (unsigned)__builtin_ctzll(bits);
        unsigned rule = program->rule[c];

        if (__builtin_expect(!program->maybe || !(program->maybe[w] >> c % 64 & 1), 1)
            || classify_matches(&program->rules, program->rules.root[rule], packet))
            return rule;
    }
    return (unsigned)CLASSIFY_NONE;
}

/* ANDs into row[i] the row of packet i in a field that has row_of, all packets being whole. Locals: stores may alias. */
static inline void and_rows(const struct classify_column *f, const uint8_t *const *start, unsigned n, uint64_t *row)
{
    const uint64_t *row_of = f->row_of;
    const uint16_t *block = f->block;
    unsigned offset = f->offset;

    if (f->size == 1)
        for (unsigned i = 0; i < n; i++)
            row[i] &= row_of[start[i][offset]];
    else
        for (unsigned i = 0; i < n; i++) {
            const uint8_t *at = start[i] + offset;

            row[i] &= row_of[(unsigned)block[at[0]] << 8 | at[1]];
        }
}

/* Up to 64 conjunctions: the rows are single words. */
static void run_one_word(const struct classify_program *program, struct packet *const *packets, unsigned n, unsigned *rule)
{
    struct views v;
    uint64_t row[GROUP];

    look(program, &v, packets, n);
    for (unsigned i = 0; i < n; i++)
        row[i] = program->only_word;
    for (unsigned k = 0; k < program->n_fields; k++) {
        const struct classify_column *f = &program->field[k];

        if (v.whole && program->direct)
            and_rows(f, v.start[f->base], n, row);
        else
            for (unsigned i = 0; i < n; i++)
                row[i] &= f->rows[class_in(f, v.start[f->base][i], v.whole ? UINT32_MAX : v.length[f->base][i], false)];
    }
    for (unsigned i = 0; i < n; i++)
        rule[i] = decide(program, 0, row[i], packets[i]);
}

/* ---- long rows ---- */

/*
 * The body of the search functions. and_step() puts the AND of all rows at word w and the CLASSIFY_STEP_WORDS - 1 behind it
 * into `bits`, and says whether there is any bit.
 */
static inline __attribute__((always_inline)) unsigned
search(const struct classify_program *program, uint64_t blocks, const uint64_t *const *row, const struct packet *packet,
       bool (*and_step)(const uint64_t *const *row, unsigned n, unsigned w, uint64_t *bits))
{
    unsigned n_fields = program->n_fields;

    for (; blocks; blocks &= blocks - 1) {
        unsigned w = (unsigned)__builtin_ctzll(blocks) * program->block_words;
        unsigned end = w + program->block_words;

        if (end > program->words)
            end = program->words;
        for (; w < end; w += CLASSIFY_STEP_WORDS) {
            uint64_t bits[CLASSIFY_STEP_WORDS];

            if (!and_step(row, n_fields, w, bits))
                continue;
            for (unsigned i = 0; i < CLASSIFY_STEP_WORDS; i++) {
                unsigned rule = decide(program, w + i, bits[i], packet);

                if (rule != (unsigned)CLASSIFY_NONE)
                    return rule;
            }
        }
    }
    return (unsigned)CLASSIFY_NONE;
}

static inline bool and_step_portably(const uint64_t *const *row, unsigned n, unsigned w, uint64_t *bits)
{
    uint64_t any = 0;

    memcpy(bits, row[0] + w, CLASSIFY_STEP_WORDS * sizeof *bits);
    for (unsigned k = 1; k < n; k++)
        for (unsigned i = 0; i < CLASSIFY_STEP_WORDS; i++)
            bits[i] &= row[k][w + i];
    for (unsigned i = 0; i < CLASSIFY_STEP_WORDS; i++)
        any |= bits[i];
    return any;
}

static unsigned search_portably(const struct classify_program *program, uint64_t blocks, const uint64_t *const *row,
                                const struct packet *packet)
{
    return search(program, blocks, row, packet, and_step_portably);
}

#if defined(__x86_64__)

_Static_assert(CLASSIFY_STEP_WORDS * sizeof(uint64_t) == sizeof(__m256i), "one register");

static inline __attribute__((target("avx2"))) bool and_step_avx2(const uint64_t *const *row, unsigned n, unsigned w,
                                                                uint64_t *bits)
{
    __m256i all = _mm256_loadu_si256((const __m256i *)(row[0] + w));

    for (unsigned k = 1; k < n; k++)
        all = _mm256_and_si256(all, _mm256_loadu_si256((const __m256i *)(row[k] + w)));
    _mm256_storeu_si256((__m256i *)bits, all);
    return !_mm256_testz_si256(all, all);
}

static __attribute__((target("avx2"))) unsigned search_avx2(const struct classify_program *program, uint64_t blocks,
                                                            const uint64_t *const *row, const struct packet *packet)
{
    return search(program, blocks, row, packet, and_step_avx2);
}

#endif

bool classify_search_portably;

classify_search_function *classify_search_best(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!classify_search_portably && __builtin_cpu_supports("avx2"))
        return search_avx2;
#endif
    return search_portably;
}

/* Every packet's row in a column, and which blocks have bits in all of them. */
static inline void find_rows(const struct classify_program *program, const struct classify_column *f, unsigned k,
                             const struct views *v, unsigned n, const uint64_t *(*row)[CLASSIFY_FIELDS_MAX],
                             uint64_t *blocks)
{
    const uint8_t *const *start = v->start[f->base];
    const uint16_t *class_of = f->class_of, *block = f->block;      /* locals: stores may alias */
    const uint64_t *rows = f->rows, *summary = f->summary;
    unsigned offset = f->offset, words = program->words;
    bool two = f->size == 2;

    for (unsigned i = 0; i < n; i++) {
        unsigned c;

        if (__builtin_expect(v->whole, 1)) {
            const uint8_t *at = start[i] + offset;

            c = class_of[two ? (unsigned)block[at[0]] << 8 | at[1] : at[0]];
        } else {
            c = class_in(f, start[i], v->length[f->base][i], false);
        }
        row[i][k] = rows + (size_t)c * words;
        blocks[i] &= summary[c];
    }
}

static void run_many_words(const struct classify_program *program, struct packet *const *packets, unsigned n,
                           unsigned *rule)
{
    struct views v;
    const uint64_t *row[GROUP][CLASSIFY_FIELDS_MAX];
    uint64_t blocks[GROUP];

    look(program, &v, packets, n);
    for (unsigned i = 0; i < n; i++)
        blocks[i] = ~0ull;
    for (unsigned k = 0; k < program->n_fields; k++)
        find_rows(program, &program->field[k], k, &v, n, row, blocks);
    for (unsigned i = 0; i < n; i++) {
        unsigned first = blocks[i] ? (unsigned)__builtin_ctzll(blocks[i]) : 0;

        for (unsigned k = 0; k < program->n_fields; k++)
            __builtin_prefetch(row[i][k] + first * program->block_words);
    }
    for (unsigned i = 0; i < n; i++)
        rule[i] = program->search(program, blocks[i], row[i], packets[i]);
}

/* More than 64 conjunctions and none looks at any field: all of them are maybes. */
static void run_naive(const struct classify_program *program, struct packet *const *packets,
                      unsigned n, unsigned *rule)
{
    for (unsigned i = 0; i < n; i++)
        rule[i] = classify_naive(&program->rules, packets[i]);
}

/* One packet, without the arrays that a group needs. */
static unsigned run_single(const struct classify_program *program, const struct packet *packet)
{
    struct classify_view view[CLASSIFY_BASES];
    const uint64_t *row[CLASSIFY_FIELDS_MAX];
    uint64_t bits = program->words == 1 ? program->only_word : ~0ull;
    bool whole = true;

    for (unsigned b = 0; b < CLASSIFY_BASES; b++)
        if (program->extent[b]) {
            view[b] = classify_view(packet, (enum classify_base)b);
            whole &= view[b].length >= program->extent[b];
        }
    for (unsigned k = 0; k < program->n_fields; k++) {
        const struct classify_column *f = &program->field[k];
        const struct classify_view *at = &view[f->base];
        unsigned c;

        if (whole && f->row_of) {
            bits &= f->row_of[entry_of(f, at->start + f->offset)];
            continue;
        }
        c = class_in(f, at->start, at->length, whole);
        row[k] = f->rows + (size_t)c * program->words;
        bits &= program->words == 1 ? *row[k] : f->summary[c];
    }
    return program->words == 1 ? decide(program, 0, bits, packet) : program->search(program, bits, row, packet);
}

/* Asks all fields about up to GROUP packets. */
static void run_group(const struct classify_program *program, struct packet *const *packets, unsigned n, unsigned *rule)
{
    if (program->words == 1)
        run_one_word(program, packets, n, rule);
    else if (!program->n_fields)
        run_naive(program, packets, n, rule);
    else
        run_many_words(program, packets, n, rule);
}

/* Rules of packets that the first column decides about; the numbers of the others, and how many they are. */
static inline __attribute__((always_inline)) unsigned
ask_first_at(const struct classify_program *program, enum classify_base base, struct packet *const *packets, unsigned n,
             unsigned *rule, unsigned *rest)
{
    const struct classify_column *f = &program->field[0];
    const uint16_t *block = f->block, *class_of = f->class_of;
    const uint32_t *decided = program->decided;
    unsigned offset = f->offset, end = offset + f->size, absent = f->absent, left = 0;
    bool two = f->size == 2;

    for (unsigned i = 0; i < n; i++) {
        struct classify_view view = classify_view(packets[i], base);
        unsigned class = absent;

        if (__builtin_expect(end <= view.length, 1)) {
            const uint8_t *at = view.start + offset;

            class = class_of[two ? (unsigned)block[at[0]] << 8 | at[1] : at[0]];
        }
        rule[i] = decided[class];
        rest[left] = i;
        left += rule[i] == CLASSIFY_UNDECIDED;
    }
    return left;
}

static unsigned ask_first(const struct classify_program *program, struct packet *const *packets, unsigned n,
                          unsigned *rule, unsigned *rest)
{
    enum classify_base base = program->field[0].base;

    return base == CLASSIFY_NETWORK ? ask_first_at(program, CLASSIFY_NETWORK, packets, n, rule, rest)
         : base == CLASSIFY_TRANSPORT ? ask_first_at(program, CLASSIFY_TRANSPORT, packets, n, rule, rest)
         : base == CLASSIFY_DATA ? ask_first_at(program, CLASSIFY_DATA, packets, n, rule, rest)
         : ask_first_at(program, CLASSIFY_MAC, packets, n, rule, rest);
}

/* Up to BATCH_MAX packets. */
static void run_first_column_first(const struct classify_program *program, struct packet *const *packets, unsigned n,
                                   unsigned *rule)
{
    struct packet *other[GROUP];
    unsigned rest[BATCH_MAX], what[GROUP], left = ask_first(program, packets, n, rule, rest);

    for (unsigned done = 0; done < left; done += GROUP) {
        unsigned now = left - done < GROUP ? left - done : GROUP;

        for (unsigned i = 0; i < now; i++)
            other[i] = packets[rest[done + i]];
        run_group(program, other, now, what);
        for (unsigned i = 0; i < now; i++)
            rule[rest[done + i]] = what[i];
    }
}

unsigned classify_run_one(const struct classify_program *program, const struct packet *packet)
{
    const struct classify_column *f = &program->field[0];
    struct classify_view view;
    unsigned rule;

    if (program->decided) {
        view = classify_view(packet, (enum classify_base)f->base);
        rule = program->decided[class_in(f, view.start, view.length, false)];
        if (rule != CLASSIFY_UNDECIDED)
            return rule;
    }
    if (program->words > 1 && !program->n_fields)
        return classify_naive(&program->rules, packet);
    return run_single(program, packet);
}

void classify_run(const struct classify_program *program, struct packet *const *packets,
                  unsigned n, unsigned *rule)
{
    while (n) {
        unsigned most = program->decided ? (unsigned)BATCH_MAX : (unsigned)GROUP, now = n < most ? n : most;

        if (program->decided)
            run_first_column_first(program, packets, now, rule);
        else
            run_group(program, packets, now, rule);
        packets += now;
        rule += now;
        n -= now;
    }
}
