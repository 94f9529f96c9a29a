// SPDX-License-Identifier: Apache-2.0
/* Rows in vectors of 512 bits. The build compiles this file for AVX-512 where the
 * architecture knows it (cmake/attend.cmake). */
#include "rows.h"

#if defined(__AVX512F__)

#include <immintrin.h>

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f");
}

#define LANES 16
#define LARGER(a, b) ((lanes)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define ROWS_NAME "avx512"
#define ROWS_WORKS has_avx512
#include "rows_lanes.h"

const cpb_rows *const cpb_rows_avx512 = &lanes_rows;

#else

const cpb_rows *const cpb_rows_avx512 = NULL;

#endif
