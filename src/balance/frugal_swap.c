// SPDX-License-Identifier: Apache-2.0
#include "frugal_swap.h"

#include "frugal_reckon.h"

enum { UNIT_BITS = 16, CLIP_BITS = 24 };

/* Weights of the worth, found by experiment: how the total counts against the busiest
 * card, what a run and what a load above its limit cost in positions. */
enum { LINEAR_BITS = 3 * UNIT_BITS - 1, RUN_KEYS = 64, LOAD_FACTOR = 1024 };

/* What a peer above the limit costs: the worth of this many busiest cards. */
enum { PEER_CARDS = 2 };

/* Reckoning a swap takes as long as looking at so many patches, and those of its isles. */
enum { RECKON_LOOKS = 13 };

int64_t cpb_climb_tile(const cpb_view *view)
{
    return cpb_ceil_div(cpb_max(view->tile, view->grid), view->grid) * view->grid;
}

void cpb_climb_start(cpb_climb *climb, cpb_board *board, const int64_t *limit)
{
    int64_t most = 1;
    for (int32_t c = 0; c < board->n_cards; c++)
        most = cpb_max(most, cpb_max(board->in[c], board->out[c]));
    *climb = (cpb_climb){.board = board, .limit = limit, .seed = 0x9E3779B97F4A7C15};
    while (climb->shift < UNIT_BITS && most << climb->shift < INT64_C(1) << UNIT_BITS)
        climb->shift++;
    while (climb->shift > -40 && (climb->shift >= 0 ? most : most >> -climb->shift) >=
                                     INT64_C(1) << (UNIT_BITS + 1))
        climb->shift--;
    climb->per_key = (cpb_sum)1 << LINEAR_BITS;
    climb->step = cpb_climb_tile(board->view);
}

static cpb_sum scaled(const cpb_climb *climb, int64_t keys)
{
    return climb->shift >= 0 ? (cpb_sum)keys << climb->shift : keys >> -climb->shift;
}

static cpb_sum worth_of(const cpb_climb *climb, int64_t keys)
{
    const cpb_sum x = scaled(climb, keys);
    const uint64_t y = x >> CLIP_BITS ? UINT64_C(1) << CLIP_BITS : (uint64_t)x;
    return (cpb_sum)(y * y) * (y * y) + climb->per_key * x;
}

cpb_sum cpb_climb_price(const cpb_climb *climb, int64_t keys)
{
    return climb->per_key * scaled(climb, keys);
}

static cpb_sum runs_worth(const cpb_climb *climb, int64_t runs)
{
    return cpb_climb_price(climb, RUN_KEYS) * runs;
}

/* What the load above the limit costs: swaps that mend it cost traffic. */
static cpb_sum load_worth(const cpb_climb *climb, int32_t rank)
{
    const cpb_goals *const goals = climb->board->goals;
    const int64_t above = climb->board->load[rank] - climb->limit[rank];
    if (above <= 0 || goals->total <= 0)
        return 0;
    const int64_t keys = (int64_t)((cpb_sum)above * goals->positions / goals->total);
    return scaled(climb, LOAD_FACTOR * (keys + 1)) * ((cpb_sum)1 << 3 * UNIT_BITS);
}

static cpb_sum peers_worth(const cpb_climb *climb)
{
    return ((cpb_sum)PEER_CARDS << 4 * UNIT_BITS) * climb->board->peers.excess;
}

cpb_sum cpb_climb_worth(const cpb_climb *climb)
{
    const cpb_board *const board = climb->board;
    cpb_sum worth = peers_worth(climb);
    for (int32_t c = 0; c < board->n_cards; c++)
        worth += worth_of(climb, board->in[c]) + worth_of(climb, board->out[c]);
    for (int32_t r = 0; r < board->view->ranks; r++)
        worth += runs_worth(climb, board->runs[r]) + load_worth(climb, r);
    return worth;
}

int64_t cpb_climb_excess(const cpb_climb *climb)
{
    int64_t excess = INT64_MIN;
    for (int32_t r = 0; r < climb->board->view->ranks; r++)
        excess = cpb_max(excess, climb->board->load[r] - climb->limit[r]);
    return excess;
}

static cpb_range piece_of(const cpb_board *board, cpb_patch_end s, int64_t length)
{
    const cpb_patch *const p = &board->patch[s.id];
    return s.tail ? (cpb_range){p->end - length, p->end}
                  : (cpb_range){p->begin, p->begin + length};
}

/* What a piece at the end of a patch costs. */
int64_t cpb_swap_cost(const cpb_board *board, cpb_patch_end s, int64_t length)
{
    const cpb_lookup *const lookup = board->view->lookup;
    const cpb_patch *const p = &board->patch[s.id];
    const int64_t after = cpb_patch_after(board, p);
    if (length == p->end - p->begin)
        return after - p->before;
    return s.tail ? after - lookup->before(lookup, p->end - length)
                  : lookup->before(lookup, p->begin + length) - p->before;
}

int64_t cpb_swap_shift(const cpb_board *board, cpb_patch_end a, cpb_patch_end b,
                       int64_t length)
{
    return cpb_swap_cost(board, a, length) - cpb_swap_cost(board, b, length);
}

cpb_lot cpb_swap_lot(const cpb_board *board, cpb_patch_end a, int64_t length,
                     int32_t of)
{
    return (cpb_lot){piece_of(board, a, length), board->patch[a.id].isle, of, a.id};
}

cpb_swap cpb_swap_of(const cpb_board *board, cpb_patch_end a, cpb_patch_end b,
                     int64_t length)
{
    cpb_swap s; /* lots beyond the two stay as they are: this is the hot loop */
    s.rank[0] = board->patch[a.id].rank;
    s.rank[1] = board->patch[b.id].rank;
    s.n = 2;
    s.lot[0] = cpb_swap_lot(board, a, length, 0);
    s.lot[1] = cpb_swap_lot(board, b, length, 1);
    s.shift = cpb_swap_shift(board, a, b, length);
    return s;
}

/* Give a lot to a rank. */
static void hand(cpb_climb *climb, const cpb_lot *lot, int32_t rank)
{
    cpb_board *const board = climb->board;
    const int32_t begin = (int32_t)lot->piece.begin, end = (int32_t)lot->piece.end;
    const int32_t id = cpb_board_find(board, lot->isle, begin);
    if (cpb_board_give(board, id, begin, end, rank) < 0)
        climb->failed = true;
}

/* Whether a lot before this one lies in the same isle. */
static bool is_counted(const cpb_swap *s, int32_t i)
{
    for (int32_t k = 0; k < i; k++)
        if (s->lot[k].isle == s->lot[i].isle)
            return true;
    return false;
}

static void flow(cpb_climb *climb, const cpb_swap *s, int64_t sign)
{
    cpb_board *const board = climb->board;
    if (s->rank[0] / board->per_card == s->rank[1] / board->per_card)
        return;
    for (int32_t i = 0; i < s->n; i++)
        if (!is_counted(s, i) && cpb_board_flow(board, s->lot[i].isle, sign) != CPB_OK)
            climb->failed = true;
}

static void link(cpb_climb *climb, const cpb_swap *s, int32_t sign)
{
    int32_t isle[CPB_SWAP_LOTS];
    for (int32_t i = 0; i < s->n; i++)
        isle[i] = s->lot[i].isle;
    if (cpb_board_link(climb->board, s->n, isle, sign) != CPB_OK)
        climb->failed = true;
}

/* How traffic that changed since cpb_board_begin() changes the worth. */
static cpb_sum flow_change(const cpb_climb *climb)
{
    const cpb_board *const board = climb->board;
    cpb_sum change = 0;
    for (int32_t i = 0; i < board->n_touched; i++) {
        const int32_t card = board->touched[i];
        if (board->in[card] != board->old_in[i])
            change +=
                worth_of(climb, board->in[card]) - worth_of(climb, board->old_in[i]);
        if (board->out[card] != board->old_out[i])
            change +=
                worth_of(climb, board->out[card]) - worth_of(climb, board->old_out[i]);
    }
    return change;
}

cpb_sum cpb_swap_carry_out(cpb_climb *climb, const cpb_swap *s)
{
    cpb_board *const board = climb->board;
    const int32_t *const runs = board->runs;
    const int64_t before = runs[s->rank[0]] + runs[s->rank[1]];
    cpb_sum change = -peers_worth(climb);
    cpb_board_begin(board);
    flow(climb, s, -1);
    link(climb, s, -1);
    for (int32_t i = 0; i < s->n; i++)
        hand(climb, &s->lot[i], s->rank[1 - s->lot[i].of]);
    flow(climb, s, 1);
    link(climb, s, 1);
    change += runs_worth(climb, runs[s->rank[0]] + runs[s->rank[1]] - before);
    return change + peers_worth(climb) + flow_change(climb);
}

cpb_sum cpb_swap_change(cpb_climb *climb, const cpb_swap *s)
{
    cpb_board *const board = climb->board;
    cpb_sum change;
    if (!cpb_reckons(board)) {
        change = cpb_swap_carry_out(climb, s);
        cpb_swap_take_back(climb, s);
        return change;
    }
    board->looked += RECKON_LOOKS;
    cpb_board_begin(board);
    cpb_reckon_flow(board, s);
    change = flow_change(climb) + runs_worth(climb, cpb_reckon_runs(board, s));
    cpb_board_revert(board);
    return change;
}

void cpb_swap_take_back(cpb_climb *climb, const cpb_swap *s)
{
    link(climb, s, -1);
    for (int32_t i = s->n; i-- > 0;)
        hand(climb, &s->lot[i], s->rank[s->lot[i].of]);
    link(climb, s, 1);
    cpb_board_revert(climb->board);
}

int64_t cpb_load_room(const cpb_climb *climb, int32_t from, int32_t to)
{
    const int64_t *const load = climb->board->load;
    return cpb_max(0, cpb_max(climb->limit[to], load[from]) - load[to]);
}

int64_t cpb_swap_excess(const cpb_climb *climb, const cpb_swap *s)
{
    const int64_t *const load = climb->board->load, *const limit = climb->limit;
    return cpb_max(0, cpb_max(load[s->rank[0]] - limit[s->rank[0]],
                              load[s->rank[1]] - limit[s->rank[1]]));
}

int64_t cpb_swap_most(const cpb_board *board, cpb_patch_end a, cpb_patch_end b)
{
    const cpb_patch *const p = &board->patch[a.id], *const q = &board->patch[b.id];
    return cpb_min(p->end - p->begin, q->end - q->begin);
}
