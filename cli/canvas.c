// SPDX-License-Identifier: Apache-2.0
/* Coloured cells on a stream of characters. */
#define _DEFAULT_SOURCE 1 /* struct winsize */
#include "canvas.h"

#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { USUAL_COLUMNS = 80, LEAST_COLUMNS = 20, MOST_COLUMNS = 100 };

static const char *variable(const char *name)
{
    const char *const value = getenv(name);
    return value ? value : "";
}

static canvas_ink ink_of(FILE *stream)
{
    const char *const colours = variable("COLORTERM");
    if (!table_is_terminal(stream) || !*variable("TERM") || *variable("NO_COLOR"))
        return CANVAS_LETTERS;
    if (!strcmp(colours, "truecolor") || !strcmp(colours, "24bit"))
        return CANVAS_TRUE;
    return CANVAS_256;
}

/* Whether the terminal's characters are UTF-8: the first of these that is set says it. */
static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *const value = variable(names[i]);
        if (*value)
            return strstr(value, "UTF-8") || strstr(value, "utf8") ||
                   strstr(value, "UTF8") || strstr(value, "utf-8");
    }
    return false;
}

static size_t columns_of(FILE *stream)
{
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) || !size.ws_col)
        return USUAL_COLUMNS;
    const size_t columns = size.ws_col;
    return columns < LEAST_COLUMNS  ? LEAST_COLUMNS
           : columns > MOST_COLUMNS ? MOST_COLUMNS
                                    : columns;
}

cli_canvas canvas_of(FILE *stream)
{
    const canvas_ink ink = ink_of(stream);
    return (cli_canvas){stream, ink, ink != CANVAS_LETTERS && is_utf8(),
                        columns_of(stream)};
}

/* The nearest of the 6 levels 0, 95, 135, 175, 215, 255 of xterm's colour cube. */
static unsigned cube(uint32_t part)
{
    return part < 48 ? 0 : part < 115 ? 1 : (part - 35) / 40;
}

static void use(const cli_canvas *canvas, int layer, uint32_t colour)
{
    const uint32_t red = colour >> 16 & 0xff, green = colour >> 8 & 0xff,
                   blue = colour & 0xff;
    if (canvas->ink == CANVAS_TRUE)
        fprintf(canvas->stream, "\x1b[%d;2;%u;%u;%um", layer, (unsigned)red,
                (unsigned)green, (unsigned)blue);
    else
        fprintf(canvas->stream, "\x1b[%d;5;%um", layer,
                16 + 36 * cube(red) + 6 * cube(green) + cube(blue));
}

void canvas_cell(const cli_canvas *canvas, uint32_t upper, uint32_t lower)
{
    enum { FOREGROUND = 38, BACKGROUND = 48 };
    if (!canvas->blocks) {
        use(canvas, BACKGROUND, upper);
        fputc(' ', canvas->stream);
        return;
    }
    use(canvas, FOREGROUND, upper);
    use(canvas, BACKGROUND, lower);
    fputs("\xe2\x96\x80", canvas->stream);
}

void canvas_plain(const cli_canvas *canvas)
{
    if (canvas->ink != CANVAS_LETTERS)
        fputs("\x1b[0m", canvas->stream);
}
