// SPDX-License-Identifier: Apache-2.0
/* The same in C++, with owners that free. */
#include <cpb/cpb.h>

#include <cstdio>
#include <memory>

struct release {
    void operator()(cpb_mask *mask) const { cpb_mask_free(mask); }
    void operator()(cpb_plan *plan) const { cpb_plan_free(plan); }
};

int main()
{
    cpb_error error{};
    cpb_mask *mask = nullptr;
    const cpb_status masked = cpb_mask_create_text("causal:4096", 0, nullptr, nullptr,
                                                   nullptr, &mask, &error);
    const std::unique_ptr<cpb_mask, release> own_mask(mask);

    cpb_options options = cpb_options_default();
    options.ranks = 4;
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks{1, list, nullptr};
    cpb_plan *plan = nullptr;
    const cpb_status planned =
        masked == CPB_OK ? cpb_plan_create(&masks, &options, &plan, &error) : masked;
    const std::unique_ptr<cpb_plan, release> own_plan(plan);

    if (planned != CPB_OK)
        std::fprintf(stderr, "%s: %s\n", cpb_status_text(planned), error.message);
    return planned != CPB_OK;
}
