// SPDX-License-Identifier: Apache-2.0
/* Loops over rows of scores, in every set of vectors that works here, against double. */
#include "testing.h"

#include "attend/rows.h"

#include <math.h>
#include <string.h>

enum { MOST = 70 };

typedef void law(const cpb_rows *rows, const float *s, const float *d, int64_t n);

static void near_enough(float got, double expected)
{
    assert_true(fabs((double)got - expected) <= 4e-7 * fabs(expected) + 1e-37);
}

static void tops(const cpb_rows *rows, const float *s, const float *d, int64_t n)
{
    float top = s[0];
    (void)d;
    for (int64_t i = 1; i < n; i++)
        top = fmaxf(top, s[i]);
    assert_true(rows->top(s, n) == top);
}

static void powers(const cpb_rows *rows, const float *s, const float *d, int64_t n)
{
    const float top = rows->top(s, n);
    float got[MOST];
    double sum = 0;
    (void)d;
    memcpy(got, s, sizeof got);
    const float total = rows->powers(got, n, top);
    for (int64_t i = 0; i < n; i++) {
        near_enough(got[i], exp2((double)(s[i] - top)));
        sum += (double)got[i];
    }
    near_enough(total, sum);
    for (int64_t i = n; i < MOST; i++)
        assert_true(got[i] == s[i]); /* what lies behind the row stays */
}

static void gradients(const cpb_rows *rows, const float *s, const float *d, int64_t n)
{
    float power[MOST], got[MOST];
    memcpy(power, s, sizeof power);
    memcpy(got, d, sizeof got);
    rows->gradients(power, got, n, 30, 0.5F);
    for (int64_t i = 0; i < n; i++) {
        near_enough(power[i], exp2((double)(s[i] - 30)));
        near_enough(got[i], (double)power[i] * (double)(d[i] - 0.5F));
    }
    for (int64_t i = n; i < MOST; i++)
        assert_true(power[i] == s[i] && got[i] == d[i]);
}

static void scales(const cpb_rows *rows, const float *s, const float *d, int64_t n)
{
    float got[MOST];
    (void)d;
    memcpy(got, s, sizeof got);
    rows->scale(got, n, 0.3F);
    for (int64_t i = 0; i < MOST; i++)
        assert_true(got[i] == (i < n ? s[i] * 0.3F : s[i]));
}

static void finds_what_is_not_finite(const cpb_rows *rows, const float *s,
                                     const float *d, int64_t n)
{
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    float row[MOST];
    (void)d;
    memcpy(row, s, sizeof row);
    assert_true(rows->finite(row, n));
    for (int64_t i = 0; i < n; i++) {
        row[i] = bad[i % 3];
        assert_false(rows->finite(row, n));
        row[i] = s[i];
    }
}

static void every_loop_in_every_set_of_vectors(void **state)
{
    static law *const laws[] = {tops, powers, gradients, scales,
                                finds_what_is_not_finite};
    const cpb_rows *const sets[] = {cpb_rows_base, cpb_rows_avx2, cpb_rows_avx512};
    float s[MOST], d[MOST];
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < MOST; i++) {
        s[i] = (float)test_random(&seed, -4000, 2900) / 100;
        d[i] = (float)test_random(&seed, -300, 300) / 100;
    }
    for (size_t r = 0; r < COUNT_OF(sets); r++)
        for (size_t l = 0; sets[r] && sets[r]->works() && l < COUNT_OF(laws); l++)
            for (int64_t n = 1; n <= MOST; n++)
                laws[l](sets[r], s, d, n);
}

static void the_fastest_works(void **state)
{
    (void)state;
    assert_true(cpb_rows_base->works());
    assert_true(cpb_rows_best()->works());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loop_in_every_set_of_vectors),
        cmocka_unit_test(the_fastest_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
