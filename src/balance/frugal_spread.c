// SPDX-License-Identifier: Apache-2.0
/* A document that others read is sent by whoever keeps it to everybody who has some of the
 * others. Spread over all ranks in equal parts, its keys load no rank more than they must;
 * the documents that nobody reads then stay whole where they fit. Beside it the layout of
 * long chunks, which spreads everything. */
#include "frugal_chunks.h"
#include "frugal_lay.h"

#include "../base/error.h"
#include "../mask/mask.h"

/* A document, rounded to the grid as isles are. */
typedef struct document {
    int32_t begin, end;
    bool read; /* by others */
} document;

typedef struct spread {
    cpb_board *board;
    size_t n;
    document *documents; /* [n] */
    int64_t *more;       /* [n + 1] readers, less those of the document before */
    int32_t *room;       /* [ranks] positions left */
    int64_t *part;       /* [ranks] grid steps of the document at hand */
    cpb_piece *pieces;
    size_t n_pieces;
} spread;

/* Documents `first` to `end` - 1 have one reader more. */
static void add_reader(spread *s, size_t first, size_t end)
{
    if (first < end) {
        s->more[first]++;
        s->more[end]--;
    }
}

/* Count the readers of a document's keys. */
static void count_readers(spread *s, size_t reader, size_t mask, cpb_range queries)
{
    const cpb_view *const view = s->board->view;
    cpb_range keys[CPB_NEED_ROOM];
    const size_t n = view->lookup->need(view->lookup, mask, queries, keys);
    for (size_t i = 0; i < n; i++) {
        const size_t first =
            cpb_document_of(view->n_documents, view->document_ends, keys[i].begin);
        const size_t end =
            cpb_document_of(view->n_documents, view->document_ends, keys[i].end - 1) +
            1;
        add_reader(s, first, end < reader ? end : reader);
        add_reader(s, first > reader ? first : reader + 1, end);
    }
}

static void find_read(spread *s)
{
    const cpb_view *const view = s->board->view;
    int64_t begin = 0, readers = 0;
    for (size_t d = 0; d < s->n; d++) {
        const cpb_range queries = {begin, view->document_ends[d]};
        begin = queries.end;
        for (size_t m = 0; m < view->n_masks && queries.begin < queries.end; m++)
            count_readers(s, d, m, queries);
    }
    for (size_t d = 0; d < s->n; d++) {
        readers += s->more[d];
        s->documents[d].read =
            readers > 0 && s->documents[d].begin < s->documents[d].end;
    }
}

/* Documents from grid step to grid step; the last one has the pads. */
static size_t find_documents(spread *s)
{
    const cpb_view *const view = s->board->view;
    size_t n_read = 0;
    int64_t begin = 0;
    for (size_t d = 0; d < s->n; d++) {
        const int64_t end =
            d + 1 < s->n ? cpb_ceil_div(view->document_ends[d], view->grid) * view->grid
                         : s->board->goals->positions;
        s->documents[d] = (document){(int32_t)begin, (int32_t)end, false};
        begin = end;
    }
    find_read(s);
    for (size_t d = 0; d < s->n; d++)
        n_read += s->documents[d].read;
    return n_read;
}

static void give(spread *s, int32_t rank, int32_t begin, int32_t end)
{
    if (begin >= end)
        return;
    s->pieces[s->n_pieces++] = (cpb_piece){rank, begin, end};
    s->room[rank] -= end - begin;
}

/* Head to tail over `n` ranks from `rank` on, which get part[rank] grid steps each. */
static void fold(spread *s, const document *d, int32_t rank, int32_t n)
{
    const int64_t grid = s->board->view->grid;
    int32_t low = d->begin, high = d->end;
    int64_t dealt = 0;
    for (int32_t r = rank; r < rank + n; r++) {
        dealt += s->part[r];
        const int32_t head = (int32_t)(d->begin + dealt / 2 * grid);
        const int32_t tail = (int32_t)(d->end - (dealt - dealt / 2) * grid);
        give(s, r, low, head);
        give(s, r, tail, high);
        low = head;
        high = tail;
    }
}

/* Over all ranks, in equal parts. */
static void deal_out(spread *s, const document *d)
{
    const int32_t ranks = s->board->view->ranks;
    const int64_t steps = (d->end - d->begin) / s->board->view->grid;
    for (int32_t r = 0; r < ranks; r++)
        s->part[r] = (r + 1) * steps / ranks - r * steps / ranks;
    fold(s, d, 0, ranks);
}

/* Longest first, to and fro over the ranks; what does not fit whole comes back as a
 * shorter list. */
static size_t deal_whole(spread *s, cpb_item *items, size_t n)
{
    const int32_t ranks = s->board->view->ranks;
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        const document *const d = &s->documents[items[i].value];
        const int32_t at = (int32_t)(i % (2 * (size_t)ranks));
        const int32_t rank = at < ranks ? at : 2 * ranks - 1 - at;
        if (d->end - d->begin <= s->room[rank])
            give(s, rank, d->begin, d->end);
        else
            items[left++] = items[i];
    }
    return left;
}

/* The rest fills the room that is left, rank after rank. */
static void deal_rest(spread *s, const cpb_item *items, size_t n)
{
    const int64_t grid = s->board->view->grid;
    int32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        const document *const d = &s->documents[items[i].value];
        int64_t left = (d->end - d->begin) / grid;
        int32_t end = rank;
        for (; left > 0; left -= s->part[end++])
            s->part[end] = cpb_min(left, s->room[end] / grid);
        fold(s, d, rank, end - rank);
        rank = s->room[end - 1] ? end - 1 : end;
    }
}

static bool has_room(const spread *s)
{
    for (int32_t r = 0; r < s->board->view->ranks; r++)
        if (s->room[r] < 0)
            return false;
    return true;
}

/* Pieces have a step of the grid at least. */
static size_t most_pieces(const spread *s, size_t whole)
{
    const size_t ranks = (size_t)s->board->view->ranks;
    size_t most = 2 * (whole + ranks);
    for (size_t d = 0; d < s->n; d++) {
        const document *const one = &s->documents[d];
        if (one->read)
            most += (size_t)cpb_min((one->end - one->begin) / s->board->view->grid,
                                    2 * (int64_t)ranks);
    }
    return most;
}

static cpb_status deal(spread *s, size_t n_read, bool *laid)
{
    cpb_board *const board = s->board;
    const size_t whole = s->n - n_read;
    cpb_item *const items = cpb_arena_take(board->arena, 2 * whole, sizeof *items);
    s->pieces = cpb_arena_take(board->arena, most_pieces(s, whole), sizeof *s->pieces);
    if (!items || !s->pieces)
        return CPB_NO_MEMORY;
    size_t n = 0;
    for (size_t d = 0; d < s->n; d++) {
        const document *const one = &s->documents[d];
        if (one->read)
            deal_out(s, one);
        else
            items[n++] =
                (cpb_item){(uint64_t)(INT32_MAX - one->end + one->begin), (int64_t)d};
    }
    *laid = has_room(s);
    if (!*laid)
        return CPB_OK;
    cpb_sort(items, items + whole, n);
    deal_rest(s, items, deal_whole(s, items, n));
    return cpb_lay_pieces(board, s->n_pieces, s->pieces);
}

cpb_status cpb_lay_spread(cpb_board *board, bool *laid)
{
    const cpb_view *const view = board->view;
    const size_t ranks = (size_t)view->ranks;
    spread s = {.board = board, .n = view->n_documents};
    *laid = false;
    s.documents = cpb_arena_take(board->arena, s.n, sizeof *s.documents);
    s.more = cpb_arena_zeros(board->arena, s.n + 1, sizeof *s.more);
    s.room = cpb_arena_take(board->arena, ranks, sizeof *s.room);
    s.part = cpb_arena_take(board->arena, ranks, sizeof *s.part);
    if (!s.documents || !s.more || !s.room || !s.part)
        return CPB_NO_MEMORY;
    for (size_t r = 0; r < ranks; r++)
        s.room[r] = board->goals->size[r];
    const size_t n_read = find_documents(&s);
    return n_read && 2 * n_read <= s.n ? deal(&s, n_read, laid) : CPB_OK;
}

/* In tokens: the default chunk of the balancer min-heap. */
enum { LONG_CHUNK = 512 };

cpb_status cpb_lay_long_chunks(cpb_board *board, bool *laid)
{
    const cpb_view *const view = board->view;
    const int64_t chunk = LONG_CHUNK;
    cpb_view long_view;
    cpb_status status = CPB_OK;
    *laid =
        chunk % view->grid == 0 && board->goals->positions % (chunk * view->ranks) == 0;
    if (!*laid)
        goto done;
    CPB_TRY(cpb_chunks_view(view, chunk, board->arena, &long_view));
    CPB_TRY(cpb_lay_dealt(board, cpb_balance_min_heap, &long_view));
done:
    return status;
}
