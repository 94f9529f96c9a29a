// SPDX-License-Identifier: Apache-2.0
/* What a swap of ends of patches would change, while nothing changes hands: most swaps are
 * turned down. Each island that it cuts is walked once, from its end, and what both ranks
 * need and send is counted as it is and as it would be. Others send more or less only
 * between the last positions that the two have now and would have then. */
#include "frugal_reckon.h"

#include <string.h>

enum { NOW, THEN };

/* Ends of pieces. */
enum { MOST_CUTS = 2 * CPB_SWAP_LOTS };

/* An island, seen by the cards of the two ranks of a swap. */
typedef struct walk {
    cpb_board *board;
    const cpb_swap *swap;
    cpb_range island;
    int64_t lowest; /* position that changes hands */
    int32_t card[2];
    int64_t others;        /* cards met so far */
    bool met[2][2];        /* NOW or THEN: whether a card was */
    int64_t in[2], out[2]; /* more keys THEN */
} walk;

bool cpb_reckons(const cpb_board *board)
{
    return board->nested_weight && !board->peers.links;
}

/* The rank of `side` holds a range, whose keys go to every card that was met. */
static void hold(walk *w, int when, int side, int64_t begin, int64_t end)
{
    const int64_t sign = when == THEN ? 1 : -1;
    begin = cpb_max(begin, w->island.begin);
    end = cpb_min(end, w->island.end);
    if (begin >= end)
        return;
    const int64_t length = end - begin;
    w->in[side] += sign * ((w->met[when][side] ? 0 : end - w->island.begin) - length);
    w->out[side] += sign * length * (w->others + w->met[when][1 - side]);
    w->met[when][side] = true;
}

static void meet_side(walk *w, const cpb_patch *p, int side)
{
    const cpb_swap *const s = w->swap;
    hold(w, NOW, side, p->begin, p->end);
    for (int32_t i = 0; i < s->n; i++) {
        const cpb_range piece = s->lot[i].piece;
        if (piece.begin < p->begin || piece.end > p->end)
            continue;
        hold(w, THEN, side, piece.end, p->end);
        hold(w, THEN, 1 - side, piece.begin, piece.end);
        hold(w, THEN, side, p->begin, piece.begin);
        return;
    }
    hold(w, THEN, side, p->begin, p->end);
}

static void meet_other(walk *w, const cpb_patch *p, int32_t card)
{
    cpb_board *const board = w->board;
    const int more =
        w->met[THEN][0] + w->met[THEN][1] - w->met[NOW][0] - w->met[NOW][1];
    const int64_t length =
        cpb_min(p->end, w->island.end) - cpb_max(p->begin, w->island.begin);
    if (length <= 0)
        return;
    if (board->mark[card] != board->stamp) {
        board->mark[card] = board->stamp;
        w->others++;
    }
    if (more)
        cpb_board_add(board, card, 0, board->nested_weight * length * more);
}

/* Whether nothing before a position changes. */
static bool is_past(const walk *w, int64_t position)
{
    return position <= w->island.begin ||
           (position <= w->lowest && w->met[NOW][0] == w->met[THEN][0] &&
            w->met[NOW][1] == w->met[THEN][1]);
}

/* Walk an island from the patch that holds its end. */
static void walk_island(walk *w, int32_t id)
{
    cpb_board *const board = w->board;
    w->island.end = cpb_min(w->island.end, board->view->tokens);
    w->others = 0;
    memset(w->met, 0, sizeof w->met);
    board->stamp++;
    for (;; id = board->patch[id].prev) {
        const cpb_patch *const p = &board->patch[id];
        const int32_t card = p->rank / board->per_card;
        board->looked++;
        if (card == w->card[0] || card == w->card[1])
            meet_side(w, p, card == w->card[1]);
        else
            meet_other(w, p, card);
        if (is_past(w, p->begin))
            break;
    }
}

/* The patch with an island's end, from patch `id` on, which has an earlier part of it. */
static int32_t last_of(const cpb_board *board, int32_t id, int64_t island_end)
{
    const int32_t isle = board->patch[id].isle;
    if (board->isles->end[isle] == island_end)
        return cpb_board_last(board, isle);
    while (board->patch[id].end < island_end)
        id = board->patch[id].next;
    return id;
}

void cpb_reckon_flow(cpb_board *board, const cpb_swap *s)
{
    walk w = {.board = board,
              .swap = s,
              .lowest = INT64_MAX,
              .card = {s->rank[0] / board->per_card, s->rank[1] / board->per_card}};
    int64_t walked[MOST_CUTS];
    int32_t n = 0;
    if (w.card[0] == w.card[1])
        return;
    for (int32_t i = 0; i < 2 * s->n; i++) {
        const cpb_lot *const lot = &s->lot[i / 2];
        const int64_t cut = i % 2 ? lot->piece.end : lot->piece.begin;
        if (cut >= board->isles->end[lot->isle])
            continue;
        w.island = cpb_board_island(board, lot->isle, cut);
        int32_t k = 0;
        while (k < n && walked[k] != w.island.begin)
            k++;
        if (k < n || w.island.begin == cut)
            continue;
        walked[n++] = w.island.begin;
        w.lowest = INT64_MAX;
        for (k = 0; k < s->n; k++)
            if (s->lot[k].isle == lot->isle)
                w.lowest = cpb_min(w.lowest, s->lot[k].piece.begin);
        walk_island(&w, last_of(board, lot->patch, w.island.end));
    }
    for (int i = 0; i < 2; i++)
        cpb_board_add(board, w.card[i], board->nested_weight * w.in[i],
                      board->nested_weight * w.out[i]);
}

/* Who holds a position of a patch THEN. */
static int32_t owner(const cpb_swap *s, const cpb_patch *p, int64_t position)
{
    for (int32_t i = 0; i < s->n; i++)
        if (position >= s->lot[i].piece.begin && position < s->lot[i].piece.end)
            return s->rank[1 - s->lot[i].of];
    return p->rank;
}

/* Runs that begin between two positions of patches next to each other, or of one. */
static int32_t begins(const cpb_swap *s, const cpb_patch *p, const cpb_patch *q,
                      int64_t at)
{
    return (owner(s, p, at - 1) != owner(s, q, at)) - (p->rank != q->rank);
}

int32_t cpb_reckon_runs(const cpb_board *board, const cpb_swap *s)
{
    int32_t more = 0;
    for (int32_t i = 0; i < s->n; i++) {
        const cpb_range piece = s->lot[i].piece;
        const cpb_patch *const p = &board->patch[s->lot[i].patch];
        bool counted = false;
        for (int32_t k = 0; k < s->n; k++)
            counted |= s->lot[k].piece.end == piece.begin;
        if (piece.begin > p->begin)
            more += begins(s, p, p, piece.begin);
        else if (p->prev >= 0 && !counted)
            more += begins(s, &board->patch[p->prev], p, piece.begin);
        if (piece.end < p->end)
            more += begins(s, p, p, piece.end);
        else if (p->next >= 0)
            more += begins(s, p, &board->patch[p->next], piece.end);
    }
    return more;
}
