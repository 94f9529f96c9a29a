// SPDX-License-Identifier: Apache-2.0
/* The loops of rows.h over vectors of LANES floats; LANES, ROWS_NAME and ROWS_WORKS are
 * set by the file that includes this one. Vector types are those of GCC and clang, so the
 * code is C for every processor. */
#include "rows.h"

#include <string.h>

typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t whole_lanes __attribute__((vector_size(4 * LANES)));

/* Unaligned load and store; memcpy of a constant size is one instruction. */
#define LOAD(vector, from) memcpy(&(vector), (from), sizeof(vector))
#define STORE(to, vector) memcpy((to), &(vector), sizeof(vector))

/* The larger of two, lane by lane; b where a is NaN. */
#ifndef LARGER
#define LARGER(a, b)                                                                   \
    ((lanes)((((a) > (b)) & (whole_lanes)(a)) | (~((a) > (b)) & (whole_lanes)(b))))
#endif

/* y = 2^x, for x in -inf .. 128; below -126 it stays at 2^-126, which is nothing beside
 * the 1 that every row holds. x = whole + part with |part| <= 1/2; adding 1.5 * 2^23
 * rounds to the nearest whole number and leaves it in the low bits. The polynomial is the
 * minimax one of degree 5 with value 1 at 0, relative error 9.2e-8. */
#define POWER_OF_2(y, x)                                                               \
    do {                                                                               \
        lanes x_ = (x);                                                                \
        x_ = LARGER(x_, zero - 126.0F);                                                \
        const lanes shifted_ = x_ + 12582912.0F;                                       \
        const lanes part_ = x_ - (shifted_ - 12582912.0F);                             \
        lanes sum_ = part_ * 1.3264727214e-03F + 9.6715128125e-03F;                    \
        sum_ = sum_ * part_ + 5.5507337448e-02F;                                       \
        sum_ = sum_ * part_ + 2.4022242083e-01F;                                       \
        sum_ = sum_ * part_ + 6.9314697760e-01F;                                       \
        sum_ = sum_ * part_ + 1.0F;                                                    \
        (y) = (lanes)((whole_lanes)sum_ + ((whole_lanes)shifted_ << 23));              \
    } while (0)

/* A vector from the last n < LANES floats, the rest filled up. */
#define LOAD_LAST(vector, from, n, filler)                                             \
    do {                                                                               \
        float last_[LANES];                                                            \
        for (int i_ = 0; i_ < LANES; i_++)                                             \
            last_[i_] = i_ < (n) ? (from)[i_] : (filler);                              \
        memcpy(&(vector), last_, sizeof(vector));                                      \
    } while (0)

static float lanes_top(const float *s, int64_t n)
{
    int64_t i = 0;
    float best = s[0];
    if (n >= 2 * LANES) {
        lanes a, b, x, y;
        LOAD(a, s);
        LOAD(b, s + LANES);
        for (i = 2 * LANES; i + 2 * LANES <= n; i += 2 * LANES) {
            LOAD(x, s + i);
            LOAD(y, s + i + LANES);
            a = LARGER(x, a);
            b = LARGER(y, b);
        }
        a = LARGER(a, b);
        for (int lane = 0; lane < LANES; lane++)
            best = a[lane] > best ? a[lane] : best;
    }
    for (; i < n; i++)
        best = s[i] > best ? s[i] : best;
    return best;
}

static float lanes_powers(float *s, int64_t n, float top)
{
    const lanes zero = {0};
    lanes sum = zero, more = zero, x, y;
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        LOAD(x, s + i);
        LOAD(y, s + i + LANES);
        POWER_OF_2(x, x - top);
        POWER_OF_2(y, y - top);
        STORE(s + i, x);
        STORE(s + i + LANES, y);
        sum += x;
        more += y;
    }
    sum += more;
    float total = 0;
    for (int lane = 0; lane < LANES; lane++)
        total += sum[lane];
    for (; i < n; i += LANES) {
        const int64_t left = n - i < LANES ? n - i : LANES;
        LOAD_LAST(x, s + i, left, top);
        POWER_OF_2(x, x - top);
        for (int lane = 0; lane < left; lane++)
            total += s[i + lane] = x[lane];
    }
    return total;
}

static void lanes_gradients(float *s, float *d, int64_t n, float lse, float delta)
{
    const lanes zero = {0};
    lanes x, y;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        LOAD(x, s + i);
        LOAD(y, d + i);
        POWER_OF_2(x, x - lse);
        y = x * (y - delta);
        STORE(s + i, x);
        STORE(d + i, y);
    }
    if (i == n)
        return;
    LOAD_LAST(x, s + i, n - i, lse);
    LOAD_LAST(y, d + i, n - i, 0.0F);
    POWER_OF_2(x, x - lse);
    y = x * (y - delta);
    for (int lane = 0; lane < n - i; lane++) {
        s[i + lane] = x[lane];
        d[i + lane] = y[lane];
    }
}

static void lanes_scale(float *s, int64_t n, float factor)
{
    lanes x;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        LOAD(x, s + i);
        x *= factor;
        STORE(s + i, x);
    }
    for (; i < n; i++)
        s[i] *= factor;
}

/* x - x is 0 for finite x alone. */
static bool lanes_finite(const float *s, int64_t n)
{
    lanes bad = {0}, x;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        LOAD(x, s + i);
        bad += x - x;
    }
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += bad[lane];
    for (; i < n; i++)
        sum += s[i] - s[i];
    return sum == 0;
}

static const cpb_rows lanes_rows = {
    .name = ROWS_NAME,
    .works = ROWS_WORKS,
    .top = lanes_top,
    .powers = lanes_powers,
    .gradients = lanes_gradients,
    .scale = lanes_scale,
    .finite = lanes_finite,
};
