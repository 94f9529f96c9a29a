// SPDX-License-Identifier: Apache-2.0
/* Exchanges are carried out on arrays of key ids and held against brute force. */
#include "exchange_world.h"

/* --- Inputs ----------------------------------------------------------------------- */

static cpb_mask *random_mask(uint64_t *seed)
{
    static uint8_t allowed[ROOM * ROOM];
    const int64_t tokens = test_random(seed, 1, 40), density = test_random(seed, 0, 9);
    int64_t lengths[MOST_DOCUMENTS];
    const size_t n = test_lengths(seed, tokens, MOST_DOCUMENTS, lengths);
    for (int64_t i = 0; i < tokens * tokens; i++)
        allowed[i] = test_random(seed, 0, 9) < density;
    cpb_mask *mask;
    assert_int_equal(
        cpb_mask_create_dense(tokens, allowed, n, lengths, NULL, &mask, NULL), CPB_OK);
    return mask;
}

/* The plan of the i-th balancer, NULL where it refuses. */
static cpb_plan *balanced_plan(const cpb_mask *mask, size_t i, int32_t ranks,
                               int64_t chunk)
{
    cpb_options options = cpb_options_default();
    const cpb_masks masks = {.n = 1, .mask = &mask};
    cpb_plan *plan;
    options.ranks = ranks;
    options.balancer = cpb_balancer_name(i);
    options.chunk = chunk;
    return cpb_plan_create(&masks, &options, &plan, NULL) == CPB_OK ? plan : NULL;
}

typedef void visit_fn(const cpb_plan *plan, const cpb_mask *mask, void *context);

/* Every balancer and random plans, for every family and random dense masks. */
static void visit_plans(uint64_t *seed, const cpb_mask *mask, visit_fn *visit,
                        void *context)
{
    const int32_t ranks = (int32_t)test_random(seed, 1, MOST_RANKS);
    const int64_t chunk = test_random(seed, 1, 8);
    for (size_t i = 0; cpb_balancer_name(i); i++) {
        cpb_plan *const plan = balanced_plan(mask, i, ranks, chunk);
        if (plan)
            visit(plan, mask, context);
        cpb_plan_free(plan);
    }
    for (int round = 0; round < 3; round++) {
        cpb_plan *const plan = random_plan(seed, cpb_mask_tokens(mask), ranks,
                                           round ? 7 * round * round : 2);
        visit(plan, mask, context);
        cpb_plan_free(plan);
    }
}

static void visit_all(uint64_t seed, visit_fn *visit, void *context)
{
    for (size_t i = 0; cpb_mask_family_example(i); i++)
        for (int round = 0; round < 4; round++) {
            cpb_mask *const mask = text_mask(cpb_mask_family_example(i));
            if (cpb_mask_tokens(mask) < ROOM - MOST_RANKS)
                visit_plans(&seed, mask, visit, context);
            cpb_mask_free(mask);
        }
    for (int round = 0; round < 60; round++) {
        cpb_mask *const mask = random_mask(&seed);
        visit_plans(&seed, mask, visit, context);
        cpb_mask_free(mask);
    }
}

static cpb_exchange *exchange_of(const cpb_plan *plan, const cpb_mask *mask,
                                 cpb_form form, int32_t nodes)
{
    const cpb_exchange_options options = {.form = form, .nodes = nodes};
    cpb_exchange *exchange;
    assert_int_equal(cpb_exchange_create(plan, mask, &options, NULL, &exchange, NULL),
                     CPB_OK);
    return exchange;
}

/* --- Completeness ----------------------------------------------------------------- */

static bool needs(const cpb_plan *plan, const cpb_mask *mask, int32_t rank, int64_t key)
{
    for (size_t i = 0; i < cpb_plan_n_runs(plan, rank); i++)
        for (int64_t q = cpb_plan_runs(plan, rank)[i].begin;
             q < cpb_plan_runs(plan, rank)[i].end && q < cpb_mask_tokens(mask); q++)
            if (cpb_mask_allows(mask, q, key))
                return true;
    return false;
}

/* Every rank holds own and needed keys, each once, and no slot stayed empty. */
static void assert_all_there(const world *w, const cpb_plan *plan, const cpb_mask *mask)
{
    for (int32_t r = 0; r < w->ranks; r++) {
        int times[ROOM] = {0};
        for (int64_t i = w->shard[r]; i < w->slots[r]; i++) {
            assert_true(w->at[r][i] >= 0 && w->at[r][i] < cpb_mask_tokens(mask));
            times[w->at[r][i]]++;
        }
        for (int64_t k = 0; k < cpb_mask_tokens(mask); k++)
            assert_int_equal(times[k], needs(plan, mask, r, k) && !owns(plan, r, k));
    }
}

/* --- All forms -------------------------------------------------------------------- */

typedef void exchange_fn(const cpb_plan *plan, const cpb_mask *mask,
                         const cpb_exchange *exchange);

/* Flat, relay, and two-level on every number of nodes that divides the ranks. */
static void visit_forms(const cpb_plan *plan, const cpb_mask *mask, void *context)
{
    exchange_fn *const *const visit = context;
    for (int32_t nodes = 0; nodes <= cpb_plan_ranks(plan); nodes++) {
        if (nodes && cpb_plan_ranks(plan) % nodes)
            continue;
        cpb_exchange *const exchange =
            exchange_of(plan, mask, nodes ? CPB_TWO_LEVEL : CPB_FLAT, nodes);
        (*visit)(plan, mask, exchange);
        cpb_exchange_free(exchange);
    }
    cpb_exchange *const relay = exchange_of(plan, mask, CPB_RELAY, 0);
    (*visit)(plan, mask, relay);
    cpb_exchange_free(relay);
}

static void visit_exchanges(uint64_t seed, exchange_fn *visit)
{
    visit_all(seed, visit_forms, &visit);
}

static void assert_complete(const cpb_plan *plan, const cpb_mask *mask,
                            const cpb_exchange *exchange)
{
    static world w;
    run_all(&w, plan, exchange);
    assert_all_there(&w, plan, mask);
    assert_lists(exchange, false);
}

static void
afterwards_every_rank_holds_its_own_and_its_needs_and_nothing_twice(void **state)
{
    (void)state;
    visit_exchanges(1, assert_complete);
}

/* --- Against the score ------------------------------------------------------------ */

static int64_t between(const cpb_exchange *exchange, int32_t from, int32_t to)
{
    size_t n;
    int64_t keys = 0;
    const cpb_transfer *const list = cpb_exchange_sent(exchange, from, -1, &n);
    for (size_t i = 0; i < n; i++)
        keys += list[i].to == to ? list[i].keys.end - list[i].keys.begin : 0;
    return keys;
}

static void score_of(const cpb_plan *plan, const cpb_mask *mask, int32_t nodes,
                     cpb_score *score, int64_t *matrix)
{
    const cpb_masks masks = {.n = 1, .mask = &mask};
    cpb_setup setup = cpb_setup_default();
    setup.cost = CPB_PAIRS;
    setup.nodes = nodes;
    assert_int_equal(
        cpb_score_plan(plan, &masks, &setup, NULL, score, NULL, matrix, NULL), CPB_OK);
}

static void assert_flat_matrix(const cpb_plan *plan, const cpb_mask *mask,
                               void *context)
{
    (void)context;
    const int32_t ranks = cpb_plan_ranks(plan);
    cpb_exchange *exchange;
    int64_t matrix[MOST_RANKS * MOST_RANKS];
    cpb_score score;
    assert_int_equal(cpb_exchange_create(plan, mask, NULL, NULL, &exchange, NULL),
                     CPB_OK);
    score_of(plan, mask, 0, &score, matrix);
    int64_t receive = 0, send = 0;
    for (int32_t a = 0; a < ranks; a++) {
        const cpb_traffic traffic = cpb_exchange_traffic(exchange, a);
        assert_int_equal(traffic.receive, traffic.buffer);
        receive = traffic.receive > receive ? traffic.receive : receive;
        send = traffic.send > send ? traffic.send : send;
        for (int32_t b = 0; b < ranks; b++)
            assert_int_equal(between(exchange, a, b), matrix[a * ranks + b]);
    }
    assert_int_equal(receive, score.receive_max);
    assert_int_equal(send, score.send_max);
    assert_int_equal(cpb_exchange_least(exchange).pair, score.pair_max);
    cpb_exchange_free(exchange);
}

static void flat_totals_of_every_pair_of_ranks_are_those_of_the_score(void **state)
{
    (void)state;
    visit_all(2, assert_flat_matrix, NULL);
}

/* How often each key enters a node in step 0: once where one of its ranks needs it and
 * none owns it, else never. */
static void assert_enters_once(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_exchange *exchange, int32_t node,
                               int32_t per_node)
{
    int entered[ROOM] = {0};
    const int32_t end = (node + 1) * per_node;
    for (int32_t r = node * per_node; r < end; r++) {
        size_t n;
        const cpb_transfer *const list = cpb_exchange_received(exchange, r, 0, &n);
        for (size_t i = 0; i < n; i++)
            for (int64_t k = list[i].keys.begin; k < list[i].keys.end; k++)
                entered[k]++;
    }
    for (int64_t k = 0; k < cpb_mask_tokens(mask); k++) {
        bool needed = false, owned = false;
        for (int32_t r = node * per_node; r < end; r++) {
            owned = owned || owns(plan, r, k);
            needed = needed || needs(plan, mask, r, k);
        }
        assert_int_equal(entered[k], needed && !owned);
    }
}

static void assert_cards(const cpb_plan *plan, const cpb_mask *mask, int32_t nodes)
{
    const int32_t per_node = cpb_plan_ranks(plan) / nodes;
    cpb_exchange *const exchange = exchange_of(plan, mask, CPB_TWO_LEVEL, nodes);
    int64_t in[MOST_RANKS] = {0}, out[MOST_RANKS] = {0}, in_max = 0, out_max = 0;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++) {
        size_t n;
        const cpb_transfer *const list = cpb_exchange_received(exchange, r, -1, &n);
        for (size_t i = 0; i < n; i++) {
            const int32_t from = list[i].from / per_node, to = r / per_node;
            const int64_t keys = list[i].keys.end - list[i].keys.begin;
            assert_int_equal(list[i].step, from == to);
            in[to] += from == to ? 0 : keys;
            out[from] += from == to ? 0 : keys;
        }
    }
    for (int32_t i = 0; i < nodes; i++) {
        in_max = in[i] > in_max ? in[i] : in_max;
        out_max = out[i] > out_max ? out[i] : out_max;
        assert_enters_once(plan, mask, exchange, i, per_node);
    }
    cpb_score score;
    score_of(plan, mask, nodes, &score, NULL);
    assert_int_equal(in_max, score.net_in_max);
    assert_int_equal(out_max, score.net_out_max);
    cpb_exchange_free(exchange);
}

static void assert_all_cards(const cpb_plan *plan, const cpb_mask *mask, void *context)
{
    (void)context;
    for (int32_t nodes = 1; nodes <= cpb_plan_ranks(plan); nodes++)
        if (cpb_plan_ranks(plan) % nodes == 0)
            assert_cards(plan, mask, nodes);
}

static void two_level_keys_enter_a_node_once_as_the_score_says(void **state)
{
    (void)state;
    visit_all(3, assert_all_cards, NULL);
}

/* --- How even --------------------------------------------------------------------- */

static int64_t send_max(const cpb_exchange *exchange)
{
    int64_t most = 0;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        const int64_t send = cpb_exchange_traffic(exchange, r).send;
        most = send > most ? send : most;
    }
    return most;
}

static int64_t receive_max(const cpb_exchange *exchange)
{
    int64_t most = 0;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        const int64_t receive = cpb_exchange_traffic(exchange, r).receive;
        most = receive > most ? receive : most;
    }
    return most;
}

static void assert_relays_help(const cpb_plan *plan, const cpb_mask *mask,
                               void *context)
{
    (void)context;
    cpb_exchange *const flat = exchange_of(plan, mask, CPB_FLAT, 0);
    cpb_exchange *const relay = exchange_of(plan, mask, CPB_RELAY, 0);
    assert_true(send_max(relay) <= send_max(flat));
    if (send_max(flat) <= receive_max(flat))
        assert_int_equal(send_max(relay), send_max(flat));
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++)
        assert_int_equal(cpb_exchange_traffic(flat, r).receive,
                         cpb_exchange_traffic(relay, r).receive);
    cpb_exchange_free(flat);
    cpb_exchange_free(relay);
}

static void relays_never_raise_the_largest_send_nor_what_anyone_receives(void **state)
{
    (void)state;
    visit_all(4, assert_relays_help, NULL);
}

/* A long document in front of short ones of random lengths: its owners send to many. */
static cpb_mask *pack(uint64_t *seed, const char *family, int64_t tokens)
{
    static int64_t lengths[4096];
    size_t n = 0;
    int64_t left = tokens - (lengths[n++] = tokens / test_random(seed, 2, 6));
    while (left > 0) {
        const int64_t octave = (int64_t)1 << test_random(seed, 5, 11);
        const int64_t length = octave + test_random(seed, 0, octave);
        lengths[n] = length < left ? length : left;
        left -= lengths[n++];
    }
    cpb_mask *mask;
    assert_int_equal(cpb_mask_create_text(family, n, lengths, NULL, NULL, &mask, NULL),
                     CPB_OK);
    return mask;
}

/* Largest over ranks of the keys that at least one other rank needs: nobody who sends
 * each of its keys only once sends less. */
static int64_t once_max(const cpb_plan *plan, const cpb_mask *mask)
{
    const int32_t ranks = cpb_plan_ranks(plan);
    cpb_exchange *const each = exchange_of(plan, mask, CPB_FLAT, 0);
    int64_t most = 0;
    for (int32_t r = 0; r < ranks; r++) {
        uint8_t *const seen = calloc((size_t)cpb_plan_tokens(plan), 1);
        size_t n;
        int64_t once = 0;
        assert_non_null(seen);
        const cpb_transfer *const list = cpb_exchange_sent(each, r, -1, &n);
        for (size_t i = 0; i < n; i++)
            for (int64_t k = list[i].keys.begin; k < list[i].keys.end; k++) {
                once += !seen[k];
                seen[k] = 1;
            }
        most = once > most ? once : most;
        free(seen);
    }
    cpb_exchange_free(each);
    return most;
}

/* How far the largest send stands above its floor, in thousandths, flat and relayed. */
static void measure_relays(const cpb_plan *plan, const cpb_mask *mask, int64_t *worst)
{
    cpb_exchange *const flat = exchange_of(plan, mask, CPB_FLAT, 0);
    cpb_exchange *const relay = exchange_of(plan, mask, CPB_RELAY, 0);
    const int64_t once = once_max(plan, mask), receive = receive_max(flat);
    const int64_t floor = once > receive ? once : receive;
    const int64_t sends[] = {send_max(flat), send_max(relay)};
    assert_true(sends[1] <= floor + floor / 8);
    for (size_t i = 0; floor && i < COUNT_OF(sends); i++)
        if (1000 * sends[i] / floor > worst[i])
            worst[i] = 1000 * sends[i] / floor;
    cpb_exchange_free(flat);
    cpb_exchange_free(relay);
}

/* What landing and passing on costs a rank: keys into its node and keys sent inside. */
static int64_t two_level_work(const cpb_exchange *exchange, int32_t rank)
{
    size_t n_in, n_out;
    int64_t keys = 0;
    const cpb_transfer *const in = cpb_exchange_received(exchange, rank, 0, &n_in);
    const cpb_transfer *const out = cpb_exchange_sent(exchange, rank, 1, &n_out);
    for (size_t i = 0; i < n_in; i++)
        keys += in[i].keys.end - in[i].keys.begin;
    for (size_t i = 0; i < n_out; i++)
        keys += out[i].keys.end - out[i].keys.begin;
    return keys;
}

/* Whether the busiest rank of each node is at most 5 % above the mean of its node. */
static void assert_even_nodes(const cpb_exchange *exchange, int32_t node_ranks)
{
    int64_t sum = 0, most = 0;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        const int64_t work = two_level_work(exchange, r);
        sum += work;
        most = work > most ? work : most;
        if (r % node_ranks < node_ranks - 1)
            continue;
        assert_true(most * node_ranks <= sum + sum / 20);
        sum = most = 0;
    }
}

/* `ptrr` gives every rank 16 chunks from everywhere, so that each owner has about the
 * same to send inside its node. */
static void two_level_spreads_what_enters_a_node_evenly_over_its_ranks(void **state)
{
    (void)state;
    uint64_t seed = 16;
    for (int round = 0; round < 6; round++) {
        cpb_mask *const mask = pack(&seed, "documents", 2048 * 32);
        for (size_t i = 0; cpb_balancer_name(i); i++) {
            if (strcmp(cpb_balancer_name(i), "ptrr") != 0)
                continue;
            cpb_plan *const plan = balanced_plan(mask, i, 32, -1);
            cpb_exchange *const exchange = exchange_of(plan, mask, CPB_TWO_LEVEL, 4);
            assert_even_nodes(exchange, 8);
            cpb_exchange_free(exchange);
            cpb_plan_free(plan);
        }
        cpb_mask_free(mask);
    }
}

static void
relays_of_packs_bring_the_largest_send_near_the_largest_receive(void **state)
{
    (void)state;
    static const char *const families[] = {"documents", "shared-question", "sinks:512"};
    uint64_t seed = 5;
    int64_t worst[2] = {0};
    for (int round = 0; round < 18; round++) {
        const int32_t ranks = round % 2 ? 8 : 32;
        cpb_mask *const mask = pack(&seed, families[round % 3], 2048 * ranks);
        for (size_t i = 0; cpb_balancer_name(i); i++) {
            cpb_plan *const plan = balanced_plan(mask, i, ranks, -1);
            if (plan)
                measure_relays(plan, mask, worst);
            cpb_plan_free(plan);
        }
        cpb_mask_free(mask);
    }
    print_message("largest send / max(largest receive, keys that must leave a rank): "
                  "flat %.3f, relay %.3f\n",
                  (double)worst[0] / 1000, (double)worst[1] / 1000);
}

/* --- Backward --------------------------------------------------------------------- */

/* The gradient that a rank computes for a key: any number will do. */
static int64_t gradient(int32_t rank, int64_t key)
{
    return 1 + rank * 1009 + key * 31 % 97;
}

static void fill_gradients(world *w)
{
    for (int32_t r = 0; r < w->ranks; r++)
        for (int64_t i = 0; i < w->slots[r]; i++)
            w->at[r][i] = gradient(r, w->at[r][i]);
}

static void add_stage(world *w, const cpb_exchange *exchange, int32_t i)
{
    static world before;
    before = *w;
    for (int32_t r = 0; r < w->ranks; r++) {
        const cpb_stage stage = cpb_exchange_stage(exchange, r, CPB_BACKWARD, i);
        size_t n;
        assert_int_equal(stage.step, cpb_exchange_steps(exchange) - 1 - i);
        assert_ptr_equal(stage.gives,
                         cpb_exchange_received(exchange, r, stage.step, &n));
        assert_int_equal(stage.n_gives, n);
        for (size_t t = 0; t < stage.n_gets; t++) {
            const cpb_transfer *const got = &stage.gets[t];
            assert_true(t == 0 || got[-1].to <= got->to);
            for (int64_t k = 0; k < got->keys.end - got->keys.begin; k++)
                w->at[r][got->source + k] +=
                    before.at[got->to][before.shard[got->to] + got->target + k];
        }
    }
}

static void assert_mirror(const cpb_plan *plan, const cpb_mask *mask,
                          const cpb_exchange *exchange)
{
    static world w;
    run_all(&w, plan, exchange);
    fill_gradients(&w);
    for (int32_t i = 0; i < cpb_exchange_steps(exchange); i++)
        add_stage(&w, exchange, i);
    for (int32_t r = 0; r < w.ranks; r++) {
        int64_t slot = 0;
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++)
            for (int64_t k = cpb_plan_runs(plan, r)[i].begin;
                 k < cpb_plan_runs(plan, r)[i].end; k++) {
                int64_t sum = gradient(r, k);
                for (int32_t q = 0; q < w.ranks && k < cpb_mask_tokens(mask); q++)
                    if (q != r && needs(plan, mask, q, k))
                        sum += gradient(q, k);
                assert_int_equal(w.at[r][slot++], sum);
            }
    }
}

static void gradients_summed_by_the_mirror_are_the_direct_sums(void **state)
{
    (void)state;
    visit_exchanges(6, assert_mirror);
}

/* --- Buffers ---------------------------------------------------------------------- */

/* An all-to-all-v as MPI defines it: `buffers` are [ranks] send buffers. */
static void run_counted(world *w, const cpb_exchange *exchange, int32_t i)
{
    static int64_t sent[MOST_RANKS][MOST_RANKS * ROOM];
    static int64_t give[MOST_RANKS][MOST_RANKS], give_first[MOST_RANKS][MOST_RANKS];
    static int64_t get[MOST_RANKS][MOST_RANKS], get_first[MOST_RANKS][MOST_RANKS];
    for (int32_t r = 0; r < w->ranks; r++) {
        const cpb_counts counts = {give[r], give_first[r], get[r], get_first[r]};
        const cpb_stage stage = cpb_exchange_stage(exchange, r, CPB_FORWARD, i);
        int64_t n = 0;
        cpb_exchange_counts(exchange, r, CPB_FORWARD, i, &counts);
        for (size_t t = 0; t < stage.n_gives; t++)
            for (int64_t k = stage.gives[t].keys.begin; k < stage.gives[t].keys.end;
                 k++)
                sent[r][n++] =
                    w->at[r][stage.gives[t].source + k - stage.gives[t].keys.begin];
    }
    for (int32_t r = 0; r < w->ranks; r++) {
        const cpb_stage stage = cpb_exchange_stage(exchange, r, CPB_FORWARD, i);
        const int64_t first = w->shard[r] + (stage.n_gets ? stage.gets[0].target : 0);
        for (int32_t p = 0; p < w->ranks; p++) {
            assert_int_equal(get[r][p], give[p][r]);
            memcpy(&w->at[r][first + get_first[r][p]], &sent[p][give_first[p][r]],
                   (size_t)get[r][p] * sizeof(int64_t));
        }
    }
}

static int64_t slot_at(cpb_index type, const void *slots, int64_t i)
{
    return type == CPB_INT32 ? ((const int32_t *)slots)[i]
                             : ((const int64_t *)slots)[i];
}

/* An all-to-all of equal splits through padded slots; those of the way back agree. */
static void run_padded(world *w, const cpb_exchange *exchange, int32_t i,
                       cpb_index type)
{
    static int64_t gives[MOST_RANKS][MOST_RANKS * (ROOM + 1)];
    static int64_t gets[MOST_RANKS][MOST_RANKS * (ROOM + 1)];
    static int64_t back[MOST_RANKS * (ROOM + 1)];
    const int64_t pair = cpb_exchange_least(exchange).pair + 1;
    const int32_t mirrored = cpb_exchange_steps(exchange) - 1 - i;
    for (int32_t r = 0; r < w->ranks; r++) {
        assert_int_equal(cpb_exchange_write_slots(exchange, r, CPB_FORWARD, i,
                                                  CPB_GIVES, pair, type, gives[r],
                                                  NULL),
                         CPB_OK);
        assert_int_equal(cpb_exchange_write_slots(exchange, r, CPB_FORWARD, i, CPB_GETS,
                                                  pair, type, gets[r], NULL),
                         CPB_OK);
        assert_int_equal(cpb_exchange_write_slots(exchange, r, CPB_BACKWARD, mirrored,
                                                  CPB_GETS, pair, type, back, NULL),
                         CPB_OK);
        for (int64_t k = 0; k < w->ranks * pair; k++)
            assert_int_equal(slot_at(type, back, k), slot_at(type, gives[r], k));
    }
    for (int32_t r = 0; r < w->ranks; r++)
        for (int32_t p = 0; p < w->ranks; p++)
            for (int64_t k = 0; k < pair; k++) {
                const int64_t from = slot_at(type, gives[p], r * pair + k);
                const int64_t to = slot_at(type, gets[r], p * pair + k);
                assert_int_equal(from < 0, to < 0);
                assert_true(from >= -1 && to >= -1);
                if (to >= 0)
                    w->at[r][w->shard[r] + to] = w->at[p][from];
            }
}

static void assert_buffers(const cpb_plan *plan, const cpb_mask *mask,
                           const cpb_exchange *exchange)
{
    static world listed, counted, padded;
    (void)mask;
    run_all(&listed, plan, exchange);
    start_world(&counted, plan, exchange);
    start_world(&padded, plan, exchange);
    for (int32_t i = 0; i < cpb_exchange_steps(exchange); i++) {
        run_counted(&counted, exchange, i);
        run_padded(&padded, exchange, i, i ? CPB_INT32 : CPB_INT64);
    }
    for (int32_t r = 0; r < listed.ranks; r++) {
        const size_t bytes = (size_t)listed.slots[r] * sizeof(int64_t);
        assert_memory_equal(listed.at[r], counted.at[r], bytes);
        assert_memory_equal(listed.at[r], padded.at[r], bytes);
    }
}

static void counts_and_padded_slots_move_the_same_keys_as_the_lists(void **state)
{
    (void)state;
    visit_exchanges(7, assert_buffers);
}

static void assert_held(const cpb_plan *plan, const cpb_mask *mask,
                        const cpb_exchange *exchange)
{
    static world w;
    cpb_holding held[2 * ROOM];
    (void)mask;
    run_all(&w, plan, exchange);
    for (int32_t r = 0; r < w.ranks; r++) {
        size_t n, again;
        int64_t keys = 0, pads = 0, reached = 0;
        assert_int_equal(
            cpb_exchange_held(exchange, plan, r, NULL, 2 * ROOM, held, &n, NULL),
            CPB_OK);
        assert_int_equal(
            cpb_exchange_held(exchange, plan, r, NULL, 0, NULL, &again, NULL), CPB_OK);
        assert_int_equal(n, again);
        for (size_t i = 0; i < n; i++) {
            assert_true(held[i].keys.begin >= reached);
            reached = held[i].keys.end;
            for (int64_t k = held[i].keys.begin; k < reached; k++, keys++)
                assert_int_equal(w.at[r][held[i].slot + k - held[i].keys.begin], k);
        }
        for (int64_t i = 0; i < w.shard[r]; i++)
            pads += w.at[r][i] >= cpb_plan_tokens(plan);
        assert_int_equal(keys + pads, w.slots[r]);
    }
}

static void held_keys_ascend_and_lie_where_they_are_said_to_lie(void **state)
{
    (void)state;
    visit_exchanges(8, assert_held);
}

static void assert_least(const cpb_plan *plan, const cpb_mask *mask,
                         const cpb_exchange *exchange)
{
    const cpb_capacity least = cpb_exchange_least(exchange), none = {-1, -1, -1};
    int64_t longest = 0, slots[MOST_RANKS * ROOM];
    (void)mask;
    (void)plan;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++) {
        size_t n;
        (void)cpb_exchange_sent(exchange, r, -1, &n);
        longest = (int64_t)n > longest ? (int64_t)n : longest;
        (void)cpb_exchange_received(exchange, r, -1, &n);
        longest = (int64_t)n > longest ? (int64_t)n : longest;
    }
    assert_int_equal(least.transfers, longest);
    assert_int_equal(least.receive, receive_max(exchange));
    assert_int_equal(cpb_exchange_fits(exchange, &least, NULL), CPB_OK);
    assert_int_equal(cpb_exchange_fits(exchange, &none, NULL), CPB_OK);
    if (!least.receive)
        return;
    for (int i = 0; i < 3; i++) {
        const cpb_capacity tight = {least.receive - (i == 0), least.pair - (i == 1),
                                    least.transfers - (i == 2)};
        cpb_error error;
        assert_int_equal(cpb_exchange_fits(exchange, &tight, &error), CPB_UNSUPPORTED);
        assert_non_null(strstr(error.message, "fall back to `allgather`"));
    }
    bool refused = false;
    for (int32_t r = 0; r < cpb_exchange_ranks(exchange); r++)
        for (int32_t i = 0; i < cpb_exchange_steps(exchange); i++)
            refused |= cpb_exchange_write_slots(exchange, r, CPB_FORWARD, i, CPB_GIVES,
                                                least.pair - 1, CPB_INT64, slots,
                                                NULL) == CPB_UNSUPPORTED;
    assert_true(refused);
}

static void the_least_capacity_fits_and_nothing_below_it_does(void **state)
{
    (void)state;
    visit_exchanges(9, assert_least);
}

static void
what_does_not_fit_is_told_with_rank_value_capacity_and_fallback(void **state)
{
    (void)state;
    static const struct {
        cpb_capacity capacity;
        int64_t at;
        const char *message;
    } cases[] = {
        {{3, -1, -1},
         1,
         "rank 1 receives 4 keys, above the receive capacity of 3; "
         "fall back to `allgather`"},
        {{4, 2, -1},
         0,
         "rank 0 sends 4 keys to rank 1 in step 0, above the pair "
         "capacity of 2; fall back to `allgather`"},
        {{-1, -1, 0},
         0,
         "rank 0 has a list of 1 transfers, above the capacity of 0 "
         "transfers; fall back to `allgather`"},
    };
    cpb_mask *const mask = text_mask("causal:8");
    cpb_plan *const plan = two_halves();
    cpb_exchange *const exchange = exchange_of(plan, mask, CPB_FLAT, 0);
    cpb_error error;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(cpb_exchange_fits(exchange, &cases[i].capacity, &error),
                         CPB_UNSUPPORTED);
        assert_string_equal(error.message, cases[i].message);
        assert_int_equal(error.at, cases[i].at);
    }
    int32_t slots[6];
    assert_int_equal(cpb_exchange_write_slots(exchange, 0, CPB_FORWARD, 0, CPB_GIVES, 3,
                                              CPB_INT32, slots, &error),
                     CPB_UNSUPPORTED);
    assert_string_equal(error.message,
                        "ranks 0 and 1 have more than the pair capacity of 3 keys in "
                        "step 0; fall back to `allgather`");
    assert_int_equal(error.at, 1);
    cpb_exchange_free(exchange);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

/* --- Determinism, refusals, memory ------------------------------------------------ */

/* Member by member: what pads a struct has no value. */
static void assert_same_transfer(const cpb_transfer *a, const cpb_transfer *b)
{
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->from, b->from);
    assert_int_equal(a->to, b->to);
    assert_int_equal(a->keys.begin, b->keys.begin);
    assert_int_equal(a->keys.end, b->keys.end);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->target, b->target);
}

static void assert_same_again(const cpb_plan *plan, const cpb_mask *mask, void *context)
{
    (void)context;
    for (int form = CPB_FLAT; form <= CPB_RELAY; form++) {
        const int32_t nodes = form == CPB_TWO_LEVEL ? cpb_plan_ranks(plan) : 0;
        cpb_exchange *const a = exchange_of(plan, mask, (cpb_form)form, nodes);
        cpb_exchange *const b = exchange_of(plan, mask, (cpb_form)form, nodes);
        assert_true(cpb_exchange_hash(a) == cpb_exchange_hash(b));
        for (int32_t r = 0; r < cpb_plan_ranks(plan); r++) {
            size_t n, m;
            const cpb_transfer *const x = cpb_exchange_received(a, r, -1, &n);
            const cpb_transfer *const y = cpb_exchange_received(b, r, -1, &m);
            assert_int_equal(n, m);
            for (size_t i = 0; i < n; i++)
                assert_same_transfer(&x[i], &y[i]);
        }
        cpb_exchange_free(a);
        cpb_exchange_free(b);
    }
}

static void equal_inputs_give_equal_exchanges_and_hashes(void **state)
{
    (void)state;
    visit_all(13, assert_same_again, NULL);
}

static void the_hash_is_the_one_that_the_documentation_defines(void **state)
{
    (void)state;
    /* ranks, steps; per rank: shard, buffer, transfers; each: step, from, keys, source,
     * target. */
    static const uint64_t words[] = {2, 1, 4, 0, 0, 4, 4, 1, 0, 0, 0, 4, 0, 0};
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        hash = (hash ^ words[i]) * UINT64_C(1099511628211);
        hash ^= hash >> 32;
    }
    cpb_mask *const mask = text_mask("causal:8");
    cpb_plan *const plan = two_halves();
    cpb_exchange *const exchange = exchange_of(plan, mask, CPB_FLAT, 0);
    assert_true(cpb_exchange_hash(exchange) == hash);
    cpb_exchange_free(exchange);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
}

static void assert_refused(const cpb_plan *plan, const cpb_mask *mask,
                           cpb_exchange_options options, const char *message)
{
    cpb_exchange *exchange;
    cpb_error error;
    assert_int_equal(cpb_exchange_create(plan, mask, &options, NULL, &exchange, &error),
                     CPB_INVALID);
    assert_null(exchange);
    assert_string_equal(error.message, message);
}

static void bad_options_are_refused_in_one_sentence(void **state)
{
    (void)state;
    cpb_mask *const mask = text_mask("causal:8"), *const other = text_mask("causal:9");
    cpb_plan *const plan = two_halves();
    const cpb_exchange_options flat = {CPB_FLAT, 0};
    assert_refused(plan, other, flat, "the mask has 9 tokens, the plan has 8");
    assert_refused(plan, mask, (cpb_exchange_options){(cpb_form)3, 0},
                   "form 3 is outside 0 .. 2");
    assert_refused(plan, mask, (cpb_exchange_options){CPB_TWO_LEVEL, 3},
                   "3 nodes do not divide 2 ranks, as form `two-level` needs");
    assert_refused(plan, mask, (cpb_exchange_options){CPB_TWO_LEVEL, 0},
                   "0 nodes do not divide 2 ranks, as form `two-level` needs");
    assert_refused(plan, mask, (cpb_exchange_options){CPB_RELAY, 2},
                   "2 nodes were given, but form `relay` knows none; 0 is accepted");
    cpb_mask_free(mask);
    cpb_mask_free(other);
    cpb_plan_free(plan);
}

static cpb_status attempt_form(const cpb_plan *plan, const cpb_mask *mask,
                               cpb_form form, const cpb_allocator *allocator,
                               cpb_error *error)
{
    const cpb_exchange_options options = {form, form == CPB_TWO_LEVEL ? 3 : 0};
    cpb_exchange *e;
    const cpb_status status =
        cpb_exchange_create(plan, mask, &options, allocator, &e, error);
    return kept(status, e);
}

static cpb_status attempt_flat(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_allocator *allocator, cpb_error *error)
{
    return attempt_form(plan, mask, CPB_FLAT, allocator, error);
}

static cpb_status attempt_two_level(const cpb_plan *plan, const cpb_mask *mask,
                                    const cpb_allocator *allocator, cpb_error *error)
{
    return attempt_form(plan, mask, CPB_TWO_LEVEL, allocator, error);
}

static cpb_status attempt_relay(const cpb_plan *plan, const cpb_mask *mask,
                                const cpb_allocator *allocator, cpb_error *error)
{
    return attempt_form(plan, mask, CPB_RELAY, allocator, error);
}

static cpb_status attempt_held(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_allocator *allocator, cpb_error *error)
{
    cpb_exchange *const e = exchange_of(plan, mask, CPB_FLAT, 0);
    size_t n;
    const cpb_status status =
        cpb_exchange_held(e, plan, 0, allocator, 0, NULL, &n, error);
    cpb_exchange_free(e);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static attempt_fn *const attempts[] = {attempt_flat, attempt_two_level,
                                           attempt_relay, attempt_held};
    assert_allocations_may_fail(attempts, COUNT_OF(attempts));
    cpb_exchange_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            afterwards_every_rank_holds_its_own_and_its_needs_and_nothing_twice),
        cmocka_unit_test(flat_totals_of_every_pair_of_ranks_are_those_of_the_score),
        cmocka_unit_test(two_level_keys_enter_a_node_once_as_the_score_says),
        cmocka_unit_test(relays_never_raise_the_largest_send_nor_what_anyone_receives),
        cmocka_unit_test(
            relays_of_packs_bring_the_largest_send_near_the_largest_receive),
        cmocka_unit_test(two_level_spreads_what_enters_a_node_evenly_over_its_ranks),
        cmocka_unit_test(gradients_summed_by_the_mirror_are_the_direct_sums),
        cmocka_unit_test(counts_and_padded_slots_move_the_same_keys_as_the_lists),
        cmocka_unit_test(held_keys_ascend_and_lie_where_they_are_said_to_lie),
        cmocka_unit_test(the_least_capacity_fits_and_nothing_below_it_does),
        cmocka_unit_test(
            what_does_not_fit_is_told_with_rank_value_capacity_and_fallback),
        cmocka_unit_test(equal_inputs_give_equal_exchanges_and_hashes),
        cmocka_unit_test(the_hash_is_the_one_that_the_documentation_defines),
        cmocka_unit_test(bad_options_are_refused_in_one_sentence),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
