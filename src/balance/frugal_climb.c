// SPDX-License-Identifier: Apache-2.0
#include "frugal_climb.h"

#include "frugal_propose.h"

/* Half of the swaps that relieve a rank are enough once so many patches were looked at,
 * and one that brings it within its limit for so few keys. */
enum { RELIEF_LOOKS = 1000, FREE_KEYS = 256 };

/* The length at which the load of `a` falls by `wanted`, by halving. */
static int64_t solve_length(const cpb_climb *climb, cpb_patch_end a, cpb_patch_end b,
                            int64_t wanted)
{
    const int64_t step = climb->step;
    const int64_t most = cpb_swap_most(climb->board, a, b);
    if (cpb_swap_shift(climb->board, a, b, most) <= wanted)
        return most;
    int64_t low = 0, high = most;
    while (high - low > step) {
        const int64_t middle = low + cpb_ceil_div((high - low) / 2, step) * step;
        if (middle >= high)
            break;
        if (cpb_swap_shift(climb->board, a, b, middle) < wanted)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* The ranks with the largest and the least load against the limit. */
static void extremes(const cpb_climb *climb, int32_t *high, int32_t *low)
{
    const cpb_board *const board = climb->board;
    int64_t most = INT64_MIN, least = INT64_MAX;
    for (int32_t r = 0; r < board->view->ranks; r++) {
        const int64_t above = board->load[r] - climb->limit[r];
        if (above > most)
            most = above, *high = r;
        if (above < least)
            least = above, *low = r;
    }
}

/* The swap of two ends that moves what the one rank has above its limit to the other, as
 * far as that has room; false where there is none. */
static bool propose_relief(const cpb_climb *climb, cpb_patch_end a, cpb_patch_end b,
                           cpb_swap *s)
{
    const cpb_board *const board = climb->board;
    const int32_t high = board->patch[a.id].rank, low = board->patch[b.id].rank;
    const int64_t excess = board->load[high] - climb->limit[high];
    const int64_t room = climb->limit[low] - board->load[low];
    if (low == high || room <= 0)
        return false;
    *s = cpb_swap_of(board, a, b, solve_length(climb, a, b, cpb_min(excess, room)));
    return s->shift > 0 && s->shift < excess + room;
}

static bool has_room(const cpb_climb *climb, int32_t rank)
{
    return climb->board->load[rank] < climb->limit[rank];
}

/* A random patch of an isle whose rank has room; -1 where there is none. */
static int32_t pick_roomy(cpb_climb *climb, int32_t isle)
{
    const cpb_board *const board = climb->board;
    const cpb_patch *const patch = board->patch;
    int64_t n = 0;
    int32_t id = board->isle_first[isle];
    for (; id >= 0 && patch[id].isle == isle; id = patch[id].next)
        n += has_room(climb, patch[id].rank);
    if (!n)
        return -1;
    n = cpb_pick(climb, n);
    for (id = board->isle_first[isle]; n > 0 || !has_room(climb, patch[id].rank);
         id = patch[id].next)
        n -= has_room(climb, patch[id].rank);
    return id;
}

/* A patch to swap with: mostly of the same isle, for its ranks have to do with each other
 * anyway; else of the rank furthest below its limit, or of any. */
static int32_t pick_relief(cpb_climb *climb, int32_t isle, int32_t low)
{
    if (cpb_pick(climb, 2))
        return pick_roomy(climb, isle);
    return cpb_pick_patch(
        climb,
        cpb_pick(climb, 2) ? low : (int32_t)cpb_pick(climb, climb->board->view->ranks));
}

bool cpb_climb_relieve(cpb_climb *climb, int samples, cpb_swap *done)
{
    cpb_board *const board = climb->board;
    cpb_sum least = 0;
    int32_t high = 0, low = 0;
    bool found = false;
    extremes(climb, &high, &low);
    const int64_t excess = board->load[high] - climb->limit[high];
    const int64_t end = board->looked + RELIEF_LOOKS;
    for (int i = 0; i < samples && (2 * i < samples || board->looked < end); i++) {
        /* Draws one by one: initialisers may be evaluated in any order. */
        const int32_t given = cpb_pick_patch(climb, high);
        const cpb_patch_end a = {given, cpb_pick(climb, 2)};
        if (a.id < 0 || climb->failed)
            return false;
        const int32_t taken = pick_relief(climb, board->patch[a.id].isle, low);
        const cpb_patch_end b = {taken, cpb_pick(climb, 2)};
        cpb_swap s;
        board->looked++;
        if (b.id < 0 || !propose_relief(climb, a, b, &s))
            continue;
        const cpb_sum change = cpb_swap_carry_out(climb, &s);
        const int64_t gain = excess - cpb_swap_excess(climb, &s);
        cpb_swap_take_back(climb, &s);
        if (gain <= 0 || (found && change / gain >= least))
            continue;
        found = true;
        least = change / gain;
        *done = s;
        if (gain == excess && change <= cpb_climb_price(climb, FREE_KEYS))
            break;
    }
    if (!found || climb->failed)
        return false;
    cpb_swap_carry_out(climb, done);
    return true;
}

/* The card through which most keys pass. */
static int32_t busiest(const cpb_board *board)
{
    int32_t card = 0;
    int64_t most = -1;
    for (int32_t c = 0; c < board->n_cards; c++) {
        const int64_t keys = cpb_max(board->in[c], board->out[c]);
        if (keys > most)
            most = keys, card = c;
    }
    return card;
}

/* The rank with most peers, where they are counted. */
static int32_t most_linked(const cpb_board *board)
{
    int32_t rank = 0;
    for (int32_t r = 1; board->peers.n && r < board->view->ranks; r++)
        if (board->peers.n[r] > board->peers.n[rank])
            rank = r;
    return rank;
}

bool cpb_climb_step(cpb_climb *climb, cpb_sum most)
{
    cpb_board *const board = climb->board;
    cpb_swap s;
    board->looked++;
    if (climb->steps++ % 16 == 0) {
        climb->card = busiest(board);
        climb->rank = most_linked(board);
    }
    int32_t from = climb->card * board->per_card;
    if (!cpb_pick(climb, 2))
        from = (int32_t)cpb_pick(climb, board->view->ranks);
    else if (board->peers.excess && cpb_pick(climb, 2))
        from = climb->rank;
    else
        from += (int32_t)cpb_pick(climb, board->per_card);
    if (!cpb_propose(climb, from, &s) || cpb_swap_change(climb, &s) > most)
        return false;
    const int64_t before = cpb_swap_excess(climb, &s);
    cpb_swap_carry_out(climb, &s);
    if (cpb_swap_excess(climb, &s) <= before)
        return true;
    cpb_swap_take_back(climb, &s);
    return false;
}

cpb_status cpb_climb_run(cpb_climb *climb, int64_t effort)
{
    const int64_t end = climb->board->looked + effort;
    while (climb->board->looked < end && !climb->failed)
        cpb_climb_step(climb, 0);
    return climb->failed ? CPB_NO_MEMORY : CPB_OK;
}
