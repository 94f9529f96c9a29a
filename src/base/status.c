// SPDX-License-Identifier: Apache-2.0
/* Version and status texts. */
#include <cpb/base.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *cpb_version(void)
{
    return TEXT(CPB_VERSION_MAJOR) "." TEXT(CPB_VERSION_MINOR) "." TEXT(
        CPB_VERSION_PATCH);
}

const char *cpb_status_text(cpb_status status)
{
    static const char *const texts[] = {
        [CPB_OK] = "done",
        [CPB_INVALID] = "invalid input",
        [CPB_TOO_LARGE] = "too large",
        [CPB_UNSUPPORTED] = "unsupported combination",
        [CPB_NO_MEMORY] = "out of memory",
        [CPB_REFUTED] = "refuted",
        [CPB_BROKEN] = "broken by another rank",
    };
    const size_t known = sizeof texts / sizeof *texts;
    return (size_t)status < known ? texts[status] : "unknown status";
}
