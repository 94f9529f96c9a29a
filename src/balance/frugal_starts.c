// SPDX-License-Identifier: Apache-2.0
#include "frugal_starts.h"

#include "frugal_lay.h"

#include "../base/error.h"

/* Another first plan. */
typedef struct start {
    cpb_lay_fn *lay;
    bool in_doubt; /* searched from only if it begins with less traffic than the plan */
    int64_t part;  /* of the looks improves it */
} start;

/* Documents of equal lengths are balanced without a search. */
static cpb_status lay_groups(cpb_board *board, bool *laid)
{
    return board->isles->n > 1 ? cpb_lay_groups(board, laid) : CPB_OK;
}

/* Where documents see keys of others, as answers those of their question, plans that
 * spread them may move less than any that grows from neighbours. */
static cpb_status lay_halves(cpb_board *board, bool *laid)
{
    *laid = board->isles->n == 1;
    return *laid ? cpb_lay_head_tail(board) : CPB_OK;
}

static cpb_status lay_tiles(cpb_board *board, bool *laid)
{
    const int64_t tile = cpb_climb_tile(board->view);
    *laid = board->isles->n == 1 &&
            board->goals->positions % (tile * board->view->ranks) == 0;
    return *laid ? cpb_lay_even(board, tile) : CPB_OK;
}

/* Where tiles start anew in each piece of a window, pieces of whole tiles cost what they
 * seem to. */
static cpb_status lay_tiled_ends(cpb_board *board, bool *laid)
{
    const int64_t tile = cpb_climb_tile(board->view);
    *laid =
        board->isles->n == 1 && board->view->lookup->load && tile > board->view->grid;
    return *laid ? cpb_lay_two_ended(board, board->goals->limit, tile) : CPB_OK;
}

static const start starts[] = {{lay_groups, false, 1},
                               {lay_halves, true, 4},
                               {lay_tiles, true, 4},
                               {lay_tiled_ends, true, 1}};
enum { N_STARTS = sizeof starts / sizeof *starts };

/* One more search: the improver's plan is the better one. */
static cpb_status search_from(cpb_improver *im, cpb_board *spare, const start *from,
                              int64_t looks, bool *kept)
{
    bool laid = false, keeps = false;
    cpb_climb judge;
    cpb_status status = CPB_OK;
    cpb_climb_start(&judge, im->board, im->limit);
    const cpb_sum worth = cpb_climb_worth(&judge);
    CPB_TRY(cpb_board_copy(im->board, spare));
    CPB_TRY(from->lay(im->board, &laid));
    if (!laid)
        goto done;
    if (!from->in_doubt || im->board->total < spare->total ||
        cpb_climb_worth(&judge) < worth)
        CPB_TRY(cpb_improve(im, looks / from->part, &keeps));
    if (keeps != *kept ? keeps : cpb_climb_worth(&judge) < worth)
        *kept = keeps;
    else
        CPB_TRY(cpb_board_copy(spare, im->board));
done:
    return status;
}

/* Plans whose busiest card speaks for them. */
static cpb_lay_fn *const low_starts[] = {cpb_lay_spread, cpb_lay_long_chunks};
enum { N_LOW_STARTS = sizeof low_starts / sizeof *low_starts };

static int64_t busiest(const cpb_board *board)
{
    int64_t most = 0;
    for (int32_t c = 0; c < board->n_cards; c++)
        most = cpb_max(most, cpb_max(board->in[c], board->out[c]));
    return most;
}

/* Whether a plan has less traffic through its busiest card than another plan, for no more
 * than twice the total. */
static bool is_lower(const cpb_board *board, const cpb_board *than)
{
    return busiest(board) < busiest(than) && board->total / 2 <= than->total &&
           board->peers.excess <= than->peers.excess;
}

/* Such a plan is taken as it is: balance and traffic both come with the layout, and swaps
 * would trade them for a lower total. */
static cpb_status take_if_lower(cpb_improver *im, cpb_board *spare, cpb_lay_fn *lay,
                                bool *kept)
{
    int64_t excess = 1;
    bool laid = false;
    cpb_status status;
    CPB_TRY(cpb_board_copy(im->board, spare));
    CPB_TRY(lay(im->board, &laid));
    if (!laid)
        goto done;
    if (is_lower(im->board, spare))
        CPB_TRY(cpb_improver_count(im, &excess));
    if (excess <= 0)
        *kept = true;
    else
        CPB_TRY(cpb_board_copy(spare, im->board));
done:
    return status;
}

cpb_status cpb_try_starts(cpb_improver *improver, cpb_board *spare, int64_t looks,
                          bool *kept)
{
    const cpb_board *const board = improver->board;
    const bool much = board->total >= board->goals->positions / CPB_LITTLE_TRAFFIC;
    cpb_status status = CPB_OK;
    for (int i = 0; i < N_STARTS && much; i++)
        CPB_TRY(search_from(improver, spare, &starts[i], looks, kept));
    for (int i = 0; i < N_LOW_STARTS && board->isles->n == 1; i++)
        CPB_TRY(take_if_lower(improver, spare, low_starts[i], kept));
done:
    return status;
}
