// SPDX-License-Identifier: Apache-2.0
/* Least squares by normal equations of columns scaled to length 1. */
#include "fit.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Below this, a column is a sum of others: another set of terms says the same. */
static const double least_pivot = 1e-9;
/* A set of terms replaces another where its sum of squares is this much smaller. */
static const double least_gain = 1e-12;

typedef struct equations {
    size_t n;
    double product[FIT_MOST_TERMS][FIT_MOST_TERMS]; /* of scaled columns */
    double target[FIT_MOST_TERMS];                  /* column . 1 */
    double length[FIT_MOST_TERMS];                  /* of the column, 0: unused */
} equations;

static equations equations_of(size_t rows, size_t terms, const double *a)
{
    equations e = {.n = terms};
    for (size_t j = 0; j < terms; j++) {
        double squares = 0;
        for (size_t i = 0; i < rows; i++)
            squares += a[i * terms + j] * a[i * terms + j];
        e.length[j] = sqrt(squares);
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < terms; j++) {
            if (!(e.length[j] > 0))
                continue;
            const double value = a[i * terms + j] / e.length[j];
            e.target[j] += value;
            for (size_t k = 0; k <= j; k++)
                if (e.length[k] > 0)
                    e.product[j][k] += value * (a[i * terms + k] / e.length[k]);
        }
    return e;
}

/* Solve for the terms of `chosen` alone, by Cholesky. False where they are not
 * independent. */
static bool solve(const equations *e, size_t n, const size_t *chosen, double *x)
{
    double root[FIT_MOST_TERMS][FIT_MOST_TERMS];
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k <= j; k++) {
            double sum = e->product[chosen[j]][chosen[k]];
            for (size_t m = 0; m < k; m++)
                sum -= root[j][m] * root[k][m];
            if (j == k && sum < least_pivot)
                return false;
            root[j][k] = j == k ? sqrt(sum) : sum / root[k][k];
        }
    for (size_t j = 0; j < n; j++) {
        x[j] = e->target[chosen[j]];
        for (size_t k = 0; k < j; k++)
            x[j] -= root[j][k] * x[k];
        x[j] /= root[j][j];
    }
    for (size_t j = n; j-- > 0;) {
        for (size_t k = j + 1; k < n; k++)
            x[j] -= root[k][j] * x[k];
        x[j] /= root[j][j];
    }
    return true;
}

/* The terms of a set, in order; 0 where one of them has no column. */
static size_t terms_of(const equations *e, unsigned set, size_t *chosen)
{
    size_t n = 0;
    for (size_t j = 0; j < e->n; j++) {
        if (!(set >> j & 1))
            continue;
        if (!(e->length[j] > 0))
            return 0;
        chosen[n++] = j;
    }
    return n;
}

double fit_least_squares(size_t rows, size_t terms, const double *a, double *x)
{
    const equations e = equations_of(rows, terms, a);
    double best = (double)rows;
    memset(x, 0, terms * sizeof *x);
    for (unsigned set = 1; set < 1u << terms; set++) {
        size_t chosen[FIT_MOST_TERMS];
        double found[FIT_MOST_TERMS];
        const size_t n = terms_of(&e, set, chosen);
        if (!n || !solve(&e, n, chosen, found))
            continue;
        double left = (double)rows;
        bool allowed = true;
        for (size_t j = 0; j < n; j++) {
            left -= found[j] * e.target[chosen[j]];
            allowed = allowed && found[j] >= 0;
        }
        if (!allowed || left >= best - least_gain * (double)rows)
            continue;
        best = left;
        memset(x, 0, terms * sizeof *x);
        for (size_t j = 0; j < n; j++)
            x[chosen[j]] = found[j] / e.length[chosen[j]];
    }
    return fmax(best, 0); /* rounding may pass it */
}
