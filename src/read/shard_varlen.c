// SPDX-License-Identifier: Apache-2.0
/* Varlen metadata: the segments of a shard, and the keys from their document's start. */
#include "shard.h"

#include "../base/error.h"
#include "../mask/mask.h"
#include "iota.h"

#include <assert.h>

/* A stretch of one document, or of pads, and the keys that its queries may need. */
typedef struct segment {
    cpb_range queries; /* original positions */
    cpb_range keys;
} segment;

/* Visits of all segments in the shard's order stop where one fails. */
typedef cpb_status segment_fn(void *context, const segment *s);

static cpb_range document_at(const cpb_packing *packing, size_t d)
{
    return (cpb_range){d ? packing->document_ends[d - 1] : 0,
                       packing->n_documents ? packing->document_ends[d]
                                            : cpb_plan_tokens(packing->plan)};
}

static cpb_status visit_run(const cpb_packing *packing, cpb_range run,
                            segment_fn *visit, void *context)
{
    const int64_t tokens = cpb_plan_tokens(packing->plan);
    const cpb_range pads = {cpb_max(run.begin, tokens), run.end};
    cpb_status status = CPB_OK;
    size_t d = run.begin < tokens ? cpb_document_of(packing->n_documents,
                                                    packing->document_ends, run.begin)
                                  : 0;
    for (int64_t p = run.begin; p < cpb_min(run.end, tokens); d++) {
        const cpb_range document = document_at(packing, d);
        const int64_t end = cpb_min(run.end, document.end);
        if (p < end)
            CPB_TRY(visit(context, &(segment){{p, end}, {document.begin, end}}));
        p = cpb_max(p, end);
    }
    if (pads.begin < pads.end)
        CPB_TRY(visit(context, &(segment){pads, {0, 0}}));
done:
    return status;
}

/* Runs that continue each other are one, so runs never join in a segment. */
static cpb_status visit_segments(const cpb_packing *packing, segment_fn *visit,
                                 void *context)
{
    assert(packing->rank >= 0 && packing->rank < cpb_plan_ranks(packing->plan));
    assert(!packing->n_documents || packing->document_ends[packing->n_documents - 1] ==
                                        cpb_plan_tokens(packing->plan));
    const cpb_range *const runs = cpb_plan_runs(packing->plan, packing->rank);
    const size_t n_runs = cpb_plan_n_runs(packing->plan, packing->rank);
    cpb_status status = CPB_OK;
    for (size_t i = 0; i < n_runs; i++)
        CPB_TRY(visit_run(packing, runs[i], visit, context));
done:
    return status;
}

static cpb_status add_up(void *context, const segment *s)
{
    cpb_varlen *const sum = context;
    sum->segments++;
    sum->max_q = cpb_max(sum->max_q, cpb_range_length(s->queries));
    sum->max_k = cpb_max(sum->max_k, cpb_range_length(s->keys));
    sum->total_k += cpb_range_length(s->keys);
    return CPB_OK;
}

cpb_varlen cpb_varlen_count(const cpb_packing *packing)
{
    cpb_varlen sum = {0};
    (void)visit_segments(packing, add_up, &sum); /* counting never fails */
    return sum;
}

/* The caller's arrays. */
typedef struct writer {
    const cpb_keys *keys; /* or NULL */
    size_t hint;
    cpb_index type;
    int64_t n; /* segments so far */
    int64_t q; /* queries of all segments so far */
    int64_t k;
    unsigned char *cu_q, *cu_k, *k_indices;
    int32_t rank;
    cpb_error *error;
} writer;

static void write_at(const writer *w, unsigned char *array, int64_t i, int64_t value,
                     int64_t n)
{
    cpb_iota_write(w->type, array + (size_t)i * cpb_index_bytes(w->type), value, n);
}

/* The slots of a segment's keys, from holding to holding. */
static cpb_status write_keys(writer *w, cpb_range range)
{
    const cpb_keys *const keys = w->keys;
    size_t i = cpb_keys_find(keys, w->hint, range.begin);
    w->hint = i;
    for (int64_t p = range.begin; p < range.end; i++) {
        if (i == keys->n || keys->at[i].keys.begin > p)
            return cpb_shard_fail_lack(w->rank, p, w->error);
        const int64_t end = cpb_min(range.end, keys->at[i].keys.end);
        write_at(w, w->k_indices, w->k + p - range.begin,
                 keys->at[i].slot + p - keys->at[i].keys.begin, end - p);
        p = end;
    }
    return CPB_OK;
}

static cpb_status write_segment(void *context, const segment *s)
{
    writer *const w = context;
    const cpb_status status = w->keys ? write_keys(w, s->keys) : CPB_OK;
    w->q += cpb_range_length(s->queries);
    w->k += cpb_range_length(s->keys);
    w->n++;
    write_at(w, w->cu_q, w->n, w->q, 1);
    write_at(w, w->cu_k, w->n, w->k, 1);
    return status;
}

static cpb_status capacity_check(const char *what, int64_t needed, int64_t capacity,
                                 cpb_error *error)
{
    if (needed <= capacity)
        return CPB_OK;
    return cpb_fail(
        error, CPB_UNSUPPORTED, -1,
        "the varlen metadata has %lld %s, above the capacity of %lld; raise "
        "the capacity or fall back to the balancer `contiguous`",
        (long long)needed, what, (long long)capacity);
}

cpb_status cpb_varlen_write(const cpb_packing *packing, const cpb_keys *keys,
                            const cpb_varlen_room *room, cpb_index type, void *cu_q,
                            void *cu_k, void *k_indices, cpb_error *error)
{
    const cpb_varlen sum = cpb_varlen_count(packing);
    writer w = {.keys = keys,
                .type = type,
                .cu_q = cu_q,
                .cu_k = cu_k,
                .k_indices = k_indices,
                .rank = packing->rank,
                .error = error};
    cpb_status status;

    CPB_TRY(capacity_check("segments", sum.segments, room->segments, error));
    if (keys)
        CPB_TRY(capacity_check("keys", sum.total_k, room->keys, error));
    write_at(&w, w.cu_q, 0, 0, 1);
    write_at(&w, w.cu_k, 0, 0, 1);
    CPB_TRY(visit_segments(packing, write_segment, &w));
    for (int64_t i = w.n + 1; i <= room->segments; i++) {
        write_at(&w, w.cu_q, i, w.q, 1);
        write_at(&w, w.cu_k, i, w.k, 1);
    }
    for (int64_t i = w.k; keys && i < room->keys; i++)
        write_at(&w, w.k_indices, i, room->sentinel, 1);
done:
    return status;
}
