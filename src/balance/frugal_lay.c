// SPDX-License-Identifier: Apache-2.0
#include "frugal_lay.h"

#include "even.h"
#include "frugal_chunks.h"

/* Lay a piece on the board, isle by isle from its end. */
static cpb_status lay_piece(cpb_board *board, const cpb_piece *piece)
{
    int32_t end = piece->end == board->view->tokens + board->view->padding
                      ? (int32_t)board->goals->positions
                      : piece->end;
    while (piece->begin < end) {
        const int32_t isle = cpb_isles_at(board->isles, end - 1);
        const int32_t floor = isle ? board->isles->end[isle - 1] : 0;
        const int32_t begin = (int32_t)cpb_max(piece->begin, floor);
        const int32_t id = cpb_board_find(board, isle, begin);
        if (cpb_board_give(board, id, begin, end, piece->rank) < 0)
            return CPB_NO_MEMORY;
        end = begin;
    }
    return CPB_OK;
}

/* Lay pieces that cover everything on the board, from the last position to the first:
 * what is not laid yet is then the first patch of its isle, found at once. */
cpb_status cpb_lay_pieces(cpb_board *board, size_t n, const cpb_piece *pieces)
{
    cpb_item *const items = cpb_arena_take(board->arena, 2 * n, sizeof *items);
    if (!items)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        items[i] = (cpb_item){(uint64_t)pieces[i].begin, (int64_t)i};
    cpb_sort(items, items + n, n);
    cpb_board_clear(board);
    for (size_t i = n; i-- > 0;) {
        const cpb_piece *const piece = &pieces[items[i].value];
        if (piece->rank && lay_piece(board, piece) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return cpb_board_count(board);
}

cpb_status cpb_lay_contiguous(cpb_board *board)
{
    cpb_piece *const pieces =
        cpb_arena_take(board->arena, (size_t)board->view->ranks, sizeof *pieces);
    int32_t begin = 0;
    if (!pieces)
        return CPB_NO_MEMORY;
    for (int32_t r = 0; r < board->view->ranks; r++) {
        pieces[r] = (cpb_piece){r, begin, begin + board->goals->size[r]};
        begin = pieces[r].end;
    }
    return cpb_lay_pieces(board, (size_t)board->view->ranks, pieces);
}

cpb_status cpb_lay_dealt(cpb_board *board, cpb_balance_fn *balance,
                         const cpb_view *view)
{
    cpb_deal deal = {.arena = board->arena};
    const cpb_status status = balance(view, &deal, NULL);
    return status == CPB_OK ? cpb_lay_pieces(board, deal.n, deal.pieces) : status;
}

cpb_status cpb_lay_even(cpb_board *board, int64_t chunk)
{
    cpb_view view;
    const cpb_status status = cpb_chunks_view(board->view, chunk, board->arena, &view);
    return status == CPB_OK ? cpb_lay_dealt(board, cpb_balance_even, &view) : status;
}

cpb_status cpb_lay_per_document(cpb_board *board)
{
    return cpb_lay_dealt(board, cpb_balance_per_document, board->view);
}

/* The positions [begin, end) in head-tail's order to `n` ranks, two pieces each. */
static void deal_head_tail(const cpb_board *board, int32_t rank, int32_t n,
                           int64_t begin, int64_t end, cpb_piece *pieces)
{
    const int64_t grid = board->view->grid;
    int64_t dealt = 0, low = begin, high = end;
    for (int32_t r = rank; r < rank + n; r++) {
        dealt += board->goals->size[r];
        const int64_t head = begin + dealt / grid / 2 * grid;
        const int64_t tail = end - (dealt - (head - begin));
        pieces[2 * r] = (cpb_piece){r, (int32_t)low, (int32_t)head};
        pieces[2 * r + 1] = (cpb_piece){r, (int32_t)tail, (int32_t)high};
        low = head;
        high = tail;
    }
}

/* The ranks from `first` on that hold the positions from `begin` to the next end of an
 * isle which is the end of a rank's part too; `end` is it. */
static int32_t group_from(const cpb_board *board, int32_t first, int64_t begin,
                          int64_t *end)
{
    int32_t n = 0;
    *end = begin;
    while (first + n < board->view->ranks) {
        *end += board->goals->size[first + n++];
        if (*end > begin &&
            board->isles->end[cpb_isles_at(board->isles, *end - 1)] == *end)
            break;
    }
    return n;
}

/* Whether no rank's two pieces cost much more than its goal. */
static bool nearly_balanced(const cpb_board *board, const cpb_piece *pieces)
{
    const int64_t *const goal = board->goals->goal;
    for (int32_t r = 0; r < board->view->ranks; r++) {
        const cpb_piece *const head = &pieces[2 * r], *const tail = head + 1;
        const int64_t cost = cpb_board_cost(board, head->begin, head->end) +
                             cpb_board_cost(board, tail->begin, tail->end);
        if (cost > goal[r] + goal[r] / 4)
            return false;
    }
    return true;
}

cpb_status cpb_lay_groups(cpb_board *board, bool *laid)
{
    const int32_t ranks = board->view->ranks;
    cpb_piece *const pieces =
        cpb_arena_take(board->arena, 2 * (size_t)ranks, sizeof *pieces);
    int64_t begin = 0, end;
    int32_t r = 0, n;
    if (!pieces)
        return CPB_NO_MEMORY;
    for (; r < ranks; r += n, begin = end) {
        n = group_from(board, r, begin, &end);
        deal_head_tail(board, r, n, begin, end, pieces);
    }
    *laid = nearly_balanced(board, pieces);
    return *laid ? cpb_lay_pieces(board, 2 * (size_t)ranks, pieces) : CPB_OK;
}

cpb_status cpb_lay_head_tail(cpb_board *board)
{
    const int32_t ranks = board->view->ranks;
    cpb_piece *const pieces =
        cpb_arena_take(board->arena, 2 * (size_t)ranks, sizeof *pieces);
    if (!pieces)
        return CPB_NO_MEMORY;
    deal_head_tail(board, 0, ranks, 0, board->goals->positions, pieces);
    return cpb_lay_pieces(board, 2 * (size_t)ranks, pieces);
}

/* Cost of a rank that holds [begin, begin + head) and the rest of its size before `end`. */
static int64_t cost_of_ends(const cpb_board *board, int32_t begin, int32_t end,
                            int32_t size, int32_t head)
{
    return cpb_board_cost(board, begin, begin + head) +
           cpb_board_cost(board, end - (size - head), end);
}

/* The shortest head of whole steps with which a rank costs no more than `most`, by
 * halving. */
static int32_t shortest_head(const cpb_board *board, int32_t begin, int32_t end,
                             int32_t size, int64_t most, int32_t step)
{
    int32_t low = -1, high = size / step;
    if (cost_of_ends(board, begin, end, size, 0) <= most)
        return 0;
    while (high - low > 1) {
        const int32_t middle = low + (high - low) / 2;
        if (cost_of_ends(board, begin, end, size, middle * step) > most)
            low = middle;
        else
            high = middle;
    }
    return high * step;
}

cpb_status cpb_lay_two_ended(cpb_board *board, const int64_t *most, int64_t step)
{
    const size_t ranks = (size_t)board->view->ranks;
    cpb_piece *const pieces = cpb_arena_take(board->arena, 2 * ranks, sizeof *pieces);
    int32_t begin = 0, end = (int32_t)board->goals->positions;
    if (!pieces)
        return CPB_NO_MEMORY;
    for (size_t r = ranks; r-- > 0;) {
        const int32_t size = board->goals->size[r];
        const int32_t head =
            shortest_head(board, begin, end, size, most[r], (int32_t)step);
        pieces[2 * r] = (cpb_piece){(int32_t)r, begin, begin + head};
        pieces[2 * r + 1] = (cpb_piece){(int32_t)r, end - (size - head), end};
        begin += head;
        end -= size - head;
    }
    return cpb_lay_pieces(board, 2 * ranks, pieces);
}
