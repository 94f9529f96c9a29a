// SPDX-License-Identifier: Apache-2.0
/* The balancer `frugal` and the bounds of traffic against all plans there are, where
 * chunks are few. */
#include "testing.h"

#include <cpb/cpb.h>

enum { CHUNK = 8, MOST_CHUNKS = 12, MOST_RANKS = 3 };

/* What all plans of equal sizes within the tolerance have least of. */
typedef struct optimum {
    int64_t busiest;      /* keys in or out of a rank */
    int64_t total_beside; /* of the plans whose busiest rank is that */
    int64_t total;        /* of all */
    int64_t receive;      /* largest of a rank */
    bool any;
} optimum;

typedef struct puzzle {
    const cpb_masks *masks;
    cpb_options options;
    int32_t chunks;
} puzzle;

static int64_t busiest_of(const cpb_score *score)
{
    return score->receive_max > score->send_max ? score->receive_max : score->send_max;
}

static bool is_within(const cpb_score *score, int64_t tolerance_ppm)
{
    const double fair = score->load_mean > (double)score->load_bound
                            ? score->load_mean
                            : (double)score->load_bound;
    return (double)score->load_max <=
           fair * (1 + (double)tolerance_ppm / 1e6) * (1 + 1e-9);
}

static cpb_score score_of(const puzzle *p, const cpb_plan *plan)
{
    cpb_score score;
    assert_int_equal(cpb_score_plan(plan, p->masks, &p->options.setup, NULL, &score,
                                    NULL, NULL, NULL),
                     CPB_OK);
    return score;
}

static cpb_score score_of_owners(const puzzle *p, const int32_t *owner)
{
    const cpb_promise promise = {CPB_EQUAL, CHUNK, CHUNK, -1, CPB_ALGORITHM, 0};
    int64_t first[MOST_RANKS + 1] = {0};
    cpb_range runs[MOST_CHUNKS];
    cpb_plan *plan;
    int64_t n = 0;
    for (int32_t r = 0; r < p->options.ranks; r++) {
        for (int64_t c = 0; c < p->chunks; c++)
            if (owner[c] == r)
                runs[n++] = (cpb_range){c * CHUNK, (c + 1) * CHUNK};
        first[r + 1] = n;
    }
    assert_int_equal(cpb_plan_create_runs((int64_t)p->chunks * CHUNK, 0,
                                          p->options.ranks, first, runs, &promise, NULL,
                                          &plan, NULL),
                     CPB_OK);
    const cpb_score score = score_of(p, plan);
    cpb_plan_free(plan);
    return score;
}

static void weigh(const puzzle *p, const int32_t *owner, optimum *best)
{
    const cpb_score score = score_of_owners(p, owner);
    const int64_t busiest = busiest_of(&score);
    if (!is_within(&score, p->options.tolerance_ppm))
        return;
    if (!best->any || busiest < best->busiest ||
        (busiest == best->busiest && score.receive_total < best->total_beside)) {
        best->busiest = busiest;
        best->total_beside = score.receive_total;
    }
    if (!best->any || score.receive_total < best->total)
        best->total = score.receive_total;
    if (!best->any || score.receive_max < best->receive)
        best->receive = score.receive_max;
    best->any = true;
}

/* Deal chunk c and those behind it in all ways that leave shares equal. */
static void deal(const puzzle *p, int32_t c, int32_t *owner, int32_t *held,
                 optimum *best)
{
    if (c == p->chunks) {
        weigh(p, owner, best);
        return;
    }
    for (int32_t r = 0; r < p->options.ranks; r++) {
        if (held[r] == p->chunks / p->options.ranks)
            continue;
        owner[c] = r;
        held[r]++;
        deal(p, c + 1, owner, held, best);
        held[r]--;
    }
}

static optimum optimum_of(const puzzle *p)
{
    int32_t owner[MOST_CHUNKS], held[MOST_RANKS] = {0};
    optimum best = {.any = false};
    deal(p, 0, owner, held, &best);
    return best;
}

static cpb_mask *draw_mask(uint64_t *seed, int64_t tokens)
{
    static const char *const families[] = {"documents", "documents", "documents-full",
                                           "window:20", "prefix:9",  "chunked:24"};
    int64_t lengths[MOST_CHUNKS * CHUNK];
    const int64_t most = tokens / test_random(seed, 1, 6);
    const size_t family = (size_t)test_random(seed, 0, 5);
    size_t n = 0;
    cpb_mask *mask;
    for (int64_t left = tokens; left > 0; left -= lengths[n++]) {
        const int64_t length = test_random(seed, 1, most);
        lengths[n] = length < left ? length : left;
    }
    assert_int_equal(
        cpb_mask_create_text(families[family], n, lengths, NULL, NULL, &mask, NULL),
        CPB_OK);
    return mask;
}

static void assert_bounds_hold(const cpb_score *score, const optimum *best)
{
    assert_true(score->receive_bound <= best->total);
    assert_true(score->receive_max_bound <= best->receive);
}

/* How frugal does against the optimum, summed over the puzzles. */
typedef struct tally {
    int found;
    int kept; /* plans of frugal within the tolerance */
    double busiest, total;
} tally;

/* Three times the optimum at most, a chunk added on both sides; the means are near one. */
static void tally_plan(tally *sums, const puzzle *p, const cpb_score *score,
                       const optimum *best)
{
    const double busiest = (double)(busiest_of(score) + CHUNK);
    const double total = (double)(score->receive_total + CHUNK);
    sums->found++;
    if (!is_within(score, p->options.tolerance_ppm))
        return;
    sums->kept++;
    assert_true(busiest_of(score) >= best->busiest);
    assert_true(score->receive_total >= best->total);
    assert_true(busiest <= 3 * (double)(best->busiest + CHUNK));
    assert_true(total <= 3 * (double)(best->total + CHUNK));
    sums->busiest += busiest / (double)(best->busiest + CHUNK);
    sums->total += total / (double)(best->total + CHUNK);
}

static void bounds_optimum_and_frugal_are_in_order(void **state)
{
    static const struct {
        int32_t chunks, ranks;
    } shapes[] = {{6, 2}, {8, 2}, {10, 2}, {6, 3}, {9, 3}};
    uint64_t seed = 11;
    tally sums = {0};
    (void)state;
    for (int round = 0; round < 200; round++) {
        puzzle p = {.options = cpb_options_default()};
        p.chunks = shapes[round % 5].chunks;
        p.options.ranks = shapes[round % 5].ranks;
        p.options.balancer = "frugal";
        p.options.chunk = CHUNK;
        p.options.tolerance_ppm = test_random(&seed, 10000, 300000);
        p.options.setup.cost = CPB_PAIRS;
        cpb_mask *const mask = draw_mask(&seed, (int64_t)p.chunks * CHUNK);
        const cpb_mask *const list[] = {mask};
        const cpb_masks masks = {1, list, NULL};
        cpb_plan *plan;
        p.masks = &masks;
        assert_int_equal(cpb_plan_create(&masks, &p.options, &plan, NULL), CPB_OK);
        const cpb_score score = score_of(&p, plan);
        const optimum best = optimum_of(&p);
        if (best.any) {
            assert_bounds_hold(&score, &best);
            tally_plan(&sums, &p, &score, &best);
        }
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
    assert_true(sums.found >= 190);
    assert_true(sums.found - sums.kept <= 2);
    assert_true(sums.busiest <= 1.15 * sums.kept && sums.total <= 1.15 * sums.kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_optimum_and_frugal_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
