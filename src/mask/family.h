// SPDX-License-Identifier: Apache-2.0
/* The mask families: THE table that parser, printer, program and tests walk. */
#ifndef CPB_SRC_FAMILY_H
#define CPB_SRC_FAMILY_H

#include "build.h"

enum { CPB_FAMILY_NUMBERS = 2 };

/* A number that a family takes, `key=value` in the text. */
typedef struct cpb_number {
    const char *key;     /* NULL: the family takes no such number */
    const char *synonym; /* another accepted key, or NULL */
    const char *meaning; /* completes "n is ..." */
    bool required;
    int64_t fallback; /* stands where it is not given; 0: the family's own rule */
} cpb_number;

/* A family lays slices document by document or over the whole sequence: exactly one of
 * both functions is set. Numbers not given are 0, others are in 1 .. tokens. Both lay
 * disjoint slices. */
typedef struct cpb_family {
    const char *name;
    const char *summary;
    const char *example;
    cpb_number numbers[CPB_FAMILY_NUMBERS];
    bool stepped; /* takes a slice per n tokens of a document, for n > 1 */
    void (*document)(cpb_slices *slices, cpb_range document, int64_t n);
    void (*sequence)(cpb_slices *slices, const cpb_sequence *documents,
                     const int64_t *numbers);
} cpb_family;

/* The i-th family, NULL past the last. */
const cpb_family *cpb_family_at(size_t i);

/* The family of that name, NULL where there is none. */
const cpb_family *cpb_family_find(const char *name);

/* Whether `documents:LENGTHS;NAME=N` may stand for the family. */
bool cpb_family_is_generic(const cpb_family *family);

/* Slices of a family over checked documents. numbers [CPB_FAMILY_NUMBERS], 0 where not
 * given. CPB_TOO_LARGE where a stepped family takes more than 2^24 slices. */
cpb_status cpb_family_lay(const cpb_family *family, const cpb_sequence *documents,
                          const int64_t *numbers, cpb_slices *slices, cpb_error *error);

/* The canonical text of a family with its documents and numbers, in the arena; NULL
 * when memory ends. */
char *cpb_family_print(const cpb_family *family, const cpb_sequence *documents,
                       const int64_t *numbers, cpb_arena *arena);

#endif
