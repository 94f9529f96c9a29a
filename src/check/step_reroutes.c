// SPDX-License-Identifier: Apache-2.0
/* Who hands which document to whom before the step, as it is stated, beside what placements
 * and holders make of it. */
#include "step.h"

#include "../base/error.h"

static cpb_status refute(int64_t at, const cpb_reroute *counted, cpb_error *error)
{
    return cpb_fail(
        error, CPB_REFUTED, counted->document,
        "reroute %lld: a recount has %lld tokens of document %lld from rank "
        "%d to rank %d",
        (long long)at, (long long)counted->tokens, (long long)counted->document,
        counted->from, counted->to);
}

static bool is_stated(const cpb_schedule_claim *claim, int64_t at,
                      const cpb_reroute *counted)
{
    if (at >= claim->n_reroutes)
        return false;
    const cpb_reroute *const stated = &claim->reroutes[at];
    return stated->document == counted->document && stated->from == counted->from &&
           stated->to == counted->to && stated->tokens == counted->tokens &&
           stated->bytes == counted->bytes;
}

cpb_status cpb_step_reroutes(const cpb_step *step, cpb_error *error)
{
    const cpb_schedule_claim *const claim = step->claim;
    const int32_t *const holder = step->documents->holder;
    int64_t n = 0;
    if (!claim->reroutes)
        return CPB_OK;
    for (int64_t d = 0; holder && d < step->documents->n; d++) {
        const cpb_placement *const p = &claim->placement[d];
        if (p->left != CPB_LEFT_NOT || holder[d] < 0)
            continue;
        for (int32_t i = 0; i < p->ranks; i++) {
            const int64_t tokens =
                cpb_step_part(step, d, step->documents->tokens[d], i);
            const cpb_reroute counted = {.document = d,
                                         .from = holder[d],
                                         .to = p->first + i,
                                         .tokens = tokens,
                                         .bytes = tokens * step->domain->token_bytes};
            if (counted.to == counted.from || !counted.tokens)
                continue;
            if (!is_stated(claim, n, &counted))
                return refute(n, &counted, error);
            n++;
        }
    }
    if (n != claim->n_reroutes)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "%lld reroutes are stated, a recount gives %lld",
                        (long long)claim->n_reroutes, (long long)n);
    return CPB_OK;
}
