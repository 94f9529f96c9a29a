// SPDX-License-Identifier: Apache-2.0
/* Least squares with terms that may not be negative. */
#ifndef CPB_CLI_FIT_H
#define CPB_CLI_FIT_H

#include <stddef.h>

enum { FIT_MOST_TERMS = 10 };

/* Find x >= 0 with the least sum over rows of (a[row] . x - 1)^2: rows that were divided
 * by what they should sum to, so that relative errors count.
 *
 * Every set of terms that may be above 0 is solved by itself, which is exact and quick
 * for so few; of sets that fit equally well the first in binary order stays.
 *
 * \param a [rows * terms], row by row, finite
 * \param[out] x [terms]
 * \return the sum of squares. O(2^terms terms^3 + rows terms^2). */
double fit_least_squares(size_t rows, size_t terms, const double *a, double *x);

#endif
