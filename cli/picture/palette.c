// SPDX-License-Identifier: Apache-2.0
/* Colours that carry data. */
#include "palette.h"

/* A path through OKLCH (Ottosson's perceptual space): lightness from 0.30 to 0.89 in
 * even steps, hue from violet over blue and green to yellow. Yellow against blue and dark
 * against light are what every kind of colour blindness leaves. */
static const uint32_t ordered[PALETTE_COLOURS] = {
    0x3a1463, 0x3a2575, 0x383585, 0x324593, 0x25569e, 0x0369a1, 0x007aa1, 0x008a9e,
    0x01999d, 0x0ca999, 0x33b790, 0x5bc482, 0x83cd72, 0xa9d463, 0xcfd955, 0xf4dc4b};

/* Okabe and Ito's colours (2002), yellow left out: it is too light for lines. */
static const uint32_t distinct[] = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7,
                                    0xe69f00, 0x56b4e9, 0x4d4d4d};

enum { N_DISTINCT = sizeof distinct / sizeof *distinct };

palette_groups palette_group(size_t ranks, size_t most)
{
    const size_t size = ranks > most ? (ranks + most - 1) / most : 1;
    return (palette_groups){(ranks + size - 1) / size, size};
}

/* Channel by channel: (a * (all - part) + b * part) / all, rounded. */
static uint32_t mix(uint32_t a, uint32_t b, uint32_t part, uint32_t all)
{
    uint32_t mixed = 0;
    for (int shift = 0; shift <= 16; shift += 8)
        mixed |= ((a >> shift & 0xff) * (all - part) + (b >> shift & 0xff) * part +
                  all / 2) /
                     all
                 << shift;
    return mixed;
}

uint32_t palette_ordered(size_t i, size_t n)
{
    const size_t steps = n > 1 ? n - 1 : 1;
    const size_t place = i * (PALETTE_COLOURS - 1);
    const size_t below = place / steps;
    if (n < 2)
        return ordered[5];
    if (below >= PALETTE_COLOURS - 1)
        return ordered[PALETTE_COLOURS - 1];
    return mix(ordered[below], ordered[below + 1], (uint32_t)(place % steps),
               (uint32_t)steps);
}

uint32_t palette_distinct(size_t i)
{
    return distinct[i % N_DISTINCT];
}

uint32_t palette_tint(uint32_t colour, double share)
{
    enum { ALL = 1024 };
    const double clamped = share < 0 ? 0 : share > 1 ? 1 : share;
    return mix(PICTURE_PAPER, colour, (uint32_t)(clamped * ALL + 0.5), ALL);
}

uint32_t palette_heat(double share)
{
    /* Paper, a light blue, the blue of the ordered colours, their darkest. */
    static const uint32_t step[] = {PICTURE_PAPER, 0x9cc3e0, 0x25569e, 0x3a1463};
    enum { STEPS = sizeof step / sizeof *step - 1, ALL = 1024 };
    const double clamped = share < 0 ? 0 : share > 1 ? 1 : share;
    const uint32_t place = (uint32_t)(clamped * STEPS * ALL + 0.5);
    const uint32_t below = place / ALL < STEPS ? place / ALL : STEPS - 1;
    return mix(step[below], step[below + 1], place - below * ALL, ALL);
}
