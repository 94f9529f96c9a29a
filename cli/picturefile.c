// SPDX-License-Identifier: Apache-2.0
/* Pictures as files. */
#include "picturefile.h"

#include "message.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *ending;
    picture_format format;
} formats[] = {{".svg", PICTURE_SVG}, {".png", PICTURE_PNG}, {".pdf", PICTURE_PDF}};

enum { N_FORMATS = sizeof formats / sizeof *formats };

static bool fail_not_built(cpb_error *error)
{
    return fail(error, "this cpb was built without pictures; build it with cairo "
                       "(libcairo2-dev), or leave -o out to draw on the terminal");
}

bool picturefile_format(const char *path, picture_format *format, cpb_error *error)
{
    const char *const slash = strrchr(path, '/');
    const char *const dot = strrchr(slash ? slash : path, '.');
    if (!picture_is_built())
        return fail_not_built(error);
    for (size_t i = 0; dot && i < N_FORMATS; i++)
        if (!strcasecmp(dot, formats[i].ending)) {
            *format = formats[i].format;
            return true;
        }
    return fail(error,
                "the ending of \"%.40s\" names no format; accepted are .svg, .png and "
                ".pdf",
                path);
}

static bool render(const picture *p, picture_format format, unsigned char **bytes,
                   size_t *n, cpb_error *error)
{
    switch (picture_render(p, format, bytes, n)) {
    case PICTURE_DONE:
        return true;
    case PICTURE_NO_MEMORY:
        return fail_memory(error);
    case PICTURE_TOO_LARGE:
        return fail(error, "the picture has too many pixels for a .png; accepted is "
                           "it as .svg or .pdf");
    case PICTURE_NOT_BUILT:
        break;
    }
    return fail_not_built(error);
}

bool picturefile_write(const picture *p, const char *path, cpb_error *error)
{
    picture_format format;
    unsigned char *bytes = NULL;
    size_t n = 0;
    const bool good = picturefile_format(path, &format, error) &&
                      render(p, format, &bytes, &n, error) &&
                      output_file(path, bytes, n, error);
    free(bytes);
    return good;
}
