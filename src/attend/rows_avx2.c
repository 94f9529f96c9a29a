// SPDX-License-Identifier: Apache-2.0
/* Rows in vectors of 256 bits with fused products. The build compiles this file for
 * AVX2 and FMA where the architecture knows them (cmake/attend.cmake). */
#include "rows.h"

#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#define LANES 8
#define LARGER(a, b) ((lanes)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define ROWS_NAME "avx2"
#define ROWS_WORKS has_avx2
#include "rows_lanes.h"

const cpb_rows *const cpb_rows_avx2 = &lanes_rows;

#else

const cpb_rows *const cpb_rows_avx2 = NULL;

#endif
