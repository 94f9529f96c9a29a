// SPDX-License-Identifier: Apache-2.0
#include "frugal_propose.h"

/* What rarely pays is tried once in so many times: to give a part of a patch to a rank that
 * has nothing of its isle, unless a whole one comes back, and to swap patches of ranks with
 * the same card. */
enum { NEW_PARTS = 16, FAR = 8, INSIDE_CARD = 16 };

/* Patches that are tried for the third end of a swap. */
enum { THIRDS_TRIED = 3 };

/* Shorter lengths that are tried before a swap is given up. */
enum { CUTS_TRIED = 3 };

/* Ends to swap. */
typedef struct proposal {
    cpb_patch_end end[2];
    int32_t rank[2];
    bool joins[2]; /* the other rank has nothing of the isle yet */
    int64_t length;
} proposal;

/* A linear congruential generator (Knuth, 1997), of whose words the upper half is used. */
int64_t cpb_pick(cpb_climb *climb, int64_t n)
{
    climb->seed =
        climb->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((climb->seed >> 32) * (uint64_t)n >> 32);
}

int32_t cpb_pick_patch(cpb_climb *climb, int32_t rank)
{
    const cpb_board *const board = climb->board;
    if (!board->rank_n[rank])
        return -1;
    int32_t id = board->rank_first[rank];
    for (int64_t i = cpb_pick(climb, board->rank_n[rank]); i > 0; i--)
        id = board->patch[id].fore;
    return id;
}

static int64_t length_of(const cpb_board *board, cpb_patch_end end)
{
    return board->patch[end.id].end - board->patch[end.id].begin;
}

/* Another patch of the same isle, near or far; -1 where there is none. */
static int32_t pick_neighbour(cpb_climb *climb, int32_t id)
{
    const cpb_board *const board = climb->board;
    const cpb_patch *const p = &board->patch[id];
    const bool up = cpb_pick(climb, 2);
    int32_t other = up ? p->next : p->prev;
    for (int64_t skip = cpb_pick(climb, 4) ? 0 : cpb_pick(climb, 8);
         skip > 0 && other >= 0 && board->patch[other].isle == p->isle; skip--) {
        const int32_t next = up ? board->patch[other].next : board->patch[other].prev;
        if (next < 0 || board->patch[next].isle != p->isle)
            break;
        other = next;
    }
    return other >= 0 && board->patch[other].isle == p->isle &&
                   board->patch[other].rank != p->rank
               ? other
               : -1;
}

/* Whether a rank has nothing yet of the isle of a patch. */
static bool is_new_to(const cpb_board *board, int32_t rank, int32_t id)
{
    for (int32_t k = board->rank_first[rank]; k >= 0; k = board->patch[k].fore)
        if (board->patch[k].isle == board->patch[id].isle)
            return false;
    return true;
}

/* Choose the second patch: preferably of a rank with which the first shares an isle. Inside
 * a card swaps change no traffic, so few are tried. */
static bool pick_partner(cpb_climb *climb, proposal *p)
{
    const cpb_board *const board = climb->board;
    const int32_t id = p->end[0].id, near = pick_neighbour(climb, id);
    int32_t other = near;
    if (near < 0 && cpb_pick(climb, FAR))
        return false;
    if (near < 0)
        other = cpb_pick_patch(climb, (int32_t)cpb_pick(climb, board->view->ranks));
    else if (cpb_pick(climb, 3))
        other = cpb_pick_patch(climb, board->patch[near].rank);
    if (other < 0 || board->patch[other].rank == p->rank[0])
        return false;
    p->end[1] = (cpb_patch_end){other, cpb_pick(climb, 2)};
    p->rank[1] = board->patch[other].rank;
    if (p->rank[0] / board->per_card == p->rank[1] / board->per_card &&
        cpb_pick(climb, INSIDE_CARD))
        return false;
    p->joins[0] = near < 0 && is_new_to(board, p->rank[1], id);
    p->joins[1] = other != near && is_new_to(board, p->rank[0], other);
    return true;
}

/* Whether a part goes to a rank that is new to its isle, and no whole patch that is not
 * comes back. */
static bool is_poor(const cpb_board *board, const proposal *p)
{
    bool whole[2];
    for (int i = 0; i < 2; i++)
        whole[i] = p->length == length_of(board, p->end[i]);
    for (int i = 0; i < 2; i++)
        if (p->joins[i] && !whole[i] && (p->joins[1 - i] || !whole[1 - i]))
            return true;
    return false;
}

static bool keeps_limits(const cpb_climb *climb, const int32_t rank[2], int64_t shift)
{
    return shift >= 0 ? shift <= cpb_load_room(climb, rank[0], rank[1])
                      : -shift <= cpb_load_room(climb, rank[1], rank[0]);
}

/* Another end of end[of]'s rank, in whose isle the other rank has a part. */
static bool pick_third(cpb_climb *climb, const proposal *p, int of,
                       cpb_patch_end *third)
{
    for (int i = 0; i < THIRDS_TRIED; i++) {
        third->id = cpb_pick_patch(climb, p->rank[of]);
        third->tail = cpb_pick(climb, 2);
        if (third->id != p->end[of].id &&
            !is_new_to(climb->board, p->rank[1 - of], third->id))
            return true;
    }
    return false;
}

/* Load that the rank of `a` loses when it gives all of that patch for a part of `b` and one
 * of `c`. */
static int64_t shift_at(const cpb_board *board, const cpb_patch_end end[3], int64_t at)
{
    const int64_t length = length_of(board, end[0]);
    return cpb_swap_cost(board, end[0], length) - cpb_swap_cost(board, end[1], at) -
           cpb_swap_cost(board, end[2], length - at);
}

/* The length of end[1] with which loads keep their limits, by halving; -1 where there is
 * none. */
static int64_t solve_split(const cpb_climb *climb, const int32_t rank[2],
                           const cpb_patch_end end[3])
{
    const cpb_board *const board = climb->board;
    const int64_t length = length_of(board, end[0]);
    const int64_t grid = board->view->grid;
    int64_t low = cpb_max(0, length - length_of(board, end[2]));
    int64_t high = cpb_min(length, length_of(board, end[1]));
    if (low > high)
        return -1;
    const int64_t first = shift_at(board, end, low), last = shift_at(board, end, high);
    if (keeps_limits(climb, rank, first))
        return low;
    if (keeps_limits(climb, rank, last))
        return high;
    if ((first > 0) == (last > 0))
        return -1;
    while (high - low >= 2 * grid) {
        const int64_t middle = low + (high - low) / 2 / grid * grid;
        const int64_t shift = shift_at(board, end, middle);
        if (keeps_limits(climb, rank, shift))
            return middle;
        if ((shift > 0) == (first > 0))
            low = middle;
        else
            high = middle;
    }
    return -1;
}

/* A whole patch for ends of two: what one end alone cannot make up for. */
static bool split(cpb_climb *climb, const proposal *p, int of, cpb_swap *s)
{
    const cpb_board *const board = climb->board;
    cpb_patch_end end[3] = {p->end[of], p->end[1 - of]};
    const int32_t rank[2] = {p->rank[of], p->rank[1 - of]};
    if (p->joins[of] || !pick_third(climb, p, 1 - of, &end[2]))
        return false;
    const int64_t length = length_of(board, end[0]);
    const int64_t at = solve_split(climb, rank, end);
    if (at < 0)
        return false;
    s->rank[0] = rank[0];
    s->rank[1] = rank[1];
    s->shift = shift_at(board, end, at);
    s->n = 0;
    s->lot[s->n++] = cpb_swap_lot(board, end[0], length, 0);
    if (at)
        s->lot[s->n++] = cpb_swap_lot(board, end[1], at, 1);
    if (length - at)
        s->lot[s->n++] = cpb_swap_lot(board, end[2], length - at, 1);
    return true;
}

/* A shorter length with which loads keep their limits, found by proportion; 0 where none is
 * found. */
static int64_t shorten(const cpb_climb *climb, const proposal *p, int64_t shift)
{
    const int64_t step = climb->step;
    int64_t length = p->length;
    for (int i = 0; i < CUTS_TRIED && length > step; i++) {
        const bool loses = shift >= 0;
        const int64_t room = cpb_load_room(climb, p->rank[!loses], p->rank[loses]);
        const int64_t fit =
            (int64_t)((cpb_sum)length * room / (loses ? shift : -shift)) / step * step;
        length = cpb_max(step, cpb_min(fit, cpb_ceil_div(length * 3 / 4, step) * step));
        shift = cpb_swap_shift(climb->board, p->end[0], p->end[1], length);
        if (keeps_limits(climb, p->rank, shift))
            return length;
    }
    return 0;
}

bool cpb_propose(cpb_climb *climb, int32_t from, cpb_swap *s)
{
    const cpb_board *const board = climb->board;
    const int32_t id = cpb_pick_patch(climb, from); /* the first of two draws */
    proposal p = {.end = {{id, cpb_pick(climb, 2)}}, .rank = {from}};
    if (p.end[0].id < 0 || !pick_partner(climb, &p))
        return false;
    p.length = cpb_swap_most(board, p.end[0], p.end[1]);
    if (!cpb_pick(climb, 4)) {
        const int64_t steps = cpb_ceil_div(p.length, climb->step);
        p.length = cpb_min(p.length, (1 + cpb_pick(climb, steps)) * climb->step);
    }
    if (is_poor(board, &p) && cpb_pick(climb, NEW_PARTS))
        return false;
    const int64_t shift = cpb_swap_shift(board, p.end[0], p.end[1], p.length);
    if (!keeps_limits(climb, p.rank, shift)) {
        if ((p.joins[0] || p.joins[1]) && cpb_pick(climb, NEW_PARTS))
            return false;
        if (!cpb_cuts_cost(board->view) && split(climb, &p, (int)cpb_pick(climb, 2), s))
            return true;
        p.length = shorten(climb, &p, shift);
    }
    if (p.length)
        *s = cpb_swap_of(board, p.end[0], p.end[1], p.length);
    return p.length > 0;
}
