// SPDX-License-Identifier: Apache-2.0
/* Isles and goals: where the sequence may be cut, and what ranks should hold. */
#include "frugal_board.h"

#include "bound.h"
#include "even.h"

#include "../base/error.h"

/* Neighbours are bundled up to a share's quarter: many small isles then cost few runs. */
enum { BUNDLES_PER_SHARE = 4 };

enum { MILLION = 1000000 };

static int64_t round_up(int64_t position, int64_t grid)
{
    return cpb_ceil_div(position, grid) * grid;
}

/* Cut [0, positions) at `ends`, rounded up to the grid, leaving out cuts while what was
 * cut off stays within `bundle`. `single` tells which hold one part, `ragged` which end
 * inside a grid step. */
static int32_t cut(const cpb_view *view, int64_t positions, size_t n,
                   const int64_t *ends, int64_t bundle, int32_t *out, bool *single,
                   bool *ragged)
{
    int64_t begin = 0, last = 0;
    int32_t kept = 0, parts = 0;
    bool inside = false;
    for (size_t i = 0; i <= n; i++) {
        const int64_t end = i < n ? round_up(ends[i], view->grid) : positions;
        if (end <= last)
            continue;
        if (last > begin && end - begin > bundle) {
            single[kept] = parts == 1;
            ragged[kept] = inside;
            out[kept++] = (int32_t)last;
            begin = last;
            parts = 0;
        }
        last = end;
        inside = i < n && ends[i] < end;
        parts++;
    }
    single[kept] = parts == 1;
    ragged[kept] = false;
    out[kept++] = (int32_t)last;
    return kept;
}

/* Merge two ascending lists of ends that share the last. */
static int32_t merge(int32_t n, const int32_t *a, int32_t m, const int32_t *b,
                     int32_t *out)
{
    int32_t i = 0, j = 0, k = 0;
    while (i < n || j < m) {
        const int32_t next = j == m || (i < n && a[i] <= b[j]) ? a[i] : b[j];
        i += i < n && a[i] == next;
        j += j < m && b[j] == next;
        out[k++] = next;
    }
    return k;
}

cpb_status cpb_isles_find(const cpb_view *view, cpb_arena *arena, cpb_isles *isles)
{
    const int64_t positions = round_up(view->tokens + view->padding, view->grid);
    const int64_t bundle =
        cpb_max(view->grid, positions / view->ranks / BUNDLES_PER_SHARE);
    const size_t room =
        (view->n_islands > view->n_documents ? view->n_islands : view->n_documents) + 2;
    int32_t *const parts = cpb_arena_take(arena, room, sizeof *parts);
    bool *const unused = cpb_arena_take(arena, room, sizeof *unused);
    isles->end = cpb_arena_take(arena, room, sizeof *isles->end);
    isles->single = cpb_arena_take(arena, room, sizeof *isles->single);
    isles->ragged = cpb_arena_take(arena, room, sizeof *isles->ragged);
    isles->atom_end = cpb_arena_take(arena, 2 * room, sizeof *isles->atom_end);
    if (!parts || !unused || !isles->end || !isles->single || !isles->ragged ||
        !isles->atom_end)
        return CPB_NO_MEMORY;
    isles->n = cut(view, positions, view->n_islands, view->island_ends, bundle,
                   isles->end, isles->single, isles->ragged);
    const int32_t m = cut(view, positions, view->n_documents, view->document_ends,
                          bundle, parts, unused, unused);
    isles->n_atoms = merge(isles->n, isles->end, m, parts, isles->atom_end);
    return CPB_OK;
}

int32_t cpb_isles_at(const cpb_isles *isles, int64_t position)
{
    int32_t low = 0, high = isles->n - 1;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (isles->end[middle] <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Within this scaled load, what may a rank take on top of what it carries? */
static int64_t room_within(const cpb_view *view, int64_t fastest, int32_t r,
                           int64_t scaled)
{
    const int64_t speed = view->speeds ? view->speeds[r] : 1;
    int64_t carried = 0;
    const size_t columns = view->n_columns ? view->n_columns : 1;
    for (size_t m = 0; view->carried && m < columns; m++)
        carried += view->carried[m * (size_t)view->ranks + (size_t)r] *
                   (columns > 1 && view->weights ? view->weights[m] : 1);
    return cpb_max(0, cpb_load_within(scaled, fastest, speed) - carried);
}

/* The least scaled load that has room for everything. */
static int64_t water_level(const cpb_view *view, int64_t fastest, int64_t total)
{
    int64_t low = 0, high = CPB_MOST_SCALED - 1;
    while (high - low > 0) {
        const int64_t middle = low + (high - low) / 2;
        cpb_sum room = 0;
        for (int32_t r = 0; r < view->ranks; r++)
            room += room_within(view, fastest, r, middle);
        if (room >= total)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int64_t fastest_of(const cpb_view *view)
{
    int64_t fastest = 1;
    for (int32_t r = 0; r < view->ranks && view->speeds; r++)
        fastest = cpb_max(fastest, view->speeds[r]);
    return fastest;
}

/* The largest scaled load within the tolerance of the mean of loads that sum to `total`. */
static int64_t most_scaled(const cpb_view *view, int64_t fastest, int64_t total)
{
    const cpb_sum most = MILLION + view->tolerance_ppm;
    if (!view->speeds && !view->carried)
        return (int64_t)(total * most / ((cpb_sum)view->ranks * MILLION));
    return cpb_even_above(water_level(view, fastest, total), view->tolerance_ppm);
}

void cpb_goals_limits(const cpb_view *view, int64_t total, int64_t bound,
                      int64_t *limit)
{
    const int64_t fastest = fastest_of(view);
    const int64_t most = cpb_max(most_scaled(view, fastest, total),
                                 cpb_even_above(bound, view->tolerance_ppm));
    for (int32_t r = 0; r < view->ranks; r++)
        limit[r] = room_within(view, fastest, r, most);
}

/* Shares of the positions that differ by one grid step at most. */
static void set_sizes(const cpb_view *view, cpb_goals *goals)
{
    const int64_t steps = goals->positions / view->grid;
    for (int32_t r = 0; r < view->ranks; r++)
        goals->size[r] =
            (int32_t)((steps * (r + 1) / view->ranks - steps * r / view->ranks) *
                      view->grid);
}

cpb_status cpb_goals_set(const cpb_view *view, cpb_arena *arena, cpb_goals *goals,
                         cpb_error *error)
{
    const size_t ranks = (size_t)view->ranks;
    const int64_t steps = cpb_ceil_div(view->tokens + view->padding, view->grid);
    const int64_t largest = cpb_ceil_div(steps, view->ranks) * view->grid;
    const int64_t fastest = fastest_of(view);
    if (largest > view->cap)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "frugal gives a rank up to %lld tokens, above the cap of %lld",
                        (long long)largest, (long long)view->cap);
    goals->whole = false;
    goals->positions = steps * view->grid;
    goals->total = view->lookup->before(view->lookup, view->tokens);
    goals->size = cpb_arena_take(arena, ranks, sizeof *goals->size);
    goals->goal = cpb_arena_take(arena, ranks, sizeof *goals->goal);
    goals->limit = cpb_arena_take(arena, ranks, sizeof *goals->limit);
    if (!goals->size || !goals->goal || !goals->limit)
        return CPB_NO_MEMORY;
    goals->level = view->speeds || view->carried
                       ? water_level(view, fastest, goals->total)
                       : cpb_ceil_div(goals->total, view->ranks);
    for (int32_t r = 0; r < view->ranks; r++)
        goals->goal[r] = room_within(view, fastest, r, goals->level);
    set_sizes(view, goals);
    goals->bound = view->floor;
    cpb_goals_limits(view, goals->total, goals->bound, goals->limit);
    return CPB_OK;
}
