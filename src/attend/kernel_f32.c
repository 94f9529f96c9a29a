// SPDX-License-Identifier: Apache-2.0
/* The kernel in float. */
#define REAL float
#define GEMM cblas_sgemm
#define KERNEL cpb_kernel_f32
#define TOP(attend, row, n) (attend)->rows->top(row, n)
#define POWERS(attend, row, n, top) (attend)->rows->powers(row, n, top)
#define GRADIENTS(attend, row, drow, n, lse, delta)                                    \
    (attend)->rows->gradients(row, drow, n, lse, delta)
#define SCALE(attend, row, n, factor) (attend)->rows->scale(row, n, factor)
#include "kernel.h"
