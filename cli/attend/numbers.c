// SPDX-License-Identifier: Apache-2.0
/* Numbers by their place. */
#include "numbers.h"

/* splitmix64: one well-mixed word per counter. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/* Counter of a row's first number. */
static uint64_t counter(numbers_source from, int64_t position)
{
    return mix(from.seed * 4 + (uint64_t)from.array) +
           (uint64_t)position * (uint64_t)from.row;
}

/* 24 bits between -sqrt(3) and sqrt(3), exact in float. */
static float number(uint64_t at)
{
    const int32_t whole = (int32_t)(mix(at) >> 40) - (1 << 23);
    return (float)whole * (1.7320508F / (1 << 23));
}

void numbers_floats(numbers_source from, int64_t position, int64_t first, int64_t n,
                    float *to)
{
    const uint64_t at = counter(from, position) + (uint64_t)first;
    for (int64_t i = 0; i < n; i++)
        to[i] = number(at + (uint64_t)i);
}

void numbers_doubles(numbers_source from, int64_t position, int64_t first, int64_t n,
                     double *to)
{
    const uint64_t at = counter(from, position) + (uint64_t)first;
    for (int64_t i = 0; i < n; i++)
        to[i] = (double)number(at + (uint64_t)i);
}

int64_t numbers_draw(uint64_t seed, int64_t i, int64_t n)
{
    return (int64_t)(mix(mix(~seed) + (uint64_t)i) % (uint64_t)n);
}
