// SPDX-License-Identifier: Apache-2.0
/* The figures of a score by name: one table for JSON and for CSV. */
#ifndef CPB_CLI_FIGURES_H
#define CPB_CLI_FIGURES_H

#include "figuretable.h"

#include <stdio.h>

/* Set all figures as members of `object`. */
void figures_put(json_t *object, const cpb_score *score, bool *good);

/* Read them all; each must be there. `step_us` is the step time as it stands. */
bool figures_get(const json_t *object, const char *where, cpb_score *score,
                 double *step_us, cpb_error *error);

/* Names, or values, each behind a comma. */
void figures_print_names(FILE *stream);
void figures_print(FILE *stream, const cpb_score *score);

#endif
