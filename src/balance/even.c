// SPDX-License-Identifier: Apache-2.0
/* Load as near the bound as it pays to get: rows, then redeals and swaps.
 *
 * Dealing rows to the lowest rank leaves little to do where ranks hold many chunks.
 * The rest is done by redealing one or two random chunks of every rank (a pairing in
 * opposite orders, which cannot get worse), and by swaps for the few ranks still
 * above. Where that stays above what a snake or longest-first reach, theirs is
 * taken. */
#include "even.h"

#include "../base/error.h"
#include "../base/range.h"

enum { MILLION = 1000000 };

/* Pairs of ranks that a round tries to swap between, shared by those above the
 * target, and chunks up to which the rivals are tried even within it: they cost
 * little there. */
enum { PAIRS_TRIED = 32, RIVAL_CHUNKS = 4096 };

/* From so many seats per rank on, content is ten times nearer the bound. */
enum { MANY_SEATS = 256, NEARER = 10 };

const cpb_patience *cpb_even_patience(const cpb_view *view)
{
    static const cpb_patience patience[] = {
        [CPB_EFFORT_FAST] = {4, 64, 8, 1000, 32000, 8, 10000},
        [CPB_EFFORT_DEFAULT] = {32, 384, 32, 100, 3200, 32, 2000},
        [CPB_EFFORT_HIGH] = {512, 6144, 256, 10, 100, 512, 200},
    };
    return &patience[view->effort];
}

/* Chunks that fit below the cap where the short last one is among them. */
static int64_t seats_beside_last(const cpb_view *view, int64_t last)
{
    return view->cap >= last ? (view->cap - last) / view->chunk : -1;
}

static cpb_status refuse_cap(const cpb_view *view, int64_t held, cpb_error *error)
{
    return cpb_fail(
        error, CPB_UNSUPPORTED, -1,
        "a cap of %lld tokens leaves room for %lld of %lld chunks of %lld "
        "tokens on %d ranks; %lld tokens suffice",
        (long long)view->cap, (long long)held, (long long)view->n_chunks,
        (long long)view->chunk, (int)view->ranks,
        (long long)(cpb_ceil_div(view->n_chunks, view->ranks) * view->chunk));
}

static cpb_status count_seats(cpb_even *even, cpb_error *error)
{
    const cpb_view *const view = even->view;
    const int64_t n = view->n_chunks, ranks = view->ranks;
    cpb_start_table *const table = &even->table;

    table->base = n / ranks;
    table->extras = n % ranks;
    table->pinned = -1;
    even->seats = (cpb_seats){table->base, cpb_ceil_div(n, ranks)};
    if (view->sizes == CPB_EQUAL)
        return even->seats.most * view->chunk <= view->cap
                   ? CPB_OK
                   : refuse_cap(view, ranks * (view->cap / view->chunk), error);
    if (view->cap == INT64_MAX)
        return CPB_OK;

    const int64_t positions = view->tokens + view->padding;
    const int64_t last = positions - (n - 1) * view->chunk;
    even->seats =
        cpb_seats_of(view->sizes, positions, view->chunk, view->ranks, view->cap);
    table->base = cpb_min(view->cap / view->chunk, n);
    table->extras = 0;
    table->spread = true;
    int64_t held = table->base * ranks;
    if (last < view->chunk) {
        table->pinned = 0; /* whom, is decided when handicaps are known */
        table->pinned_base = cpb_min(seats_beside_last(view, last), n);
        held += table->pinned_base + 1 - table->base;
    }
    return held >= n ? CPB_OK : refuse_cap(view, held, error);
}

/* Speeds, seats, and room for the rest.
 * \return CPB_UNSUPPORTED where the cap leaves too few seats; CPB_NO_MEMORY. */
static cpb_status prepare(const cpb_view *view, cpb_arena *arena, cpb_even *even,
                          cpb_error *error)
{
    const size_t n = (size_t)view->n_chunks, ranks = (size_t)view->ranks;
    *even = (cpb_even){.view = view, .arena = arena, .fastest = 1};
    for (int32_t r = 0; r < view->ranks && view->speeds; r++)
        even->fastest = cpb_max(even->fastest, view->speeds[r]);

    const cpb_status status = count_seats(even, error);
    if (status != CPB_OK)
        return status;
    even->handicap = cpb_arena_zeros(arena, ranks, sizeof *even->handicap);
    even->best.level = cpb_arena_take(arena, ranks, sizeof *even->best.level);
    even->best.owner = cpb_arena_take(arena, n, sizeof *even->best.owner);
    even->table.order = cpb_arena_take(arena, 2 * ranks, sizeof *even->table.order);
    even->table.ranks = view->ranks;
    even->table.handicap = even->handicap;
    return even->handicap && even->best.level && even->best.owner && even->table.order
               ? CPB_OK
               : CPB_NO_MEMORY;
}

cpb_status cpb_even_sort(cpb_even *even, const int64_t *cost)
{
    const size_t n = (size_t)even->view->n_chunks;
    cpb_item *const items = cpb_arena_take(even->arena, 2 * n, sizeof *items);
    if (!items)
        return CPB_NO_MEMORY;
    for (size_t c = 0; c < n; c++)
        items[c] = (cpb_item){(uint64_t)cost[c], (int64_t)c};
    cpb_sort(items, items + n, n);
    even->items = items;
    even->spare = items + n;
    even->table.rising = items;
    even->table.n = (int64_t)n;
    return CPB_OK;
}

cpb_status cpb_even_bound(const cpb_even *even, const int64_t *cost,
                          const int64_t *carried, int64_t *bound)
{
    const cpb_load_problem problem = {.n = even->view->n_chunks,
                                      .cost = cost,
                                      .rising = cost ? NULL : even->items,
                                      .ranks = even->view->ranks,
                                      .seats = even->seats,
                                      .speeds = even->view->speeds,
                                      .carried = carried,
                                      .scratch =
                                          cost ? NULL : (int64_t *)(void *)even->spare};
    return cpb_load_bound(&problem, even->arena, bound);
}

cpb_status cpb_even_seat(cpb_even *even, cpb_seating *seating)
{
    _Static_assert(sizeof(cpb_held) <= sizeof(cpb_item), "held chunks fit the spare");
    *seating = (cpb_seating){.ranks = even->table.ranks,
                             .level = even->best.level,
                             .held = (cpb_held *)(void *)even->spare};
    return cpb_seating_fill(seating, even->table.n, even->items, even->best.owner,
                            even->arena);
}

int64_t cpb_even_goal(const cpb_even *even, int32_t rank, int64_t scaled)
{
    const int32_t *const speeds = even->view->speeds;
    return speeds ? cpb_load_within(scaled, even->fastest, speeds[rank]) : scaled;
}

int64_t cpb_even_above(int64_t load, int64_t parts)
{
    return load + load / MILLION * parts + load % MILLION * parts / MILLION;
}

static void pin_last_chunk(cpb_even *even, const int64_t *cost)
{
    cpb_start_table *const table = &even->table;
    const int64_t last = even->view->n_chunks - 1;
    int32_t lowest = 0;
    for (int32_t r = 1; r < table->ranks; r++)
        if (even->handicap[r] < even->handicap[lowest])
            lowest = r;
    table->pinned = lowest;
    even->best.owner[last] = lowest;
    even->handicap[lowest] += cost[last];

    int64_t kept = 0;
    for (int64_t i = 0; i < table->n; i++)
        if (even->items[i].value != last)
            even->items[kept++] = even->items[i];
    table->n = kept;
}

void cpb_even_start(cpb_even *even, const int64_t *cost)
{
    if (even->table.pinned >= 0)
        pin_last_chunk(even, cost);
    const bool capped = even->table.spread;
    (capped ? cpb_start_longest_first : cpb_start_rows)(&even->table, &even->best);
}

/* The one column: its bound, what to be content with, and what makes loads of
 * levels. */
typedef struct column {
    int64_t bound;
    int64_t target;
} column;

static int64_t seats_per_rank(const cpb_view *view)
{
    return cpb_max(1, view->n_chunks / view->ranks);
}

static int64_t stop_of(const cpb_view *view)
{
    const cpb_patience *const patience = cpb_even_patience(view);
    const int64_t seats = seats_per_rank(view);
    return seats >= MANY_SEATS
               ? patience->stop / NEARER
               : cpb_max(patience->stop, patience->stop_by_seats / seats);
}

/* Ranks that should end lower start higher, so that all of them aim at one level. */
static cpb_status set_aims(cpb_even *even, column *aim)
{
    const cpb_view *const view = even->view;
    const cpb_status status = cpb_even_bound(even, NULL, view->carried, &aim->bound);
    if (status != CPB_OK)
        return status;

    aim->target = cpb_even_above(aim->bound, stop_of(view));
    for (int32_t r = 0; r < view->ranks; r++)
        even->handicap[r] = (view->carried ? view->carried[r] : 0) + aim->bound -
                            cpb_even_goal(even, r, aim->bound);
    return CPB_OK;
}

/* The largest scaled load of an outcome. */
static int64_t largest_load(const cpb_even *even, const column *aim,
                            const cpb_assignment *outcome)
{
    const int32_t *const speeds = even->view->speeds;
    int64_t largest = 0;
    for (int32_t r = 0; r < even->view->ranks; r++) {
        const int64_t load =
            outcome->level[r] - aim->bound + cpb_even_goal(even, r, aim->bound);
        largest = cpb_max(
            largest, speeds ? cpb_scaled_load(load, even->fastest, speeds[r]) : load);
    }
    return largest;
}

/* How far the highest level is above the bound. */
static int64_t excess_of(const cpb_even *even, const column *aim)
{
    int64_t highest = aim->bound;
    for (int32_t r = 0; r < even->view->ranks; r++)
        highest = cpb_max(highest, even->best.level[r]);
    return highest - aim->bound;
}

static int64_t count_above(const cpb_even *even, int64_t target)
{
    int64_t above = 0;
    for (int32_t r = 0; r < even->view->ranks; r++)
        above += even->best.level[r] > target;
    return above;
}

/* Rounds of swaps for the ranks above the target and of redeals for all. */
static cpb_status improve(cpb_even *even, const column *aim)
{
    const cpb_patience *const patience = cpb_even_patience(even->view);
    const int64_t seats = seats_per_rank(even->view);
    const int64_t rounds = patience->rounds + patience->rounds_by_seats / seats;
    uint64_t seed = 1;
    int64_t excess = INT64_MAX;
    cpb_seating seating;

    const cpb_status status = cpb_even_seat(even, &seating);
    if (status != CPB_OK)
        return status;
    for (int64_t round = 0; round < rounds; round++) {
        const int64_t above = count_above(even, aim->target);
        if (above == 0)
            break;
        if (round % patience->stage == 0) {
            if (excess_of(even, aim) > excess - excess / 8)
                break;
            excess = excess_of(even, aim);
        }
        const int64_t partners = cpb_max(1, PAIRS_TRIED / above);
        if (cpb_mend(&seating, aim->target, (int32_t)partners))
            break;
        cpb_redeal(&seating, seats >= 4 && round % 2 ? 2 : 1, &seed);
    }
    cpb_seating_owners(&seating, even->best.owner);
    return CPB_OK;
}

/* Take a rival's outcome where it is better. */
static cpb_status try_rivals(cpb_even *even, const column *aim)
{
    static cpb_start_fn *const rivals[] = {cpb_start_snake, cpb_start_longest_first};
    cpb_assignment trial = {
        .owner = cpb_arena_take(even->arena, (size_t)even->view->n_chunks,
                                sizeof *trial.owner),
        .level =
            cpb_arena_take(even->arena, (size_t)even->view->ranks, sizeof *trial.level),
    };
    if (!trial.owner || !trial.level)
        return CPB_NO_MEMORY;
    int64_t least = largest_load(even, aim, &even->best);
    for (size_t i = 0; i < sizeof rivals / sizeof *rivals; i++) {
        rivals[i](&even->table, &trial);
        const int64_t largest = largest_load(even, aim, &trial);
        if (largest < least) {
            const cpb_assignment worse = even->best;
            even->best = trial;
            trial = worse;
            least = largest;
        }
    }
    return CPB_OK;
}

/* Deal one column of costs. */
static cpb_status deal_column(cpb_even *even)
{
    column aim;
    cpb_status status;

    CPB_TRY(cpb_even_sort(even, even->view->cost));
    CPB_TRY(set_aims(even, &aim));
    cpb_even_start(even, even->view->cost);
    if (count_above(even, aim.target) > 0)
        CPB_TRY(improve(even, &aim));

    const int64_t largest = largest_load(even, &aim, &even->best);
    const bool capped = even->table.spread;
    if (!capped && largest > aim.bound &&
        (largest > aim.target || even->table.n <= RIVAL_CHUNKS))
        CPB_TRY(try_rivals(even, &aim));
done:
    return status;
}

cpb_status cpb_balance_even(const cpb_view *view, cpb_deal *deal, cpb_error *error)
{
    cpb_even even;
    cpb_status status;

    CPB_TRY(prepare(view, deal->arena, &even, error));
    CPB_TRY(view->n_columns > 1 ? cpb_even_layers(&even) : deal_column(&even));
    CPB_TRY(cpb_deal_chunks(deal, view, even.best.owner));
done:
    return status;
}
