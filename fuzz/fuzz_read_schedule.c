// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a schedule file: refused with a sentence, or a claim that is proved or
 * refuted with one. What it was made for is scheduled again, and the check proves that: the
 * two share no code. */
#include "fuzz_input.h"
#include "schedulefile.h"

enum { MOST_DOCUMENTS = 40, MOST_RANKS = 32, MOST_TOKENS = 100000, MOST_BATCHES = 64 };

static bool is_small(const cli_schedulefile *file)
{
    const cpb_domain *const domain = &file->step.domain;
    if (file->step.n > MOST_DOCUMENTS || domain->ranks > MOST_RANKS ||
        domain->micro_least > MOST_BATCHES || domain->micro_multiple > MOST_BATCHES)
        return false;
    for (int64_t d = 0; d < file->step.n; d++)
        if (file->step.column[STEP_TOKENS][d] > MOST_TOKENS)
            return false;
    return true;
}

static void try_claim(const cli_schedulefile *file, const cpb_documents *documents)
{
    cpb_error error = {.at = -2};
    const cpb_schedule_claim claim = schedulefile_claim(file);
    if (cpb_check_schedule(documents, &file->step.domain, &claim, &error) != CPB_OK)
        require_sentence(&error);
}

static void try_schedule(const cpb_documents *documents, const cpb_domain *domain)
{
    cpb_error error = {.at = -2};
    cpb_schedule *schedule = NULL;
    if (cpb_schedule_create(documents, domain, &schedule, &error) != CPB_OK) {
        require_sentence(&error);
        return;
    }
    const uint64_t hash = cpb_schedule_hash(schedule);
    const cpb_schedule_claim claim = {.micro_batches =
                                          cpb_schedule_micro_batches(schedule),
                                      .block = cpb_schedule_block(schedule),
                                      .placement = cpb_schedule_placements(schedule),
                                      .cut = cpb_schedule_cuts(schedule),
                                      .n_cuts = cpb_schedule_n_cuts(schedule),
                                      .score = cpb_schedule_score_of(schedule),
                                      .hash = &hash,
                                      .n_groups = cpb_schedule_n_groups(schedule),
                                      .groups = cpb_schedule_groups(schedule),
                                      .documents = cpb_schedule_documents(schedule)};
    require(cpb_check_schedule(documents, domain, &claim, &error) == CPB_OK);
    cpb_schedule_free(schedule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_schedulefile file = {0};
    if (!schedulefile_read(input_path(data, size), &file, &error)) {
        require_sentence(&error);
    } else if (is_small(&file)) {
        const cpb_documents documents = step_documents(&file.step);
        try_claim(&file, &documents);
        try_schedule(&documents, &file.step.domain);
    }
    schedulefile_free(&file);
    return 0;
}
