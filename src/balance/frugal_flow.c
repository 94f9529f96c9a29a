// SPDX-License-Identifier: Apache-2.0
/* Traffic inside an isle: what each card needs and does not hold, and who holds it. */
#include "frugal_board.h"

void cpb_board_begin(cpb_board *board)
{
    board->touch_stamp++;
    board->n_touched = 0;
}

void cpb_board_revert(cpb_board *board)
{
    for (int32_t i = 0; i < board->n_touched; i++) {
        const int32_t card = board->touched[i];
        board->total += board->old_in[i] - board->in[card];
        board->in[card] = board->old_in[i];
        board->out[card] = board->old_out[i];
    }
}

void cpb_board_add(cpb_board *board, int32_t card, int64_t in, int64_t out)
{
    if (board->touch_mark[card] != board->touch_stamp) {
        const int32_t i = board->n_touched++;
        board->touch_mark[card] = board->touch_stamp;
        board->touched[i] = card;
        board->old_in[i] = board->in[card];
        board->old_out[i] = board->out[card];
    }
    board->in[card] += in;
    board->out[card] += out;
    board->total += in;
}

cpb_range cpb_board_island(const cpb_board *board, int32_t isle, int64_t position)
{
    const cpb_view *const view = board->view;
    const cpb_range all = {board->patch[board->isle_first[isle]].begin,
                           board->isles->end[isle]};
    size_t low = 0, high = view->n_islands;
    if (board->isles->single[isle])
        return all;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (view->island_ends[middle] <= position)
            low = middle + 1;
        else
            high = middle;
    }
    const int64_t begin = low ? view->island_ends[low - 1] : 0;
    const int64_t end = low < view->n_islands ? view->island_ends[low] : all.end;
    return cpb_range_intersect((cpb_range){begin, end}, all);
}

/* Every query sees its island up to itself, so a card needs everything of it before its
 * last position. Seen from the end, a patch goes to every card that was met, but its own.
 * `last` holds the island's end; returns the patch with its begin. */
static int32_t flow_nested(cpb_board *board, cpb_range island, int32_t last,
                           int64_t weight)
{
    const int64_t island_end = cpb_min(island.end, board->view->tokens);
    int64_t met = 0;
    int32_t id = last;
    board->stamp++;
    for (;; id = board->patch[id].prev) {
        const cpb_patch *const p = &board->patch[id];
        const int32_t card = p->rank / board->per_card;
        const int64_t begin = cpb_max(p->begin, island.begin);
        const int64_t end = cpb_min(p->end, island_end), length = end - begin;
        if (length > 0) {
            int64_t in = -length;
            if (board->mark[card] != board->stamp) {
                board->mark[card] = board->stamp;
                in += end - island.begin;
                met++;
            }
            cpb_board_add(board, card, weight * in, weight * length * (met - 1));
        }
        if (p->begin <= island.begin)
            return id;
    }
}

/* Only islands that are cut have traffic. */
static void flow_islands(cpb_board *board, int32_t isle, int32_t last, int64_t weight)
{
    const int32_t first = board->isle_first[isle];
    for (int32_t id = last; id != first;) {
        const int64_t cut = board->patch[id].begin;
        const cpb_range island = cpb_board_island(board, isle, cut);
        id = island.begin < cut ? flow_nested(board, island, id, weight)
                                : board->patch[id].prev;
    }
}

static cpb_status more_keys(cpb_board *board, size_t wanted)
{
    if (wanted <= board->keys_room)
        return CPB_OK;
    const size_t room = 2 * wanted;
    board->keys = cpb_arena_take(board->arena, 2 * room, sizeof *board->keys);
    board->keys_room = board->keys ? room : 0;
    return board->keys ? CPB_OK : CPB_NO_MEMORY;
}

static cpb_status more_row(cpb_board *board)
{
    const size_t room = 2 * board->row_room + 64;
    int32_t *const row = cpb_arena_take(board->arena, room, sizeof *row);
    if (!row)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < board->row_room; i++)
        row[i] = board->row[i];
    board->row = row;
    board->row_room = room;
    return CPB_OK;
}

/* The patches of an isle in a row, for searching, after that before it for a guest. */
static cpb_status lay_row(cpb_board *board, int32_t isle, bool guest, size_t *n)
{
    const int32_t first = board->isle_first[isle];
    size_t count = 0;
    for (int32_t id = guest ? board->patch[first].prev : first;
         id >= 0 && board->patch[id].isle <= isle; id = board->patch[id].next) {
        if (count == board->row_room && more_row(board) != CPB_OK)
            return CPB_NO_MEMORY;
        board->row[count++] = id;
    }
    *n = count;
    return CPB_OK;
}

/* The first patch of the row that ends behind a position. */
static size_t first_behind(const cpb_board *board, size_t n, int64_t position)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (board->patch[board->row[middle]].end <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A card needs these keys: those of other cards it gets. */
static void fetch(cpb_board *board, size_t n, int32_t card, cpb_range keys,
                  int64_t weight)
{
    for (size_t i = first_behind(board, n, keys.begin); i < n; i++) {
        const cpb_patch *const p = &board->patch[board->row[i]];
        if (p->begin >= keys.end)
            break;
        const int32_t owner = p->rank / board->per_card;
        const int64_t length =
            cpb_min(p->end, keys.end) - cpb_max(p->begin, keys.begin);
        board->looked++;
        if (owner == card)
            continue;
        cpb_board_add(board, card, weight * length, 0);
        cpb_board_add(board, owner, 0, weight * length);
    }
}

/* What a patch needs under one mask: asked again once the patch has become another. */
static const cpb_patch_need *need_of(cpb_board *board, int32_t id, size_t mask)
{
    const cpb_view *const view = board->view;
    const cpb_patch *const p = &board->patch[id];
    const int64_t end = cpb_min(p->end, view->tokens);
    cpb_patch_need *const need = &board->need[(size_t)id * view->n_masks + mask];
    if (need->begin == p->begin && need->end == p->end)
        return need;
    const bool known = view->nested[mask] && board->isles->single[p->isle];
    need->begin = p->begin;
    need->end = p->end;
    need->n = 0;
    if (p->begin < end && !known)
        need->n = (int32_t)view->lookup->need(view->lookup, mask,
                                              (cpb_range){p->begin, end}, need->keys);
    return need;
}

/* Needs of all patches of the isle as items: card and begin, end. */
static cpb_status gather_needs(cpb_board *board, size_t n, size_t mask, size_t *count)
{
    *count = 0;
    if (more_keys(board, n * CPB_NEED_ROOM) != CPB_OK)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const int32_t id = board->row[i];
        const cpb_patch_need *const need = need_of(board, id, mask);
        const uint64_t card = (uint64_t)(board->patch[id].rank / board->per_card);
        for (int32_t k = 0; k < need->n; k++)
            board->keys[(*count)++] = (cpb_item){
                card << 32 | (uint64_t)need->keys[k].begin, need->keys[k].end};
    }
    cpb_sort(board->keys, board->keys + board->keys_room, *count);
    return CPB_OK;
}

static cpb_status flow_any(cpb_board *board, int32_t isle, size_t mask, int64_t weight)
{
    const int64_t low = board->patch[board->isle_first[isle]].begin;
    const int64_t high = board->isles->end[isle];
    size_t n, count;
    if (lay_row(board, isle, false, &n) != CPB_OK ||
        gather_needs(board, n, mask, &count) != CPB_OK)
        return CPB_NO_MEMORY;
    board->looked += (int64_t)count;
    for (size_t i = 0; i < count;) {
        const int32_t card = (int32_t)(board->keys[i].key >> 32);
        cpb_range keys = {(int64_t)(board->keys[i].key & UINT32_MAX),
                          board->keys[i].value};
        for (i++; i < count && (int32_t)(board->keys[i].key >> 32) == card &&
                  (int64_t)(board->keys[i].key & UINT32_MAX) <= keys.end;
             i++)
            keys.end = cpb_max(keys.end, board->keys[i].value);
        fetch(board, n, card, cpb_range_intersect(keys, (cpb_range){low, high}),
              weight);
    }
    return CPB_OK;
}

cpb_status cpb_board_flow(cpb_board *board, int32_t isle, int64_t sign)
{
    const cpb_view *const view = board->view;
    const cpb_patch *const first = &board->patch[board->isle_first[isle]];
    if (first->end == board->isles->end[isle])
        return CPB_OK; /* all with one rank */
    const int32_t last = cpb_board_last(board, isle);
    for (int32_t id = last; id != board->isle_first[isle]; id = board->patch[id].prev)
        board->looked++;
    for (size_t m = 0; m < view->n_masks; m++) {
        const int64_t weight = sign * view->mask_weights[m];
        if (view->nested[m])
            flow_islands(board, isle, last, weight);
        else if (flow_any(board, isle, m, weight) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

/* Of two ranks that share a nested isle the one that ends last needs keys of the other,
 * so they are linked once, by the first patches met of both. */
static void link_nested(cpb_board *board, size_t n, int32_t sign)
{
    size_t met = 0;
    for (size_t i = 0; i < n; i++) {
        const cpb_patch *const p = &board->patch[board->row[i]];
        size_t known = 0;
        while (known < met && board->patch[board->row[known]].rank != p->rank)
            known++;
        board->looked += (int64_t)known;
        if (known < met || p->begin >= board->view->tokens)
            continue;
        for (size_t k = 0; k < met; k++)
            cpb_peers_link(&board->peers, board->patch[board->row[k]].rank, p->rank,
                           sign);
        board->row[met++] = board->row[i];
    }
}

/* Every patch is linked with the owners of what it needs. */
static void link_any(cpb_board *board, size_t n, size_t mask, int32_t sign)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t id = board->row[i];
        const cpb_patch_need *const need = need_of(board, id, mask);
        for (int32_t k = 0; k < need->n; k++)
            for (size_t j = first_behind(board, n, need->keys[k].begin);
                 j < n && board->patch[board->row[j]].begin < need->keys[k].end; j++) {
                board->looked++;
                cpb_peers_link(&board->peers, board->patch[id].rank,
                               board->patch[board->row[j]].rank, sign);
            }
    }
}

/* Links inside an isle. Where the one before it ends inside a grid step, who holds that
 * step holds the isle's first tokens. */
static cpb_status link_isle(cpb_board *board, int32_t isle, int32_t sign)
{
    const cpb_view *const view = board->view;
    const bool guest = isle && board->isles->ragged[isle - 1];
    bool nested = false;
    size_t n;
    if (lay_row(board, isle, guest, &n) != CPB_OK)
        return CPB_NO_MEMORY;
    if (n == 1)
        return CPB_OK;
    for (size_t m = 0; m < view->n_masks; m++) {
        if (view->nested[m] && board->isles->single[isle])
            nested = true;
        else
            link_any(board, n, m, sign);
    }
    if (nested)
        link_nested(board, n, sign);
    return CPB_OK;
}

cpb_status cpb_board_link(cpb_board *board, int32_t n_isles, const int32_t *isle,
                          int32_t sign)
{
    int32_t touched[2 * CPB_LINKED_ISLES], n = 0;
    if (!board->peers.links)
        return CPB_OK;
    for (int32_t i = 0; i < n_isles; i++) {
        touched[n++] = isle[i];
        if (board->isles->ragged[isle[i]])
            touched[n++] = isle[i] + 1;
    }
    for (int32_t i = 0; i < n; i++) {
        int32_t before = 0;
        while (before < i && touched[before] != touched[i])
            before++;
        if (before == i && link_isle(board, touched[i], sign) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

cpb_status cpb_board_count(cpb_board *board)
{
    for (int32_t c = 0; c < board->n_cards; c++)
        board->in[c] = board->out[c] = 0;
    board->total = 0;
    cpb_peers_clear(&board->peers);
    cpb_board_begin(board);
    for (int32_t i = 0; i < board->isles->n; i++)
        if (cpb_board_flow(board, i, 1) != CPB_OK ||
            (board->peers.links && link_isle(board, i, 1) != CPB_OK))
            return CPB_NO_MEMORY;
    return CPB_OK;
}
