// SPDX-License-Identifier: Apache-2.0
/* Many threads at once: results are immutable, so reading them needs no lock, and
 * planning in parallel gives the plan that planning alone gives. Says most under
 * ThreadSanitizer. */
#include "testing.h"

#include <pthread.h>

/* Every balancer's grid divides the positions, so none pads. */
enum { THREADS = 4, RANKS = 8, POSITIONS = 16384 };

/* What a thread is given, and what it finds. */
typedef struct worker {
    pthread_t thread;
    const cpb_masks *masks;
    const cpb_options *options;
    const cpb_plan *plan; /* to read */
    bool failed;
    uint64_t hash;
    cpb_score score;
    int64_t order[POSITIONS];
} worker;

static void *plan_alone(void *argument)
{
    worker *const self = argument;
    cpb_plan *plan = NULL;
    self->failed = cpb_plan_create(self->masks, self->options, &plan, NULL) != CPB_OK;
    self->hash = plan ? cpb_plan_hash(plan) : 0;
    cpb_plan_free(plan);
    return NULL;
}

static void *read_shared(void *argument)
{
    worker *const self = argument;
    self->hash = cpb_plan_hash(self->plan);
    cpb_order_write(self->plan, CPB_INT64, self->order, NULL);
    self->failed = cpb_score_plan(self->plan, self->masks, &self->options->setup, NULL,
                                  &self->score, NULL, NULL, NULL) != CPB_OK;
    return NULL;
}

/* Run `work` in all threads at once, each with its own copy of `task`. */
static void run(worker *workers, const worker *task, void *(*work)(void *))
{
    for (int i = 0; i < THREADS; i++) {
        workers[i] = *task;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_false(workers[i].failed);
    }
}

static void threads_that_plan_or_read_at_once_agree(void **state)
{
    static const int64_t lengths[] = {9000, 0, 400, 1984, 5000} /* sum: POSITIONS */;
    static worker task, workers[THREADS];
    cpb_mask *mask = NULL;
    cpb_options options = cpb_options_default();
    options.ranks = RANKS;
    (void)state;

    assert_int_equal(cpb_mask_create_text("documents", COUNT_OF(lengths), lengths, NULL,
                                          NULL, &mask, NULL),
                     CPB_OK);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {.n = 1, .mask = list};

    for (size_t b = 0; cpb_balancer_name(b); b++) {
        cpb_plan *plan = NULL;
        options.balancer = cpb_balancer_name(b);
        assert_int_equal(cpb_plan_create(&masks, &options, &plan, NULL), CPB_OK);
        assert_int_equal(cpb_plan_tokens(plan) + cpb_plan_padding(plan), POSITIONS);

        task = (worker){.masks = &masks, .options = &options, .plan = plan};
        run(workers, &task, plan_alone);
        for (int i = 0; i < THREADS; i++)
            assert_true(workers[i].hash == cpb_plan_hash(plan));

        run(workers, &task, read_shared);
        for (int i = 0; i < THREADS; i++) {
            assert_true(workers[i].hash == cpb_plan_hash(plan));
            assert_memory_equal(workers[i].order, workers[0].order, sizeof task.order);
            assert_int_equal(workers[i].score.step_time, workers[0].score.step_time);
        }
        cpb_plan_free(plan);
    }
    cpb_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_plan_or_read_at_once_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
