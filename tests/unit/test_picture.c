// SPDX-License-Identifier: Apache-2.0
/* Pictures: labels that do not touch, colours that can be told apart, memory that ends. */
#include "testing.h"

#include "failing_malloc.h"
#include "labels.h"

#include "picture/chart.h"
#include "picture/scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 200, CASES = 300 };

typedef struct numbers {
    uint64_t seed;
    char text[MOST][40];
    const char *name[MOST];
    double value[MOST * MOST];
    uint32_t colour[MOST];
} numbers;

static double some_value(uint64_t *seed)
{
    static const double scales[] = {0, 1e-7, 1, 300, 1e6, 3e12};
    return scales[test_random(seed, 0, 5)] * (double)test_random(seed, 0, 1000) / 1000;
}

static numbers *create_numbers(uint64_t seed)
{
    numbers *const all = malloc(sizeof *all);
    assert_non_null(all);
    all->seed = seed;
    for (size_t i = 0; i < MOST; i++) {
        const int length = (int)test_random(&all->seed, 0, 30);
        snprintf(all->text[i], sizeof all->text[i], "%.*s%zu", length,
                 "Ma\xc3\x9f of a name \xff which is long", i);
        all->name[i] = all->text[i];
        all->colour[i] = palette_ordered(i % 16, 16);
    }
    const double scale = some_value(&all->seed);
    for (size_t i = 0; i < MOST * MOST; i++)
        all->value[i] = scale * (double)test_random(&all->seed, 0, 100);
    return all;
}

static void draw_bars(picture *p, picture_box box, numbers *all)
{
    const chart_mark marks[] = {{all->value[0], "mean 1.25"},
                                {all->value[0] * 1.001, "bound 1.24"},
                                {all->value[1], "third"}};
    const bool stacked = test_random(&all->seed, 0, 1);
    const chart_bars bars = {.title = "load per rank",
                             .x_title = test_random(&all->seed, 0, 1) ? "rank" : NULL,
                             .n = (size_t)test_random(&all->seed, 1, MOST),
                             .parts =
                                 stacked ? (size_t)test_random(&all->seed, 2, 5) : 1,
                             .value = all->value,
                             .colour = all->colour,
                             .name = test_random(&all->seed, 0, 1) ? all->name : NULL,
                             .part = stacked ? all->name : NULL,
                             .n_marks = (size_t)test_random(&all->seed, 0, 3),
                             .mark = marks};
    chart_draw_bars(p, box, &bars);
}

static void draw_lines(picture *p, picture_box box, numbers *all)
{
    chart_series series[12];
    double x[40];
    const size_t n = (size_t)test_random(&all->seed, 1, 40);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)((i + 1) * (i + 1));
    for (size_t i = 0; i < COUNT_OF(series); i++)
        series[i] = (chart_series){.name = all->name[i],
                                   .n = n,
                                   .x = x,
                                   .y = all->value + i * MOST,
                                   .low = i % 3 ? NULL : all->value + (i + 20) * MOST,
                                   .high = i % 3 ? NULL : all->value + (i + 40) * MOST,
                                   .pen = chart_pen(i)};
    all->value[7] = NAN;
    const chart_lines lines = {.title = "imbalance",
                               .x_title = "ranks",
                               .n = (size_t)test_random(&all->seed, 0, 12),
                               .series = series,
                               .x_logarithmic = test_random(&all->seed, 0, 1),
                               .y_logarithmic = test_random(&all->seed, 0, 1),
                               .n_ticks = test_random(&all->seed, 0, 1) ? n : 0,
                               .x_tick = x,
                               .only_points = test_random(&all->seed, 0, 1)};
    chart_draw_lines(p, box, &lines);
}

static void draw_rows(picture *p, picture_box box, numbers *all)
{
    chart_span spans[MOST];
    const chart_mark marks[] = {{all->value[0], "bound"}, {all->value[1], "step"}};
    const size_t n = (size_t)test_random(&all->seed, 1, MOST);
    for (size_t i = 0; i < MOST; i++)
        spans[i] = (chart_span){i % n, all->value[i], all->value[i] + all->value[i + 1],
                                all->colour[i], i % 2 ? all->name[i] : NULL};
    const chart_rows rows = {.title = "time line",
                             .x_title = "time, ms",
                             .n = n,
                             .name = test_random(&all->seed, 0, 1) ? all->name : NULL,
                             .n_spans = (size_t)test_random(&all->seed, 0, MOST),
                             .span = spans,
                             .n_marks = (size_t)test_random(&all->seed, 0, 2),
                             .mark = marks};
    chart_draw_rows(p, box, &rows);
}

static void draw_heat(picture *p, picture_box box, numbers *all)
{
    const chart_heat heat = {.title = "keys sent",
                             .x_title = "to rank",
                             .y_title = test_random(&all->seed, 0, 1) ? "from" : NULL,
                             .rows = (size_t)test_random(&all->seed, 1, MOST),
                             .columns = (size_t)test_random(&all->seed, 1, MOST),
                             .value = all->value,
                             .name = test_random(&all->seed, 0, 1) ? all->name : NULL};
    chart_draw_heat(p, box, &heat);
}

static void draw_texts(picture *p, picture_box box, numbers *all)
{
    const size_t n = (size_t)test_random(&all->seed, 0, 10);
    const double y = box.y + chart_draw_legend(p, box.x, box.y, box.width, n, all->name,
                                               all->colour);
    const double next =
        y + chart_draw_paragraph(p, box.x, y, box.width, chart_text_font,
                                 "a few words, one averyveryveryveryveryverylongone, "
                                 "and more of them than one line will hold");
    const double end = next + chart_draw_facts(p, box.x, next, box.width, 5, all->name,
                                               all->name + 10);
    picture_set_size(p, box.width, end); /* as high as they say they are */
}

typedef void draw_chart(picture *p, picture_box box, numbers *all);

static const struct {
    const char *name;
    draw_chart *draw;
} charts[] = {{"bars", draw_bars},
              {"lines", draw_lines},
              {"rows", draw_rows},
              {"heat", draw_heat},
              {"texts", draw_texts}};

static void labels_never_touch(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT_OF(charts); c++)
        for (uint64_t seed = 0; seed < CASES; seed++) {
            numbers *const all = create_numbers(seed);
            picture *const p = picture_create();
            const double width = (double)test_random(&all->seed, 260, 700);
            const double height = (double)test_random(&all->seed, 120, 400);
            picture_set_size(p, width, height);
            charts[c].draw(p, picture_page(p), all);
            check_labels(p, charts[c].name, seed);
            picture_free(p);
            free(all);
        }
}

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

static void check_scale(const chart_scale *scale, double low, double high)
{
    char text[SCALE_TEXT_BYTES], before[SCALE_TEXT_BYTES] = "";
    assert_true(scale->n >= 2);
    assert_true(scale_place(scale, low) > -1e-6);
    assert_true(scale_place(scale, high) < 1 + 1e-6);
    for (size_t i = 0; i < scale->n; i++) {
        assert_true(!i || scale->tick[i] > scale->tick[i - 1]);
        const double place = scale_place(scale, scale->tick[i]);
        assert_true(place > -1e-6 && place < 1 + 1e-6);
        scale_number(scale->tick[i], scale->step, text);
        assert_string_not_equal(text, before);
        strcpy(before, text);
    }
}

static void scales_show_their_values_with_different_numbers(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 5000; i++) {
        const double low = some_value(&seed), span = some_value(&seed);
        if (span < low * 1e-3)
            continue; /* more digits than an axis has */
        const size_t ticks = (size_t)test_random(&seed, 2, 8);
        const chart_scale scale = scale_linear(low, low + span, ticks);
        check_scale(&scale, low, low + span);
        if (low > 0) {
            const chart_scale powers = scale_logarithmic(low, low + span, ticks);
            check_scale(&powers, low, low + span);
        }
    }
}

static void numbers_read_well(void **state)
{
    (void)state;
    static const struct {
        double value, step;
        const char *text;
    } rows[] = {
        {0, 1, "0"},           {0.05, 0.01, "0.05"},   {-0.001, 1, "0"},
        {1200, 200, "1,200"},  {131072, 1, "131,072"}, {100000, 100000, "100,000"},
        {3.5e6, 5e5, "3.5M"},  {2e9, 1e9, "2G"},       {-4500, 500, "-4,500"},
        {0.0001, 0, "0.0001"}, {3e-8, 1e-8, "3e-08"}};
    char text[SCALE_TEXT_BYTES];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(scale_number(rows[i].value, rows[i].step, text),
                            rows[i].text);
}

static void rendering_is_repeatable_and_takes_any_bytes(void **state)
{
    (void)state;
    if (!picture_is_built())
        return;
    /* cairo numbers what it writes into an SVG through a whole run: see tests/cli. */
    for (picture_format format = PICTURE_PNG; format <= PICTURE_PDF; format++) {
        unsigned char *bytes[2];
        size_t n[2];
        for (int i = 0; i < 2; i++) {
            picture *const p = picture_create();
            picture_set_size(p, 100, 50);
            picture_text(p, 2, 20, PICTURE_START, chart_text_font,
                         "\xff\xc0\x80 \x01 ok \xe2\x82 \xf4\x90\x80\x80 \xed\xa0\x80");
            assert_int_equal(picture_render(p, format, &bytes[i], &n[i]), PICTURE_DONE);
            picture_free(p);
        }
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(bytes[0], bytes[1], n[0]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

static void a_picture_too_large_for_a_png_is_told(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t n;
    picture *const p = picture_create();
    picture_set_size(p, 1e6, 10);
    assert_int_equal(picture_render(p, PICTURE_PNG, &bytes, &n),
                     picture_is_built() ? PICTURE_TOO_LARGE : PICTURE_NOT_BUILT);
    picture_free(p);
}

static picture_status draw_everything(int64_t ration)
{
    numbers *const all = create_numbers(1);
    unsigned char *bytes = NULL;
    size_t n = 0;
    malloc_ration = ration;
    picture *const p = picture_create();
    picture_status status = PICTURE_NO_MEMORY;
    if (p) {
        picture_set_size(p, 400, 200);
        for (size_t c = 0; c < COUNT_OF(charts); c++)
            charts[c].draw(p, picture_page(p), all);
        status = picture_render(p, PICTURE_SVG, &bytes, &n);
    }
    malloc_ration = INT64_MAX;
    picture_free(p);
    free(bytes);
    free(all);
    return status;
}

/* Whichever allocation is the first to fail, the picture says so and nothing leaks. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    if (!picture_is_built())
        return;
    for (int64_t ration = 0;; ration++) {
        const picture_status status = draw_everything(ration);
        if (status == PICTURE_DONE) {
            assert_true(ration > 100);
            return;
        }
        assert_int_equal(status, PICTURE_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_never_touch),
        cmocka_unit_test(colours_of_ranks_can_be_told_apart),
        cmocka_unit_test(lines_stand_out_from_paper_and_each_other),
        cmocka_unit_test(heat_darkens_with_the_value),
        cmocka_unit_test(groups_cover_all_ranks),
        cmocka_unit_test(scales_show_their_values_with_different_numbers),
        cmocka_unit_test(numbers_read_well),
        cmocka_unit_test(rendering_is_repeatable_and_takes_any_bytes),
        cmocka_unit_test(a_picture_too_large_for_a_png_is_told),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
