// SPDX-License-Identifier: Apache-2.0
/* Numbers as people type them, read exactly. */
#ifndef CPB_CLI_NUMBER_H
#define CPB_CLI_NUMBER_H

#include <cpb/cpb.h>

/* A whole number in low .. high. `what` names the value in the sentence. */
bool number_read(const char *what, const char *text, int64_t low, int64_t high,
                 int64_t *value, cpb_error *error);

/* A decimal fraction of at most six decimals, 0.01 or 1e-2, as parts per million; never
 * through floating point, so that it is 10000 everywhere. */
bool number_read_ppm(const char *what, const char *text, int64_t *ppm,
                     cpb_error *error);

/* Heads and width of a layer, `Q/KVxD`; the element size stays as it is. */
bool number_read_model(const char *what, const char *text, cpb_model *model,
                       cpb_error *error);

/* Seconds of the monotonic clock. */
double number_clock(void);

#endif
