// SPDX-License-Identifier: Apache-2.0
/* Allot and place; swap.c refines. */
#include "fill.h"

#include "../base/error.h"

cpb_status cpb_fill_create(const cpb_batch *batch, int32_t width, cpb_fill *fill,
                           cpb_error *error)
{
    cpb_arena *const arena = batch->scratch;
    const size_t ranks = (size_t)width, jobs = (size_t)batch->n;
    const size_t most = ranks > jobs ? ranks : jobs;
    *fill = (cpb_fill){
        .batch = batch,
        .width = width,
        .most = INT64_MAX,
        .place = cpb_arena_zeros(arena, jobs, sizeof *fill->place),
        .load = cpb_arena_take(arena, ranks, sizeof *fill->load),
        .base = cpb_arena_take(arena, ranks, sizeof *fill->base),
        .finish = cpb_arena_take(arena, ranks, sizeof *fill->finish),
        .owner = cpb_arena_take(arena, ranks, sizeof *fill->owner),
        .span = cpb_arena_take(arena, ranks, sizeof *fill->span),
        .head = cpb_arena_take(arena, ranks, sizeof *fill->head),
        .next = cpb_arena_take(arena, jobs, sizeof *fill->next),
        .host = cpb_arena_take(arena, jobs, sizeof *fill->host),
        .limit = cpb_arena_zeros(arena, jobs, sizeof *fill->limit),
        .after = cpb_arena_take(arena, jobs + 1, sizeof *fill->after),
        .cut = cpb_arena_take(arena, ranks, sizeof *fill->cut),
        .full = cpb_arena_take(arena, batch->n_sizes, sizeof *fill->full),
        .window_key = cpb_arena_take(arena, ranks, sizeof *fill->window_key),
        .items = cpb_arena_take(arena, most, sizeof *fill->items),
        .spare = cpb_arena_take(arena, most, sizeof *fill->spare),
    };
    return fill->place && fill->load && fill->base && fill->finish && fill->owner &&
                   fill->span && fill->head && fill->next && fill->host &&
                   fill->limit && fill->after && fill->cut && fill->items &&
                   fill->spare && fill->full && fill->window_key &&
                   cpb_heap_create(arena, width, fill->finish, &fill->heap) &&
                   cpb_heap_create(arena, width, fill->window_key, &fill->windows)
               ? CPB_OK
               : cpb_fail_memory(error);
}

int64_t cpb_fill_time(const cpb_fill *fill, int32_t r, const cpb_share *load)
{
    const cpb_price *const price = &fill->batch->price;
    if (!fill->solo)
        return fill->base[r] + cpb_price_time(price, load);
    return fill->base[r] + price->token * load->tokens + load->attention +
           price->fixed * cpb_ceil_div(load->tokens, fill->batch->budget);
}

/* What job `j` costs on a group of sizes[s]. */
static cpb_job_offer offer_of(const cpb_fill *fill, int64_t j, size_t s)
{
    const cpb_batch *const batch = fill->batch;
    if (fill->solo)
        return cpb_offers_get(fill->offers, j, s);
    const int64_t time = cpb_batch_alone(batch, j, s);
    return (cpb_job_offer){.time = time, .area = (cpb_wide)batch->sizes[s] * time};
}

/* The fewest ranks of the block that finish job `j` within `time`, as an index of sizes;
 * n_sizes where none do. */
static size_t size_within(const cpb_fill *fill, int64_t j, int64_t time)
{
    const cpb_batch *const batch = fill->batch;
    size_t s = cpb_batch_least_size(batch, batch->jobs[j].tokens);
    for (; s < batch->n_sizes && batch->sizes[s] <= fill->width; s++)
        if (offer_of(fill, j, s).time <= time)
            return s;
    return batch->n_sizes;
}

/* Jobs at the front of the list that may need several ranks when the step takes `time`
 * or more. */
static int64_t count_long(const cpb_fill *fill, int64_t time)
{
    const cpb_batch *const batch = fill->batch;
    int64_t n = 0;
    if (batch->sizes[0] > 1)
        return fill->n;
    for (int64_t i = 0; i < fill->n; i++) {
        const cpb_job *const job = &batch->jobs[fill->list[i]];
        if (job->work + batch->price.fixed > time || job->tokens > batch->budget)
            n = i + 1;
        else if (batch->ordered)
            break;
    }
    return n;
}

/* Whether all jobs can be done within `time`, as far as sums tell. */
static bool allots(const cpb_fill *fill, int64_t n_long, int64_t short_work,
                   int64_t time)
{
    const cpb_batch *const batch = fill->batch;
    const int64_t fixed = fill->solo ? 0 : batch->price.fixed;
    cpb_wide area = short_work;
    for (int64_t i = 0; i < n_long; i++) {
        const size_t s = size_within(fill, fill->list[i], time);
        if (s == batch->n_sizes)
            return false;
        area += offer_of(fill, fill->list[i], s).area - batch->sizes[s] * fixed;
    }
    return area <= (cpb_wide)fill->width * (time - fixed);
}

static int64_t allot(const cpb_fill *fill)
{
    enum { PRECISION = 2048 };
    const cpb_batch *const batch = fill->batch;
    int64_t work = 0, tokens = 0;
    for (int64_t i = 0; i < fill->n; i++)
        work += batch->jobs[fill->list[i]].work;
    int64_t low = cpb_ceil_div(work, fill->width);
    const int64_t n_long = count_long(fill, low);
    for (int64_t i = 0; i < n_long; i++)
        work -= batch->jobs[fill->list[i]].work;
    for (int64_t i = n_long; i < fill->n; i++)
        tokens += batch->jobs[fill->list[i]].tokens;
    if (fill->solo)
        work += batch->price.fixed * cpb_ceil_div(tokens, batch->budget);

    int64_t high = low + batch->price.fixed + 1;
    while (high < CPB_MAX_STEP && !allots(fill, n_long, work, high)) {
        low = high;
        high += high / 4 + 1;
    }
    while (high - low > 1 + high / PRECISION) {
        const int64_t middle = low + (high - low) / 2;
        if (allots(fill, n_long, work, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static void clear(cpb_fill *fill)
{
    for (size_t s = 0; s < fill->batch->n_sizes; s++)
        fill->full[s] = INT64_MAX;
    for (int32_t r = 0; r < fill->width; r++) {
        fill->load[r] = (cpb_share){0};
        fill->base[r] = 0;
        fill->finish[r] = 0;
        fill->owner[r] = -1;
        fill->head[r] = -1;
    }
}

/* A solo job holds its ranks from when the last of them is free. */
static void run_alone(cpb_fill *fill, int32_t j, size_t s, int32_t first)
{
    const int32_t end = first + fill->batch->sizes[s];
    int64_t start = 0;
    for (int32_t r = first; r < end; r++)
        start = cpb_max(start, fill->finish[r]);
    const int64_t time = cpb_fill_solo(fill, j, s, first);
    for (int32_t r = first; r < end; r++)
        fill->base[r] = fill->finish[r] = start + time;
}

/* Its ranks share a micro-batch with others. */
static void share_out(cpb_fill *fill, int32_t j, size_t s, int32_t first)
{
    const cpb_batch *const batch = fill->batch;
    const int32_t ranks = batch->sizes[s];
    const cpb_share share =
        cpb_batch_share(batch, &batch->jobs[j], fill->first + first, ranks);
    for (int32_t r = first; r < first + ranks; r++) {
        cpb_share_add(&fill->load[r], &share, 1);
        fill->owner[r] = first;
        fill->finish[r] = cpb_fill_time(fill, r, &fill->load[r]);
    }
    fill->span[first] = ranks;
}

static bool place_long(cpb_fill *fill, int32_t j, size_t s)
{
    const cpb_batch *const batch = fill->batch;
    const int32_t ranks = batch->sizes[s];
    const int64_t held = cpb_ceil_div(batch->jobs[j].tokens, ranks);
    if (held >= fill->full[s])
        return false;
    const int32_t first = cpb_fill_window(fill, ranks, held);
    if (first < 0) {
        fill->full[s] = held; /* windows only get fuller */
        return false;
    }
    if (fill->solo)
        run_alone(fill, j, s, first);
    else
        share_out(fill, j, s, first);
    fill->place[j].first = fill->first + first;
    fill->place[j].ranks = ranks;
    cpb_fill_window_used(fill, first, ranks);
    return true;
}

/* Where no group of sizes[s] has room: the nearest smaller one, whole (which is left to
 * place_shorts), or the nearest larger one. */
static bool place_elsewhere(cpb_fill *fill, int32_t j, size_t s)
{
    const cpb_batch *const batch = fill->batch;
    const size_t least = cpb_batch_least_size(batch, batch->jobs[j].tokens);
    for (size_t t = s; t-- > least && batch->sizes[t] > 1;)
        if (place_long(fill, j, t))
            return true;
    if (batch->sizes[least] == 1) {
        fill->place[j].ranks = 1;
        return true;
    }
    for (size_t t = s + 1; t < batch->n_sizes && batch->sizes[t] <= fill->width; t++)
        if (place_long(fill, j, t))
            return true;
    return false;
}

/* The largest groups first, so that blocks of smaller ones stay even. */
static bool place_longs(cpb_fill *fill, int64_t time)
{
    const cpb_batch *const batch = fill->batch;
    const int64_t n_long = count_long(fill, cpb_min(time, CPB_MAX_STEP));
    size_t n = 0;
    for (int64_t i = 0; i < fill->n; i++) {
        const int32_t j = fill->list[i];
        const size_t s = i < n_long ? size_within(fill, j, time) : 0;
        if (s == batch->n_sizes)
            return false;
        fill->place[j].ranks = batch->sizes[s];
        if (batch->sizes[s] > 1)
            fill->items[n++] = (cpb_item){batch->n_sizes - s, j};
    }
    cpb_sort(fill->items, fill->spare, n);
    cpb_fill_pool(fill);
    fill->window_ranks = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t j = (int32_t)fill->items[i].value;
        const size_t s = batch->n_sizes - (size_t)fill->items[i].key;
        if (!place_long(fill, j, s) && !place_elsewhere(fill, j, s))
            return false;
        if (fill->place[j].ranks > 1 &&
            fill->finish[fill->place[j].first - fill->first] > fill->most)
            return false;
    }
    return true;
}

static bool has_room(const cpb_fill *fill, int32_t rank, int64_t tokens)
{
    return fill->solo || fill->load[rank].tokens + tokens <= fill->batch->budget;
}

/* The rank that is free first and has room, -1 where none has. Ranks without room for the
 * `least` tokens of any job leave the heap. */
static int32_t first_free(cpb_fill *fill, int64_t tokens, int64_t least)
{
    cpb_heap *const heap = &fill->heap;
    while (heap->n && !has_room(fill, heap->slot[0], least))
        cpb_heap_pop(heap);
    if (!heap->n)
        return -1;
    if (has_room(fill, heap->slot[0], tokens))
        return heap->slot[0];
    int32_t best = -1;
    for (int32_t i = 1; i < heap->n; i++) {
        const int32_t rank = heap->slot[i];
        if (has_room(fill, rank, tokens) &&
            (best < 0 || cpb_heap_before(heap, rank, best)))
            best = rank;
    }
    return best;
}

/* Where no rank has room for a whole job, the fewest ranks that have share it. */
static bool place_shared(cpb_fill *fill, int32_t j)
{
    const cpb_batch *const batch = fill->batch;
    size_t s = 1;
    while (s < batch->n_sizes && batch->sizes[s] <= fill->width &&
           !place_long(fill, j, s))
        s++;
    if (s == batch->n_sizes || batch->sizes[s] > fill->width ||
        cpb_batch_alone(batch, j, s) > fill->most)
        return false;
    const int32_t first = fill->place[j].first - fill->first;
    for (int32_t r = first; r < first + batch->sizes[s]; r++)
        cpb_heap_grown(&fill->heap, r);
    return true;
}

static bool place_shorts(cpb_fill *fill)
{
    const cpb_batch *const batch = fill->batch;
    int64_t least = INT64_MAX;
    for (int64_t i = 0; i < fill->n; i++)
        least = cpb_min(least, batch->jobs[fill->list[i]].tokens);
    cpb_heap_fill(&fill->heap, fill->width);
    fill->window_ranks = -1;
    for (int64_t i = 0; i < fill->n; i++) {
        const int32_t j = fill->list[i];
        if (fill->place[j].ranks > 1 || fill->host[j] >= 0)
            continue;
        const cpb_share share = cpb_fill_whole(fill, j);
        const int32_t r = first_free(fill, share.tokens, least);
        if (r >= 0) {
            cpb_share_add(&fill->load[r], &share, 1);
            fill->finish[r] = cpb_fill_time(fill, r, &fill->load[r]);
            cpb_heap_grown(&fill->heap, r);
            fill->place[j].first = fill->first + r;
        } else if (!place_shared(fill, j)) {
            return false;
        }
    }
    return true;
}

static void measure(cpb_fill *fill)
{
    fill->time = 0;
    for (int32_t r = 0; r < fill->width; r++)
        fill->time = cpb_max(fill->time, fill->finish[r]);
}

void cpb_fill_run(cpb_fill *fill)
{
    const int64_t time = allot(fill);
    clear(fill);
    fill->fits = place_longs(fill, time) && place_shorts(fill);
    if (!fill->fits)
        return;
    if (fill->rounds)
        cpb_fill_swap(fill);
    measure(fill);
}
