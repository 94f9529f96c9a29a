// SPDX-License-Identifier: Apache-2.0
/* Profiles by name or from a JSON file. */
#ifndef CPB_CLI_PROFILE_H
#define CPB_CLI_PROFILE_H

#include "json.h"

/* A built-in name, or `@FILE` with the members of cpb_profile. */
bool profile_read(const char *text, cpb_profile *profile, cpb_error *error);

/* All numbers of a profile as an object, NULL when memory ends. */
json_t *profile_to_json(const cpb_profile *profile);

/* The way back. `where` names the object in sentences. Numbers that are missing are 0,
 * a missing model is the default one; tile sizes must be there. */
bool profile_from_json(json_t *object, const char *where, cpb_profile *profile,
                       cpb_error *error);

/* The shape of a layer, in the same two ways. */
json_t *model_to_json(const cpb_model *model);
bool model_from_json(json_t *object, const char *where, cpb_model *model,
                     cpb_error *error);

#endif
