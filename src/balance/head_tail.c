// SPDX-License-Identifier: Apache-2.0
/* Head-tail over the sequence or inside each document.
 *
 * Sources: PyTorch's _HeadTailLoadBalancer and _PerDocumentHeadTailLoadBalancer,
 * Megatron's and ring-flash-attention's zigzag, TransformerEngine's THD partition.
 * Where 2W divides every length the orders are theirs, position by position; elsewhere
 * the spare tokens rotate over the ranks. */
#include "balance.h"

#include "../base/range.h"

/* Whether `rank` is one of the `count` ranks turn, turn + 1, .. mod `ranks`. */
static bool has_turn(int32_t rank, int32_t turn, int64_t count, int32_t ranks)
{
    return (rank >= turn ? rank - turn : rank - turn + ranks) < count;
}

/* Cut a range into 2W pieces; rank r gets piece r and piece 2W - 1 - r. Spare tokens go
 * one at a time to the ranks from `turn` on, the first W to tails, the rest to heads. So
 * pieces differ by at most one token, and so do ranks after any number of folds whose
 * turns continue each other. Returns the turn of the next fold. */
static int32_t fold(cpb_deal *deal, cpb_range range, int32_t ranks, int32_t turn)
{
    const int64_t base = cpb_range_length(range) / (2 * (int64_t)ranks);
    const int64_t spare = cpb_range_length(range) % (2 * (int64_t)ranks);
    for (int32_t r = 0; r < ranks; r++) {
        const int64_t head = base + has_turn(r, turn, spare - ranks, ranks);
        const int64_t tail = base + has_turn(r, turn, spare, ranks);
        cpb_deal_add(deal, r, (cpb_range){range.begin, range.begin + head});
        cpb_deal_add(deal, r, (cpb_range){range.end - tail, range.end});
        range.begin += head;
        range.end -= tail;
    }
    return (int32_t)((turn + spare) % ranks);
}

cpb_status cpb_balance_head_tail(const cpb_view *view, cpb_deal *deal, cpb_error *error)
{
    (void)error;
    if (cpb_deal_reserve(deal, 2 * (size_t)view->ranks) != CPB_OK)
        return CPB_NO_MEMORY;
    fold(deal, (cpb_range){0, view->tokens + view->padding}, view->ranks, 0);
    return CPB_OK;
}

/* Document by document, rank by rank: read per rank this is PyTorch's rank-major layout,
 * read as one line it is the document-major layout of before. */
static void fold_documents(const cpb_view *view, cpb_deal *deal)
{
    int64_t begin = 0;
    int32_t turn = 0;
    for (size_t d = 0; d < view->n_documents; d++) {
        const int64_t end = view->document_ends[d];
        if (end > begin)
            turn = fold(deal, (cpb_range){begin, end}, view->ranks, turn);
        begin = end;
    }
}

/* Pieces with a token in them are at most 2W per document and at most the tokens. */
static size_t most_pieces(const cpb_view *view)
{
    const int64_t per_document = 2 * (int64_t)view->ranks;
    int64_t pieces = 0, begin = 0;
    for (size_t d = 0; d < view->n_documents; d++) {
        pieces += cpb_min(per_document, view->document_ends[d] - begin);
        begin = view->document_ends[d];
    }
    return (size_t)pieces;
}

/* Rotating spares leave every rank floor(tokens / W) or one more, so with equal sizes
 * each rank has room for exactly one pad or none. */
static void deal_pads(const cpb_view *view, cpb_deal *deal, int64_t *held)
{
    const int64_t size = (view->tokens + view->padding) / view->ranks;
    int64_t next = view->tokens;
    for (size_t i = 0; i < deal->n; i++)
        held[deal->pieces[i].rank] += deal->pieces[i].end - deal->pieces[i].begin;
    for (int32_t r = 0; r < view->ranks; r++) {
        const int64_t room = size - held[r];
        cpb_deal_add(deal, r, (cpb_range){next, next + room});
        next += room;
    }
}

cpb_status cpb_balance_per_document(const cpb_view *view, cpb_deal *deal,
                                    cpb_error *error)
{
    int64_t *const held = cpb_arena_zeros(deal->arena, (size_t)view->ranks, sizeof *held);
    (void)error;
    if (!held ||
        cpb_deal_reserve(deal, most_pieces(view) + (size_t)view->ranks) != CPB_OK)
        return CPB_NO_MEMORY;
    fold_documents(view, deal);
    if (view->padding)
        deal_pads(view, deal, held);
    return CPB_OK;
}

/* The documents' pieces one after the other, cut into W parts wherever that falls:
 * PyTorch's layout before July 2026, balanced only by luck. The line of pieces lies behind
 * what is dealt from it, which it stays ahead of: fewer than W pieces are cut. */
cpb_status cpb_balance_per_document_legacy(const cpb_view *view, cpb_deal *deal,
                                           cpb_error *error)
{
    const int64_t positions = view->tokens + view->padding;
    const size_t most = most_pieces(view) + 1, ranks = (size_t)view->ranks;
    (void)error;
    if (cpb_deal_reserve(deal, most + ranks) != CPB_OK)
        return CPB_NO_MEMORY;
    cpb_deal line = {.pieces = deal->pieces + ranks, .room = most};
    fold_documents(view, &line);
    cpb_deal_add(&line, 0, (cpb_range){view->tokens, positions});

    int64_t dealt = 0, part = positions / view->ranks; /* where the rank's part ends */
    int32_t r = 0;
    for (size_t i = 0; i < line.n; i++) {
        cpb_range piece = {line.pieces[i].begin, line.pieces[i].end};
        while (piece.begin < piece.end) {
            while (dealt == part)
                part = (++r + 1) * positions / view->ranks;
            const int64_t taken = cpb_min(part - dealt, cpb_range_length(piece));
            cpb_deal_add(deal, r, (cpb_range){piece.begin, piece.begin + taken});
            piece.begin += taken;
            dealt += taken;
        }
    }
    return CPB_OK;
}
