// SPDX-License-Identifier: Apache-2.0
/* Legends, paragraphs, facts. */
#include "frame.h"

#include <string.h>

enum { SWATCH = 7 };

/* How far apart names stand: each as far as it needs where all fit one line (0), else
 * in columns. */
static double legend_step(picture *p, double width, size_t n, const char *const *name)
{
    double widest = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        const double wanted =
            SWATCH + 3 + picture_text_width(p, chart_label_font, name[i]) + 9;
        widest = wanted > widest ? wanted : widest;
        all += wanted;
    }
    return all - 9 <= width ? 0 : widest;
}

double chart_draw_legend(picture *p, double x, double y, double width, size_t n,
                         const char *const *name, const uint32_t *colour)
{
    const double step = legend_step(p, width, n, name);
    double at = x, line = y;
    for (size_t i = 0; i < n; i++) {
        const double text = picture_text_width(p, chart_label_font, name[i]);
        const double wanted = SWATCH + 3 + text;
        if (at > x && at + wanted > x + width) {
            at = x;
            line += FRAME_LINE;
        }
        picture_rectangle(p, (picture_box){at, line + 1.5, SWATCH, SWATCH}, colour[i]);
        frame_text(p, at + SWATCH + 3, line + 8, PICTURE_START, chart_label_font,
                   width - SWATCH - 3, name[i]);
        at += step > 0 ? step : wanted + 9;
    }
    return n ? line + FRAME_LINE - y : 0;
}

/* Bytes of `text` that fit a line: whole words, but at least one. */
static size_t fitting(picture *p, picture_font font, double width, const char *text)
{
    char line[256];
    size_t end = strcspn(text, " "), fits = end;
    while (end < sizeof line - 1) {
        memcpy(line, text, end);
        line[end] = '\0';
        if (picture_text_width(p, font, line) > width)
            break;
        fits = end;
        if (!text[end])
            break;
        end += 1 + strcspn(text + end + 1, " ");
    }
    return fits;
}

double chart_draw_paragraph(picture *p, double x, double y, double width,
                            picture_font font, const char *text)
{
    const double line = 1.4 * font.size;
    double at = y;
    char words[256];
    while (*text) {
        const size_t n = fitting(p, font, width, text);
        const size_t kept = n < sizeof words - 1 ? n : sizeof words - 1;
        memcpy(words, text, kept);
        words[kept] = '\0';
        frame_text(p, x, at + font.size, PICTURE_START, font, width, words);
        at += line;
        text += n;
        text += strspn(text, " ");
    }
    return at - y;
}

double chart_draw_facts(picture *p, double x, double y, double width, size_t n,
                        const char *const *name, const char *const *value)
{
    const double line = 1.5 * chart_text_font.size;
    picture_font quiet = chart_text_font;
    quiet.colour = PICTURE_QUIET;
    for (size_t i = 0; i < n; i++) {
        const double base = y + line * (double)i + chart_text_font.size;
        const double taken = picture_text_width(p, chart_text_font, value[i]);
        frame_text(p, x, base, PICTURE_START, quiet, width - taken - FRAME_GAP,
                   name[i]);
        picture_text(p, x + width, base, PICTURE_END, chart_text_font, value[i]);
    }
    return line * (double)n;
}
