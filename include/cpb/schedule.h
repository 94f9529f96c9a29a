// SPDX-License-Identifier: Apache-2.0
/** \file
 *  One level above a plan: which documents go together, on how many ranks, in which
 *  micro-batch of a step. docs/schedule.md explains the model and the words. */
#ifndef CPB_SCHEDULE_H
#define CPB_SCHEDULE_H

#include <cpb/cost.h>
#include <cpb/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The scheduling algorithm of this version; it stands in schedule and hash. */
enum { CPB_SCHEDULE_ALGORITHM = 1 };

/** Version of the schedule file and of the hash. */
enum { CPB_SCHEDULE_VERSION = 1 };

/** Largest number of documents of a step. */
#define CPB_MAX_DOCUMENTS ((int64_t)1 << 24)

/** Largest number of micro-batches of a step. */
#define CPB_MAX_MICRO_BATCHES ((int32_t)1 << 20)

/** The documents of a step. Arrays are the caller's, each [n]; NULL where optional. */
typedef struct cpb_documents {
    int64_t n;             /**< 0 .. CPB_MAX_DOCUMENTS */
    const int64_t *tokens; /**< lengths, 0 .. CPB_MAX_TOKENS */
    const int64_t *cost; /**< picoseconds of the whole document's attention on one rank;
                                NULL: counted in tiles of the profile */
    const int64_t *loss; /**< tokens that count in the loss; NULL: all of them */
    const int32_t
        *holder; /**< rank whose loader holds the document, -1: none; NULL: none */
    const int64_t *waited; /**< steps it was held back already; NULL: 0 */
    const int64_t
        *place; /**< its place in the loader's order, distinct numbers; NULL: its
                                index */
} cpb_documents;

/** Where ranks wait for each other. */
typedef enum cpb_meet {
    CPB_MEET_STEP = 0, /**< inside a group, and at the end of the step: plain data
                             parallelism, ZeRO-1 and -2 */
    CPB_MEET_MICRO = 1 /**< a barrier after every micro-batch: FSDP, ZeRO-3, expert and
                             pipeline parallelism */
} cpb_meet;

/** Which groups the runtime can form. */
typedef enum cpb_group_sizes {
    CPB_SIZES_POWERS = 0, /**< 1, 2, 4, ...: aligned to multiples of their size */
    CPB_SIZES_ANY = 1,    /**< 1 .. ranks, at any first rank */
    CPB_SIZES_LIST = 2 /**< those of a list, each of which divides the ranks; aligned */
} cpb_group_sizes;

/** What to schedule for. Start from cpb_domain_default(). */
typedef struct cpb_domain {
    int32_t ranks;          /**< data x context parallel, 1 .. CPB_MAX_RANKS */
    int32_t ranks_per_node; /**< ranks that share fast links and one network card;
                                 0: every rank has a card of its own */
    int64_t budget;         /**< most tokens of a rank in one micro-batch */
    cpb_group_sizes sizes;  /**< which groups the runtime can form */
    const int32_t *size;    /**< [n_size] of CPB_SIZES_LIST, ascending. The caller's. */
    size_t n_size;          /**< how many there are */
    bool one_size;          /**< all groups of a micro-batch have the same size */
    bool groups_only; /**< the runtime has no exchange on demand: every document is cut
                           evenly over the ranks of its group, and never into parts */
    int32_t micro_least;    /**< fewest micro-batches, >= 0 */
    int32_t micro_most;     /**< most micro-batches; 0: no limit */
    int32_t micro_multiple; /**< their number is a multiple of this, >= 1 */
    int64_t
        token_multiple; /**< tokens of a rank are padded to a multiple of this, >= 1 */
    int64_t fixed;      /**< picoseconds that every micro-batch of a rank takes */
    cpb_meet meet;      /**< where ranks wait for each other */
    int32_t stages; /**< pipeline stages, >= 1; more than one needs CPB_MEET_MICRO */
    int64_t window; /**< most places a document may move in the order; -1: any. Where a
                         row moves one further, `flat`, `lockstep` and `grid` keep the
                         loader's order from micro-batch to micro-batch, others refuse */
    int64_t
        hold; /**< most steps that a giant may be held back, 0: none is. A giant takes
                       longer alone than the mean of the ranks; where one has waited long
                       enough, those that take no longer go with it */
    int64_t token_bytes;     /**< bytes of a token as loaders hold it, 1 .. 256 */
    const char *row;         /**< a name of cpb_schedule_name() */
    cpb_setup setup;         /**< kernel, profile, model, overlap, backward */
    cpb_allocator allocator; /**< both NULL: malloc and free */
} cpb_domain;

/** `auto`, powers of two, meeting at the end of the step, nothing held back, setup of
 *  cpb_setup_default(). `ranks` and `budget` are 0 and must be set. */
CPB_API cpb_domain cpb_domain_default(void);

/** Why a document is not in the step. */
typedef enum cpb_left {
    CPB_LEFT_NOT = 0,   /**< it is in the step */
    CPB_LEFT_EMPTY = 1, /**< it has no tokens */
    CPB_LEFT_HELD = 2   /**< a giant, held back for a later step */
} cpb_left;

/** Where a document goes: over `ranks` ranks from `first` on, in one micro-batch.
 *  `micro_batch` is -1 for one that is left over. Cut evenly, each rank has a piece of the
 *  head and one of the tail. Else rank `first + i` has the tokens from cut i - 1 up to cut
 *  i, the first rank from 0 and the last one up to the end. */
typedef struct cpb_placement {
    int32_t micro_batch; /**< -1: not in the step */
    int32_t first;       /**< first rank */
    int32_t ranks;       /**< how many, >= 1 */
    int32_t group;       /**< index among the groups of the schedule */
    int32_t cuts;  /**< index among cpb_schedule_cuts() of the first of `ranks - 1`
                        positions, -1: cut evenly */
    cpb_left left; /**< why it is not in the step */
} cpb_placement;

/** Ranks that work on the same documents in one micro-batch. */
typedef struct cpb_group {
    int32_t micro_batch; /**< 0 .. micro-batches - 1 */
    int32_t first;       /**< first rank */
    int32_t ranks;       /**< its size */
    int64_t
        first_document;  /**< its documents are cpb_schedule_documents() from here on */
    int64_t n_documents; /**< how many they are, >= 1 */
    int64_t start;       /**< picoseconds after the start of the step */
    int64_t end;         /**< the same, of its slowest rank */
} cpb_group;

/** The figures of a schedule; docs/formats.md defines each. */
typedef struct cpb_schedule_score {
    int64_t time;  /**< picoseconds of one layer: the critical path of the step */
    int64_t bound; /**< no schedule of this domain is below */
    double gap;    /**< time / bound - 1 */
    int32_t micro_batches;  /**< numbered 0 .. micro_batches - 1 */
    int64_t groups;         /**< of all micro-batches */
    int64_t tokens;         /**< in the step */
    int64_t left_over;      /**< documents */
    int64_t split;          /**< documents on more than one rank */
    double group_mean;      /**< ranks per document, weighted with its tokens */
    double busy;            /**< share of ranks x time that ranks work */
    double time_imbalance;  /**< per micro-batch max / mean of the ranks' times - 1; the
                                mean over micro-batches, weighted with their time */
    double token_imbalance; /**< most / mean tokens of a rank in the step - 1 */
    int64_t
        tokens_max;   /**< most tokens of a rank in one micro-batch, padding included */
    int64_t padding;  /**< tokens, all ranks */
    int64_t received; /**< keys that ranks get from others, all ranks */
    int64_t received_max;   /**< most of one rank */
    int64_t wire;           /**< picoseconds, the largest sum of a rank */
    int64_t rerouted;       /**< tokens that are not where their loader holds them */
    int64_t rerouted_bytes; /**< the same in bytes */
    int64_t moved_max;      /**< places that a document moved in the order */
    double moved_mean;      /**< over documents */
    int64_t waited_max;     /**< steps that documents of this step have waited */
    int64_t loss_max; /**< most loss tokens of a rank; a document's are spread evenly
                           over its tokens */
    double loss_mean; /**< over ranks */
    int64_t replicas; /**< data-parallel replicas: the most sets of neighbouring ranks
                           over two of which no group reaches in this step */
    int64_t replica_loss_max; /**< most loss tokens of a replica */
    double replica_loss_mean; /**< over replicas */
} cpb_schedule_score;

/** An immutable schedule. Any number of threads may read it. Memory O(documents +
 *  cells). */
typedef struct cpb_schedule cpb_schedule;

/** Schedule the documents of a step.
 *
 *  Deterministic: equal inputs give equal schedules on every rank, compiler and thread
 *  count, so ranks schedule alone and agree without talking.
 *
 *  \param[out] schedule to be freed with cpb_schedule_free(); NULL on failure
 *  \return CPB_OK; CPB_INVALID (numbers out of range, a document that no group can hold:
 *          `at` is the document); CPB_UNSUPPORTED (no schedule keeps the limits, with
 *          the number that is missing); CPB_TOO_LARGE; CPB_NO_MEMORY.
 *  Cost: docs/benchmarks.md; O(documents log documents + documents x ranks they are on)
 *  per row tried. */
CPB_CHECKED cpb_status cpb_schedule_create(const cpb_documents *documents,
                                           const cpb_domain *domain,
                                           cpb_schedule **schedule, cpb_error *error);

/** Free; NULL is fine. */
CPB_API void cpb_schedule_free(cpb_schedule *schedule);

/** Name of the row that made it (what `auto` chose). Static memory. */
CPB_API const char *cpb_schedule_row(const cpb_schedule *schedule);

/** How many documents there are. */
CPB_API int64_t cpb_schedule_n_documents(const cpb_schedule *schedule);

/** How many ranks there are. */
CPB_API int32_t cpb_schedule_ranks(const cpb_schedule *schedule);

/** How many micro-batches there are. */
CPB_API int32_t cpb_schedule_micro_batches(const cpb_schedule *schedule);

/** Ranks of every group; 0 where groups have the ranks of their documents. All ranks: the
 *  flat form, one plan per micro-batch. */
CPB_API int32_t cpb_schedule_block(const cpb_schedule *schedule);

/** How many groups there are. */
CPB_API int64_t cpb_schedule_n_groups(const cpb_schedule *schedule);

/** [cpb_schedule_n_groups()] by micro-batch, then first rank, then size. Every rank that
 *  works through its groups in this order, never waits for one that waits for it.
 *  Borrowed. */
CPB_API const cpb_group *cpb_schedule_groups(const cpb_schedule *schedule);

/** Document numbers, group by group, ascending inside a group: the pack order. Borrowed. */
CPB_API const int64_t *cpb_schedule_documents(const cpb_schedule *schedule);

/** [cpb_schedule_n_documents()], borrowed. */
CPB_API const cpb_placement *cpb_schedule_placements(const cpb_schedule *schedule);

/** How many cuts there are. */
CPB_API int64_t cpb_schedule_n_cuts(const cpb_schedule *schedule);

/** [cpb_schedule_n_cuts()] tokens at which documents are cut, document by document,
 *  ascending inside each. Borrowed. */
CPB_API const int64_t *cpb_schedule_cuts(const cpb_schedule *schedule);

/** Borrowed. */
CPB_API const cpb_schedule_score *cpb_schedule_score_of(const cpb_schedule *schedule);

/** What one rank does in one micro-batch. */
typedef struct cpb_cell {
    int32_t micro_batch; /**< 0 .. micro-batches - 1 */
    int32_t rank;        /**< 0 .. ranks - 1 */
    int64_t tokens;      /**< padding included */
    int64_t start;       /**< picoseconds after the start of the step */
    int64_t time;        /**< what it works; the rest until its group ends it waits */
} cpb_cell;

/** How many cells there are. */
CPB_API int64_t cpb_schedule_n_cells(const cpb_schedule *schedule);

/** [cpb_schedule_n_cells()] by micro-batch, then rank; ranks without tokens have none.
 *  Borrowed. */
CPB_API const cpb_cell *cpb_schedule_cells(const cpb_schedule *schedule);

/** 64 bits over version, algorithm, ranks and placements; defined in docs/formats.md. */
CPB_API uint64_t cpb_schedule_hash(const cpb_schedule *schedule);

/** The plan of the level below for one group: its documents, packed in order, each cut
 *  over its ranks as its placement says. Ranks of the plan count from the group's first rank.
 *  \return CPB_OK; CPB_TOO_LARGE past CPB_MAX_TOKENS tokens; CPB_NO_MEMORY. */
CPB_CHECKED cpb_status cpb_schedule_plan(const cpb_schedule *schedule, int64_t group,
                                         const cpb_allocator *allocator,
                                         cpb_plan **plan, cpb_error *error);

/** Tokens of a document that its loader's rank hands to another rank. */
typedef struct cpb_reroute {
    int64_t document; /**< its number */
    int32_t from;     /**< rank whose loader holds it */
    int32_t to;       /**< rank that works on it */
    int64_t tokens;   /**< how many of its tokens */
    int64_t bytes;    /**< the same in bytes */
} cpb_reroute;

/** Who sends which document to whom before the step: one row per receiving rank that is
 *  not the holder, by document, then receiving rank. Documents without a holder have
 *  none.
 *  \param[out] list [return value of the call with NULL] or NULL: only count */
CPB_API int64_t cpb_schedule_reroutes(const cpb_schedule *schedule, cpb_reroute *list);

/** Name of the i-th row, NULL past the last: the one list that program, tests and
 *  benchmarks walk. `auto` is the first. */
CPB_API const char *cpb_schedule_name(size_t i);

/** One line on the i-th row, NULL past the last. */
CPB_API const char *cpb_schedule_summary(size_t i);

#ifdef __cplusplus
}
#endif

#endif
