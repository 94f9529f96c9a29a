// SPDX-License-Identifier: Apache-2.0
/** \file
 *  Masks: what each query may attend to, as disjoint slices over one sequence. */
#ifndef CPB_MASK_H
#define CPB_MASK_H

#include <cpb/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which part of its rectangle a slice allows. Row i counts from the first query.
 *  Source: the four slice kinds of MagiAttention's AttnSlice. */
typedef enum cpb_kind {
    CPB_FULL = 0,           /**< every pair */
    CPB_CAUSAL = 1,         /**< the diagonal meets the bottom-right corner:
                                 `keys.end - k > queries.end - 1 - q` */
    CPB_INVERSE_CAUSAL = 2, /**< the diagonal meets the top-left corner:
                                 `k - keys.begin >= q - queries.begin` */
    CPB_BI_CAUSAL = 3       /**< both: a band */
} cpb_kind;

/** A rectangle queries x keys with a kind. */
typedef struct cpb_slice {
    cpb_range queries; /**< not empty, inside the sequence */
    cpb_range keys;    /**< not empty, inside the sequence */
    cpb_kind kind;     /**< which pairs of the rectangle */
} cpb_slice;

/** A mask known only per block: the arrays of FlexAttention's BlockMask for one batch
 *  row and one head. A block in the partial list counts as if all its pairs inside
 *  the sequence were allowed; entries of a row beyond its count are ignored. */
typedef struct cpb_block_mask {
    int64_t batch;    /**< must be 1: plan each row by itself */
    int64_t heads;    /**< must be 1: one permutation serves all heads */
    int64_t q_length; /**< tokens on the query side */
    int64_t k_length; /**< tokens on the key side; must equal q_length */
    int64_t block_q;  /**< tokens per block on the query side, >= 1 */
    int64_t block_k;  /**< tokens per block on the key side, >= 1 */
    int64_t row_stride; /**< entries between the lists of two query blocks,
                             >= ceil(k_length / block_k) */
    const int32_t *kv_num_blocks; /**< [ceil(q_length / block_q)] partial blocks per row */
    const int32_t *kv_indices;    /**< [rows * row_stride] their key-block numbers */
    const int32_t *full_kv_num_blocks; /**< as above for full blocks, or NULL */
    const int32_t *full_kv_indices;    /**< as above for full blocks, or NULL */
} cpb_block_mask;

/** An immutable mask, validated once. Any number of threads may read it. */
typedef struct cpb_mask cpb_mask;

/** Make a mask from slices.
 *
 *  \param tokens    length of the sequence, 1 .. CPB_MAX_TOKENS
 *  \param slices    [n_slices] in any order, disjoint as sets of pairs; may be empty
 *  \param lengths   [n_documents] lengths of the documents, 0 allowed, summing to `tokens`;
 *                   `n_documents` 0 means one document
 *  \param allocator NULL: malloc and free
 *  \param[out] mask to be freed with cpb_mask_free(); NULL on failure
 *  \param error     `at` is the offending slice or document; may be NULL
 *  \return CPB_OK, CPB_INVALID, CPB_TOO_LARGE, CPB_NO_MEMORY.
 *  Time O(slices log slices + documents) where few slices share a query. */
CPB_CHECKED cpb_status cpb_mask_create(int64_t tokens, size_t n_slices,
                                       const cpb_slice *slices, size_t n_documents,
                                       const int64_t *lengths,
                                       const cpb_allocator *allocator, cpb_mask **mask,
                                       cpb_error *error);

/** Make a mask from its text notation, `FAMILY:LENGTHS[;key=value...]`, for example
 *  `documents:1024,3072;window=512` or `global:8192;g=4;n=512`; see docs/masks.md.
 *
 *  \param text      zero-terminated; `at` of the error is the offending character
 *  \param lengths   NULL: the lengths stand in the text. Otherwise [n_documents] document
 *                   lengths, and the text is `FAMILY[:N][;key=value...]`
 *  \param[out] weight the W of a leading `W*`, 1 without one; may be NULL
 *  \return CPB_OK, CPB_INVALID, CPB_TOO_LARGE, CPB_NO_MEMORY. */
CPB_CHECKED cpb_status cpb_mask_create_text(const char *text, size_t n_documents,
                                            const int64_t *lengths, int64_t *weight,
                                            const cpb_allocator *allocator,
                                            cpb_mask **mask, cpb_error *error);

/** Make a mask from a block mask. Lengths as in cpb_mask_create(). `at` of the error is
 *  the offending row of blocks. O(listed blocks). */
CPB_CHECKED cpb_status cpb_mask_create_blocks(const cpb_block_mask *blocks,
                                              size_t n_documents, const int64_t *lengths,
                                              const cpb_allocator *allocator,
                                              cpb_mask **mask, cpb_error *error);

/** Make a mask from a dense matrix, for tests and experiments.
 *
 *  \param tokens  1 .. 32768
 *  \param allowed [tokens * tokens] row-major, query by key; nonzero means allowed
 *  Lengths as in cpb_mask_create(). O(tokens^2). */
CPB_CHECKED cpb_status cpb_mask_create_dense(int64_t tokens, const uint8_t *allowed,
                                             size_t n_documents, const int64_t *lengths,
                                             const cpb_allocator *allocator,
                                             cpb_mask **mask, cpb_error *error);

/** Free a mask; NULL is fine. */
CPB_API void cpb_mask_free(cpb_mask *mask);

/** Tokens of the sequence. */
CPB_API int64_t cpb_mask_tokens(const cpb_mask *mask);

/** Number of slices. They are sorted by (queries.begin, keys.begin) and hold no query
 *  without a key, so they may differ from those given; the pairs are the same. */
CPB_API size_t cpb_mask_n_slices(const cpb_mask *mask);

/** [cpb_mask_n_slices()] borrowed from the mask. */
CPB_API const cpb_slice *cpb_mask_slices(const cpb_mask *mask);

/** Number of documents, empty ones included; at least 1. */
CPB_API size_t cpb_mask_n_documents(const cpb_mask *mask);

/** [cpb_mask_n_documents()] where each document ends; borrowed from the mask. */
CPB_API const int64_t *cpb_mask_document_ends(const cpb_mask *mask);

/** Allowed pairs of the whole mask. O(1). */
CPB_API int64_t cpb_mask_pairs(const cpb_mask *mask);

/** Allowed pairs whose query lies in `queries`, a range inside the sequence.
 *  O(log slices). */
CPB_API int64_t cpb_mask_pairs_of(const cpb_mask *mask, cpb_range queries);

/** Whether `query` may attend to `key`. */
CPB_API bool cpb_mask_allows(const cpb_mask *mask, int64_t query, int64_t key);

/** The mask in text notation, or NULL for a mask that was not made from a text.
 *  Canonical: cpb_mask_create_text() of it gives an equal mask. Borrowed. */
CPB_API const char *cpb_mask_text(const cpb_mask *mask);

/** Name of the i-th mask family, NULL past the last: the one list that program, tests
 *  and documentation walk. */
CPB_API const char *cpb_mask_family_name(size_t i);

/** One line on the i-th mask family, NULL past the last. */
CPB_API const char *cpb_mask_family_summary(size_t i);

/** An example text of the i-th mask family, small enough for a brute-force test; NULL
 *  past the last. */
CPB_API const char *cpb_mask_family_example(size_t i);

/** One or several masks over the same sequence, for which one plan is made; for example
 *  one full-attention layer beside three window layers. A view. */
typedef struct cpb_masks {
    size_t n;                    /**< >= 1 */
    const cpb_mask *const *mask; /**< [n] of equal tokens. Balancers and `segments`
                                      go by the documents of mask[0] */
    const int64_t *weight;       /**< [n] >= 1, number of layers; NULL: all 1 */
} cpb_masks;

#ifdef __cplusplus
}
#endif

#endif
