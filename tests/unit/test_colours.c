// SPDX-License-Identifier: Apache-2.0
/* Colours of pictures, as four kinds of colour vision see them. */
#include "testing.h"

#include "picture/chart.h"
#include "picture/palette.h"

#include <math.h>

static double linear(double part)
{
    return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4);
}

/* Linear red, green, blue as seen with one kind of colour vision. Matrices: Machado,
 * Oliveira and Fernandes (2009), severity 1. */
static void see(size_t vision, uint32_t colour, double seen[3])
{
    static const double matrix[4][9] = {
        {1, 0, 0, 0, 1, 0, 0, 0, 1},
        {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882,
         -0.048116, 1.051998},
        {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820,
         0.042940, 0.968881},
        {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733,
         0.691367, 0.303900}};
    const double *const m = matrix[vision];
    double light[3];
    for (int i = 0; i < 3; i++)
        light[i] = linear((double)(colour >> (16 - 8 * i) & 0xff) / 255);
    for (int i = 0; i < 3; i++)
        seen[i] = fmax(0, m[3 * i] * light[0] + m[3 * i + 1] * light[1] +
                              m[3 * i + 2] * light[2]);
}

static double curve(double t)
{
    return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116;
}

/* CIELAB (D65). */
static void lab(const double rgb[3], double out[3])
{
    const double x =
        curve((0.4124564 * rgb[0] + 0.3575761 * rgb[1] + 0.1804375 * rgb[2]) / 0.95047);
    const double y =
        curve(0.2126729 * rgb[0] + 0.7151522 * rgb[1] + 0.0721750 * rgb[2]);
    const double z =
        curve((0.0193339 * rgb[0] + 0.1191920 * rgb[1] + 0.9503041 * rgb[2]) / 1.08883);
    out[0] = 116 * y - 16;
    out[1] = 500 * (x - y);
    out[2] = 200 * (y - z);
}

static double lightness(size_t vision, uint32_t colour)
{
    double seen[3], out[3];
    see(vision, colour, seen);
    lab(seen, out);
    return out[0];
}

static double distance(size_t vision, uint32_t a, uint32_t b)
{
    double seen[3], x[3], y[3];
    see(vision, a, seen);
    lab(seen, x);
    see(vision, b, seen);
    lab(seen, y);
    return sqrt(pow(x[0] - y[0], 2) + pow(x[1] - y[1], 2) + pow(x[2] - y[2], 2));
}

/* Well above what is just noticeable (2.3) between any two, far from paper, and in order of
 * lightness, for all four kinds of colour vision. */
static void colours_of_ranks_can_be_told_apart(void **state)
{
    (void)state;
    for (size_t vision = 0; vision < 4; vision++)
        for (size_t n = 1; n <= PALETTE_COLOURS; n++)
            for (size_t i = 0; i < n; i++) {
                const uint32_t colour = palette_ordered(i, n);
                assert_true(distance(vision, colour, PICTURE_PAPER) > 15);
                assert_true(distance(vision, colour, PICTURE_EMPTY) > 12);
                for (size_t j = 0; j < i; j++) {
                    assert_true(distance(vision, colour, palette_ordered(j, n)) > 4);
                    assert_true(lightness(vision, colour) >
                                lightness(vision, palette_ordered(j, n)));
                }
            }
}

static void lines_stand_out_from_paper_and_each_other(void **state)
{
    (void)state;
    for (size_t vision = 0; vision < 4; vision++)
        for (size_t i = 0; i < 7; i++) {
            assert_true(distance(vision, palette_distinct(i), PICTURE_PAPER) > 30);
            for (size_t j = 0; j < i; j++)
                assert_true(distance(vision, palette_distinct(i), palette_distinct(j)) >
                            10);
        }
    assert_true(chart_pen(0).dash == 0 && chart_pen(7).dash > 0);
}

static void heat_darkens_with_the_value(void **state)
{
    (void)state;
    assert_int_equal(palette_heat(0), PICTURE_PAPER);
    for (size_t vision = 0; vision < 4; vision++)
        for (int i = 1; i <= 32; i++)
            assert_true(lightness(vision, palette_heat(i / 32.0)) <
                        lightness(vision, palette_heat((i - 1) / 32.0)));
}

static void groups_cover_all_ranks(void **state)
{
    (void)state;
    for (size_t ranks = 1; ranks <= 2000; ranks++)
        for (size_t most = 1; most <= 64; most += 3) {
            const palette_groups groups = palette_group(ranks, most);
            assert_true(groups.n >= 1 && groups.n <= most);
            assert_true(groups.n * groups.size >= ranks);
            assert_true((groups.n - 1) * groups.size < ranks);
            assert_true(ranks > most || groups.size == 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_of_ranks_can_be_told_apart),
        cmocka_unit_test(lines_stand_out_from_paper_and_each_other),
        cmocka_unit_test(heat_darkens_with_the_value),
        cmocka_unit_test(groups_cover_all_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
