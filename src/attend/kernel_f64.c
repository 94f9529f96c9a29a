// SPDX-License-Identifier: Apache-2.0
/* The kernel in double: the loops of rows.h in plain C. */
#include "attend.h"

#include <math.h>

static double top_of(const double *row, int64_t n)
{
    double top = row[0];
    for (int64_t i = 1; i < n; i++)
        top = row[i] > top ? row[i] : top;
    return top;
}

static double powers(double *row, int64_t n, double top)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += row[i] = exp2(row[i] - top);
    return sum;
}

static void gradients(double *row, double *drow, int64_t n, double lse, double delta)
{
    for (int64_t i = 0; i < n; i++) {
        row[i] = exp2(row[i] - lse);
        drow[i] = row[i] * (drow[i] - delta);
    }
}

static void scale(double *row, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; i++)
        row[i] *= factor;
}

#define REAL double
#define GEMM cblas_dgemm
#define KERNEL cpb_kernel_f64
#define TOP(attend, row, n) top_of(row, n)
#define POWERS(attend, row, n, top) powers(row, n, top)
#define GRADIENTS(attend, row, drow, n, lse, delta) gradients(row, drow, n, lse, delta)
#define SCALE(attend, row, n, factor) scale(row, n, factor)
#include "kernel.h"
