// SPDX-License-Identifier: Apache-2.0
/* Getters and searches of a finished mask. */
#include "mask.h"

#include <assert.h>

/* Without branches that depend on values: a processor cannot guess them. */
size_t cpb_first_above(size_t n, const int64_t *values, int64_t x)
{
    const int64_t *at = values;
    for (size_t left = n; left > 0;) {
        const size_t half = (left + 1) / 2;
        at += at[half - 1] <= x ? half : 0;
        left = left / 2;
    }
    return (size_t)(at - values);
}

size_t cpb_mask_first_slice(const cpb_mask *mask, int64_t q)
{
    return cpb_first_above(mask->n_slices, mask->reach, q);
}

size_t cpb_document_of(size_t n_documents, const int64_t *document_ends, int64_t p)
{
    return cpb_first_above(n_documents, document_ends, p);
}

int64_t cpb_mask_tokens(const cpb_mask *mask)
{
    return mask->tokens;
}

size_t cpb_mask_n_slices(const cpb_mask *mask)
{
    return mask->n_slices;
}

const cpb_slice *cpb_mask_slices(const cpb_mask *mask)
{
    return mask->slices;
}

size_t cpb_mask_n_documents(const cpb_mask *mask)
{
    return mask->n_documents;
}

const int64_t *cpb_mask_document_ends(const cpb_mask *mask)
{
    return mask->document_ends;
}

const char *cpb_mask_text(const cpb_mask *mask)
{
    return mask->text;
}

bool cpb_mask_allows(const cpb_mask *mask, int64_t query, int64_t key)
{
    assert(query >= 0 && query < mask->tokens && key >= 0 && key < mask->tokens);
    for (size_t i = cpb_mask_first_slice(mask, query); i < mask->n_slices; i++) {
        const cpb_slice *const slice = &mask->slices[i];
        if (slice->queries.begin > query)
            return false;
        if (query < slice->queries.end && key >= cpb_slice_low(slice, query) &&
            key < cpb_slice_high(slice, query))
            return true;
    }
    return false;
}
