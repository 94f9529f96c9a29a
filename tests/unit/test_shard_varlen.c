// SPDX-License-Identifier: Apache-2.0
/* Varlen metadata: worked vectors, and its definition applied token by token. */
#include "shard_world.h"

enum { MOST_KEYS = ROOM * ROOM };

static cpb_plan *plan_by(const char *balancer, const char *text, int32_t ranks)
{
    cpb_mask *const mask = text_mask(text);
    const cpb_masks masks = {.n = 1, .mask = (const cpb_mask *const *)&mask};
    cpb_options options = cpb_options_default();
    options.ranks = ranks;
    options.balancer = balancer;
    cpb_plan *plan;
    assert_int_equal(cpb_plan_create(&masks, &options, &plan, NULL), CPB_OK);
    cpb_mask_free(mask);
    return plan;
}

/* --- Worked vectors --------------------------------------------------------------- */

typedef struct vector {
    const char *balancer, *text;
    int32_t ranks, rank;
    int64_t n_documents;
    int64_t ends[4];
    int64_t segments;
    int64_t q[5], k[5]; /* lengths */
    cpb_range keys[5];  /* positions, as they follow each other */
} vector;

/* Documents of 10, 40 and 14 tokens by head-tail, of 7, 6 and 7 and of 20 and 44 tokens
 * in plain pieces: as the metadata of PyTorch's varlen context parallelism has them. */
static const vector vectors[] = {
    {"head-tail",
     "documents:10,40,14",
     2,
     0,
     3,
     {10, 50, 64},
     4,
     {10, 6, 2, 14},
     {10, 6, 40, 14},
     {{0, 10}, {10, 16}, {10, 50}, {50, 64}}},
    {"head-tail",
     "documents:10,40,14",
     2,
     1,
     3,
     {10, 50, 64},
     1,
     {32},
     {38},
     {{10, 48}}},
    {"contiguous",
     "documents:7,6,7",
     4,
     2,
     3,
     {7, 13, 20},
     2,
     {3, 2},
     {6, 2},
     {{7, 13}, {13, 15}}},
    {"contiguous", "documents:20,44", 4, 0, 2, {20, 64}, 1, {16}, {16}, {{0, 16}}},
    {"contiguous",
     "documents:20,44",
     4,
     1,
     2,
     {20, 64},
     2,
     {4, 12},
     {20, 12},
     {{0, 20}, {20, 32}}},
    {"contiguous", "documents:20,44", 4, 2, 2, {20, 64}, 1, {16}, {28}, {{20, 48}}},
    {"contiguous", "documents:20,44", 4, 3, 2, {20, 64}, 1, {16}, {44}, {{20, 64}}},
    {"contiguous", "causal:6", 4, 3, 0, {0}, 1, {2}, {0}, {{0, 0}}}, /* pads only */
};

/* Key indices go into keys in ascending order, so that they are positions. */
static void assert_vector(const vector *v)
{
    cpb_plan *const plan = plan_by(v->balancer, v->text, v->ranks);
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_ASCENDING);
    const cpb_packing packing = {plan, v->rank, (size_t)v->n_documents, v->ends};
    const cpb_varlen sum = cpb_varlen_count(&packing);
    int32_t cu_q[6], cu_k[6], k_indices[128];
    const cpb_varlen_room room = {sum.segments, sum.total_k, 0};

    assert_int_equal(sum.segments, v->segments);
    assert_int_equal(
        cpb_varlen_write(&packing, keys, &room, CPB_INT32, cu_q, cu_k, k_indices, NULL),
        CPB_OK);
    int64_t k = 0;
    for (int64_t i = 0; i < v->segments; i++) {
        assert_int_equal(cu_q[i + 1] - cu_q[i], v->q[i]);
        assert_int_equal(cu_k[i + 1] - cu_k[i], v->k[i]);
        for (int64_t p = v->keys[i].begin; p < v->keys[i].end; p++)
            assert_int_equal(k_indices[k++], p);
    }
    assert_int_equal(k, sum.total_k);
    cpb_keys_free(keys);
    cpb_plan_free(plan);
}

static void segments_are_those_of_the_worked_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++)
        assert_vector(&vectors[i]);
}

/* The published vector of head-tail on two ranks: all-gathered keys lie in the order
 * 0-15, 48-63, 16-47, so that keys 10 to 47 are gathered from 10-15 and 32-63. */
static void keys_are_gathered_from_the_rearranged_order(void **state)
{
    (void)state;
    static const int64_t ends[] = {10, 50, 64};
    cpb_plan *const plan = plan_by("head-tail", "documents:10,40,14", 2);
    cpb_keys *const keys = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    const cpb_packing packing = {plan, 1, 3, ends};
    const cpb_varlen_room room = {1, 38, 0};
    int64_t cu_q[2], cu_k[2], k_indices[38];
    assert_int_equal(
        cpb_varlen_write(&packing, keys, &room, CPB_INT64, cu_q, cu_k, k_indices, NULL),
        CPB_OK);
    for (int64_t i = 0; i < 38; i++)
        assert_int_equal(k_indices[i], i < 6 ? 10 + i : 26 + i);
    cpb_keys_free(keys);
    cpb_plan_free(plan);
}

/* --- The definition --------------------------------------------------------------- */

static int64_t begin_of_document(const cpb_packing *packing, int64_t position)
{
    int64_t begin = 0;
    for (size_t d = 0; d < packing->n_documents; d++)
        if (packing->document_ends[d] <= position)
            begin = packing->document_ends[d];
    return begin;
}

typedef struct metadata {
    int64_t segments, total_k;
    int64_t cu_q[ROOM], cu_k[ROOM];
    int64_t keys[MOST_KEYS]; /* positions */
} metadata;

/* Token by token: a segment starts where the document changes, or the position is not
 * the previous one plus one; pads are a document that needs no key. */
static void define(const cpb_packing *packing, const int64_t *shard, int64_t n,
                   metadata *m)
{
    const int64_t tokens = cpb_plan_tokens(packing->plan);
    *m = (metadata){0};
    for (int64_t i = 0, j; i < n; i = j) {
        const bool pad = shard[i] >= tokens;
        const int64_t begin = begin_of_document(packing, shard[i]);
        for (j = i + 1;
             j < n && shard[j] == shard[j - 1] + 1 && (shard[j] >= tokens) == pad &&
             (pad || begin_of_document(packing, shard[j]) == begin);
             j++)
            continue;
        for (int64_t p = begin; !pad && p <= shard[j - 1]; p++)
            m->keys[m->total_k++] = p;
        m->segments++;
        m->cu_q[m->segments] = j;
        m->cu_k[m->segments] = m->total_k;
    }
}

/* `spare` room on top. */
static void assert_metadata(const cpb_packing *packing, const cpb_keys *keys,
                            const metadata *m, int64_t spare)
{
    static int32_t cu_q[ROOM + 8], cu_k[ROOM + 8], k_indices[MOST_KEYS + 8];
    int64_t at[2 * ROOM];
    const cpb_varlen_room room = {m->segments + spare, m->total_k + spare, -9};
    cpb_keys_positions(keys, CPB_INT64, at);
    assert_int_equal(
        cpb_varlen_write(packing, keys, &room, CPB_INT32, cu_q, cu_k, k_indices, NULL),
        CPB_OK);
    for (int64_t i = 0; i <= room.segments; i++) {
        const int64_t segment = i < m->segments ? i : m->segments;
        assert_int_equal(cu_q[i], m->cu_q[segment]);
        assert_int_equal(cu_k[i], m->cu_k[segment]);
    }
    for (int64_t i = 0; i < m->total_k; i++)
        assert_int_equal(at[k_indices[i]], m->keys[i]);
    for (int64_t i = m->total_k; i < room.keys; i++)
        assert_int_equal(k_indices[i], -9);
}

static void assert_defined(const cpb_plan *plan, const cpb_mask *mask, int64_t spare)
{
    static metadata m;
    const size_t n = cpb_mask_n_documents(mask);
    cpb_keys *const all = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    cpb_exchange *exchange;
    assert_int_equal(cpb_exchange_create(plan, mask, NULL, NULL, &exchange, NULL),
                     CPB_OK);
    for (int32_t rank = 0; rank < cpb_plan_ranks(plan); rank++) {
        const cpb_packing packing = {plan, rank, n, cpb_mask_document_ends(mask)};
        cpb_keys *const held = layout(plan, exchange, rank, CPB_ASCENDING);
        int64_t shard[ROOM];
        define(&packing, shard, list_shard(plan, rank, shard), &m);
        const cpb_varlen sum = cpb_varlen_count(&packing);
        int64_t max_q = 0, max_k = 0;
        for (int64_t i = 0; i < m.segments; i++) {
            max_q =
                m.cu_q[i + 1] - m.cu_q[i] > max_q ? m.cu_q[i + 1] - m.cu_q[i] : max_q;
            max_k =
                m.cu_k[i + 1] - m.cu_k[i] > max_k ? m.cu_k[i + 1] - m.cu_k[i] : max_k;
        }
        assert_int_equal(sum.segments, m.segments);
        assert_int_equal(sum.total_k, m.total_k);
        assert_int_equal(sum.max_q, max_q);
        assert_int_equal(sum.max_k, max_k);
        assert_metadata(&packing, all, &m, spare);
        assert_metadata(&packing, held, &m, spare);
        cpb_keys_free(held);
    }
    cpb_exchange_free(exchange);
    cpb_keys_free(all);
}

static void metadata_is_what_its_definition_gives_token_by_token(void **state)
{
    (void)state;
    uint64_t seed = 12;
    for (int round = 0; round < 300; round++) {
        const int64_t tokens = test_random(&seed, 1, 60);
        int64_t lengths[MOST_DOCUMENTS];
        const size_t n = test_lengths(&seed, tokens, MOST_DOCUMENTS, lengths);
        cpb_mask *mask;
        assert_int_equal(
            cpb_mask_create_text("documents", n, lengths, NULL, NULL, &mask, NULL),
            CPB_OK);
        cpb_plan *const plan =
            random_plan(&seed, tokens, (int32_t)test_random(&seed, 1, MOST_RANKS),
                        test_random(&seed, 1, 30));
        assert_defined(plan, mask, test_random(&seed, 0, 5));
        cpb_plan_free(plan);
        cpb_mask_free(mask);
    }
}

/* --- Refusals --------------------------------------------------------------------- */

static void too_little_room_and_lacking_keys_are_refused(void **state)
{
    (void)state;
    static const int64_t ends[] = {3, 8};
    cpb_plan *const plan = two_halves();
    cpb_mask *const apart = text_mask("documents:4,4");
    cpb_exchange *exchange;
    assert_int_equal(cpb_exchange_create(plan, apart, NULL, NULL, &exchange, NULL),
                     CPB_OK);
    cpb_keys *const all = layout(plan, NULL, 0, CPB_AS_ARRIVED);
    cpb_keys *const held = layout(plan, exchange, 1, CPB_ASCENDING);
    const cpb_packing first = {plan, 0, 2, ends}, second = {plan, 1, 2, ends};
    int64_t cu_q[3] = {7}, cu_k[3], k_indices[8];
    cpb_error error;

    cpb_varlen_room room = {1, 8, 0};
    assert_int_equal(
        cpb_varlen_write(&first, all, &room, CPB_INT64, cu_q, cu_k, k_indices, &error),
        CPB_UNSUPPORTED);
    assert_string_equal(error.message,
                        "the varlen metadata has 2 segments, above the "
                        "capacity of 1; raise the capacity or fall back to "
                        "the balancer `contiguous`");
    assert_int_equal(cu_q[0], 7);
    room = (cpb_varlen_room){2, 3, 0};
    assert_int_equal(
        cpb_varlen_write(&first, all, &room, CPB_INT64, cu_q, cu_k, k_indices, &error),
        CPB_UNSUPPORTED);
    assert_string_equal(error.message,
                        "the varlen metadata has 4 keys, above the "
                        "capacity of 3; raise the capacity or fall back to "
                        "the balancer `contiguous`");
    assert_int_equal(
        cpb_varlen_write(&first, NULL, &room, CPB_INT64, cu_q, cu_k, NULL, &error),
        CPB_OK);
    assert_int_equal(cu_k[2], 4);
    room = (cpb_varlen_room){1, 8, 0};
    assert_int_equal(cpb_varlen_write(&second, held, &room, CPB_INT64, cu_q, cu_k,
                                      k_indices, &error),
                     CPB_INVALID);
    assert_int_equal(error.at, 3);
    cpb_keys_free(held);
    cpb_keys_free(all);
    cpb_exchange_free(exchange);
    cpb_mask_free(apart);
    cpb_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_those_of_the_worked_vectors),
        cmocka_unit_test(keys_are_gathered_from_the_rearranged_order),
        cmocka_unit_test(metadata_is_what_its_definition_gives_token_by_token),
        cmocka_unit_test(too_little_room_and_lacking_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
