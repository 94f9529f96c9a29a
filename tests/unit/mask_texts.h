// SPDX-License-Identifier: Apache-2.0
/* Masks in text notation: written, read, compared. */
#ifndef CPB_TESTING_MASK_TEXTS_H
#define CPB_TESTING_MASK_TEXTS_H

#include "testing.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 400 };

/* Append to a text of TEXT_BYTES. */
__attribute__((format(printf, 2, 3))) static inline void put(char *text,
                                                             const char *format, ...)
{
    const size_t used = strlen(text);
    va_list values;
    va_start(values, format);
    vsnprintf(text + used, TEXT_BYTES - used, format, values);
    va_end(values);
}

static inline cpb_mask *parsed(const char *text)
{
    cpb_mask *mask;
    cpb_error error = {0};
    if (cpb_mask_create_text(text, 0, NULL, NULL, NULL, &mask, &error) != CPB_OK)
        fail_msg("%s: %s", text, error.message);
    return mask;
}

static inline void assert_equal_masks(const cpb_mask *a, const cpb_mask *b)
{
    assert_int_equal(cpb_mask_tokens(a), cpb_mask_tokens(b));
    assert_int_equal(cpb_mask_pairs(a), cpb_mask_pairs(b));
    assert_int_equal(cpb_mask_n_slices(a), cpb_mask_n_slices(b));
    for (size_t i = 0; i < cpb_mask_n_slices(a); i++) {
        const cpb_slice x = cpb_mask_slices(a)[i], y = cpb_mask_slices(b)[i];
        assert_true(x.kind == y.kind && x.queries.begin == y.queries.begin &&
                    x.queries.end == y.queries.end && x.keys.begin == y.keys.begin &&
                    x.keys.end == y.keys.end);
    }
    assert_int_equal(cpb_mask_n_documents(a), cpb_mask_n_documents(b));
    assert_memory_equal(cpb_mask_document_ends(a), cpb_mask_document_ends(b),
                        cpb_mask_n_documents(a) * sizeof(int64_t));
    assert_string_equal(cpb_mask_text(a), cpb_mask_text(b));
}

#endif
