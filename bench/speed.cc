// SPDX-License-Identifier: Apache-2.0
// Speed and memory of the library. Ratios compare the library with filling the same
// bytes, alternately in the same run; numbers.sh turns the counters into a table.
#include <cpb/cpb.h>

// The library's own headers are C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
extern "C" {
#include "balance/balance.h"
}
#pragma GCC diagnostic pop

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace
{

constexpr int64_t million = 1 << 20;

// splitmix64: the same inputs on every machine.
class Random
{
  public:
    int64_t below(int64_t n)
    {
        uint64_t z = seed_ += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return static_cast<int64_t>((z ^ z >> 31) % static_cast<uint64_t>(n));
    }

  private:
    uint64_t seed_ = 1;
};

void must(cpb_status status)
{
    if (status != CPB_OK) {
        std::fprintf(stderr, "%s\n", cpb_status_text(status));
        std::abort();
    }
}

struct Free {
    void operator()(cpb_plan *plan) const
    {
        cpb_plan_free(plan);
    }
    void operator()(cpb_mask *mask) const
    {
        cpb_mask_free(mask);
    }
    void operator()(cpb_work *work) const
    {
        cpb_work_free(work);
    }
    void operator()(void *bytes) const
    {
        std::free(bytes);
    }
};
using Plan = std::unique_ptr<cpb_plan, Free>;
using Mask = std::unique_ptr<cpb_mask, Free>;
using Work = std::unique_ptr<cpb_work, Free>;
using Bytes = std::unique_ptr<void, Free>;

double seconds()
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

template <class Call> double time_of(const Call &call)
{
    const double begin = seconds();
    call();
    benchmark::ClobberMemory();
    return seconds() - begin;
}

double median(std::vector<double> &values)
{
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

// Documents of some hundred to some ten thousand tokens, 5,000 on average.
std::vector<int64_t> document_lengths(int64_t tokens)
{
    Random random;
    std::vector<int64_t> lengths;
    for (int64_t left = tokens; left > 0; left -= lengths.back()) {
        const int64_t scale = int64_t{256} << random.below(6);
        lengths.push_back(std::min(left, scale + random.below(2 * scale)));
    }
    return lengths;
}

Mask documents_mask(const std::vector<int64_t> &lengths)
{
    cpb_mask *mask;
    must(cpb_mask_create_text("documents", lengths.size(), lengths.data(), nullptr,
                              nullptr, &mask, nullptr));
    return Mask(mask);
}

Plan plan_by(const char *balancer, const cpb_mask *mask, cpb_options options)
{
    cpb_plan *plan;
    const cpb_masks masks = {1, &mask, nullptr};
    options.balancer = balancer;
    must(cpb_plan_create(&masks, &options, &plan, nullptr));
    return Plan(plan);
}

cpb_options options_for(int32_t ranks)
{
    cpb_options options = cpb_options_default();
    options.ranks = ranks;
    return options;
}

// Chunks of 128 dealt to 64 ranks at random, equally many each, ascending in each rank:
// the shape of a PTRR plan.
Plan random_chunks(int64_t tokens)
{
    constexpr int64_t chunk = 128, ranks = 64;
    std::vector<int64_t> owner(static_cast<size_t>(tokens / chunk));
    Random random;
    for (size_t i = 0; i < owner.size(); i++) {
        const auto j = static_cast<size_t>(random.below(static_cast<int64_t>(i) + 1));
        owner[i] = owner[j];
        owner[j] = static_cast<int64_t>(i) % ranks;
    }
    std::vector<int64_t> first{0};
    std::vector<cpb_range> runs;
    for (int64_t r = 0; r < ranks; r++) {
        for (size_t i = 0; i < owner.size(); i++) {
            const int64_t begin = static_cast<int64_t>(i) * chunk;
            if (owner[i] == r)
                runs.push_back({begin, begin + chunk});
        }
        first.push_back(static_cast<int64_t>(runs.size()));
    }
    const cpb_promise promise = {CPB_EQUAL, chunk, chunk, -1, CPB_ALGORITHM, 0};
    cpb_plan *plan;
    must(cpb_plan_create_runs(tokens, 0, ranks, first.data(), runs.data(), &promise,
                              nullptr, &plan, nullptr));
    return Plan(plan);
}

Plan split_documents(int64_t tokens)
{
    const Mask mask = documents_mask(document_lengths(tokens));
    return plan_by("per-document", mask.get(), options_for(8));
}

Bytes line_aligned(size_t bytes)
{
    Bytes memory(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
    if (!memory)
        std::abort();
    std::memset(memory.get(), 0, bytes);
    return memory;
}

// What filling an array of that element type costs: a loop of ordinary stores.
void fill(void *array, size_t bytes, cpb_index type, int64_t value)
{
    if (type == CPB_INT32)
        std::fill_n(static_cast<int32_t *>(array), bytes / 4,
                    static_cast<int32_t>(value));
    else
        std::fill_n(static_cast<int64_t *>(array), bytes / 8, value);
}

// Arguments: tokens, bits of an element.
void write_order(benchmark::State &state, const Plan &plan)
{
    const cpb_index type = state.range(1) == 32 ? CPB_INT32 : CPB_INT64;
    const int64_t n = cpb_plan_tokens(plan.get()) + cpb_plan_padding(plan.get());
    const size_t bytes = static_cast<size_t>(n * state.range(1) / 8);
    const Bytes order = line_aligned(bytes), inverse = line_aligned(bytes);
    std::vector<double> memsets, fills, writes;
    int64_t value = 0;

    for (auto _ : state) {
        value++;
        memsets.push_back(time_of([&] {
            std::memset(order.get(), static_cast<int>(value), bytes);
            std::memset(inverse.get(), static_cast<int>(value), bytes);
        }));
        fills.push_back(time_of([&] {
            fill(order.get(), bytes, type, value);
            fill(inverse.get(), bytes, type, value);
        }));
        writes.push_back(time_of(
            [&] { cpb_order_write(plan.get(), type, order.get(), inverse.get()); }));
        state.SetIterationTime(writes.back());
    }
    const double write = median(writes);
    state.counters["of_memset"] = median(memsets) / write;
    state.counters["of_fill"] = median(fills) / write;
    state.counters["GB_per_s"] = 2 * static_cast<double>(bytes) / write / 1e9;
}

void order_of_chunks(benchmark::State &state)
{
    write_order(state, random_chunks(state.range(0)));
}

void order_of_documents(benchmark::State &state)
{
    write_order(state, split_documents(state.range(0)));
}

void order_sizes(benchmark::internal::Benchmark *b)
{
    for (int64_t tokens : {million / 8, million, 8 * million})
        for (int64_t bits : {64, 32})
            b->Args({tokens, bits});
    b->ArgNames({"tokens", "bits"})->UseManualTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK(order_of_chunks)->Apply(order_sizes);
BENCHMARK(order_of_documents)->Apply(order_sizes);

// Costs of all chunks of 128, the work included, of one document and of packed ones of
// 128 tokens: the difference is what slices cost.
void cost_of_chunks(benchmark::State &state, cpb_cost cost)
{
    const int64_t tokens = state.range(0), chunk = 128, n = tokens / chunk;
    const Mask one = documents_mask({tokens});
    const Mask many =
        documents_mask(std::vector<int64_t>(static_cast<size_t>(n), chunk));
    cpb_setup setup = cpb_setup_default();
    setup.cost = cost;
    std::vector<int64_t> costs(static_cast<size_t>(n));
    std::vector<double> few_slices, many_slices;
    const auto measure = [&](const cpb_mask *mask) {
        cpb_work *work;
        must(cpb_work_create(mask, &setup, nullptr, &work, nullptr));
        const Work owned(work);
        cpb_work_chunks(work, chunk, n, costs.data());
    };

    for (auto _ : state) {
        few_slices.push_back(time_of([&] { measure(one.get()); }));
        many_slices.push_back(time_of([&] { measure(many.get()); }));
        state.SetIterationTime(few_slices.back());
    }
    const double few = median(few_slices), extra = median(many_slices) - few;
    state.counters["ns_per_chunk"] = few / static_cast<double>(n) * 1e9;
    state.counters["ns_per_slice"] = extra / static_cast<double>(n - 1) * 1e9;
}

void cost_sizes(benchmark::internal::Benchmark *b)
{
    b->Arg(million)->Arg(8 * million)->ArgName("tokens");
    b->UseManualTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(cost_of_chunks, pairs, CPB_PAIRS)->Apply(cost_sizes);
BENCHMARK_CAPTURE(cost_of_chunks, tiles, CPB_TILES)->Apply(cost_sizes);
BENCHMARK_CAPTURE(cost_of_chunks, profile, CPB_PROFILE_TIME)->Apply(cost_sizes);

void *allocate(void *, size_t bytes)
{
    return std::malloc(bytes);
}

void release(void *, void *pointer)
{
    std::free(pointer);
}

// The PTRR schedule alone: costs in, pieces out.
void ptrr_schedule(benchmark::State &state)
{
    constexpr int64_t chunk = 128;
    const int64_t n = state.range(0), tokens = n * chunk;
    const std::vector<int64_t> ends{tokens};
    const Mask mask = documents_mask(document_lengths(tokens));
    cpb_setup setup = cpb_setup_default();
    setup.cost = CPB_TILES;
    cpb_work *work;
    must(cpb_work_create(mask.get(), &setup, nullptr, &work, nullptr));
    const Work owned(work);
    std::vector<int64_t> cost(static_cast<size_t>(n));
    cpb_work_chunks(work, chunk, n, cost.data());

    cpb_view view{};
    view.ranks = 64;
    view.tokens = tokens;
    view.cap = INT64_MAX;
    view.chunk = chunk;
    view.n_chunks = n;
    view.cost = cost.data();
    view.n_documents = 1;
    view.document_ends = ends.data();
    for (auto _ : state) {
        cpb_arena arena{};
        arena.allocator = {allocate, release, nullptr};
        cpb_deal deal{};
        deal.arena = &arena;
        must(cpb_balance_ptrr(&view, &deal, nullptr));
        cpb_arena_free(&arena);
    }
}
BENCHMARK(ptrr_schedule)->Arg(8192)->ArgName("chunks")->Unit(benchmark::kMicrosecond);

// From a mask to a plan and both arrays.
void plan_and_order(benchmark::State &state, const char *balancer)
{
    const Mask mask = documents_mask(document_lengths(million));
    const Bytes order = line_aligned(2 * million * 8),
                inverse = line_aligned(2 * million * 8);
    std::vector<double> plans;
    for (auto _ : state) {
        Plan plan;
        plans.push_back(
            time_of([&] { plan = plan_by(balancer, mask.get(), options_for(64)); }));
        cpb_order_write(plan.get(), CPB_INT64, order.get(), inverse.get());
    }
    state.counters["plan_us"] = median(plans) * 1e6;
}
BENCHMARK_CAPTURE(plan_and_order, head_tail, "head-tail")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(plan_and_order, per_document, "per-document")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(plan_and_order, ptrr, "ptrr")->Unit(benchmark::kMicrosecond);

// Bytes that the library holds, and the most that it ever held.
struct Held {
    size_t now = 0;
    size_t most = 0;
};

constexpr size_t header = 16; // the size of a block stands before it

void *counted_allocate(void *context, size_t bytes)
{
    auto *const held = static_cast<Held *>(context);
    auto *const block = static_cast<unsigned char *>(std::malloc(header + bytes));
    if (!block)
        return nullptr;
    std::memcpy(block, &bytes, sizeof bytes);
    held->now += bytes;
    held->most = std::max(held->most, held->now);
    return block + header;
}

void counted_release(void *context, void *pointer)
{
    if (!pointer)
        return;
    auto *const block = static_cast<unsigned char *>(pointer) - header;
    size_t bytes;
    std::memcpy(&bytes, block, sizeof bytes);
    static_cast<Held *>(context)->now -= bytes;
    std::free(block);
}

// 1,024 documents cut into 128 pieces each.
void memory_of_planning(benchmark::State &state)
{
    constexpr int64_t documents = 1024, length = 8192;
    const Mask mask = documents_mask(std::vector<int64_t>(documents, length));
    Held held;
    cpb_options options = options_for(64);
    options.allocator = {counted_allocate, counted_release, &held};
    for (auto _ : state) {
        const Plan plan = plan_by("per-document", mask.get(), options);
        size_t runs = 0;
        for (int32_t r = 0; r < options.ranks; r++)
            runs += cpb_plan_n_runs(plan.get(), r);
        state.counters["runs"] = static_cast<double>(runs);
        state.counters["plan_MB"] = static_cast<double>(held.now) / 1e6;
    }
    state.counters["peak_MB"] = static_cast<double>(held.most) / 1e6;
}
BENCHMARK(memory_of_planning)->Iterations(3)->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
