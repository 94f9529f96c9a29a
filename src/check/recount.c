// SPDX-License-Identifier: Apache-2.0
/* The walk over all queries of a claim, rank by rank and run by run. */
#include "recount.h"

#include "../base/error.h"
#include "../base/range.h"
#include "sight.h"

enum { PAIRED_TILE = 128 };

/* The walk through one rank's shard for one mask, and what it feeds. */
typedef struct walk {
    cpb_recount *recount;
    const cpb_mask *mask; /* tiles follow its own documents */
    cpb_sight *sight;
    cpb_tally *tally; /* NULL: only tiles are wanted */
    cpb_spans *needs; /* with `tally`, where figures are wanted */
    int32_t rank;     /* with `tally` */
    size_t n_tilings;
    cpb_tile_counter *tiling; /* [n_tilings] */
} walk;

/* Everything that walks use again and again. */
typedef struct kit {
    cpb_sight *sight; /* [masks] */
    cpb_tile_counter
        tiling[2]; /* tiles that the cost counts; tiles of the profile if others */
    size_t n_tilings;
    cpb_spans needs;
    cpb_rank_traffic traffic;
} kit;

/* Positions of `rank` before position x. */
static int64_t own_before(const cpb_holders *holding, int32_t rank, int64_t x)
{
    int64_t low = holding->first[rank], high = holding->first[rank + 1];
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (holding->by_rank[middle].range.begin < x)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == holding->first[rank])
        return 0;
    const cpb_owned *const last = &holding->by_rank[low - 1];
    return last->before + cpb_min(x, last->range.end) - last->range.begin;
}

static cpb_status count_row(walk *w, cpb_error *error)
{
    const cpb_holders *const holding = w->recount->holding;
    const cpb_sight *const sight = w->sight;
    for (size_t i = 0; i < sight->n_row; i++)
        w->tally->pairs += cpb_range_length(sight->row[i]);
    if (!w->recount->figures)
        return CPB_OK;
    for (size_t i = 0; i < sight->n_row; i++)
        w->tally->own_pairs += own_before(holding, w->rank, sight->row[i].end) -
                               own_before(holding, w->rank, sight->row[i].begin);
    return cpb_spans_add(w->needs, sight->row, sight->n_row, error);
}

static bool tiles_by_slot(const walk *w)
{
    return w->recount->setup->kernel != CPB_VARLEN;
}

static cpb_status take_row(walk *w, int64_t q, cpb_error *error)
{
    cpb_status status = CPB_OK;
    cpb_sight_row(w->sight, q);
    if (w->tally)
        CPB_TRY(count_row(w, error));
    if (w->n_tilings && tiles_by_slot(w))
        for (size_t t = 0; t < w->n_tilings; t++)
            CPB_TRY(cpb_tile_counter_add(&w->tiling[t], w->sight->row, w->sight->n_row,
                                         error));
done:
    return status;
}

static void skip_slots(walk *w, int64_t slots)
{
    if (w->n_tilings && tiles_by_slot(w))
        for (size_t t = 0; t < w->n_tilings; t++)
            cpb_tile_counter_skip(&w->tiling[t], slots);
}

static cpb_status walk_rows(walk *w, cpb_range queries, cpb_error *error)
{
    cpb_status status = CPB_OK;
    for (int64_t q = queries.begin; q < queries.end;) {
        const int64_t end = cpb_sight_stretch(w->sight, q, queries.end);
        if (w->sight->n_found == 0)
            skip_slots(w, end - q);
        else
            for (int64_t row = q; row < end; row++)
                CPB_TRY(take_row(w, row, error));
        q = end;
    }
done:
    return status;
}

/* End of the document that holds position p. Empty documents end where the one before
 * does, so the first end after p is its own. */
static int64_t document_end(const cpb_mask *mask, int64_t p)
{
    const int64_t *const ends = cpb_mask_document_ends(mask);
    size_t low = 0, high = cpb_mask_n_documents(mask) - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ends[middle] <= p)
            low = middle + 1;
        else
            high = middle;
    }
    return ends[low];
}

/* The rows that one slice has in a segment: q-tiles and key tiles start with them. */
static cpb_status walk_slice_rows(walk *w, const cpb_slice *slice, cpb_range segment,
                                  cpb_error *error)
{
    const cpb_range rows = cpb_range_intersect(slice->queries, segment);
    const int64_t origin = cpb_sight_keys(slice, rows.begin).begin;
    cpb_status status = CPB_OK;
    for (size_t t = 0; t < w->n_tilings; t++) {
        cpb_tile_counter_restart(&w->tiling[t], origin);
        for (int64_t q = rows.begin; q < rows.end; q++) {
            const cpb_range keys = cpb_sight_keys(slice, q);
            CPB_TRY(cpb_tile_counter_add(&w->tiling[t], &keys, 1, error));
        }
    }
done:
    return status;
}

static cpb_status walk_segments(walk *w, cpb_range queries, cpb_error *error)
{
    cpb_status status = CPB_OK;
    for (int64_t q = queries.begin; q < queries.end;) {
        const int64_t end = cpb_min(queries.end, document_end(w->mask, q));
        const cpb_range segment = {q, end};
        cpb_sight_find(w->sight, segment);
        for (size_t i = 0; i < w->sight->n_found; i++)
            CPB_TRY(walk_slice_rows(w, &w->sight->slices[w->sight->found[i].value],
                                    segment, error));
        q = end;
    }
done:
    return status;
}

static cpb_status walk_run(walk *w, cpb_range run, cpb_error *error)
{
    const int64_t tokens = w->recount->claim->tokens;
    const cpb_range queries = {run.begin, cpb_min(run.end, tokens)};
    cpb_status status = CPB_OK;
    if (w->tally || tiles_by_slot(w))
        CPB_TRY(walk_rows(w, queries, error));
    if (w->n_tilings && !tiles_by_slot(w))
        CPB_TRY(walk_segments(w, queries, error));
    skip_slots(w, run.end - cpb_max(run.begin, cpb_min(run.end, tokens)));
done:
    return status;
}

static void start_tilings(kit *k, size_t n)
{
    for (size_t t = 0; t < n; t++)
        cpb_tile_counter_clear(&k->tiling[t]);
}

static void close_tilings(kit *k, size_t n)
{
    for (size_t t = 0; t < n; t++)
        cpb_tile_counter_restart(&k->tiling[t], 0);
}

static void note_tiles(const kit *k, cpb_tally *tally)
{
    const cpb_tile_counter *const counted = &k->tiling[0];
    const cpb_tile_counter *const timed = &k->tiling[k->n_tilings - 1];
    tally->tiles = counted->full + counted->partial;
    tally->full = timed->full;
    tally->partial = timed->partial;
    tally->q_tiles = timed->q_tiles;
    tally->longest = timed->longest;
}

/* One rank, one mask. */
static cpb_status count_shard(cpb_recount *recount, kit *k, size_t mask, int32_t rank,
                              cpb_error *error)
{
    const cpb_claim *const claim = recount->claim;
    cpb_tally *const tally = cpb_recount_tally(recount, mask, rank);
    walk w = {
        .recount = recount,
        .mask = recount->masks->mask[mask],
        .sight = &k->sight[mask],
        .tally = tally,
        .needs = &k->needs,
        .rank = rank,
        .n_tilings = recount->figures ? k->n_tilings : 0,
        .tiling = k->tiling,
    };
    cpb_status status = CPB_OK;
    start_tilings(k, w.n_tilings);
    cpb_spans_clear(&k->needs);
    for (int64_t i = claim->first[rank]; i < claim->first[rank + 1]; i++)
        CPB_TRY(walk_run(&w, claim->runs[i], error));
    if (recount->figures) {
        close_tilings(k, w.n_tilings);
        note_tiles(k, tally);
        CPB_TRY(cpb_traffic_add(&k->traffic, recount, mask, rank, &k->needs, error));
    }
done:
    return status;
}

/* One rank that holds every token. */
static cpb_status count_original_tiles(cpb_recount *recount, kit *k, size_t mask,
                                       cpb_error *error)
{
    walk w = {
        .recount = recount,
        .mask = recount->masks->mask[mask],
        .sight = &k->sight[mask],
        .n_tilings = 1,
        .tiling = k->tiling,
    };
    start_tilings(k, 1);
    const cpb_status status =
        walk_run(&w, (cpb_range){0, recount->claim->tokens}, error);
    close_tilings(k, 1);
    recount->plain_tiles[mask] = k->tiling[0].full + k->tiling[0].partial;
    return status;
}

static void count_fragments(cpb_recount *recount, int32_t rank)
{
    const cpb_claim *const claim = recount->claim;
    for (int64_t i = claim->first[rank]; i < claim->first[rank + 1]; i++) {
        const int64_t end = cpb_min(claim->runs[i].end, claim->tokens);
        int64_t p = claim->runs[i].begin;
        recount->runs[rank] += p < end;
        recount->tokens[rank] += cpb_max(end - p, 0);
        for (; p < end; p = document_end(recount->masks->mask[0], p))
            recount->segments[rank]++;
    }
}

static cpb_status take_arrays(cpb_recount *recount, cpb_error *error)
{
    cpb_arena *const arena = recount->arena;
    const size_t ranks = (size_t)recount->claim->ranks, masks = recount->masks->n;
    const size_t nodes = (size_t)recount->setup->nodes;
    recount->peer_words = recount->figures ? (ranks + 63) / 64 : 0;
    recount->tokens = cpb_arena_zeros(arena, ranks, sizeof *recount->tokens);
    recount->runs = cpb_arena_zeros(arena, ranks, sizeof *recount->runs);
    recount->segments = cpb_arena_zeros(arena, ranks, sizeof *recount->segments);
    recount->tally = cpb_arena_zeros(arena, masks * ranks, sizeof *recount->tally);
    recount->card = cpb_arena_zeros(arena, masks * nodes, sizeof *recount->card);
    recount->needed = cpb_arena_zeros(arena, masks * ranks, sizeof *recount->needed);
    recount->plain_tiles = cpb_arena_zeros(arena, masks, sizeof *recount->plain_tiles);
    recount->peers = cpb_arena_zeros(arena, masks * ranks * recount->peer_words,
                                     sizeof *recount->peers);
    if (!recount->tokens || !recount->runs || !recount->segments || !recount->tally ||
        !recount->card || !recount->needed || !recount->plain_tiles || !recount->peers)
        return cpb_fail_memory(error);
    return CPB_OK;
}

static void start_kit_tilings(cpb_recount *recount, kit *k)
{
    const cpb_setup *const setup = recount->setup;
    const int64_t tile_q = setup->profile.tile_q, tile_k = setup->profile.tile_k;
    const bool paired = setup->cost == CPB_TILES;
    const bool other = paired && (tile_q != PAIRED_TILE || tile_k != PAIRED_TILE);
    k->tiling[0] = cpb_tile_counter_start(
        paired ? PAIRED_TILE : tile_q, paired ? PAIRED_TILE : tile_k, &recount->forward,
        &recount->exact, recount->arena);
    k->tiling[1] = cpb_tile_counter_start(tile_q, tile_k, &recount->forward,
                                          &recount->exact, recount->arena);
    k->n_tilings = other ? 2 : 1;
}

static cpb_status make_kit(cpb_recount *recount, kit *k, cpb_error *error)
{
    const size_t masks = recount->masks->n;
    cpb_status status;
    k->needs = (cpb_spans){.arena = recount->arena};
    k->sight = cpb_arena_zeros(recount->arena, masks, sizeof *k->sight);
    if (!k->sight)
        return cpb_fail_memory(error);
    for (size_t m = 0; m < masks; m++)
        CPB_TRY(cpb_sight_create(&k->sight[m], recount->masks->mask[m], recount->arena,
                                 error));
    start_kit_tilings(recount, k);
    CPB_TRY(cpb_traffic_create(&k->traffic, recount, error));
done:
    return status;
}

cpb_status cpb_recount_run(cpb_recount *recount, cpb_error *error)
{
    kit k = {0};
    cpb_status status;
    CPB_TRY(take_arrays(recount, error));
    CPB_TRY(make_kit(recount, &k, error));
    for (int32_t r = 0; r < recount->claim->ranks; r++)
        count_fragments(recount, r);
    for (int32_t r = 0; r < recount->claim->ranks; r++) {
        for (size_t m = 0; m < recount->masks->n; m++)
            CPB_TRY(count_shard(recount, &k, m, r, error));
        if (recount->figures)
            cpb_traffic_close_rank(&k.traffic, recount, r);
    }
    for (size_t m = 0; recount->figures && m < recount->masks->n; m++) {
        CPB_TRY(cpb_recount_relay(recount, m, error));
        CPB_TRY(count_original_tiles(recount, &k, m, error));
    }
done:
    return status;
}
