// SPDX-License-Identifier: Apache-2.0
/* One kind of step: the ends of two patches of different ranks change hands, equally many
 * positions of each. Sizes stay, and only the isles of both patches are counted anew. */
#include "frugal_climb.h"

#include "../base/range.h"

enum { UNIT_BITS = 16, CLIP_BITS = 24 };

/* Weights of the worth, found by experiment: how the total counts against the busiest
 * card, what a run and what a load above its limit cost in positions. */
enum { LINEAR_BITS = 3 * UNIT_BITS - 1, RUN_KEYS = 64, LOAD_FACTOR = 1024 };

/* What a peer above the limit costs: the worth of this many busiest cards. */
enum { PEER_CARDS = 2 };

/* Swaps that a repair chooses from, and from how many before it gives up. */
enum { SAMPLES = 32, MOST_SAMPLES = 512 };

static uint64_t draw(cpb_climb *climb)
{
    climb->seed ^= climb->seed << 13;
    climb->seed ^= climb->seed >> 7;
    climb->seed ^= climb->seed << 17;
    return climb->seed;
}

/* 0 .. n - 1 */
static int64_t pick(cpb_climb *climb, int64_t n)
{
    return (int64_t)((draw(climb) >> 32) * (uint64_t)n >> 32);
}

/* A tile, or what the grid allows of it. */
static int64_t step_of(const cpb_view *view)
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
    climb->step = step_of(board->view);
}

static cpb_sum scaled(const cpb_climb *climb, int64_t keys)
{
    return climb->shift >= 0 ? (cpb_sum)keys << climb->shift : keys >> -climb->shift;
}

static cpb_sum worth_of(const cpb_climb *climb, int64_t keys)
{
    const cpb_sum x = scaled(climb, keys);
    const cpb_sum y = x >> CLIP_BITS ? (cpb_sum)1 << CLIP_BITS : x;
    return y * y * y * y + climb->per_key * x;
}

static cpb_sum runs_worth(const cpb_climb *climb, int32_t rank)
{
    return climb->per_key * scaled(climb, RUN_KEYS) * climb->board->runs[rank];
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
        worth += runs_worth(climb, r) + load_worth(climb, r);
    return worth;
}

int64_t cpb_climb_excess(const cpb_climb *climb)
{
    int64_t excess = INT64_MIN;
    for (int32_t r = 0; r < climb->board->view->ranks; r++)
        excess = cpb_max(excess, climb->board->load[r] - climb->limit[r]);
    return excess;
}

/* The end of a patch. */
typedef struct side {
    int32_t id;
    bool tail;
} side;

/* Two pieces change hands. */
typedef struct swap {
    int32_t rank[2];
    int32_t isle[2];
    cpb_range piece[2]; /* piece[i] belongs to rank[i] */
    int64_t shift;      /* load that rank[0] loses */
} swap;

static cpb_range piece_of(const cpb_board *board, side s, int64_t length)
{
    const cpb_patch *const p = &board->patch[s.id];
    return s.tail ? (cpb_range){p->end - length, p->end}
                  : (cpb_range){p->begin, p->begin + length};
}

/* What a piece at the end of a patch costs. */
static int64_t piece_cost(const cpb_board *board, side s, int64_t length)
{
    const cpb_lookup *const lookup = board->view->lookup;
    const cpb_patch *const p = &board->patch[s.id];
    const int64_t after = cpb_patch_after(board, p);
    if (length == p->end - p->begin)
        return after - p->before;
    return s.tail ? after - lookup->before(lookup, p->end - length)
                  : lookup->before(lookup, p->begin + length) - p->before;
}

static swap swap_of(const cpb_board *board, side a, side b, int64_t length)
{
    return (swap){
        .rank = {board->patch[a.id].rank, board->patch[b.id].rank},
        .isle = {board->patch[a.id].isle, board->patch[b.id].isle},
        .piece = {piece_of(board, a, length), piece_of(board, b, length)},
        .shift = piece_cost(board, a, length) - piece_cost(board, b, length),
    };
}

/* Give piece i to a rank. */
static void hand(cpb_climb *climb, const swap *s, int i, int32_t rank)
{
    cpb_board *const board = climb->board;
    const int32_t id = cpb_board_find(board, s->isle[i], (int32_t)s->piece[i].begin);
    if (cpb_board_give(board, id, (int32_t)s->piece[i].begin, (int32_t)s->piece[i].end,
                       rank) < 0)
        climb->failed = true;
}

static void flow(cpb_climb *climb, const swap *s, int64_t sign)
{
    cpb_board *const board = climb->board;
    if (s->rank[0] / board->per_card == s->rank[1] / board->per_card)
        return;
    if (cpb_board_flow(board, s->isle[0], sign) != CPB_OK ||
        (s->isle[1] != s->isle[0] && cpb_board_flow(board, s->isle[1], sign) != CPB_OK))
        climb->failed = true;
}

static void link(cpb_climb *climb, const swap *s, int32_t sign)
{
    if (cpb_board_link(climb->board, s->isle, sign) != CPB_OK)
        climb->failed = true;
}

/* Carry a swap out; returns how the worth changes. */
static cpb_sum carry_out(cpb_climb *climb, const swap *s)
{
    cpb_board *const board = climb->board;
    cpb_sum change = -peers_worth(climb) - runs_worth(climb, s->rank[0]) -
                     runs_worth(climb, s->rank[1]);
    cpb_board_begin(board);
    flow(climb, s, -1);
    link(climb, s, -1);
    hand(climb, s, 0, s->rank[1]);
    hand(climb, s, 1, s->rank[0]);
    flow(climb, s, 1);
    link(climb, s, 1);
    change += peers_worth(climb) + runs_worth(climb, s->rank[0]) +
              runs_worth(climb, s->rank[1]);
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

static void take_back(cpb_climb *climb, const swap *s)
{
    link(climb, s, -1);
    hand(climb, s, 1, s->rank[1]);
    hand(climb, s, 0, s->rank[0]);
    link(climb, s, 1);
    cpb_board_revert(climb->board);
}

/* Whether no load gets further above its limit. */
static bool keeps_limits(const cpb_climb *climb, const swap *s)
{
    const cpb_board *const board = climb->board;
    const int64_t *const load = board->load, *const limit = climb->limit;
    const int32_t a = s->rank[0], b = s->rank[1];
    return s->shift >= 0 ? load[b] + s->shift <= cpb_max(limit[b], load[a])
                         : load[a] - s->shift <= cpb_max(limit[a], load[b]);
}

/* Both ends must leave nothing or enough of their patch. */
static int64_t most_of(const cpb_board *board, side a, side b)
{
    const cpb_patch *const p = &board->patch[a.id], *const q = &board->patch[b.id];
    return cpb_min(p->end - p->begin, q->end - q->begin);
}

/* A patch of a rank. */
static int32_t pick_patch(cpb_climb *climb, int32_t rank)
{
    const cpb_board *const board = climb->board;
    if (!board->rank_n[rank])
        return -1;
    int32_t id = board->rank_first[rank];
    for (int64_t i = pick(climb, board->rank_n[rank]); i > 0; i--)
        id = board->patch[id].fore;
    return id;
}

/* The length at which the load of `a` falls by `wanted`, by halving. */
static int64_t solve_length(const cpb_climb *climb, side a, side b, int64_t wanted)
{
    const int64_t step = climb->step;
    const int64_t most = most_of(climb->board, a, b);
    if (swap_of(climb->board, a, b, most).shift <= wanted)
        return most;
    int64_t low = 0, high = most;
    while (high - low > step) {
        const int64_t middle = low + cpb_ceil_div((high - low) / 2, step) * step;
        if (middle >= high)
            break;
        if (swap_of(climb->board, a, b, middle).shift < wanted)
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

/* The swap of two random ends that moves up to `excess` of the load to another rank, as
 * far as that has room; false where there is none. */
static bool propose_relief(cpb_climb *climb, int32_t high, int32_t other, swap *s)
{
    const cpb_board *const board = climb->board;
    const int64_t excess = board->load[high] - climb->limit[high];
    const int64_t room = climb->limit[other] - board->load[other];
    if (other == high || room <= 0)
        return false;
    const side a = {pick_patch(climb, high), pick(climb, 2)};
    const side b = {pick_patch(climb, other), pick(climb, 2)};
    if (a.id < 0 || b.id < 0)
        return false;
    *s = swap_of(board, a, b, solve_length(climb, a, b, cpb_min(excess, room)));
    return s->shift > 0 && s->shift < excess + room;
}

/* Carry out the one of several swaps that does least harm for the load it moves. */
static bool relieve(cpb_climb *climb, int32_t high, int32_t low, int samples)
{
    swap best = {.shift = 0};
    cpb_sum least = 0;
    for (int i = 0; i < samples && !climb->failed; i++) {
        const int32_t other =
            i % 2 ? low : (int32_t)pick(climb, climb->board->view->ranks);
        swap s;
        if (!propose_relief(climb, high, other, &s))
            continue;
        const int64_t excess = climb->board->load[high] - climb->limit[high];
        const cpb_sum rate = carry_out(climb, &s) / cpb_min(s.shift, excess);
        take_back(climb, &s);
        if (!best.shift || rate < least) {
            best = s;
            least = rate;
        }
    }
    if (!best.shift || climb->failed)
        return false;
    carry_out(climb, &best);
    return true;
}

cpb_status cpb_climb_repair(cpb_climb *climb, int64_t rounds)
{
    const cpb_view *const view = climb->board->view;
    int samples = SAMPLES;
    for (; rounds > 0 && !climb->failed; rounds--) {
        int32_t high = 0, low = 0;
        extremes(climb, &high, &low);
        if (climb->board->load[high] <= climb->limit[high])
            break;
        samples = relieve(climb, high, low, samples) ? SAMPLES : samples * 4;
        if (samples <= MOST_SAMPLES)
            continue;
        if (climb->step == view->grid)
            break;
        climb->step = view->grid; /* tiles are too coarse for what is left */
        samples = SAMPLES;
    }
    climb->step = step_of(view);
    return climb->failed ? CPB_NO_MEMORY : CPB_OK;
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

/* Another patch of the same isle, near or far; -1 where there is none. */
static int32_t pick_neighbour(cpb_climb *climb, int32_t id)
{
    const cpb_board *const board = climb->board;
    const cpb_patch *const p = &board->patch[id];
    const bool up = pick(climb, 2);
    int32_t other = up ? p->next : p->prev;
    for (int64_t skip = pick(climb, 4) ? 0 : pick(climb, 8);
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

/* Choose what to swap: the end of a patch and that of one of another rank, preferably of
 * one with which it shares an isle. */
static bool propose(cpb_climb *climb, int32_t from, swap *s)
{
    const cpb_board *const board = climb->board;
    const int64_t step = climb->step;
    side a = {pick_patch(climb, from), pick(climb, 2)}, b;
    if (a.id < 0)
        return false;
    const int32_t near = pick_neighbour(climb, a.id);
    if (near >= 0 && pick(climb, 16)) {
        b.id = near;
        if (pick(climb, 3))
            b.id = pick_patch(climb, board->patch[near].rank);
    } else {
        b.id = pick_patch(climb, (int32_t)pick(climb, board->view->ranks));
    }
    if (b.id < 0 || board->patch[b.id].rank == board->patch[a.id].rank)
        return false;
    b.tail = pick(climb, 2);
    const int64_t most = most_of(board, a, b);
    int64_t length = most;
    if (!pick(climb, 4))
        length = cpb_min(most, (1 + pick(climb, cpb_ceil_div(most, step))) * step);
    *s = swap_of(board, a, b, length);
    for (int i = 0; i < 6 && length > step && !keeps_limits(climb, s); i++) {
        length = cpb_ceil_div(length / 2, step) * step;
        *s = swap_of(board, a, b, length);
    }
    return keeps_limits(climb, s);
}

bool cpb_climb_step(cpb_climb *climb, cpb_sum most)
{
    cpb_board *const board = climb->board;
    swap s;
    board->looked++;
    if (climb->steps++ % 16 == 0) {
        climb->card = busiest(board);
        climb->rank = most_linked(board);
    }
    int32_t from = climb->card * board->per_card;
    if (!pick(climb, 2))
        from = (int32_t)pick(climb, board->view->ranks);
    else if (board->peers.excess && pick(climb, 2))
        from = climb->rank;
    else
        from += (int32_t)pick(climb, board->per_card);
    if (!propose(climb, from, &s))
        return false;
    if (carry_out(climb, &s) <= most)
        return true;
    take_back(climb, &s);
    return false;
}

cpb_status cpb_climb_run(cpb_climb *climb, int64_t effort)
{
    const int64_t end = climb->board->looked + effort;
    while (climb->board->looked < end && !climb->failed)
        cpb_climb_step(climb, 0);
    return climb->failed ? CPB_NO_MEMORY : CPB_OK;
}
