#ifndef CCHAFA_H
#define CCHAFA_H

// Pictures as characters, through libchafa; GLib's types stay inside.

#include <stddef.h>
#include <stdint.h>

enum cchafa_symbols { CCHAFA_HALF_BLOCKS, CCHAFA_QUADRANTS, CCHAFA_SEXTANTS, CCHAFA_ASCII };

enum cchafa_colors { CCHAFA_TRUECOLOR, CCHAFA_PALETTE_256, CCHAFA_PALETTE_16, CCHAFA_MONO };

struct cchafa_cell {
    uint32_t character;
    /// 0xRRGGBB; -1 is the terminal's own.
    int32_t foreground;
    int32_t background;
};

/// Draws RGB pixels [height, width, 3] stretched over columns × rows cells, row-major. All sizes are positive.
/// Safe on several threads at once: nothing is shared between calls.
void cchafa_draw(const uint8_t *rgb, int32_t width, int32_t height, int32_t columns, int32_t rows,
                 enum cchafa_symbols symbols, enum cchafa_colors colors, struct cchafa_cell *cells);

/// RGB pixels [height, width, 3] as a sixel string of that size, `length` bytes to be given to cchafa_free; rows beyond
/// the picture in the last band of six are left as they are on the screen.
char *cchafa_sixel(const uint8_t *rgb, int32_t width, int32_t height, size_t *length);
void cchafa_free(char *text);

#endif
