// SPDX-License-Identifier: Apache-2.0
/* A user's program: exit status 0 if the library it runs with is the one it was built
 * against, and plans. */
#include <cpb/cpb.h>

#include <stdio.h>

int main(void)
{
    cpb_error error = {0};
    cpb_mask *mask = NULL;
    cpb_plan *plan = NULL;
    cpb_options options = cpb_options_default();
    options.ranks = 4;

    int version[3];
    if (sscanf(cpb_version(), "%d.%d.%d", &version[0], &version[1], &version[2]) != 3 ||
        version[0] != CPB_VERSION_MAJOR || version[1] != CPB_VERSION_MINOR) {
        fprintf(stderr, "built against another version than %s\n", cpb_version());
        return 1;
    }
    cpb_status status =
        cpb_mask_create_text("causal:4096", 0, NULL, NULL, NULL, &mask, &error);
    const cpb_mask *const list[] = {mask};
    const cpb_masks masks = {.n = 1, .mask = list};
    if (status == CPB_OK)
        status = cpb_plan_create(&masks, &options, &plan, &error);
    if (status == CPB_OK && cpb_plan_tokens(plan) != 4096)
        status = CPB_REFUTED;
    if (status != CPB_OK)
        fprintf(stderr, "%s: %s\n", cpb_status_text(status), error.message);
    cpb_plan_free(plan);
    cpb_mask_free(mask);
    return status != CPB_OK;
}
