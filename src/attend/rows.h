// SPDX-License-Identifier: Apache-2.0
/* Loops over a row of scores, compiled for any processor, for AVX2 and for AVX-512. */
#ifndef CPB_SRC_ATTEND_ROWS_H
#define CPB_SRC_ATTEND_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cpb_rows {
    const char *name;
    bool (*works)(void);
    /* Largest of s[0 .. n), n >= 1. */
    float (*top)(const float *s, int64_t n);
    /* s[i] = 2^(s[i] - top) where s[i] <= top, accurate to 2e-7; returns their sum. */
    float (*powers)(float *s, int64_t n, float top);
    /* s[i] = 2^(s[i] - lse), d[i] = s[i] * (d[i] - delta). */
    void (*gradients)(float *s, float *d, int64_t n, float lse, float delta);
    /* s[i] *= factor. */
    void (*scale)(float *s, int64_t n, float factor);
    /* Whether all of s[0 .. n) are finite. */
    bool (*finite)(const float *s, int64_t n);
} cpb_rows;

/* NULL where this machine's architecture has no such vectors. */
extern const cpb_rows *const cpb_rows_avx512;
extern const cpb_rows *const cpb_rows_avx2;
extern const cpb_rows *const cpb_rows_base;

/* The fastest that works here. */
const cpb_rows *cpb_rows_best(void);

#endif
