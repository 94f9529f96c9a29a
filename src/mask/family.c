// SPDX-License-Identifier: Apache-2.0
/* Mask families and the slices they stand for. */
#include "family.h"

#include "../base/error.h"

#include <inttypes.h>
#include <string.h>

static const int64_t most_steps = INT64_C(1) << 24;

/* Lay the band in which row q sees the keys of `keys` in [q - left, q + right].
 *
 * Its low end stands at keys.begin up to row keys.begin + left and rises from there;
 * its high end rises up to row keys.end - right - 1 and stands from there. Cut at both
 * rows, each part is one slice, so at most three. */
static void add_band(cpb_slices *slices, cpb_range rows, cpb_range keys, int64_t left,
                     int64_t right)
{
    const cpb_range seeing = {cpb_max(rows.begin, keys.begin - right),
                              cpb_min(rows.end, keys.end + left)};
    const int64_t low_rises =
        keys.begin + left + 1; /* first row of the rising low end */
    const int64_t high_stands = keys.end - right;
    const int64_t cuts[] = {
        seeing.begin,
        cpb_max(seeing.begin, cpb_min(low_rises, high_stands)),
        cpb_max(seeing.begin, cpb_max(low_rises, high_stands)),
        seeing.end,
    };

    for (int i = 0; i < 3; i++) {
        const cpb_range part = {cuts[i], cpb_min(cuts[i + 1], seeing.end)};
        if (part.begin >= part.end)
            continue;
        const unsigned rising_low = part.begin >= low_rises;
        const unsigned rising_high = part.begin < high_stands;
        cpb_slices_add(slices, part,
                       (cpb_range){cpb_max(keys.begin, part.begin - left),
                                   cpb_min(keys.end, part.end + right)},
                       (cpb_kind)(rising_low << 1 | rising_high));
    }
}

static void lay_full(cpb_slices *slices, const cpb_sequence *documents,
                     const int64_t *numbers)
{
    (void)numbers;
    const cpb_range all = {0, documents->tokens};
    cpb_slices_add(slices, all, all, CPB_FULL);
}

static void lay_causal(cpb_slices *slices, const cpb_sequence *documents,
                       const int64_t *numbers)
{
    (void)numbers;
    const cpb_range all = {0, documents->tokens};
    cpb_slices_add(slices, all, all, CPB_CAUSAL);
}

static void lay_document(cpb_slices *slices, cpb_range document, int64_t n)
{
    (void)n;
    cpb_slices_add(slices, document, document, CPB_CAUSAL);
}

static void lay_document_full(cpb_slices *slices, cpb_range document, int64_t n)
{
    (void)n;
    cpb_slices_add(slices, document, document, CPB_FULL);
}

static void lay_window(cpb_slices *slices, cpb_range document, int64_t n)
{
    add_band(slices, document, document, n - 1, 0);
}

static void lay_window_both(cpb_slices *slices, cpb_range document, int64_t n)
{
    add_band(slices, document, document, n - 1, n - 1);
}

static void lay_prefix(cpb_slices *slices, cpb_range document, int64_t n)
{
    const int64_t length = cpb_range_length(document);
    const int64_t prefix = n ? cpb_min(n, length) : length / 2;
    const int64_t middle = document.begin + prefix;
    const cpb_range first = {document.begin, middle};
    cpb_slices_add(slices, first, first, CPB_FULL);
    cpb_slices_add(slices, (cpb_range){middle, document.end}, document, CPB_CAUSAL);
}

static void lay_block_causal(cpb_slices *slices, cpb_range document, int64_t n)
{
    if (n == 1) { /* a block per token: the plain diagonal */
        cpb_slices_add(slices, document, document, CPB_CAUSAL);
        return;
    }
    for (int64_t begin = document.begin; begin < document.end && !slices->failed;
         begin += n) {
        const int64_t end = cpb_min(begin + n, document.end);
        cpb_slices_add(slices, (cpb_range){begin, end},
                       (cpb_range){document.begin, end}, CPB_FULL);
    }
}

static void lay_chunked(cpb_slices *slices, cpb_range document, int64_t n)
{
    if (n == 1) { /* a chunk per token, which sees itself alone */
        cpb_slices_add(slices, document, document, CPB_BI_CAUSAL);
        return;
    }
    for (int64_t begin = document.begin; begin < document.end && !slices->failed;
         begin += n) {
        const cpb_range chunk = {begin, cpb_min(begin + n, document.end)};
        cpb_slices_add(slices, chunk, chunk, CPB_CAUSAL);
    }
}

/* The first tokens and the window apart: keys before `first` come from one slice, the
 * band begins after them. */
static void lay_global(cpb_slices *slices, const cpb_sequence *documents,
                       const int64_t *numbers)
{
    const int64_t first = numbers[0], reach = numbers[1] - 1;
    const cpb_range all = {0, documents->tokens}, rest = {first, documents->tokens};
    cpb_slices_add(slices, (cpb_range){0, first}, all, CPB_FULL);
    cpb_slices_add(slices, rest, (cpb_range){0, first}, CPB_FULL);
    add_band(slices, rest, rest, reach, reach);
}

static void lay_sinks(cpb_slices *slices, const cpb_sequence *documents,
                      const int64_t *numbers)
{
    const int64_t first = numbers[0];
    const cpb_range sinks = {0, first}, rest = {first, documents->tokens};
    cpb_slices_add(slices, sinks, sinks, CPB_CAUSAL);
    cpb_slices_add(slices, rest, sinks, CPB_FULL);
    add_band(slices, rest, rest, numbers[1] - 1, 0);
}

static void lay_causal_blocks(cpb_slices *slices, const cpb_sequence *documents,
                              const int64_t *numbers)
{
    (void)numbers;
    cpb_range document = {0, 0};
    for (size_t d = 0; document.end < documents->tokens; d++) {
        document = (cpb_range){document.end, document.end + documents->lengths[d]};
        const bool last = document.end == documents->tokens;
        cpb_slices_add(slices, document,
                       (cpb_range){last ? 0 : document.begin, document.end},
                       CPB_CAUSAL);
    }
}

static void lay_shared_question(cpb_slices *slices, const cpb_sequence *documents,
                                const int64_t *numbers)
{
    (void)numbers;
    const cpb_range question = {0, documents->lengths[0]};
    cpb_slices_add(slices, question, question, CPB_CAUSAL);
    cpb_slices_add(slices, (cpb_range){question.end, documents->tokens}, question,
                   CPB_FULL);
    cpb_range answer = question;
    for (size_t d = 1; d < documents->n; d++) {
        answer = (cpb_range){answer.end, answer.end + documents->lengths[d]};
        cpb_slices_add(slices, answer, answer, CPB_CAUSAL);
    }
}

static const cpb_family families[] = {
    {.name = "full",
     .summary = "every token sees every token",
     .example = "full:40,0,56",
     .sequence = lay_full},
    {.name = "causal",
     .summary = "every token sees itself and all before it, across documents",
     .example = "causal:40,0,56",
     .sequence = lay_causal},
    {.name = "documents",
     .summary = "causal inside each document",
     .example = "documents:37,0,64,1,18",
     .document = lay_document},
    {.name = "documents-full",
     .summary = "every token sees its whole document",
     .example = "documents-full:37,0,64,1,18",
     .document = lay_document_full},
    {.name = "window",
     .summary = "the n keys up to and including the token, inside its document",
     .example = "window:50,0,30,7,24;n=16",
     .numbers = {{.key = "n",
                  .meaning = "the number of keys that a query sees",
                  .required = true}},
     .document = lay_window},
    {.name = "window-both",
     .summary = "keys less than n away on either side, inside the document",
     .example = "window-both:50,0,30,7,24;n=16",
     .numbers = {{.key = "n",
                  .meaning = "the distance from which keys are out of sight",
                  .required = true}},
     .document = lay_window_both},
    {.name = "global",
     .summary = "the first g tokens see all and are seen by all, others by window n",
     .example = "global:70,0,50;g=5;n=12",
     .numbers = {{.key = "g",
                  .meaning = "the number of global tokens",
                  .required = true},
                 {.key = "n",
                  .meaning = "the distance from which keys are out of sight",
                  .fallback = 512}},
     .sequence = lay_global},
    {.name = "sinks",
     .summary = "causal window n beside the first g tokens: attention sinks",
     .example = "sinks:70,0,50;g=5;n=12",
     .numbers = {{.key = "g", .meaning = "the number of sink tokens", .required = true},
                 {.key = "n",
                  .meaning = "the number of keys that a query sees beside the sinks",
                  .fallback = 512}},
     .sequence = lay_sinks},
    {.name = "prefix",
     .summary = "the first n tokens of a document see each other, later ones causally",
     .example = "prefix:50,0,31,1,20;n=24",
     .numbers = {{.key = "n",
                  .synonym = "p",
                  .meaning = "the length of the prefix, by default half a document"}},
     .document = lay_prefix},
    {.name = "block-causal",
     .summary = "full inside blocks of n, causal between them, inside each document",
     .example = "block-causal:50,0,31,1,20;n=8",
     .numbers = {{.key = "n",
                  .meaning = "the number of tokens in a block",
                  .required = true}},
     .stepped = true,
     .document = lay_block_causal},
    {.name = "causal-blocks",
     .summary = "causal inside documents; the last document sees all before it too",
     .example = "causal-blocks:40,0,33,27,0",
     .sequence = lay_causal_blocks},
    {.name = "chunked",
     .summary = "causal inside fixed chunks of n, inside each document",
     .example = "chunked:50,0,31,1,20;n=8",
     .numbers = {{.key = "n",
                  .meaning = "the number of tokens in a chunk",
                  .required = true}},
     .stepped = true,
     .document = lay_chunked},
    {.name = "shared-question",
     .summary =
         "answers after one question: each sees the question and itself causally",
     .example = "shared-question:30,25,0,40,9",
     .sequence = lay_shared_question},
};

const cpb_family *cpb_family_at(size_t i)
{
    return i < sizeof families / sizeof *families ? &families[i] : NULL;
}

const cpb_family *cpb_family_find(const char *name)
{
    for (size_t i = 0; cpb_family_at(i); i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    return NULL;
}

bool cpb_family_is_generic(const cpb_family *family)
{
    return family->document && family->numbers[0].key;
}

const char *cpb_mask_family_name(size_t i)
{
    const cpb_family *const family = cpb_family_at(i);
    return family ? family->name : NULL;
}

const char *cpb_mask_family_summary(size_t i)
{
    const cpb_family *const family = cpb_family_at(i);
    return family ? family->summary : NULL;
}

const char *cpb_mask_family_example(size_t i)
{
    const cpb_family *const family = cpb_family_at(i);
    return family ? family->example : NULL;
}

static void lay_documents(const cpb_family *family, const cpb_sequence *documents,
                          int64_t n, cpb_slices *slices)
{
    cpb_range document = {0, 0};
    for (size_t d = 0; d < documents->n; d++) {
        document = (cpb_range){document.end, document.end + documents->lengths[d]};
        family->document(slices, document, n);
    }
}

/* Whether a number is too small for the sequence: better said at once than after the
 * memory for all these slices was spent. */
static cpb_status steps_check(const cpb_family *family, const cpb_sequence *documents,
                              int64_t n, cpb_error *error)
{
    int64_t steps = 0;
    for (size_t d = 0; family->stepped && n > 1 && d < documents->n; d++)
        steps += cpb_ceil_div(documents->lengths[d], n);
    if (steps <= most_steps)
        return CPB_OK;
    return cpb_fail(error, CPB_TOO_LARGE, -1,
                    "%s with %s=%" PRId64 " takes %" PRId64
                    " slices; accepted are numbers that make it at most %" PRId64,
                    family->name, family->numbers[0].key, n, steps, most_steps);
}

cpb_status cpb_family_lay(const cpb_family *family, const cpb_sequence *documents,
                          const int64_t *numbers, cpb_slices *slices, cpb_error *error)
{
    /* A number beyond the sequence changes nothing; clipped, sums cannot overflow. */
    int64_t clipped[CPB_FAMILY_NUMBERS];
    for (int i = 0; i < CPB_FAMILY_NUMBERS; i++)
        clipped[i] = cpb_min(numbers[i], documents->tokens);

    const cpb_status status = steps_check(family, documents, clipped[0], error);
    if (status != CPB_OK)
        return status;
    cpb_slices_reserve(slices, 2 * documents->n + 8); /* what most families take */
    if (family->document)
        lay_documents(family, documents, clipped[0], slices);
    else
        family->sequence(slices, documents, clipped);
    return slices->failed ? CPB_NO_MEMORY : CPB_OK;
}
