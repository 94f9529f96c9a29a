// SPDX-License-Identifier: Apache-2.0
/* Limits are of loads as a score counts them. Where these are not sums over runs (key
 * tiles, received keys, documents that are not causal), the limits of such sums are
 * tightened by the difference before the climb, and what the climb breaks is settled swap
 * by swap, each counted. */
#include "frugal_improve.h"

#include "bound.h"
#include "frugal_swap.h"

#include "../base/error.h"

/* This part of a share is room for healing cuts. */
enum { ROOM_TO_HEAL = 100 };

/* So many times as many looks where peers are limited. */
enum { PEERS_LOOKS = 8 };

/* A repair, and what whole islands do, may take so many times the looks of the climb;
 * most need a fraction. */
enum { REPAIR_LOOKS = 200, HEAL_LOOKS = 8 };

/* Swaps that a repair chooses from, from how many before it gives up, and rounds between
 * two looks at what limits are. */
enum { SAMPLES = 64, MOST_SAMPLES = 1024, ROUNDS_BETWEEN = 4 };

/* Repairs after the climb. Each begins with other swaps, and most plans need none. */
enum { REPAIRS = 12 };

/* Swaps that are counted, in rounds of repair, and those in a row that a count may turn
 * down. */
enum { SETTLE_ROUNDS = 5, MOST_FAILS = 128, FAILS_BY_TILE = 16 };

cpb_status cpb_improver_create(cpb_board *board, int64_t rounds, int64_t looks,
                               cpb_improver *improver)
{
    const cpb_view *const view = board->view;
    cpb_status status;
    *improver = (cpb_improver){.board = board, .rounds = rounds, .looks = looks};
    improver->limit =
        cpb_arena_take(board->arena, (size_t)view->ranks, sizeof *improver->limit);
    if (!improver->limit)
        return CPB_NO_MEMORY;
    CPB_TRY(cpb_count_create(view, board->arena, &improver->count));
    CPB_TRY(cpb_healer_create(view, board->arena, &improver->healer));
done:
    return status;
}

static bool adds_up(const cpb_improver *im)
{
    return !im->board->view->lookup->load;
}

/* Count loads as a score does and set the limits of costs so that loads keep theirs: a
 * tolerance above the mean of these loads, or above what some rank has anyway. */
cpb_status cpb_improver_count(cpb_improver *im, int64_t *excess)
{
    const cpb_view *const view = im->board->view;
    const int64_t *const load = im->count.load;
    cpb_sum total = 0;
    const cpb_status status = cpb_count_loads(&im->count, im->board);
    if (status != CPB_OK)
        return status;
    for (int32_t r = 0; r < view->ranks; r++)
        total += load[r];
    if (total > CPB_MOST_SCALED)
        total = CPB_MOST_SCALED;
    cpb_goals_limits(view, (int64_t)total, im->board->goals->bound, im->limit);
    *excess = INT64_MIN;
    for (int32_t r = 0; r < view->ranks; r++) {
        *excess = cpb_max(*excess, load[r] - im->limit[r]);
        im->limit[r] += im->board->load[r] - load[r];
    }
    return CPB_OK;
}

/* Bring loads within their limits with least harm. Swaps change what loads sum to, where
 * these are of segments, and limits with it. */
static cpb_status repair(cpb_improver *im)
{
    const cpb_view *const view = im->board->view;
    const int64_t end = im->board->looked + REPAIR_LOOKS * im->looks;
    int64_t excess = cpb_climb_excess(&im->climb);
    int samples = SAMPLES;
    cpb_status status = CPB_OK;
    cpb_swap s;
    for (int64_t round = 1;
         round <= im->rounds && excess > 0 && im->board->looked < end; round++) {
        samples = cpb_climb_relieve(&im->climb, samples, &s) ? SAMPLES : samples * 4;
        if (im->climb.failed)
            return CPB_NO_MEMORY;
        excess = cpb_climb_excess(&im->climb);
        if (view->lookup->held && (excess <= 0 || round % ROUNDS_BETWEEN == 0))
            CPB_TRY(cpb_improver_count(im, &excess));
        if (samples <= MOST_SAMPLES)
            continue;
        if (im->climb.step == view->grid)
            break;
        im->climb.step = view->grid; /* tiles are too coarse for what is left */
        samples = SAMPLES;
    }
    im->climb.step = cpb_climb_tile(view);
done:
    return status;
}

/* The swap that does least harm is tried first. Where a count turns that down, others come
 * up as fewer are drawn, and every other one may cut tiles. */
static bool relieve(cpb_improver *im, int fails, cpb_swap *s)
{
    const cpb_view *const view = im->board->view;
    const bool by_grid = fails > FAILS_BY_TILE && fails % 2;
    im->climb.step = by_grid ? view->grid : cpb_climb_tile(view);
    return cpb_climb_relieve(&im->climb, fails < 4 ? 32 : fails < 16 ? 8 : 2, s);
}

/* Whether both ranks of a swap are less above their limits than `excess`. */
static bool relieves(const cpb_improver *im, const cpb_swap *s, int64_t excess)
{
    for (int i = 0; i < 2; i++)
        if (im->board->load[s->rank[i]] - im->limit[s->rank[i]] >= excess)
            return false;
    return true;
}

/* Swaps that relieve the rank furthest above its limit, each kept only if a count of loads
 * confirms it. */
static cpb_status settle(cpb_improver *im, int64_t *excess)
{
    int64_t left = SETTLE_ROUNDS * im->rounds;
    int fails = 0;
    cpb_status status = CPB_OK;
    for (; left > 0 && *excess > 0 && fails <= MOST_FAILS; left--) {
        int64_t now;
        cpb_swap s;
        if (relieve(im, fails++, &s)) {
            CPB_TRY(cpb_improver_count(im, &now));
            if (relieves(im, &s, *excess)) {
                *excess = now;
                fails = 0;
                continue;
            }
            cpb_swap_take_back(&im->climb, &s);
            CPB_TRY(cpb_improver_count(im, &now));
        }
        if (im->climb.failed)
            return CPB_NO_MEMORY;
    }
done:
    return status;
}

/* Bring loads that are above their limits after the climb within them. */
static cpb_status mend(cpb_improver *im, bool *kept)
{
    int64_t excess = 0;
    cpb_status status;
    CPB_TRY(cpb_improver_count(im, &excess));
    if (!adds_up(im))
        CPB_TRY(settle(im, &excess));
    for (int i = 0; i < REPAIRS && adds_up(im) && excess > 0; i++) {
        CPB_TRY(repair(im));
        CPB_TRY(cpb_improver_count(im, &excess));
    }
    *kept = excess <= 0;
done:
    return status;
}

/* Cuts heal more easily while loads have room; that loads are met afterwards costs next to
 * nothing. */
static cpb_status heal_loosely(cpb_improver *im)
{
    const cpb_goals *const goals = im->board->goals;
    for (int32_t r = 0; r < im->board->view->ranks; r++)
        im->limit[r] =
            cpb_max(goals->limit[r], goals->goal[r] + goals->goal[r] / ROOM_TO_HEAL);
    return cpb_heal_cuts(&im->healer, &im->climb, HEAL_LOOKS * im->looks);
}

/* How many looks improve a plan: fewer where there is little to gain. */
static int64_t looks_for(const cpb_improver *im, int64_t looks)
{
    const cpb_board *const board = im->board;
    const int64_t little = board->goals->positions / CPB_LITTLE_TRAFFIC;
    if (board->peers.excess)
        return looks * PEERS_LOOKS;
    return board->total >= little ? looks : looks * board->total / little;
}

cpb_status cpb_improve(cpb_improver *im, int64_t looks, bool *kept)
{
    cpb_board *const board = im->board;
    const cpb_goals *const goals = board->goals;
    int64_t excess;
    cpb_status status;
    cpb_climb_start(&im->climb, board, im->limit);
    if (goals->whole)
        CPB_TRY(heal_loosely(im));
    CPB_TRY(cpb_improver_count(im, &excess));
    if (goals->whole)
        CPB_TRY(cpb_heal_loads(&im->healer, &im->climb, HEAL_LOOKS * im->looks));
    CPB_TRY(repair(im));
    CPB_TRY(cpb_improver_count(im, &excess));
    CPB_TRY(repair(im));
    CPB_TRY(cpb_heal_cuts(&im->healer, &im->climb, HEAL_LOOKS * im->looks));
    CPB_TRY(cpb_improver_count(im, &excess));
    cpb_climb_start(&im->climb, board, im->limit);
    CPB_TRY(cpb_climb_run(&im->climb, looks_for(im, looks)));
    CPB_TRY(mend(im, kept));
done:
    return status;
}
