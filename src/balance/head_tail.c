// SPDX-License-Identifier: Apache-2.0
/* Head-tail over the sequence or inside each document.
 *
 * Sources: PyTorch's _HeadTailLoadBalancer and _PerDocumentHeadTailLoadBalancer,
 * Megatron's and ring-flash-attention's zigzag, TransformerEngine's THD partition.
 * Where 2W divides every length the orders are theirs, position by position; elsewhere
 * the spare tokens rotate (fold.c). */
#include "balance.h"
#include "fold.h"

#include "../base/range.h"

cpb_status cpb_balance_head_tail(const cpb_view *view, cpb_deal *deal, cpb_error *error)
{
    const cpb_fold whole = {{0, view->tokens + view->padding}, view->ranks, 0};
    (void)error;
    if (cpb_deal_reserve(deal, 2 * (size_t)view->ranks) != CPB_OK)
        return CPB_NO_MEMORY;
    for (int32_t r = 0; r < view->ranks; r++) {
        cpb_range head, tail;
        cpb_fold_pieces(&whole, r, &head, &tail);
        cpb_deal_add(deal, r, head);
        cpb_deal_add(deal, r, tail);
    }
    return CPB_OK;
}

/* Document by document, rank by rank: read per rank this is PyTorch's rank-major layout,
 * read as one line it is the document-major layout of before. */
static void fold_documents(const cpb_view *view, cpb_deal *deal)
{
    cpb_fold fold = {{0, 0}, view->ranks, 0};
    for (size_t d = 0; d < view->n_documents; d++) {
        fold.range = (cpb_range){fold.range.end, view->document_ends[d]};
        for (int32_t r = 0; r < view->ranks; r++) {
            cpb_range head, tail;
            cpb_fold_pieces(&fold, r, &head, &tail);
            cpb_deal_add(deal, r, head);
            cpb_deal_add(deal, r, tail);
        }
        fold.turn = cpb_fold_next_turn(&fold);
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
        held[deal->pieces[i].rank] += cpb_range_length(deal->pieces[i].range);
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
 * PyTorch's layout before July 2026, balanced only by luck. */
cpb_status cpb_balance_per_document_legacy(const cpb_view *view, cpb_deal *deal,
                                           cpb_error *error)
{
    const int64_t positions = view->tokens + view->padding;
    const size_t most = most_pieces(view) + 1;
    cpb_deal line = {.arena = deal->arena};
    (void)error;
    if (cpb_deal_reserve(&line, most) != CPB_OK ||
        cpb_deal_reserve(deal, most + (size_t)view->ranks) != CPB_OK)
        return CPB_NO_MEMORY;
    fold_documents(view, &line);
    cpb_deal_add(&line, 0, (cpb_range){view->tokens, positions});

    int64_t dealt = 0;
    int32_t r = 0;
    for (size_t i = 0; i < line.n; i++) {
        cpb_range piece = line.pieces[i].range;
        while (piece.begin < piece.end) {
            while (dealt == (r + 1) * positions / view->ranks)
                r++;
            const int64_t room = (r + 1) * positions / view->ranks - dealt;
            const int64_t taken = cpb_min(room, cpb_range_length(piece));
            cpb_deal_add(deal, r, (cpb_range){piece.begin, piece.begin + taken});
            piece.begin += taken;
            dealt += taken;
        }
    }
    return CPB_OK;
}
