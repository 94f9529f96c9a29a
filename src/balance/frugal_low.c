// SPDX-License-Identifier: Apache-2.0
#include "frugal_low.h"

#include "frugal_lay.h"

#include "../base/error.h"

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

cpb_status cpb_take_lower(cpb_improver *improver, cpb_board *spare, bool *kept)
{
    cpb_status status = CPB_OK;
    for (int i = 0; i < N_LOW_STARTS; i++)
        CPB_TRY(take_if_lower(improver, spare, low_starts[i], kept));
done:
    return status;
}
