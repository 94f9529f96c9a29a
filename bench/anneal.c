// SPDX-License-Identifier: Apache-2.0
/* How far `frugal` is from what more time finds: its plans are annealed with its own swaps
 * and its own worth for a while, and compared with the best plan met on the way.
 *   bench_anneal [PACKS [SECONDS [FILE...]]]
 * A FILE holds document lengths, one a line; log-normal, Pareto and tiny lengths are drawn
 * always. Tolerance 1 %, the kernel varlen and the cost pairs. */
#define _POSIX_C_SOURCE 200809L

#include "parts/draw.h"
#include "parts/packs.h"

#include "../src/balance/frugal_climb.h"
#include "../src/planner/view.h"

#include <cpb/cpb.h>

#include <math.h>
#include <string.h>

enum { MOST_PACKS = 64, MOST_SOURCES = 16, STEPS_PER_LOOK = 256 };

/* Temperatures as parts of the worth at first: what a swap may cost falls from one to the
 * other over the time. */
static const double hottest = 1e-3, coldest = 1e-9;

/* A board with a plan on it, and what it stands on. */
typedef struct scene {
    cpb_arena arena;
    cpb_view view;
    cpb_isles isles;
    cpb_goals goals;
    cpb_board board, best;
} scene;

static void set_scene(scene *s, const cpb_masks *masks, const cpb_options *options)
{
    const cpb_balancer *row = cpb_balancers;
    while (strcmp(row->name, "frugal") != 0)
        row++;
    *s = (scene){.arena = {.allocator = cpb_allocator_or_default(NULL)}};
    or_die(cpb_view_create(row, masks, options, &s->arena, &s->view, NULL));
    or_die(cpb_isles_find(&s->view, &s->arena, &s->isles));
    or_die(cpb_goals_set(&s->view, &s->arena, &s->goals, NULL));
    or_die(cpb_board_create(&s->view, &s->isles, &s->goals, &s->arena, &s->board));
    or_die(cpb_board_create(&s->view, &s->isles, &s->goals, &s->arena, &s->best));
}

static void lay_run(scene *s, int32_t rank, cpb_range run)
{
    while (run.begin < run.end) {
        const int32_t isle = cpb_isles_at(&s->isles, run.begin);
        const int64_t end = run.end < s->isles.end[isle] ? run.end : s->isles.end[isle];
        const int32_t id = cpb_board_find(&s->board, isle, (int32_t)run.begin);
        if (cpb_board_give(&s->board, id, (int32_t)run.begin, (int32_t)end, rank) < 0)
            or_die(CPB_NO_MEMORY);
        run.begin = end;
    }
}

static void lay_plan(scene *s, const cpb_plan *plan)
{
    for (int32_t r = 1; r < cpb_plan_ranks(plan); r++)
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            lay_run(s, r, cpb_plan_runs(plan, r)[i]);
    or_die(cpb_board_count(&s->board));
}

static int64_t busiest_of(const cpb_board *board)
{
    int64_t most = 0;
    for (int32_t c = 0; c < board->n_cards; c++) {
        most = board->in[c] > most ? board->in[c] : most;
        most = board->out[c] > most ? board->out[c] : most;
    }
    return most;
}

/* Anneal the board; `best` is the plan of least worth. Returns the swaps tried. */
static int64_t anneal(scene *s, double seconds)
{
    const double begin = seconds_now();
    uint64_t seed = 1;
    cpb_climb climb;
    cpb_climb_start(&climb, &s->board, s->goals.limit);
    cpb_sum least = cpb_climb_worth(&climb);
    const double first = (double)least;
    int64_t steps = 0;
    or_die(cpb_board_copy(&s->board, &s->best));
    for (double past = 0; past < 1; past = (seconds_now() - begin) / seconds) {
        const double heat = first * hottest * pow(coldest / hottest, past);
        for (int i = 0; i < STEPS_PER_LOOK; i++, steps++) {
            const double u = ((double)(next_random(&seed) >> 11) + 1) * 0x1p-53;
            cpb_climb_step(&climb, (cpb_sum)(-heat * log(u)));
        }
        const cpb_sum worth = cpb_climb_worth(&climb);
        if (worth < least && cpb_climb_excess(&climb) <= 0) {
            least = worth;
            or_die(cpb_board_copy(&s->board, &s->best));
        }
    }
    return steps;
}

/* frugal's figures over those of the annealed plan; a hundredth of the tokens is added to
 * totals and a hundredth of a share to the busiest rank, so that nothing is no ratio. */
typedef struct ratios {
    double busiest, total;
} ratios;

static ratios measure_pack(const pack_source *source, int64_t tokens, int32_t ranks,
                           int pack, double seconds, double *steps)
{
    cpb_mask *const mask = pack_draw(source, tokens, ranks, (uint64_t)pack);
    const cpb_mask *const one = mask;
    const cpb_masks masks = {.n = 1, .mask = &one};
    cpb_options options = cpb_options_default();
    cpb_plan *plan;
    scene s;
    options.balancer = "frugal";
    options.ranks = ranks;
    options.setup.kernel = CPB_VARLEN;
    options.setup.cost = CPB_PAIRS;
    or_die(cpb_plan_create(&masks, &options, &plan, NULL));
    set_scene(&s, &masks, &options);
    lay_plan(&s, plan);
    const double few = (double)tokens / 100;
    const double busiest = (double)busiest_of(&s.board) + few / ranks;
    const double total = (double)s.board.total + few;
    *steps += (double)anneal(&s, seconds);
    const ratios r = {busiest / ((double)busiest_of(&s.best) + few / ranks),
                      total / ((double)s.best.total + few)};
    cpb_view_free(&s.view);
    cpb_arena_free(&s.arena);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
    return r;
}

static void print_cell(int n, double *values)
{
    const double middle = median(values, (size_t)n);
    printf(" | %.3f (%.3f)", middle, values[n - 1]);
}

static void measure_source(const pack_source *source, int64_t tokens, int32_t ranks,
                           int packs, double seconds)
{
    double busiest[MOST_PACKS], total[MOST_PACKS], steps = 0;
    for (int pack = 0; pack < packs; pack++) {
        const ratios r = measure_pack(source, tokens, ranks, pack, seconds, &steps);
        busiest[pack] = r.busiest;
        total[pack] = r.total;
    }
    printf("| %lldK/%d %s", (long long)tokens >> 10, ranks, source->name);
    print_cell(packs, busiest);
    print_cell(packs, total);
    printf(" | %.1f |\n", steps / packs / 1e6);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    pack_source sources[MOST_SOURCES];
    size_t n = pack_sources_drawn(sources);
    int packs = argc > 1 ? atoi(argv[1]) : 3;
    const double seconds = argc > 2 ? atof(argv[2]) : 10;
    if (packs < 1 || packs > MOST_PACKS || !(seconds > 0)) {
        fprintf(stderr, "usage: bench_anneal [PACKS up to %d [SECONDS [FILE...]]]\n",
                MOST_PACKS);
        return 2;
    }
    for (int i = 3; i < argc && n < MOST_SOURCES; i++)
        sources[n++] = pack_source_read(argv[i]);
    printf(
        "frugal over its plan annealed for %g seconds: median of %d packs (worst).\n\n"
        "| tokens/ranks, lengths | largest of in and out | total | million swaps |\n"
        "|---|---|---|---|\n",
        seconds, packs);
    for (size_t i = 0; i < n; i++)
        measure_source(&sources[i], 128 << 10, 8, packs, seconds);
    for (size_t i = 0; i < n; i++)
        measure_source(&sources[i], 1 << 20, 64, packs, seconds);
    for (size_t i = 0; i < n; i++)
        pack_source_free(&sources[i]);
    return 0;
}
