// SPDX-License-Identifier: Apache-2.0
/* Status texts and error records. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

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
    };
    const size_t known = sizeof texts / sizeof *texts;
    return (size_t)status < known ? texts[status] : "unknown status";
}

cpb_status cpb_fail(cpb_error *error, cpb_status status, int64_t at, const char *format,
                    ...)
{
    if (error) {
        va_list values;
        va_start(values, format);
        error->at = at;
        vsnprintf(error->message, sizeof error->message, format, values);
        va_end(values);
    }
    return status;
}

cpb_status cpb_fail_memory(cpb_error *error)
{
    return cpb_fail(error, CPB_NO_MEMORY, -1, "out of memory");
}
