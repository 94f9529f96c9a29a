// SPDX-License-Identifier: Apache-2.0
/* Per-token arrays of a plan, run by run. */
#include <cpb/order.h>

#include "../base/error.h"
#include "../base/range.h"
#include "../mask/mask.h"
#include "../plan/plan.h"
#include "iota.h"

#include <assert.h>
#include <string.h>

/* Up to here arrays stay in a last-level cache of common size (32 MiB), where ordinary
 * stores are up to four times as fast as non-temporal ones; beyond it they would read
 * every line before they overwrite it. */
#define CACHED_BYTES ((size_t)24 << 20)

/* The best way that this processor has; the plain one always serves. */
static const cpb_iota_way *best_way(void)
{
    const cpb_iota_way *best = NULL;
    for (size_t i = 0; cpb_iota_way_at(i); i++)
        if (cpb_iota_way_at(i)->serves())
            best = cpb_iota_way_at(i);
    return best;
}

void cpb_order_write(const cpb_plan *plan, cpb_index type, void *order, void *inverse)
{
    const size_t n = (size_t)(cpb_plan_tokens(plan) + cpb_plan_padding(plan));
    const size_t bytes = cpb_index_bytes(type);
    const size_t arrays = (size_t)(order != NULL) + (size_t)(inverse != NULL);
    assert((uintptr_t)order % bytes == 0 && (uintptr_t)inverse % bytes == 0);

    const cpb_iota iota = {
        .type = type,
        .n = (int64_t)n,
        .n_runs = cpb_plan_all_runs(plan),
        .runs = cpb_plan_runs(plan, 0), /* those of all ranks follow each other */
        .order = order,
        .inverse = inverse,
    };
    const cpb_iota_way *const way = best_way();
    if (arrays * n * bytes <= CACHED_BYTES)
        way->cached(&iota);
    else
        way->streamed(&iota);
}

/* Where documents end. What lies behind the last one, the pads, is as one more document
 * without an end; without any document the sequence and its pads are. */
typedef struct packing {
    size_t n;
    const int64_t *ends; /* [n] */
} packing;

static cpb_range document_at(const packing *documents, size_t d)
{
    return (cpb_range){d > 0 ? documents->ends[d - 1] : 0,
                       d < documents->n ? documents->ends[d] : INT64_MAX};
}

/* Write the entries of positions that follow each other in one document. */
typedef void stretch_fn(cpb_range positions, cpb_range document, cpb_index type,
                        unsigned char *out);

/* Cut a run where documents end: one search finds the first document, the others follow
 * it. */
static void write_run(cpb_range run, const packing *documents, cpb_index type,
                      unsigned char *out, stretch_fn *write)
{
    size_t d = cpb_document_of(documents->n, documents->ends, run.begin);
    for (int64_t p = run.begin; p < run.end; d++) {
        const cpb_range document = document_at(documents, d);
        const cpb_range positions = {p, cpb_min(run.end, document.end)};
        write(positions, document, type, out); /* nothing for an empty document */
        out += (size_t)cpb_range_length(positions) * cpb_index_bytes(type);
        p = positions.end;
    }
}

static void write_shard(const cpb_plan *plan, int32_t rank, const packing *documents,
                        cpb_index type, unsigned char *out, stretch_fn *write)
{
    const cpb_range *const runs = cpb_plan_runs(plan, rank);
    const size_t n_runs = cpb_plan_n_runs(plan, rank);
    for (size_t i = 0; i < n_runs; i++) {
        write_run(runs[i], documents, type, out, write);
        out += (size_t)cpb_range_length(runs[i]) * cpb_index_bytes(type);
    }
}

static void write_positions(cpb_range positions, cpb_range document, cpb_index type,
                            unsigned char *out)
{
    cpb_iota_write(type, out, positions.begin - document.begin,
                   cpb_range_length(positions));
}

void cpb_order_positions(const cpb_plan *plan, int32_t rank, size_t n_documents,
                         const int64_t *document_ends, cpb_index type, void *positions)
{
    const packing documents = {n_documents, document_ends};
    write_shard(plan, rank, &documents, type, positions, write_positions);
}

static void write_next(cpb_range positions, cpb_range document, cpb_index type,
                       unsigned char *out)
{
    const bool pads = document.end == INT64_MAX;
    const bool last = positions.begin < positions.end && positions.end == document.end;
    const size_t bytes = cpb_index_bytes(type);
    int64_t p = positions.begin;

    if (!pads) {
        const int64_t followed = cpb_range_length(positions) - last;
        cpb_iota_write(type, out, p + 1, followed);
        out += (size_t)followed * bytes;
        p += followed;
    }
    for (; p < positions.end; p++, out += bytes)
        cpb_iota_write(type, out, -1, 1);
}

void cpb_order_next(const cpb_plan *plan, int32_t rank, size_t n_documents,
                    const int64_t *document_ends, cpb_index type, void *next)
{
    const int64_t tokens = cpb_plan_tokens(plan);
    const packing documents = {n_documents > 0 ? n_documents : 1,
                               n_documents > 0 ? document_ends : &tokens};
    write_shard(plan, rank, &documents, type, next, write_next);
}

static void put(cpb_index type, void *array, int64_t i, int64_t value)
{
    cpb_iota_write(type, (unsigned char *)array + (size_t)i * cpb_index_bytes(type),
                   value, 1);
}

cpb_status cpb_order_runs(const cpb_plan *plan, int32_t rank, int64_t room,
                          cpb_index type, void *begins, void *ends, cpb_error *error)
{
    const cpb_range *const runs = cpb_plan_runs(plan, rank);
    const int64_t n = (int64_t)cpb_plan_n_runs(plan, rank);
    const int64_t end = cpb_plan_tokens(plan) + cpb_plan_padding(plan);
    assert(room >= 0);
    if (n > room)
        return cpb_fail(error, CPB_UNSUPPORTED, rank,
                        "rank %d has %lld runs, above the capacity of %lld; raise the "
                        "capacity or fall back to the balancer `contiguous`",
                        rank, (long long)n, (long long)room);
    for (int64_t i = 0; i < room; i++) {
        put(type, begins, i, i < n ? runs[i].begin : end);
        put(type, ends, i, i < n ? runs[i].end : end);
    }
    return CPB_OK;
}

void cpb_rows_gather(const cpb_plan *plan, int32_t rank, const void *rows,
                     size_t row_bytes, void *shard)
{
    const cpb_range *const runs = cpb_plan_runs(plan, rank);
    const size_t n_runs = cpb_plan_n_runs(plan, rank);
    const unsigned char *const from = rows;
    unsigned char *to = shard;
    for (size_t i = 0; i < n_runs; i++) {
        const size_t bytes = (size_t)cpb_range_length(runs[i]) * row_bytes;
        if (bytes > 0)
            memcpy(to, from + (size_t)runs[i].begin * row_bytes, bytes);
        to += bytes;
    }
}

void cpb_rows_scatter(const cpb_plan *plan, int32_t rank, const void *shard,
                      size_t row_bytes, void *rows)
{
    const cpb_range *const runs = cpb_plan_runs(plan, rank);
    const size_t n_runs = cpb_plan_n_runs(plan, rank);
    const unsigned char *from = shard;
    unsigned char *const to = rows;
    for (size_t i = 0; i < n_runs; i++) {
        const size_t bytes = (size_t)cpb_range_length(runs[i]) * row_bytes;
        if (bytes > 0)
            memcpy(to + (size_t)runs[i].begin * row_bytes, from, bytes);
        from += bytes;
    }
}
