// SPDX-License-Identifier: Apache-2.0
/* The stages of the exchange as lists of rows: keys forward, their gradients backward. */
#include "attend.h"
#include "base/error.h"

/* One end of one stage. */
typedef struct side {
    const cpb_transfer *transfers;
    size_t n;
    bool from_source; /* rows are the sources, else the targets */
    bool staged;      /* rows are numbered as they come, to be added later */
} side;

static int32_t partner(const cpb_transfer *transfer, int32_t rank)
{
    return transfer->from == rank ? transfer->to : transfer->from;
}

/* Rows of one transfer in memory: shard, then receive buffer. */
static cpb_range rows_of(const cpb_attend *attend, const cpb_transfer *transfer,
                         bool from_source)
{
    const int64_t begin =
        from_source ? transfer->source : attend->queries + transfer->target;
    return (cpb_range){begin, begin + cpb_range_length(transfer->keys)};
}

/* Append a range, joined to the last one where it continues it. */
static void append(cpb_range *ranges, size_t *n, cpb_range range)
{
    if (*n && ranges[*n - 1].end == range.begin)
        ranges[*n - 1].end = range.end;
    else
        ranges[(*n)++] = range;
}

/* One peer's rows, as both kinds of list want them. */
typedef struct bundle {
    int32_t peer;
    size_t n_ranges;
    cpb_range *ranges;
} bundle;

/* Bundle a side by peer; returns how many there are. */
static size_t bundle_up(const cpb_attend *attend, const side *s, cpb_range *ranges,
                        bundle *bundles)
{
    size_t n = 0;
    int64_t row = 0;
    for (size_t i = 0; i < s->n; i++) {
        const int32_t peer = partner(&s->transfers[i], attend->rank);
        const int64_t length = cpb_range_length(s->transfers[i].keys);
        if (!n || bundles[n - 1].peer != peer) {
            ranges += n ? bundles[n - 1].n_ranges : 0;
            bundles[n++] = (bundle){.peer = peer, .ranges = ranges};
        }
        append(ranges, &bundles[n - 1].n_ranges,
               s->staged ? (cpb_range){row, row + length}
                         : rows_of(attend, &s->transfers[i], s->from_source));
        row += length;
    }
    return n;
}

static int64_t rows_in(const cpb_transfer *transfers, size_t n)
{
    int64_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += cpb_range_length(transfers[i].keys);
    return rows;
}

static cpb_status list_stage(cpb_attend *attend, cpb_way way, int32_t i,
                             cpb_error *error)
{
    const cpb_stage stage = cpb_exchange_stage(attend->exchange, attend->rank, way, i);
    cpb_lists *const lists = &attend->lists[way][i];
    const bool forward = way == CPB_FORWARD;
    const side gives = {stage.gives, stage.n_gives, forward, false};
    const side gets = {stage.gets, stage.n_gets, !forward, !forward};
    const size_t most = stage.n_gives > stage.n_gets ? stage.n_gives : stage.n_gets;
    const size_t row_bytes =
        2 * sizeof(float) * (size_t)(attend->shape.kv_heads * attend->shape.head_dim);
    cpb_arena *const arena = &attend->arena;
    cpb_range *const give_ranges = cpb_arena_take(arena, gives.n, sizeof *give_ranges);
    cpb_range *const get_ranges = cpb_arena_take(arena, gets.n, sizeof *get_ranges);
    bundle *const bundles = cpb_arena_take(arena, most, sizeof *bundles);
    lists->gives = cpb_arena_take(arena, gives.n, sizeof *lists->gives);
    lists->gets = cpb_arena_take(arena, gets.n, sizeof *lists->gets);
    if (!give_ranges || !get_ranges || !bundles || !lists->gives || !lists->gets)
        return cpb_fail_memory(error);
    lists->n_gives = bundle_up(attend, &gives, give_ranges, bundles);
    for (size_t b = 0; b < lists->n_gives; b++)
        lists->gives[b] = (cpb_give){bundles[b].peer, row_bytes, bundles[b].n_ranges,
                                     bundles[b].ranges, NULL};
    lists->n_gets = bundle_up(attend, &gets, get_ranges, bundles);
    for (size_t b = 0; b < lists->n_gets; b++)
        lists->gets[b] = (cpb_get){bundles[b].peer, row_bytes, bundles[b].n_ranges,
                                   bundles[b].ranges, NULL};
    lists->in = rows_in(stage.gets, stage.n_gets);
    lists->out = rows_in(stage.gives, stage.n_gives);
    return CPB_OK;
}

cpb_status cpb_lists_create(cpb_attend *attend, cpb_error *error)
{
    const size_t row = 2 * (size_t)(attend->shape.kv_heads * attend->shape.head_dim);
    int64_t largest = 0;
    for (int way = CPB_FORWARD; way <= (attend->backward ? CPB_BACKWARD : CPB_FORWARD);
         way++)
        for (int32_t i = 0; i < attend->steps; i++) {
            const cpb_status status = list_stage(attend, (cpb_way)way, i, error);
            if (status != CPB_OK)
                return status;
            if (way == CPB_BACKWARD)
                largest = cpb_max(largest, attend->lists[way][i].in);
        }
    attend->arrivals =
        cpb_arena_take(&attend->arena, (size_t)largest * row, sizeof *attend->arrivals);
    attend->scratch_bytes += (size_t)largest * row * sizeof *attend->arrivals;
    return attend->arrivals ? CPB_OK : cpb_fail_memory(error);
}
