// SPDX-License-Identifier: Apache-2.0
/* Per-token arrays of a plan, run by run. */
#include <cpb/order.h>

#include "../base/range.h"
#include "../mask/mask.h"
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

static size_t all_runs(const cpb_plan *plan)
{
    size_t n = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        n += cpb_plan_n_runs(plan, r);
    return n;
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
        .n_runs = all_runs(plan),
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
typedef struct documents {
    size_t n;
    const int64_t *ends; /* [n] */
} documents;

/* Consecutive positions of one document. */
typedef struct stretch {
    cpb_range positions;
    cpb_range document;
} stretch;

/* Write the entries of a stretch. */
typedef void stretch_fn(const stretch *stretch, cpb_index type, void *out);

static cpb_range document_at(const documents *documents, size_t d)
{
    return (cpb_range){d > 0 ? documents->ends[d - 1] : 0,
                       d < documents->n ? documents->ends[d] : INT64_MAX};
}

/* Cut a run where documents end: one search finds the first document, the others follow
 * it. */
static void write_run(cpb_range run, const documents *documents, cpb_index type,
                      unsigned char *out, stretch_fn *write)
{
    size_t d = cpb_document_of(documents->n, documents->ends, run.begin);
    for (int64_t p = run.begin; p < run.end; d++) {
        const cpb_range document = document_at(documents, d);
        const stretch part = {{p, cpb_min(run.end, document.end)}, document};
        const int64_t length = cpb_range_length(part.positions);
        if (length == 0)
            continue; /* an empty document */
        write(&part, type, out);
        out += (size_t)length * cpb_index_bytes(type);
        p = part.positions.end;
    }
}

static void write_shard(const cpb_plan *plan, int32_t rank, const documents *documents,
                        cpb_index type, unsigned char *out, stretch_fn *write)
{
    const cpb_range *const runs = cpb_plan_runs(plan, rank);
    const size_t n_runs = cpb_plan_n_runs(plan, rank);
    for (size_t i = 0; i < n_runs; i++) {
        write_run(runs[i], documents, type, out, write);
        out += (size_t)cpb_range_length(runs[i]) * cpb_index_bytes(type);
    }
}

static void write_positions(const stretch *stretch, cpb_index type, void *out)
{
    const cpb_range positions = stretch->positions;
    cpb_iota_write(type, out, positions.begin - stretch->document.begin,
                   cpb_range_length(positions));
}

void cpb_order_positions(const cpb_plan *plan, int32_t rank, size_t n_documents,
                         const int64_t *document_ends, cpb_index type, void *positions)
{
    const documents documents = {n_documents, document_ends};
    write_shard(plan, rank, &documents, type, positions, write_positions);
}

static void write_none(cpb_index type, unsigned char *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        cpb_iota_write(type, out + (size_t)i * cpb_index_bytes(type), -1, 1);
}

static void write_next(const stretch *stretch, cpb_index type, void *out)
{
    const cpb_range positions = stretch->positions;
    const bool pads = stretch->document.end == INT64_MAX;
    const bool last = positions.end == stretch->document.end;
    const int64_t n = cpb_range_length(positions);
    const int64_t followed = pads ? 0 : n - last;
    cpb_iota_write(type, out, positions.begin + 1, followed);
    write_none(type, (unsigned char *)out + (size_t)followed * cpb_index_bytes(type),
               n - followed);
}

void cpb_order_next(const cpb_plan *plan, int32_t rank, size_t n_documents,
                    const int64_t *document_ends, cpb_index type, void *next)
{
    const int64_t tokens = cpb_plan_tokens(plan);
    const documents documents = {n_documents > 0 ? n_documents : 1,
                                 n_documents > 0 ? document_ends : &tokens};
    write_shard(plan, rank, &documents, type, next, write_next);
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
