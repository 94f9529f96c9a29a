// SPDX-License-Identifier: Apache-2.0
/* Checked input. Every sum over the step is bounded here, so that nothing overflows
 * later. */
#include "batch.h"

#include "../base/error.h"
#include "../base/sort.h"

#include <string.h>

/* Steps of the sizes that CPB_SIZES_ANY tries: all up to the first, then as many per
 * octave. */
enum { FINE_SIZES = 8 };

/* Times that are remembered at most. */
enum { MOST_ALONE = 1 << 17 };

typedef struct limit {
    const char *what;
    int64_t value, low, high;
} limit;

int64_t cpb_batch_budget_for(const cpb_batch *batch, int64_t tokens, int32_t ranks)
{
    const int64_t multiple = batch->domain->token_multiple;
    return cpb_ceil_div(cpb_ceil_div(tokens, ranks), multiple) * multiple;
}

static cpb_status check_domain(const cpb_domain *domain, cpb_error *error)
{
    const limit limits[] = {
        {"ranks", domain->ranks, 1, CPB_MAX_RANKS},
        {"ranks per node", domain->ranks_per_node, 0, CPB_MAX_RANKS},
        {"a budget of tokens", domain->budget, 1, CPB_MAX_TOKENS},
        {"group sizes", domain->sizes, CPB_SIZES_POWERS, CPB_SIZES_LIST},
        {"fewest micro-batches", domain->micro_least, 0, CPB_MAX_MICRO_BATCHES},
        {"most micro-batches", domain->micro_most, 0, CPB_MAX_MICRO_BATCHES},
        {"multiple of micro-batches", domain->micro_multiple, 1, CPB_MAX_MICRO_BATCHES},
        {"multiple of tokens", domain->token_multiple, 1, CPB_MAX_TOKENS},
        {"fixed picoseconds", domain->fixed, 0, INT64_C(1000000000000)},
        {"meeting", domain->meet, CPB_MEET_STEP, CPB_MEET_MICRO},
        {"pipeline stages", domain->stages, 1, 4096},
        {"order window", domain->window, -1, CPB_MAX_DOCUMENTS},
        {"steps of holding back", domain->hold, 0, INT64_MAX},
        {"bytes of a token", domain->token_bytes, 1, 256},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].value < limits[i].low || limits[i].value > limits[i].high)
            return cpb_fail(error, CPB_INVALID, -1, "%s: %lld is outside %lld .. %lld",
                            limits[i].what, (long long)limits[i].value,
                            (long long)limits[i].low, (long long)limits[i].high);
    if (domain->stages > 1 && domain->meet != CPB_MEET_MICRO)
        return cpb_fail(error, CPB_INVALID, -1,
                        "%d pipeline stages need ranks that meet after every "
                        "micro-batch",
                        domain->stages);
    if (domain->setup.kernel == CPB_RECURRENT || domain->setup.speeds)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "schedules have no %s; use kernel varlen or flex and ranks of "
                        "one speed",
                        domain->setup.speeds ? "speeds of ranks" : "recurrent kernel");
    if (domain->micro_most && domain->micro_least > domain->micro_most)
        return cpb_fail(error, CPB_INVALID, -1,
                        "fewest micro-batches: %d is above the most, %d",
                        domain->micro_least, domain->micro_most);
    if (domain->budget < domain->token_multiple)
        return cpb_fail(error, CPB_INVALID, -1,
                        "a budget of %lld tokens is below the multiple of %lld",
                        (long long)domain->budget, (long long)domain->token_multiple);
    return cpb_setup_check(&domain->setup, domain->ranks, error);
}

static cpb_status check_list(const cpb_domain *domain, cpb_error *error)
{
    if (domain->n_size == 0)
        return cpb_fail(error, CPB_INVALID, -1, "the list of group sizes is empty");
    for (size_t i = 0; i < domain->n_size; i++) {
        const int32_t size = domain->size[i];
        if (size < 1 || size > domain->ranks || (i && size <= domain->size[i - 1]))
            return cpb_fail(error, CPB_INVALID, (int64_t)i,
                            "group size %d is outside 1 .. %d, or not above the one "
                            "before",
                            size, domain->ranks);
        if (domain->ranks % size)
            return cpb_fail(error, CPB_INVALID, (int64_t)i,
                            "groups of %d ranks cannot tile %d ranks: %d are left over",
                            size, domain->ranks, domain->ranks % size);
    }
    return CPB_OK;
}

static int32_t next_size(cpb_group_sizes sizes, int32_t size)
{
    if (sizes == CPB_SIZES_POWERS)
        return 2 * size;
    int32_t step = 1;
    while (step * 2 * FINE_SIZES <= size)
        step *= 2;
    return size + step;
}

static cpb_status list_sizes(cpb_batch *batch, cpb_error *error)
{
    enum { MOST = 512 };
    const cpb_domain *const domain = batch->domain;
    const bool listed = domain->sizes == CPB_SIZES_LIST;
    cpb_status status = CPB_OK;
    if (listed)
        CPB_TRY(check_list(domain, error));
    batch->sizes = cpb_arena_take(batch->scratch, listed ? domain->n_size : MOST,
                                  sizeof *batch->sizes);
    if (!batch->sizes)
        return cpb_fail_memory(error);
    if (listed) {
        memcpy(batch->sizes, domain->size, domain->n_size * sizeof *batch->sizes);
        batch->n_sizes = domain->n_size;
        return CPB_OK;
    }
    for (int32_t size = 1; size <= domain->ranks; size = next_size(domain->sizes, size))
        batch->sizes[batch->n_sizes++] = size;
    if (domain->sizes == CPB_SIZES_ANY &&
        batch->sizes[batch->n_sizes - 1] < domain->ranks)
        batch->sizes[batch->n_sizes++] = domain->ranks;
done:
    return status;
}

/* The numbers of one document. */
static cpb_status check_document(const cpb_batch *batch, int64_t d, cpb_error *error)
{
    const cpb_documents *const all = batch->documents;
    const int32_t ranks = batch->domain->ranks;
    const limit limits[] = {
        {"tokens", all->tokens[d], 0, CPB_MAX_TOKENS},
        {"a cost", all->cost ? all->cost[d] : 0, 0, CPB_MAX_STEP},
        {"loss tokens", all->loss ? all->loss[d] : 0, 0, all->tokens[d]},
        {"a loader's rank", all->holder ? all->holder[d] : -1, -1, ranks - 1},
        {"steps waited", all->waited ? all->waited[d] : 0, 0, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].value < limits[i].low || limits[i].value > limits[i].high)
            return cpb_fail(error, CPB_INVALID, d,
                            "document %lld: %s of %lld is outside %lld .. %lld",
                            (long long)d, limits[i].what, (long long)limits[i].value,
                            (long long)limits[i].low, (long long)limits[i].high);
    const int32_t largest = batch->sizes[batch->n_sizes - 1];
    if (cpb_ceil_div(all->tokens[d], largest) > batch->budget)
        return cpb_fail(
            error, CPB_INVALID, d,
            "document %lld has %lld tokens, but %d ranks of %lld hold %lld; "
            "it needs a budget of %lld",
            (long long)d, (long long)all->tokens[d], largest, (long long)batch->budget,
            (long long)(largest * batch->budget),
            (long long)cpb_batch_budget_for(batch, all->tokens[d], largest));
    return CPB_OK;
}

/* An upper limit of what the document can add to any sum over the step. */
static cpb_wide most_of(const cpb_batch *batch, const cpb_job *job)
{
    const cpb_price *const price = &batch->price;
    const int64_t rate = price->link && (!price->net || price->link < price->net)
                             ? price->link
                             : price->net;
    const cpb_wide wire = rate ? (cpb_wide)job->tokens * price->key_bytes * 1000000 /
                                         rate * price->ranks_per_node +
                                     1
                               : 0;
    const cpb_wide latency =
        price->phase + (cpb_wide)price->peer * batch->domain->ranks;
    return (wire + latency) * price->passes + price->fixed + job->attention +
           (cpb_wide)price->received_key * job->tokens +
           (cpb_wide)price->token * (job->tokens + price->token_multiple);
}

static cpb_status make_jobs(cpb_batch *batch, cpb_error *error)
{
    const cpb_documents *const all = batch->documents;
    cpb_wide most = 0;
    cpb_status status = CPB_OK;
    for (int64_t d = 0; d < all->n; d++) {
        CPB_TRY(check_document(batch, d, error));
        if (!all->tokens[d])
            continue;
        cpb_job *const job = &batch->jobs[batch->n++];
        *job = (cpb_job){.document = d, .tokens = all->tokens[d]};
        job->attention = batch->given ? all->cost[d]
                                      : cpb_price_attention(&batch->price, job->tokens);
        most += most_of(batch, job);
        if (most * batch->domain->stages > CPB_MAX_STEP)
            return cpb_fail(
                error, CPB_TOO_LARGE, d,
                "documents up to number %lld may take more than %lld ps; schedule "
                "fewer, or scale costs and profile down",
                (long long)d, (long long)CPB_MAX_STEP);
        job->work = job->attention + batch->price.token * job->tokens;
        batch->tokens += job->tokens;
        batch->work += job->work;
        batch->longest = cpb_max(batch->longest, job->tokens);
    }
done:
    return status;
}

/* Descending by work, then by tokens; equal ones keep their order. */
static cpb_status sort_jobs(cpb_batch *batch, cpb_error *error)
{
    const size_t n = (size_t)batch->n;
    cpb_item *const items = cpb_arena_take(batch->scratch, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(batch->scratch, n, sizeof *spare);
    cpb_job *const sorted = cpb_arena_take(batch->scratch, n, sizeof *sorted);
    if (!items || !spare || !sorted)
        return cpb_fail_memory(error);
    for (size_t i = 0; i < n; i++)
        items[i] =
            (cpb_item){(uint64_t)(CPB_MAX_STEP - batch->jobs[i].work), (int64_t)i};
    cpb_sort(items, spare, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = batch->jobs[items[i].value];
    batch->jobs = sorted;
    batch->ordered = true;
    for (size_t i = 1; i < n; i++)
        batch->ordered &= sorted[i].tokens <= sorted[i - 1].tokens;
    return CPB_OK;
}

/* Distinct places, so that positions in the order are well defined. */
static cpb_status check_places(const cpb_batch *batch, cpb_error *error)
{
    const cpb_documents *const all = batch->documents;
    const size_t n = (size_t)all->n;
    if (!all->place)
        return CPB_OK;
    cpb_item *const items = cpb_arena_take(batch->scratch, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(batch->scratch, n, sizeof *spare);
    if (!items || !spare)
        return cpb_fail_memory(error);
    for (size_t i = 0; i < n; i++) {
        if (all->place[i] < 0)
            return cpb_fail(error, CPB_INVALID, (int64_t)i,
                            "document %zu: place %lld is negative", i,
                            (long long)all->place[i]);
        items[i] = (cpb_item){(uint64_t)all->place[i], (int64_t)i};
    }
    cpb_sort(items, spare, n);
    for (size_t i = 1; i < n; i++)
        if (items[i].key == items[i - 1].key)
            return cpb_fail(error, CPB_INVALID, items[i].value,
                            "documents %lld and %lld have the same place %lld",
                            (long long)items[i - 1].value, (long long)items[i].value,
                            (long long)items[i].key);
    return CPB_OK;
}

cpb_status cpb_batch_create(const cpb_documents *documents, const cpb_domain *domain,
                            cpb_arena *scratch, cpb_batch *batch, cpb_error *error)
{
    cpb_status status;
    *batch = (cpb_batch){.documents = documents,
                         .domain = domain,
                         .scratch = scratch,
                         .given = documents->cost != NULL};
    if (documents->n < 0 || documents->n > CPB_MAX_DOCUMENTS)
        return cpb_fail(error, CPB_INVALID, -1, "%lld documents are outside 0 .. %lld",
                        (long long)documents->n, (long long)CPB_MAX_DOCUMENTS);
    CPB_TRY(check_domain(domain, error));
    CPB_TRY(list_sizes(batch, error));
    batch->budget = domain->budget / domain->token_multiple * domain->token_multiple;
    cpb_price_create(domain, &batch->price);
    batch->jobs = cpb_arena_take(scratch, (size_t)documents->n, sizeof *batch->jobs);
    if (!batch->jobs)
        return cpb_fail_memory(error);
    CPB_TRY(check_places(batch, error));
    CPB_TRY(make_jobs(batch, error));
    CPB_TRY(sort_jobs(batch, error));
    batch->lack = cpb_arena_zeros(scratch, 1, sizeof *batch->lack);
    batch->n_alone = cpb_min(batch->n, MOST_ALONE / (int64_t)batch->n_sizes);
    batch->alone = cpb_arena_zeros(scratch, (size_t)batch->n_alone * batch->n_sizes,
                                   sizeof *batch->alone);
    if (!batch->alone || !batch->lack)
        return cpb_fail_memory(error);
done:
    return status;
}

int64_t cpb_batch_alone(const cpb_batch *batch, int64_t j, size_t s)
{
    int64_t *const known =
        j < batch->n_alone ? &batch->alone[(size_t)j * batch->n_sizes + s] : NULL;
    if (known && *known)
        return *known;
    const cpb_share share = cpb_batch_share(batch, &batch->jobs[j], 0, batch->sizes[s]);
    const int64_t time = cpb_price_time(&batch->price, &share);
    if (known)
        *known = time;
    return time;
}

size_t cpb_batch_least_size(const cpb_batch *batch, int64_t tokens)
{
    size_t i = 0;
    while (i < batch->n_sizes && cpb_ceil_div(tokens, batch->sizes[i]) > batch->budget)
        i++;
    return i;
}

size_t cpb_batch_next_rung(const cpb_batch *batch, size_t s)
{
    size_t next = s + 1;
    while (next < batch->n_sizes && batch->sizes[next] % batch->sizes[s])
        next++;
    return next;
}

bool cpb_batch_may_cut(const cpb_batch *batch)
{
    const cpb_domain *const domain = batch->domain;
    return !domain->groups_only && (domain->sizes != CPB_SIZES_LIST ||
                                    batch->sizes[batch->n_sizes - 1] == domain->ranks);
}

int32_t cpb_batch_micro(const cpb_batch *batch, int64_t n)
{
    const cpb_domain *const domain = batch->domain;
    const int64_t multiple = domain->micro_multiple;
    const int64_t least = cpb_max(cpb_max(1, n), domain->micro_least);
    const int64_t micro = cpb_ceil_div(least, multiple) * multiple;
    const int64_t most =
        domain->micro_most ? domain->micro_most : CPB_MAX_MICRO_BATCHES;
    return micro <= most ? (int32_t)micro : 0;
}

int64_t cpb_batch_spare(int64_t least, int k)
{
    const int64_t spares[CPB_SPARES] = {0, 1, 1 + least / 8, 2 + least / 4,
                                        2 + least / 2};
    return k < CPB_SPARES ? least + spares[k]
                          : (least + 1) << cpb_min(k - CPB_SPARES + 1, 30);
}
