// SPDX-License-Identifier: Apache-2.0
/* Figures of a struct by name: one table for JSON out and in. */
#ifndef CPB_CLI_FIGURETABLE_H
#define CPB_CLI_FIGURETABLE_H

#include "json.h"

/* int64_t; int32_t; double; int64_t that people see as microseconds. */
typedef enum figure_type {
    FIGURE_WHOLE,
    FIGURE_WHOLE_32,
    FIGURE_REAL,
    FIGURE_PICOSECONDS
} figure_type;

typedef struct figure_row {
    const char *name;
    figure_type type;
    size_t offset; /* of the member */
} figure_row;

/* The two kinds of value that a figure has for people. */
bool figure_is_real(const figure_row *row);
int64_t figure_whole(const figure_row *row, const void *figures);
double figure_real(const figure_row *row, const void *figures);

/* Set all figures as members of `object`. */
void figuretable_put(json_t *object, size_t n, const figure_row *rows,
                     const void *figures, bool *good);

/* Read them all; each must be there. `where` names the object in sentences. */
bool figuretable_get(const json_t *object, const char *where, size_t n,
                     const figure_row *rows, void *figures, cpb_error *error);

/* Picoseconds as the program prints them, and back: the nearest number of them, or -1 far
 * out of range, which no recount gives. */
double figures_microseconds(int64_t picoseconds);
int64_t figures_picoseconds(double microseconds);

#endif
