// SPDX-License-Identifier: Apache-2.0
/* THE list of balancers: planner, program, help, tests and benchmarks walk it, so a new
 * balancer is one file and one row. See docs/add-a-balancer.md. */
#include "balance.h"

enum {
    ALL_KERNELS = 1 << CPB_FLEX | 1 << CPB_VARLEN | 1 << CPB_RECURRENT,
    BY_NEED = 1 << CPB_EXCHANGE | 1 << CPB_ALLGATHER,
    BY_RING = 1 << CPB_RING
};

const cpb_balancer cpb_balancers[] = {
    {
        .name = "contiguous",
        .summary = "rank r holds the r-th piece",
        .run = cpb_balance_contiguous,
        .weights = CPB_WEIGHTS_NONE,
        .chunk = 128,
        .rank_factor = 1,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED,
    },
    {
        .name = "head-tail",
        .summary = "piece r with piece 2W-1-r (PyTorch, Megatron, zigzag)",
        .run = cpb_balance_head_tail,
        .weights = CPB_WEIGHTS_NONE,
        .chunk = 128,
        .rank_factor = 2,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED | BY_RING,
    },
    {
        .name = "per-document",
        .summary = "head-tail inside each document (PyTorch, TransformerEngine THD)",
        .run = cpb_balance_per_document,
        .weights = CPB_WEIGHTS_NONE,
        .chunk = 128,
        .rank_factor = 1,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED,
    },
    {
        .name = "per-document-legacy",
        .summary = "the same laid out document by document (PyTorch before July 2026)",
        .run = cpb_balance_per_document_legacy,
        .weights = CPB_WEIGHTS_NONE,
        .chunk = 128,
        .rank_factor = 1,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED,
    },
    {
        .name = "ptrr",
        .summary = "sort by non-empty tiles, deal in a snake (PyTorch)",
        .run = cpb_balance_ptrr,
        .weights = CPB_WEIGHTS_TILES,
        .by_chunk = ALL_KERNELS,
        .chunk = 128,
        .rank_factor = 1,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED,
    },
    {
        .name = "striped",
        .summary = "chunk i to rank i mod W (Striped Attention)",
        .run = cpb_balance_striped,
        .weights = CPB_WEIGHTS_NONE,
        .by_chunk = ALL_KERNELS,
        .chunk = 128,
        .rank_factor = 1,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED,
    },
    {
        .name = "min-heap",
        .summary = "longest first to the least loaded rank with room (MagiAttention)",
        .run = cpb_balance_min_heap,
        .weights = CPB_WEIGHTS_PAIRS,
        .by_chunk = ALL_KERNELS,
        .chunk = 512,
        .rank_factor = 1,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED,
    },
    {
        .name = "even",
        .summary = "load nearest to the bound, traffic ignored",
        .run = cpb_balance_even,
        .weights = CPB_WEIGHTS_GIVEN,
        .by_chunk = ALL_KERNELS,
        .chunk = 128,
        .rank_factor = 1,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED,
    },
    {
        .name = "frugal",
        .summary = "least traffic with the largest load within the tolerance",
        .run = cpb_balance_frugal,
        .weights = CPB_WEIGHTS_LOOKUP,
        .by_chunk = 1 << CPB_FLEX,
        .keeps_tolerance = true,
        .chunk = 128,
        .rank_factor = 1,
        .kernels = ALL_KERNELS,
        .transports = BY_NEED,
    },
};

const size_t cpb_n_balancers = sizeof cpb_balancers / sizeof *cpb_balancers;
