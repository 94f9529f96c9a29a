// SPDX-License-Identifier: Apache-2.0
/* The two-level form: each key enters a node once, then spreads inside.
 *
 * Which rank takes a key in is free among those that lack it. A cell of `length` keys
 * that s ranks of the node lack costs its landing rank `length` keys to receive and
 * s - 1 times as many to pass on: s * length, whoever takes it. So cells are dealt
 * longest-first to the least loaded rank that may take them, those with few such ranks
 * before others; what owners inside the node have to send counts from the start. */
#include "exchange.h"

#include "../base/range.h"
#include "../base/sort.h"

/* A landing rank gets at most about this share of its load by one cell. */
enum { PARTS_PER_RANK = 4 };

typedef struct node_intake {
    cpb_sketch *sketch;
    int32_t first_rank;
    int32_t n_ranks;
    cpb_key_cells cells;
    int64_t *load; /* [ranks of all nodes] */
} node_intake;

static bool inside(const node_intake *node, int32_t rank)
{
    return rank >= node->first_rank && rank < node->first_rank + node->n_ranks;
}

static int64_t weight(const cpb_key_cell *cell)
{
    return cell->n_ranks * cpb_range_length(cell->keys);
}

/* The owner is of another node, so that none of these is it. */
static int32_t least_loaded(const node_intake *node, const cpb_key_cell *cell)
{
    const cpb_key_group *const wanting = cell->wanting;
    int32_t best = wanting->ranks[0];
    for (int32_t i = 1; i < wanting->n; i++) {
        const int32_t rank = wanting->ranks[i];
        if (node->load[rank] < node->load[best] ||
            (node->load[rank] == node->load[best] && rank < best))
            best = rank;
    }
    return best;
}

/* Deal a cell from outside in parts of at most `most` load. */
static cpb_status take_in(node_intake *node, const cpb_key_cell *cell, int64_t most)
{
    const int64_t step = cell->n_ranks == 1 ? cpb_range_length(cell->keys)
                                            : cpb_max(1, most / cell->n_ranks);
    for (int64_t p = cell->keys.begin; p < cell->keys.end; p += step) {
        const cpb_range keys = {p, cpb_min(p + step, cell->keys.end)};
        const int32_t landing = least_loaded(node, cell);
        node->load[landing] += cell->n_ranks * cpb_range_length(keys);
        if (cpb_sketch_add(node->sketch, 0, cell->owner, landing, keys) != CPB_OK ||
            cpb_sketch_spread(node->sketch, 1, landing, cell, keys) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

/* Ascending: few ranks first, then long cells first. */
static uint64_t turn_of(const cpb_key_cell *cell)
{
    return (uint64_t)cell->n_ranks << 32 |
           (uint64_t)(CPB_MAX_TOKENS - cpb_range_length(cell->keys));
}

static cpb_status deal(node_intake *node, cpb_arena *scratch)
{
    const size_t n = node->cells.n;
    cpb_item *const outside = cpb_arena_take(scratch, n, sizeof *outside);
    cpb_item *const spare = cpb_arena_take(scratch, n, sizeof *spare);
    if (!outside || !spare)
        return CPB_NO_MEMORY;

    size_t n_outside = 0;
    int64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        const cpb_key_cell *const cell = &node->cells.at[i];
        if (!inside(node, cell->owner)) {
            outside[n_outside++] = (cpb_item){turn_of(cell), (int64_t)i};
            total += weight(cell);
            continue;
        }
        node->load[cell->owner] += weight(cell);
        if (cpb_sketch_spread(node->sketch, 1, cell->owner, cell, cell->keys) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    cpb_sort(outside, spare, n_outside);
    const int64_t most = cpb_ceil_div(total, node->n_ranks * PARTS_PER_RANK);
    for (size_t i = 0; i < n_outside; i++)
        if (take_in(node, &node->cells.at[outside[i].value], most) != CPB_OK)
            return CPB_NO_MEMORY;
    return CPB_OK;
}

static cpb_status add_node(node_intake *node)
{
    cpb_arena scratch = {.allocator = node->sketch->arena->allocator};
    cpb_wants wants = {.arena = &scratch};
    cpb_status status =
        cpb_sketch_wants(node->sketch, node->first_rank, node->n_ranks, &wants);
    if (status == CPB_OK)
        status = cpb_cells_create(&wants, &node->sketch->places.owners, NULL, &scratch,
                                  &node->cells);
    if (status == CPB_OK)
        status = deal(node, &scratch);
    cpb_arena_free(&scratch);
    return status;
}

cpb_status cpb_form_two_level(cpb_sketch *sketch)
{
    node_intake node = {
        .sketch = sketch,
        .n_ranks = sketch->ranks / sketch->nodes,
        .load = cpb_arena_zeros(sketch->arena, (size_t)sketch->ranks, sizeof(int64_t)),
    };
    if (!node.load)
        return CPB_NO_MEMORY;
    for (; node.first_rank < sketch->ranks; node.first_rank += node.n_ranks)
        if (add_node(&node) != CPB_OK)
            return CPB_NO_MEMORY;
    return CPB_OK;
}
