// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify_program.h - what classify.c compiles rules to, and classify_run.c asks about packets.
 *
 * The rules become a list of conjunctions (classify_conjunctions.h); the first that matches
 * decides. For each field of one or two bytes that some rule looks at, values which no rule tells
 * apart form a class. A class has a row with one bit per conjunction: set if the
 * conjunction allows these values of this field. The AND of a packet's rows, one per
 * field, has a bit for every conjunction that matches, and the lowest is the answer. So a
 * hundred rules cost what one costs (up to 64 conjunctions: one word per field),
 * and a thousand not much more: a summary word per class tells which blocks of the row
 * hold any bit at all, and mostly one block survives their AND.
 *
 * From value to class: one byte by table; two bytes by the first one's block of 256 entries,
 * where equal blocks are stored once, so that ten rules take kilobytes, not megabytes.
 *
 * Where a class of one column, the first, leaves only conjunctions that look at nothing else, the lowest of them is
 * the answer already: `decided` has it, and most packets that no rule speaks of go no further.
 */
#ifndef ELEMENTS_STANDARD_CLASSIFY_PROGRAM_H
#define ELEMENTS_STANDARD_CLASSIFY_PROGRAM_H

#include "elements/standard/classify.h"
#include "elements/standard/classify_conjunctions.h"

enum {
    CLASSIFY_BLOCK_WORDS = 8,       /* a cache line of a row */
    CLASSIFY_STEP_WORDS = 4,        /* what is compared at a time; longer rows have a multiple of it */
};

#define CLASSIFY_UNDECIDED ((uint32_t)CLASSIFY_NONE - 1)

struct classify_column {
    uint8_t base, size;
    uint16_t offset;
    uint16_t number;                /* among those of the conjunctions */
    uint16_t absent;                /* the class of packets without the field */
    uint16_t *class_of;             /* size 1: by value; size 2: blocks of 256, by second byte */
    uint16_t block[256];            /* size 2: by first byte, which block */
    uint64_t *rows;                 /* n_classes of `words` words */
    uint64_t *summary;              /* per class: which blocks of its row are not all zero */
    uint64_t *row_of;               /* one word a row: like class_of, with the rows; NULL: too large */
    unsigned n_classes, n_blocks;
    uint32_t *values;               /* per class: how many values are in it; while compiling only */
};

/*
 * The first rule that matches a packet with this row in each column, looking at the blocks in `blocks` only;
 * CLASSIFY_NONE: none.
 */
typedef unsigned classify_search_function(const struct classify_program *program, uint64_t blocks,
                                          const uint64_t *const *row, const struct packet *packet);

struct classify_program {
    unsigned n_fields, n_rules, n_conjunctions;
    unsigned words;                 /* of a row: 1 or a multiple of CLASSIFY_STEP_WORDS */
    classify_search_function *search;       /* rows of more than a word */
    unsigned block_words;           /* at least CLASSIFY_BLOCK_WORDS, so that 64 blocks make a row */
    uint64_t only_word;             /* words == 1: a bit for each conjunction */
    uint32_t *decided;              /* by class of the first field: rule, CLASSIFY_NONE or CLASSIFY_UNDECIDED; NULL: few are */
    uint32_t *rule;                 /* of each conjunction */
    uint64_t *maybe;                /* conjunctions that need the rule's own word; NULL: none */
    bool *dead;                     /* per rule */
    uint32_t extent[CLASSIFY_BASES];    /* packets with this many bytes there have all fields; 0: unused */
    bool direct;                    /* every field has row_of */
    struct classify_rules rules;    /* kept when `maybe` */
    struct classify_column field[];
};

/* The fastest that this processor has. */
classify_search_function *classify_search_best(void);
/* For tests: programs compiled from now on do without what some processors lack. */
extern bool classify_search_portably;

#endif
