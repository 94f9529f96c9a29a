// SPDX-License-Identifier: Apache-2.0
/* From masks and options to the view of one balancer. */
#include "view.h"

#include "../base/error.h"

/* Positions that equal sizes need: see the table in docs/balancers.md. */
static int64_t padded(const cpb_balancer *row, int64_t tokens, int32_t ranks,
                      int64_t grid)
{
    const int64_t multiple = (int64_t)row->rank_factor * ranks * grid;
    return cpb_ceil_div(tokens, multiple) * multiple;
}

/* The setup whose cost the row deals by. PTRR's tiles are chunk x chunk, on the sequence
 * grid whatever the kernel, so they are priced as a profile of their own. */
static cpb_setup weighing_setup(const cpb_balancer *row, const cpb_setup *setup,
                                int64_t chunk)
{
    cpb_setup weighing = *setup;
    if (row->weights == CPB_WEIGHTS_PAIRS)
        weighing.cost = CPB_PAIRS;
    if (row->weights == CPB_WEIGHTS_TILES) {
        weighing.cost = CPB_PROFILE_TIME;
        weighing.kernel = CPB_FLEX;
        weighing.backward = false;
        weighing.profile = (cpb_profile){
            .model = setup->model,
            .tile_q = chunk,
            .tile_k = chunk,
            .forward = {.full_tile = 1, .partial_tile = 1},
        };
    }
    return weighing;
}

static cpb_status add_costs(const cpb_mask *mask, const cpb_setup *setup,
                            int64_t weight, const cpb_view *view, int64_t *part,
                            int64_t *cost, cpb_arena *arena, cpb_error *error)
{
    cpb_work *work = NULL;
    const cpb_status status =
        cpb_work_create(mask, setup, &arena->allocator, &work, error);
    if (status != CPB_OK)
        return status;
    cpb_work_chunks(work, view->chunk, view->n_chunks, part);
    cpb_work_free(work);

    cpb_wide total = 0;
    for (int64_t c = 0; c < view->n_chunks; c++) {
        total += (cpb_wide)weight * part[c] + cost[c];
        if (total > CPB_MAX_COST)
            return cpb_fail(error, CPB_TOO_LARGE, -1,
                            "costs sum to more than %lld units; use smaller weights or "
                            "the cost pairs",
                            (long long)CPB_MAX_COST);
        cost[c] += weight * part[c];
    }
    return CPB_OK;
}

/* Costs under each mask by itself stand behind each other in `columns`. */
static cpb_status weigh(const cpb_balancer *row, const cpb_masks *masks,
                        const cpb_setup *setup, cpb_arena *arena, cpb_view *view,
                        cpb_error *error)
{
    const size_t n = (size_t)view->n_chunks;
    const cpb_setup weighing = weighing_setup(row, setup, view->chunk);
    int64_t *const cost = cpb_arena_zeros(arena, n, sizeof *cost);
    int64_t *const columns =
        cpb_arena_take(arena, view->n_columns * n, sizeof *columns);
    if (!cost || !columns)
        return CPB_NO_MEMORY;
    for (size_t m = 0; m < masks->n; m++) {
        const int64_t weight = masks->weight ? masks->weight[m] : 1;
        int64_t *const part = columns + (view->n_columns > 1 ? m * n : 0);
        const cpb_status status = add_costs(masks->mask[m], &weighing, weight, view,
                                            part, cost, arena, error);
        if (status != CPB_OK)
            return status;
    }
    view->cost = cost;
    view->columns = columns;
    view->weights = masks->weight;
    return CPB_OK;
}

cpb_status cpb_view_create(const cpb_balancer *row, const cpb_masks *masks,
                           const cpb_options *options, cpb_arena *arena, cpb_view *view,
                           cpb_error *error)
{
    const int64_t tokens = cpb_mask_tokens(masks->mask[0]);
    const int64_t chunk = options->chunk == -1 ? row->chunk : options->chunk;
    const int64_t grid = row->by_chunk >> options->setup.kernel & 1 ? chunk : 1;
    const int64_t positions = options->sizes == CPB_EQUAL
                                  ? padded(row, tokens, options->ranks, grid)
                                  : tokens;
    if (positions > CPB_MAX_TOKENS)
        return cpb_fail(
            error, CPB_TOO_LARGE, -1,
            "%s pads %lld tokens to %lld for equal sizes, above %lld; use a "
            "smaller chunk or uneven sizes",
            row->name, (long long)tokens, (long long)positions,
            (long long)CPB_MAX_TOKENS);
    *view = (cpb_view){
        .ranks = options->ranks,
        .tokens = tokens,
        .padding = positions - tokens,
        .sizes = options->sizes,
        .cap = options->cap == -1 ? INT64_MAX : options->cap,
        .effort = options->effort,
        .chunk = chunk,
        .n_chunks = cpb_ceil_div(positions, chunk),
        .n_documents = cpb_mask_n_documents(masks->mask[0]),
        .document_ends = cpb_mask_document_ends(masks->mask[0]),
        .n_columns = options->combine == CPB_COMBINE_LAYERS ? masks->n : 1,
        .speeds = cpb_setup_speeds(&options->setup, options->ranks),
        .carried = options->carried,
        .grid = grid,
    };
    if (row->weights == CPB_WEIGHTS_NONE)
        return CPB_OK;
    return row->weights == CPB_WEIGHTS_LOOKUP
               ? cpb_view_look_up(masks, options, arena, view, error)
               : weigh(row, masks, &options->setup, arena, view, error);
}
