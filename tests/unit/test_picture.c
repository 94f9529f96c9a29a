// SPDX-License-Identifier: Apache-2.0
/* Pictures: labels that do not touch, scales, memory that ends. */
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
        cmocka_unit_test(scales_show_their_values_with_different_numbers),
        cmocka_unit_test(numbers_read_well),
        cmocka_unit_test(rendering_is_repeatable_and_takes_any_bytes),
        cmocka_unit_test(a_picture_too_large_for_a_png_is_told),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
