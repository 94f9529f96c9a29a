// SPDX-License-Identifier: Apache-2.0
/* Pictures of plans: readable for any plan, whole or refused when memory ends. */
#include "testing.h"

#include "failing_malloc.h"
#include "labels.h"

#include "drawing.h"
#include "mosaic.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct subject {
    cpb_mask *mask;
    cpb_plan *plan;
    cli_view view;
} subject;

static bool create_subject(const char *text, size_t n, const int64_t *lengths,
                           int32_t ranks, const char *balancer, cpb_cost cost,
                           subject *to)
{
    cpb_error error;
    *to = (subject){.mask = NULL};
    if (cpb_mask_create_text(text, n, lengths, NULL, NULL, &to->mask, &error))
        return false;
    const cpb_mask *const all[] = {to->mask};
    const cpb_masks masks = {.n = 1, .mask = all};
    cpb_options options = cpb_options_default();
    options.ranks = ranks;
    options.balancer = balancer;
    options.setup.cost = cost;
    if (cpb_plan_create(&masks, &options, &to->plan, &error))
        return false;
    to->view = (cli_view){.plan = to->plan, .mask = to->mask, .setup = options.setup};
    snprintf(to->view.title, sizeof to->view.title, "%s", balancer);
    return view_measure(&to->view, &error);
}

static void free_subject(subject *s)
{
    view_free(&s->view);
    cpb_plan_free(s->plan);
    cpb_mask_free(s->mask);
}

static void labels_of_pages_never_touch(void **state)
{
    (void)state;
    static const int64_t ranks[] = {1, 2, 3, 7, 16, 17, 64, 100, 1000, 1024};
    static const char *const texts[] = {"documents", "window:100", "prefix:9"};
    static const char *const balancers[] = {"contiguous", "head-tail", "striped"};
    uint64_t seed = 4;
    for (size_t i = 0; i < 20; i++) {
        int64_t lengths[30];
        subject subjects[4];
        cli_view views[4];
        cpb_error error;
        const int64_t tokens = INT64_C(1) << test_random(&seed, 0, 21);
        const size_t n = test_lengths(&seed, tokens, 30, lengths);
        const size_t panels = (size_t)test_random(&seed, 1, 4);
        for (size_t v = 0; v < panels; v++) {
            assert_true(create_subject(
                texts[test_random(&seed, 0, 2)], n, lengths,
                (int32_t)ranks[test_random(&seed, 0, COUNT_OF(ranks) - 1)],
                balancers[test_random(&seed, 0, 2)], (cpb_cost)test_random(&seed, 0, 2),
                &subjects[v]));
            views[v] = subjects[v].view;
        }
        picture *const p = picture_create();
        assert_true(drawing_page(p, panels, views, &error));
        check_labels(p, "page", i);
        picture_free(p);
        for (size_t v = 0; v < panels; v++)
            free_subject(&subjects[v]);
    }
}

static void too_many_ranks_are_refused(void **state)
{
    (void)state;
    const int64_t length = 100;
    cpb_error error = {.at = -1};
    subject s;
    assert_false(create_subject("documents", 1, &length, VIEW_MAX_RANKS + 1,
                                "contiguous", CPB_PAIRS, &s));
    assert_true(view_measure(&s.view, &error) == false);
    assert_non_null(strstr(error.message, "4096"));
    free_subject(&s);
}

static double light(uint32_t colour, int shift)
{
    const double part = (double)(colour >> shift & 0xff) / 255;
    return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4);
}

/* The light of each cell is that of its pairs, by area, within half a colour level. */
static void cells_are_as_bright_as_their_pairs(void **state)
{
    (void)state;
    enum { CELLS = 9 };
    static const int64_t lengths[] = {40, 3, 57};
    uint32_t colours[CELLS * CELLS];
    int32_t groups[CELLS * CELLS];
    cpb_error error;
    subject s;
    assert_true(create_subject("documents", 3, lengths, 5, "head-tail", CPB_PAIRS, &s));
    const cli_cells side = {100, CELLS};
    const cli_scene scene = {&s.view.owners, s.mask, s.view.groups.n};
    assert_true(mosaic_colours(scene, side, side, colours, &error));
    assert_true(mosaic_groups(scene, side, side, groups, &error));
    for (int64_t row = 0; row < CELLS; row++)
        for (int64_t column = 0; column < CELLS; column++) {
            double sum[3] = {0};
            int64_t pairs[5] = {0}, room = 0;
            for (int64_t q = cells_begin(side, row); q < cells_begin(side, row + 1);
                 q++)
                for (int64_t k = cells_begin(side, column);
                     k < cells_begin(side, column + 1); k++, room++) {
                    size_t owner = 0;
                    while (s.view.owners.owner[owner].tokens.end <= q)
                        owner++;
                    const size_t group = s.view.owners.owner[owner].group;
                    const bool allowed = cpb_mask_allows(s.mask, q, k);
                    const uint32_t colour =
                        allowed ? palette_ordered(group, 5) : PICTURE_PAPER;
                    pairs[group] += allowed;
                    for (int c = 0; c < 3; c++)
                        sum[c] += light(colour, 16 - 8 * c);
                }
            for (int c = 0; c < 3; c++) {
                const uint32_t got = colours[row * CELLS + column];
                const double wanted = sum[c] / (double)room;
                const uint32_t level = got >> (16 - 8 * c) & 0xff;
                const double above = level < 255 ? light(level + 1, 0) : 1.01;
                const double below = level > 0 ? light(level - 1, 0) : -0.01;
                assert_true(wanted > (below + light(level, 0)) / 2 - 1e-4);
                assert_true(wanted < (above + light(level, 0)) / 2 + 1e-4);
            }
            int32_t best = -1;
            for (int32_t g = 0; g < 5; g++)
                if (pairs[g] > (best < 0 ? 0 : pairs[best]))
                    best = g;
            assert_int_equal(groups[row * CELLS + column], best);
        }
    free_subject(&s);
}

/* Measure, draw and render with a limited number of allocations. */
static bool draw_rationed(const subject *s, int64_t ration, int64_t *left)
{
    cpb_error error;
    unsigned char *bytes = NULL;
    size_t n;
    cli_view view = {.plan = s->plan, .mask = s->mask, .setup = s->view.setup};
    malloc_ration = ration;
    picture *const p = picture_create();
    const bool good = p && view_measure(&view, &error) &&
                      drawing_page(p, 1, &view, &error) &&
                      picture_render(p, PICTURE_PDF, &bytes, &n) == PICTURE_DONE;
    *left = malloc_ration;
    malloc_ration = INT64_MAX;
    view_free(&view);
    picture_free(p);
    free(bytes);
    return good;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    if (!picture_is_built())
        return;
    /* As shapes, and as cells. */
    static const int64_t lengths[] = {900, 80};
    static const char *const balancers[] = {"head-tail", "striped"};
    for (size_t b = 0; b < 2; b++) {
        subject s;
        int64_t left;
        assert_true(
            create_subject("documents", 2, lengths, 4, balancers[b], CPB_PAIRS, &s));
        assert_true(draw_rationed(&s, 1 << 20, &left));
        const int64_t needed = (1 << 20) - left;
        assert_true(needed > 100);
        for (int64_t ration = 0; ration < needed; ration++)
            assert_false(draw_rationed(&s, ration, &left));
        assert_true(draw_rationed(&s, needed, &left));
        free_subject(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_of_pages_never_touch),
        cmocka_unit_test(too_many_ranks_are_refused),
        cmocka_unit_test(cells_are_as_bright_as_their_pairs),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
