// SPDX-License-Identifier: Apache-2.0
/* OpenBLAS has calls beside CBLAS; weak, so that any other CBLAS links as well. */
#include "blas.h"

extern void openblas_set_num_threads(int threads) __attribute__((weak));
extern int openblas_get_num_threads(void) __attribute__((weak));

int cpb_blas_threads(int threads)
{
    if (!openblas_set_num_threads || !openblas_get_num_threads)
        return threads;
    const int before = openblas_get_num_threads();
    if (before != threads)
        openblas_set_num_threads(threads);
    return before;
}
