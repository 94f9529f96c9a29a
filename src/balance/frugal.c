// SPDX-License-Identifier: Apache-2.0
/* Least traffic within the tolerance.
 *
 * Several first plans are made, and the one that promises most is repaired and improved.
 * Where that does not reach the limits, a plan that balances whatever the traffic is the
 * first plan. */
#include "even.h"
#include "frugal_build.h"
#include "frugal_chunks.h"
#include "frugal_improve.h"
#include "frugal_lay.h"
#include "frugal_starts.h"

#include "../base/error.h"

static const cpb_recipe recipes[] = {
    {6, false, 0},  {8, false, 2},  {10, false, 3}, {12, false, 0}, {14, false, 2},
    {18, false, 3}, {24, false, 0}, {5, true, 2},   {8, true, 0},   {12, true, 3},
};
enum { N_RECIPES = sizeof recipes / sizeof *recipes };

/* Ranks that get no begin of a long document have less to do with each other. */
static const cpb_recipe retiring[] = {
    {0, false, 0}, {0, true, 0}, {1, false, 0}, {1, true, 0}};
enum { N_RETIRING = sizeof retiring / sizeof *retiring };

/* How much is tried at each effort. */
typedef struct patience {
    int64_t rounds;          /* of repair */
    int64_t looks;           /* of the climb, and more: */
    int64_t looks_per_chunk; /* so many for each chunk, up to MOST_CHUNKS */
    bool improves_all;       /* first plans are compared once they are improved */
} patience;

static const patience patiences[] = {
    [CPB_EFFORT_FAST] = {100, 2000, 0, false},
    [CPB_EFFORT_DEFAULT] = {200, 8000, 2, false},
    [CPB_EFFORT_HIGH] = {2000, 60000, 40, true},
};

/* More do not lengthen the search. */
enum { MOST_CHUNKS = 1 << 14 };

/* Where all first plans are improved, each gets this part of the looks beforehand. */
enum { PARTS_BEFOREHAND = 10 };

typedef struct frugal {
    const cpb_view *view;
    const patience *patience;
    int64_t looks;
    cpb_arena *arena;
    cpb_isles isles;
    cpb_goals goals;
    cpb_stock stock;
    cpb_board trial, best;
    cpb_improver improver; /* of `best` */
} frugal;

static cpb_status deal_board(const frugal *f, const cpb_board *board, cpb_deal *deal)
{
    if (cpb_deal_reserve(deal, (size_t)board->n) != CPB_OK)
        return CPB_NO_MEMORY;
    for (int32_t id = board->isle_first[0]; id >= 0; id = board->patch[id].next)
        cpb_deal_add(deal, board->patch[id].rank,
                     cpb_clipped(f->view, &board->patch[id]));
    return CPB_OK;
}

/* One causal document for ranks that are all alike: nothing receives less than with
 * head-tail. */
static bool is_one_document(const frugal *f)
{
    const cpb_view *const view = f->view;
    for (size_t m = 0; m < view->n_masks; m++)
        if (!view->nested[m])
            return false;
    return view->n_islands == 1 && !view->speeds && !view->carried;
}

/* A step of the grid at most for each rank: whoever has which, loads and traffic are the
 * same where ranks and cards are alike. */
static bool is_one_each(const frugal *f)
{
    const cpb_view *const view = f->view;
    return f->goals.positions <= view->grid * view->ranks && f->best.per_card == 1 &&
           !view->speeds && !view->carried;
}

/* First plan number i. */
static cpb_status lay_first(frugal *f, int i, cpb_board *board)
{
    if (i < N_RECIPES)
        return cpb_frugal_build(&recipes[i], &f->stock, board);
    if (i == N_RECIPES)
        return cpb_lay_contiguous(board);
    return cpb_lay_two_ended(board, i == N_RECIPES + 1 ? f->goals.limit : f->goals.goal,
                             f->view->grid);
}

static cpb_status improve(frugal *f, bool *kept)
{
    return cpb_improve(&f->improver, f->looks, kept);
}

/* Recipes differ in the heads they give, of which nothing comes where islands are whole. */
static bool is_repeated(const frugal *f, int i)
{
    return f->goals.whole && i > 0 && i < N_RECIPES &&
           recipes[i].longest_first == recipes[i - 1].longest_first;
}

/* The first plan that promises most, as it is or after a while of improving each: `best`
 * is it. */
static cpb_status choose_first(frugal *f)
{
    const int n = N_RECIPES + (f->isles.n == 1 ? 3 : 1);
    cpb_climb judge;
    cpb_sum least = 0;
    bool least_kept = false;
    cpb_status status = CPB_OK;
    for (int i = 0; i < n; i++) {
        bool kept = false;
        if (is_repeated(f, i))
            continue;
        CPB_TRY(lay_first(f, i, &f->best));
        if (f->patience->improves_all)
            CPB_TRY(cpb_improve(&f->improver, f->looks / PARTS_BEFOREHAND, &kept));
        if (i == 0)
            cpb_climb_start(&judge, &f->best, f->goals.limit);
        const cpb_sum worth = cpb_climb_worth(&judge);
        if (i && (kept < least_kept || (kept == least_kept && worth >= least)))
            continue;
        least = worth;
        least_kept = kept;
        CPB_TRY(cpb_board_copy(&f->best, &f->trial));
    }
    CPB_TRY(cpb_board_copy(&f->trial, &f->best));
done:
    return status;
}

static cpb_status lay_even(cpb_board *board)
{
    return cpb_lay_even(board, board->view->grid);
}

typedef cpb_status balanced_lay_fn(cpb_board *board);

/* Plans that balance in one way or another, whatever their traffic is. */
static balanced_lay_fn *const by_token[] = {cpb_lay_contiguous, cpb_lay_head_tail,
                                            cpb_lay_per_document};
static balanced_lay_fn *const by_chunk[] = {lay_even, cpb_lay_contiguous};
enum {
    N_BY_TOKEN = sizeof by_token / sizeof *by_token,
    N_BY_CHUNK = sizeof by_chunk / sizeof *by_chunk
};

/* How `best` stands to its limits, as a score counts it. */
typedef struct standing {
    int64_t peers; /* above their limit */
    bool keeps;
    int64_t most; /* largest load */
} standing;

/* A plan that keeps them with much more load than another has gained nothing: it has made
 * work for everybody. Where neither keeps them, a load must be lower by more than a hundredth
 * to be worth the traffic of a plan that only balances. */
static bool stands_better(const frugal *f, const standing *a, const standing *b)
{
    const int64_t tolerance = f->view->tolerance_ppm;
    if (a->peers != b->peers)
        return a->peers < b->peers;
    if (a->keeps != b->keeps)
        return a->keeps ? a->most <= cpb_even_above(b->most, tolerance)
                        : b->most > cpb_even_above(a->most, tolerance);
    return !a->keeps && a->most < b->most - b->most / 100;
}

/* The same of two states of one plan, which cost no more traffic. */
static bool stands_lower(const standing *a, const standing *b)
{
    if (a->peers != b->peers)
        return a->peers < b->peers;
    return a->keeps != b->keeps ? a->keeps : !a->keeps && a->most < b->most;
}

static cpb_status stand(frugal *f, standing *now)
{
    int64_t excess;
    cpb_status status;
    CPB_TRY(cpb_improver_count(&f->improver, &excess));
    *now = (standing){.peers = f->best.peers.excess, .keeps = excess <= 0};
    for (int32_t r = 0; r < f->view->ranks; r++)
        now->most = cpb_max(now->most, f->improver.count.load[r]);
done:
    return status;
}

/* Of `best` and plans that balance the first that keeps the limits, else one whose load is
 * low, improved once more. */
static cpb_status search_balanced(frugal *f, bool *kept)
{
    const bool is_token = f->view->grid == 1;
    standing least, now;
    cpb_status status;
    CPB_TRY(stand(f, &least));
    CPB_TRY(cpb_board_copy(&f->best, &f->trial));
    for (int i = 0; i < (is_token ? N_BY_TOKEN : N_BY_CHUNK); i++) {
        CPB_TRY((is_token ? by_token : by_chunk)[i](&f->best));
        CPB_TRY(stand(f, &now));
        if (!stands_better(f, &now, &least))
            continue;
        least = now;
        CPB_TRY(cpb_board_copy(&f->best, &f->trial));
    }
    CPB_TRY(cpb_board_copy(&f->trial, &f->best));
    CPB_TRY(improve(f, kept));
    CPB_TRY(stand(f, &now));
    if (stands_lower(&least, &now)) {
        CPB_TRY(cpb_board_copy(&f->trial, &f->best));
        now = least;
    }
    *kept = now.keeps;
done:
    return status;
}

/* Where swaps did not reach the limits: perhaps nothing does, else a plan that is balanced
 * is the first one. */
static cpb_status search_further(frugal *f, bool *raised, bool *kept)
{
    cpb_view view;
    cpb_status status = CPB_OK;
    if (f->view->grid > 1) {
        CPB_TRY(cpb_chunks_view(f->view, f->view->grid, f->arena, &view));
        CPB_TRY(cpb_chunks_raise(&view, f->arena, &f->goals, raised));
    }
    if (*raised) {
        CPB_TRY(choose_first(f));
        CPB_TRY(improve(f, kept));
    }
    if (!*kept)
        CPB_TRY(search_balanced(f, kept));
done:
    return status;
}

/* Other first plans, until a rank has no more peers than it may; of those that have, the
 * one that comes nearest stays. */
static cpb_status search_few_peers(frugal *f, bool *kept)
{
    cpb_status status = CPB_OK;
    for (int i = 0; i < N_RETIRING && f->best.peers.excess; i++) {
        const int64_t least = f->best.peers.excess;
        bool keeps;
        CPB_TRY(cpb_board_copy(&f->best, &f->trial));
        CPB_TRY(cpb_frugal_build(&retiring[i], &f->stock, &f->best));
        CPB_TRY(improve(f, &keeps));
        if ((*kept && !keeps) || f->best.peers.excess >= least)
            CPB_TRY(cpb_board_copy(&f->trial, &f->best));
        else
            *kept = keeps;
    }
done:
    return status;
}

/* A plan that none is better than, if it keeps the limits as a score counts. */
static cpb_status try_best(frugal *f, balanced_lay_fn *lay, bool *kept)
{
    int64_t excess;
    cpb_status status;
    CPB_TRY(lay(&f->best));
    CPB_TRY(cpb_improver_count(&f->improver, &excess));
    *kept = excess <= 0;
done:
    return status;
}

static cpb_status search_by_swaps(frugal *f, bool *kept, bool *raised)
{
    cpb_status status;
    CPB_TRY(choose_first(f));
    CPB_TRY(improve(f, kept));
    CPB_TRY(cpb_try_starts(&f->improver, &f->trial, f->looks, kept));
    if (f->best.peers.excess)
        CPB_TRY(search_few_peers(f, kept));
    if (!*kept)
        CPB_TRY(search_further(f, raised, kept));
done:
    return status;
}

/* A limit on peers leads the search elsewhere, now and then to more of them than where
 * there is none. */
static cpb_status search_unlimited(frugal *f, bool *kept, bool *raised)
{
    const cpb_peers best = f->best.peers, trial = f->trial.peers;
    bool keeps = false;
    cpb_board limited;
    cpb_status status;
    CPB_TRY(cpb_board_create(f->view, &f->isles, &f->goals, f->arena, &limited));
    CPB_TRY(cpb_board_copy(&f->best, &limited));
    f->goals.bound = f->view->floor; /* as it was at first */
    cpb_goals_limits(f->view, f->goals.total, f->goals.bound, f->goals.limit);
    f->best.peers = f->trial.peers = (cpb_peers){.ranks = f->view->ranks};
    CPB_TRY(search_by_swaps(f, &keeps, raised));
    f->best.peers = best;
    f->trial.peers = trial;
    CPB_TRY(cpb_board_count(&f->best));
    if (f->best.peers.excess)
        CPB_TRY(cpb_board_copy(&limited, &f->best));
    else
        *kept = keeps;
done:
    return status;
}

/* A score knows better whether loads are within the tolerance where limits were of slowed
 * loads, or of chunks whose costs do not add up. */
static cpb_status search(frugal *f, bool *misses)
{
    bool kept = false, raised = false;
    cpb_status status = CPB_OK;
    *misses = false;
    if (is_one_each(f))
        return cpb_lay_contiguous(&f->best);
    if (f->view->long_runs) /* none has fewer */
        CPB_TRY(try_best(f, cpb_lay_contiguous, &kept));
    if (!kept && is_one_document(f))
        CPB_TRY(try_best(f, cpb_lay_head_tail, &kept));
    if (!kept)
        CPB_TRY(search_by_swaps(f, &kept, &raised));
    if (f->best.peers.excess)
        CPB_TRY(search_unlimited(f, &kept, &raised));
    *misses = !kept || f->view->speeds || (raised && f->view->lookup->load);
done:
    return status;
}

cpb_status cpb_balance_frugal(const cpb_view *view, cpb_deal *deal, cpb_error *error)
{
    frugal *const f = cpb_arena_zeros(deal->arena, 1, sizeof *f);
    cpb_status status;
    if (!f)
        return CPB_NO_MEMORY;
    f->view = view;
    f->patience = &patiences[view->effort];
    f->looks = f->patience->looks +
               f->patience->looks_per_chunk * cpb_min(view->n_chunks, MOST_CHUNKS);
    f->arena = deal->arena;
    CPB_TRY(cpb_isles_find(view, f->arena, &f->isles));
    CPB_TRY(cpb_goals_set(view, f->arena, &f->goals, error));
    CPB_TRY(cpb_stock_create(view, &f->isles, f->arena, &f->stock));
    CPB_TRY(cpb_board_create(view, &f->isles, &f->goals, f->arena, &f->trial));
    CPB_TRY(cpb_board_create(view, &f->isles, &f->goals, f->arena, &f->best));
    CPB_TRY(cpb_improver_create(&f->best, f->patience->rounds, f->looks, &f->improver));
    f->goals.whole = cpb_healer_suffices(&f->improver.healer, &f->goals, view->ranks);
    CPB_TRY(search(f, &deal->misses));
    CPB_TRY(deal_board(f, &f->best, deal));
done:
    return status;
}
