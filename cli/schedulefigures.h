// SPDX-License-Identifier: Apache-2.0
/* The figures of a schedule by name, and the reasons for documents that are left over. */
#ifndef CPB_CLI_SCHEDULEFIGURES_H
#define CPB_CLI_SCHEDULEFIGURES_H

#include "figuretable.h"

/* Values of cpb_left; the first is none. */
enum { N_REASONS = 3 };
extern const char *const schedule_reasons[N_REASONS];

/* Name of the i-th figure, NULL past the last, and whether it is a real number. */
const char *schedulefigures_name(size_t i);
bool schedulefigures_is_real(size_t i);

/* Set all figures as members of `object`. */
void schedulefigures_put(json_t *object, const cpb_schedule_score *score, bool *good);

/* Read them all; each must be there. */
bool schedulefigures_get(const json_t *object, cpb_schedule_score *score,
                         cpb_error *error);

#endif
