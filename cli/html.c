// SPDX-License-Identifier: Apache-2.0
/* Pieces of HTML that hold everything they need. */
#include "html.h"

#include "message.h"

#include <stdlib.h>

enum { MOST_NOTES = 512 };

void html_text(FILE *stream, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", stream);
            break;
        case '<':
            fputs("&lt;", stream);
            break;
        case '>':
            fputs("&gt;", stream);
            break;
        case '"':
            fputs("&quot;", stream);
            break;
        default:
            fputc(*text, stream);
        }
}

/* RFC 4648. */
static void print_base64(FILE *stream, const unsigned char *bytes, size_t n)
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const uint32_t b = i + 1 < n ? bytes[i + 1] : 0,
                       c = i + 2 < n ? bytes[i + 2] : 0;
        const uint32_t group = (uint32_t)bytes[i] << 16 | b << 8 | c;
        fputc(digit[group >> 18], stream);
        fputc(digit[group >> 12 & 63], stream);
        fputc(i + 1 < n ? digit[group >> 6 & 63] : '=', stream);
        fputc(i + 2 < n ? digit[group & 63] : '=', stream);
    }
}

/* In shares of the page, so that they fit at any size of the picture. */
static void print_notes(FILE *stream, const picture *p)
{
    size_t n;
    const picture_box page = picture_page(p);
    const picture_label *const notes = picture_notes((picture *)(uintptr_t)p, &n);
    for (size_t i = 0; i < n && i < MOST_NOTES; i++) {
        const picture_box *const box = &notes[i].box;
        fprintf(stream,
                "<i style=\"left:%.2f%%;top:%.2f%%;width:%.2f%%;height:%.2f%%\""
                " title=\"",
                100 * box->x / page.width, 100 * box->y / page.height,
                100 * box->width / page.width, 100 * box->height / page.height);
        html_text(stream, notes[i].text);
        fputs("\"></i>", stream);
    }
}

bool html_picture(FILE *stream, const picture *p, const char *caption, cpb_error *error)
{
    unsigned char *bytes = NULL;
    size_t n = 0;
    const picture_box page = picture_page(p);
    if (picture_render(p, PICTURE_SVG, &bytes, &n) != PICTURE_DONE)
        return fail_memory(error);
    fprintf(stream,
            "<figure style=\"--width:%.0f\"><div><img width=\"%.0f\" "
            "height=\"%.0f\" alt=\"",
            page.width, page.width, page.height);
    html_text(stream, caption);
    fputs("\" src=\"data:image/svg+xml;base64,", stream);
    print_base64(stream, bytes, n);
    fputs("\">", stream);
    print_notes(stream, p);
    fputs("</div><figcaption>", stream);
    html_text(stream, caption);
    fputs("</figcaption></figure>\n", stream);
    free(bytes);
    return true;
}
