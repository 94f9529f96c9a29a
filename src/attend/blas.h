// SPDX-License-Identifier: Apache-2.0
/* The one setting of CBLAS that matters here: how many threads it uses by itself. */
#ifndef CPB_SRC_ATTEND_BLAS_H
#define CPB_SRC_ATTEND_BLAS_H

/* Make OpenBLAS use `threads` from now on; returns how many it used before. Another CBLAS
 * is left alone. State of the whole process. */
int cpb_blas_threads(int threads);

#endif
