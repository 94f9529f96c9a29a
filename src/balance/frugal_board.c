// SPDX-License-Identifier: Apache-2.0
/* Who holds what, as patches that change hands. */
#include "frugal_board.h"

#include <string.h>

static cpb_status grow(cpb_board *board)
{
    const size_t masks = board->view->n_masks, n = (size_t)board->room;
    const size_t room = 2 * n;
    cpb_patch *const patch = cpb_arena_take(board->arena, room, sizeof *patch);
    cpb_patch_need *need = NULL;
    if (!patch)
        return CPB_NO_MEMORY;
    memcpy(patch, board->patch, n * sizeof *patch);
    if (board->need) {
        need = cpb_arena_take(board->arena, room * masks, sizeof *need);
        if (!need)
            return CPB_NO_MEMORY;
        memcpy(need, board->need, n * masks * sizeof *need);
    }
    board->patch = patch;
    board->need = need;
    board->room = (int32_t)room;
    return CPB_OK;
}

/* Of all masks where every query of them sees its island up to itself, else 0. */
static int64_t nested_weight(const cpb_view *view)
{
    int64_t weight = 0;
    for (size_t m = 0; m < view->n_masks; m++) {
        if (!view->nested[m])
            return 0;
        weight += view->mask_weights[m];
    }
    return weight;
}

static bool all_nested(const cpb_view *view, const cpb_isles *isles)
{
    if (!nested_weight(view))
        return false;
    for (int32_t i = 0; i < isles->n; i++)
        if (!isles->single[i])
            return false;
    return true;
}

static bool take_ranks(cpb_board *b, size_t ranks)
{
    b->rank_first = cpb_arena_take(b->arena, ranks, sizeof *b->rank_first);
    b->rank_n = cpb_arena_take(b->arena, ranks, sizeof *b->rank_n);
    b->runs = cpb_arena_take(b->arena, ranks, sizeof *b->runs);
    b->load = cpb_arena_take(b->arena, ranks, sizeof *b->load);
    return b->rank_first && b->rank_n && b->runs && b->load;
}

static bool take_cards(cpb_board *b, size_t cards)
{
    b->in = cpb_arena_take(b->arena, cards, sizeof *b->in);
    b->out = cpb_arena_take(b->arena, cards, sizeof *b->out);
    b->mark = cpb_arena_zeros(b->arena, cards, sizeof *b->mark);
    b->reach = cpb_arena_take(b->arena, cards, sizeof *b->reach);
    b->touched = cpb_arena_take(b->arena, cards, sizeof *b->touched);
    b->touch_mark = cpb_arena_zeros(b->arena, cards, sizeof *b->touch_mark);
    b->old_in = cpb_arena_take(b->arena, cards, sizeof *b->old_in);
    b->old_out = cpb_arena_take(b->arena, cards, sizeof *b->old_out);
    return b->in && b->out && b->mark && b->reach && b->touched && b->touch_mark &&
           b->old_in && b->old_out;
}

/* Nothing is known of what a new patch needs. */
static void forget(cpb_board *board, int32_t id)
{
    const size_t masks = board->view->n_masks;
    for (size_t m = 0; board->need && m < masks; m++) {
        cpb_patch_need *const need = &board->need[(size_t)id * masks + m];
        need->begin = need->end = 0;
    }
}

cpb_status cpb_board_create(const cpb_view *view, const cpb_isles *isles,
                            const cpb_goals *goals, cpb_arena *arena, cpb_board *board)
{
    const int32_t cards = view->nodes ? view->nodes : view->ranks;
    const size_t room = 2 * ((size_t)isles->n + 4 * (size_t)view->ranks);
    const bool asks = !all_nested(view, isles);
    *board = (cpb_board){.view = view,
                         .isles = isles,
                         .goals = goals,
                         .arena = arena,
                         .per_card = view->ranks / cards,
                         .n_cards = cards,
                         .nested_weight = nested_weight(view),
                         .room = (int32_t)room};
    board->patch = cpb_arena_take(arena, room, sizeof *board->patch);
    board->isle_first = cpb_arena_take(arena, (size_t)isles->n, sizeof(int32_t));
    board->isle_before = cpb_arena_take(arena, (size_t)isles->n, sizeof(int64_t));
    if (asks)
        board->need = cpb_arena_take(arena, room * view->n_masks, sizeof *board->need);
    if (!board->patch || !board->isle_first || !board->isle_before ||
        !take_ranks(board, (size_t)view->ranks) || !take_cards(board, (size_t)cards) ||
        cpb_peers_create(arena, view->ranks, view->peers, &board->peers) != CPB_OK ||
        (asks && !board->need))
        return CPB_NO_MEMORY;
    for (int32_t i = 0; i < isles->n; i++)
        board->isle_before[i] =
            i ? view->lookup->before(view->lookup, isles->end[i - 1]) : 0;
    cpb_board_clear(board);
    return CPB_OK;
}

static void list(cpb_board *board, int32_t id, int32_t rank)
{
    cpb_patch *const p = &board->patch[id];
    p->rank = rank;
    p->back = -1;
    p->fore = board->rank_first[rank];
    if (p->fore >= 0)
        board->patch[p->fore].back = id;
    board->rank_first[rank] = id;
    board->rank_n[rank]++;
}

static void unlist(cpb_board *board, int32_t id)
{
    const cpb_patch *const p = &board->patch[id];
    if (p->fore >= 0)
        board->patch[p->fore].back = p->back;
    if (p->back >= 0)
        board->patch[p->back].fore = p->fore;
    else
        board->rank_first[p->rank] = p->fore;
    board->rank_n[p->rank]--;
}

void cpb_board_clear(cpb_board *board)
{
    const cpb_isles *const isles = board->isles;
    const size_t ranks = (size_t)board->view->ranks;
    const size_t cards = (size_t)board->n_cards;
    for (size_t r = 0; r < ranks; r++)
        board->rank_first[r] = -1;
    memset(board->rank_n, 0, ranks * sizeof *board->rank_n);
    memset(board->runs, 0, ranks * sizeof *board->runs);
    memset(board->load, 0, ranks * sizeof *board->load);
    memset(board->in, 0, cards * sizeof *board->in);
    memset(board->out, 0, cards * sizeof *board->out);
    cpb_peers_clear(&board->peers);
    board->total = 0;
    board->n = isles->n;
    board->spare = -1;
    board->last = isles->n - 1;
    board->runs[0] = 1;
    board->load[0] = board->goals->total;
    for (int32_t i = 0; i < isles->n; i++) {
        board->patch[i] = (cpb_patch){.begin = i ? isles->end[i - 1] : 0,
                                      .end = isles->end[i],
                                      .isle = i,
                                      .before = board->isle_before[i],
                                      .prev = i - 1,
                                      .next = i + 1 < isles->n ? i + 1 : -1};
        board->patch[i].cost =
            (i + 1 < isles->n ? board->isle_before[i + 1] : board->goals->total) -
            board->isle_before[i];
        board->isle_first[i] = i;
        list(board, i, 0);
        forget(board, i);
    }
}

cpb_status cpb_board_copy(const cpb_board *from, cpb_board *to)
{
    const size_t ranks = (size_t)from->view->ranks, cards = (size_t)from->n_cards;
    const size_t n = (size_t)from->n, masks = from->view->n_masks;
    while (to->room < from->n)
        if (grow(to) != CPB_OK)
            return CPB_NO_MEMORY;
    memcpy(to->patch, from->patch, n * sizeof *to->patch);
    if (to->need)
        memcpy(to->need, from->need, n * masks * sizeof *to->need);
    memcpy(to->isle_first, from->isle_first,
           (size_t)from->isles->n * sizeof *to->isle_first);
    memcpy(to->rank_first, from->rank_first, ranks * sizeof *to->rank_first);
    memcpy(to->rank_n, from->rank_n, ranks * sizeof *to->rank_n);
    memcpy(to->runs, from->runs, ranks * sizeof *to->runs);
    memcpy(to->load, from->load, ranks * sizeof *to->load);
    memcpy(to->in, from->in, cards * sizeof *to->in);
    memcpy(to->out, from->out, cards * sizeof *to->out);
    cpb_peers_copy(&from->peers, &to->peers);
    to->n = from->n;
    to->spare = from->spare;
    to->last = from->last;
    to->total = from->total;
    return CPB_OK;
}

/* Add the cost of a patch to its rank's load. */
static void price(cpb_board *board, int32_t id)
{
    const cpb_lookup *const lookup = board->view->lookup;
    cpb_patch *const p = &board->patch[id];
    p->cost = lookup->held ? lookup->held(lookup, (cpb_range){p->begin, p->end})
                           : cpb_patch_after(board, p) - p->before;
    board->load[p->rank] += p->cost;
}

/* Cut a patch at a position inside it; returns the patch behind the cut or -1. */
static int32_t cut(cpb_board *board, int32_t id, int32_t at)
{
    int32_t behind = board->spare;
    if (behind >= 0) {
        board->spare = board->patch[behind].next;
    } else {
        if (board->n == board->room && grow(board) != CPB_OK)
            return -1;
        behind = board->n++;
        forget(board, behind);
    }
    cpb_patch *const p = &board->patch[id], *const q = &board->patch[behind];
    *q = (cpb_patch){.begin = at,
                     .end = p->end,
                     .isle = p->isle,
                     .prev = id,
                     .next = p->next,
                     .before = board->view->lookup->before(board->view->lookup, at)};
    *(p->next >= 0 ? &board->patch[p->next].prev : &board->last) = behind;
    p->next = behind;
    p->end = at;
    list(board, behind, p->rank);
    board->load[p->rank] -= p->cost;
    price(board, id);
    price(board, behind);
    return behind;
}

/* Let a patch swallow the one behind it. */
static void swallow(cpb_board *board, int32_t id)
{
    cpb_patch *const p = &board->patch[id];
    const int32_t gone = p->next;
    const cpb_patch *const q = &board->patch[gone];
    unlist(board, gone);
    p->end = q->end;
    p->next = q->next;
    board->load[p->rank] -= p->cost + q->cost;
    *(p->next >= 0 ? &board->patch[p->next].prev : &board->last) = id;
    board->patch[gone].next = board->spare;
    board->spare = gone;
    price(board, id);
}

static bool same(const cpb_board *board, int32_t a, int32_t b)
{
    return a >= 0 && b >= 0 && board->patch[a].rank == board->patch[b].rank;
}

/* Count the runs of a patch's rank as if the patch were not (-1) or were (1) there. */
static void count_runs(cpb_board *board, int32_t id, int32_t sign)
{
    const cpb_patch *const p = &board->patch[id];
    board->runs[p->rank] +=
        sign * (1 - same(board, p->prev, id) - same(board, id, p->next));
}

int32_t cpb_board_give(cpb_board *board, int32_t id, int32_t begin, int32_t end,
                       int32_t rank)
{
    if (begin > board->patch[id].begin) {
        id = cut(board, id, begin);
        if (id < 0)
            return -1;
    }
    if (end < board->patch[id].end && cut(board, id, end) < 0)
        return -1;
    const cpb_patch *const piece = &board->patch[id];
    const int64_t cost = piece->cost;
    const int32_t old = board->patch[id].rank;
    count_runs(board, id, -1);
    unlist(board, id);
    list(board, id, rank);
    count_runs(board, id, 1);
    board->load[old] -= cost;
    board->load[rank] += cost;

    const int32_t isle = board->patch[id].isle;
    const int32_t next = board->patch[id].next, prev = board->patch[id].prev;
    if (same(board, id, next) && board->patch[next].isle == isle)
        swallow(board, id);
    if (same(board, prev, id) && board->patch[prev].isle == isle) {
        swallow(board, prev);
        id = prev;
    }
    return id;
}

int32_t cpb_board_find(const cpb_board *board, int32_t isle, int32_t position)
{
    int32_t id = board->isle_first[isle];
    while (board->patch[id].end <= position)
        id = board->patch[id].next;
    return id;
}
