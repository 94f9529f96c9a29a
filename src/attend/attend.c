// SPDX-License-Identifier: Apache-2.0
/* Preparing one rank's attention. */
#include "attend.h"
#include "base/error.h"
#include "pages.h"

#include <limits.h>
#include <math.h>

/* A tile's queries and results, PIECE_ROWS x PIECE_KEYS scores and their keys stay in the
 * second cache; keys and values of a chunk are read from the third. */
enum {
    TILE_NUMBERS = 1 << 16,
    PIECE_ROWS = 512,
    PIECE_KEYS = 256,
    CHUNK_NUMBERS = 1 << 19
};

enum { CACHE_LINE = 64 };

enum { MOST_DIM = 4096, MOST_HEADS = 1 << 16 };

static cpb_status check_shape(const cpb_attention *shape, cpb_error *error)
{
    const struct {
        const char *name;
        int64_t value, most;
    } numbers[] = {{"q_heads", shape->q_heads, MOST_HEADS},
                   {"kv_heads", shape->kv_heads, MOST_HEADS},
                   {"head_dim", shape->head_dim, MOST_DIM}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < 1 || numbers[i].value > numbers[i].most)
            return cpb_fail(error, CPB_INVALID, -1,
                            "%s is %lld; accepted are 1 to %lld", numbers[i].name,
                            (long long)numbers[i].value, (long long)numbers[i].most);
    if (shape->q_heads % shape->kv_heads)
        return cpb_fail(error, CPB_INVALID, -1,
                        "%lld query heads are no multiple of %lld key heads",
                        (long long)shape->q_heads, (long long)shape->kv_heads);
    if (2 * shape->kv_heads * shape->head_dim > INT_MAX)
        return cpb_fail(error, CPB_TOO_LARGE, -1,
                        "%lld key heads of %lld are too many numbers per token",
                        (long long)shape->kv_heads, (long long)shape->head_dim);
    if (!(shape->scale > 0) || !isfinite(shape->scale))
        return cpb_fail(error, CPB_INVALID, -1,
                        "the scale of scores is %g; it must be above 0", shape->scale);
    return CPB_OK;
}

static cpb_status check_inputs(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_exchange *exchange, int32_t rank,
                               cpb_error *error)
{
    if (cpb_mask_tokens(mask) != cpb_plan_tokens(plan))
        return cpb_fail(
            error, CPB_INVALID, -1, "the mask has %lld tokens and the plan %lld",
            (long long)cpb_mask_tokens(mask), (long long)cpb_plan_tokens(plan));
    if (cpb_exchange_ranks(exchange) != cpb_plan_ranks(plan) ||
        cpb_exchange_steps(exchange) > CPB_MOST_STEPS)
        return cpb_fail(error, CPB_INVALID, -1,
                        "the exchange of %d ranks is none of this plan of %d ranks",
                        (int)cpb_exchange_ranks(exchange), (int)cpb_plan_ranks(plan));
    if (rank < 0 || rank >= cpb_plan_ranks(plan))
        return cpb_fail(error, CPB_INVALID, -1, "rank %d is none of the %d of the plan",
                        (int)rank, (int)cpb_plan_ranks(plan));
    return CPB_OK;
}

/* A matrix of scratch: where it is to be stored, and how large it is. */
typedef struct wish {
    void **to;
    int64_t rows, columns;
    size_t bytes; /* of a number */
} wish;

static size_t wish_bytes(const wish *w)
{
    const size_t n = (size_t)(w->rows * w->columns) * w->bytes;
    return (n + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* All in one piece, on as few pages as there can be: products run through all of it again
 * and again, and pages of the usual size do not lie side by side in the second cache. */
static cpb_status grant(cpb_attend *attend, size_t n, const wish *wishes,
                        cpb_error *error)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += wish_bytes(&wishes[i]);
    unsigned char *at = cpb_pages_take(&attend->arena, all);
    if (!at)
        return cpb_fail_memory(error);
    for (size_t i = 0; i < n; i++) {
        *wishes[i].to = at;
        at += wish_bytes(&wishes[i]);
    }
    attend->scratch_bytes += all;
    return CPB_OK;
}

static cpb_status take_scratch(cpb_attend *attend, cpb_error *error)
{
    cpb_scratch *const s = &attend->scratch;
    const int64_t rows = attend->tile * attend->group, dim = attend->shape.head_dim;
    const int64_t block = attend->block, piece = attend->piece * attend->group;
    const int64_t chunk = attend->chunk;
    const size_t bytes = attend->kernel->bytes;
    const int64_t back = attend->backward;
    const wish wishes[] = {{&s->q, rows, dim, bytes},
                           {&s->out, rows, dim, bytes},
                           {&s->scores, piece, block, bytes},
                           {&s->top, rows, 1, bytes},
                           {&s->sum, rows, 1, bytes},
                           {&s->dout, back * rows, dim, bytes},
                           {&s->dscores, back * piece, block, bytes},
                           {&s->k, chunk, dim, bytes},
                           {&s->v, chunk, dim, bytes},
                           {&s->dk, back * chunk, dim, bytes},
                           {&s->dv, back * chunk, dim, bytes}};
    return grant(attend, sizeof wishes / sizeof *wishes, wishes, error);
}

static int64_t most_of_tile(const cpb_attend *attend)
{
    const int64_t pieces = TILE_NUMBERS / (PIECE_ROWS * attend->shape.head_dim);
    return attend->piece * cpb_max(1, pieces);
}

static void set_sizes(cpb_attend *attend)
{
    const cpb_traffic traffic = cpb_exchange_traffic(attend->exchange, attend->rank);
    attend->group = attend->shape.q_heads / attend->shape.kv_heads;
    attend->queries = traffic.shard;
    attend->keys = traffic.shard + traffic.buffer;
    attend->steps = cpb_exchange_steps(attend->exchange);
    attend->piece = cpb_max(1, PIECE_ROWS / attend->group);
    attend->block = PIECE_KEYS;
    attend->chunk = cpb_min(CHUNK_NUMBERS / attend->shape.head_dim,
                            cpb_max(1, cpb_max(traffic.shard, traffic.buffer)));
    attend->tile = cpb_even_length(attend->queries, most_of_tile(attend));
    attend->n_tiles = cpb_ceil_div(attend->queries, attend->tile);
    attend->kernel =
        attend->shape.accumulate == CPB_FP64 ? &cpb_kernel_f64 : &cpb_kernel_f32;
    attend->rows = cpb_rows_best();
}

cpb_status cpb_attend_create(const cpb_plan *plan, const cpb_mask *mask,
                             const cpb_exchange *exchange, int32_t rank,
                             const cpb_attention *shape, bool backward,
                             const cpb_allocator *allocator, cpb_attend **attend,
                             cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_status status = CPB_OK;
    *attend = NULL;
    CPB_TRY(check_shape(shape, error));
    CPB_TRY(check_inputs(plan, mask, exchange, rank, error));
    cpb_attend *const made = cpb_arena_zeros(&arena, 1, sizeof *made);
    CPB_TRY(made ? CPB_OK : cpb_fail_memory(error));
    *made = (cpb_attend){.arena = arena,
                         .plan = plan,
                         .mask = mask,
                         .exchange = exchange,
                         .rank = rank,
                         .backward = backward,
                         .shape = *shape};
    set_sizes(made);
    status = cpb_parts_create(made, error);
    if (status == CPB_OK)
        status = cpb_lists_create(made, error);
    if (status == CPB_OK)
        status = take_scratch(made, error);
    arena = made->arena;
    if (status == CPB_OK)
        *attend = made;
done:
    if (status != CPB_OK)
        cpb_arena_free(&arena);
    return status;
}

void cpb_attend_free(cpb_attend *attend)
{
    if (!attend)
        return;
    cpb_arena arena = attend->arena; /* the object itself lies in it */
    cpb_arena_free(&arena);
}

cpb_attend_sizes cpb_attend_size(const cpb_attend *attend)
{
    const cpb_attention *const s = &attend->shape;
    return (cpb_attend_sizes){.queries = attend->queries,
                              .keys = attend->keys,
                              .q_row = s->q_heads * s->head_dim,
                              .kv_row = 2 * s->kv_heads * s->head_dim,
                              .lse_row = s->q_heads,
                              .work = attend->part[CPB_OWN].work +
                                      attend->part[CPB_RECEIVED].work,
                              .scratch = (int64_t)attend->scratch_bytes};
}
