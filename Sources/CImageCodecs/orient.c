#include "CImageCodecs.h"

// Square tiles keep both the rows written and the columns read in the cache.
enum { TILE = 32 };

// Where the upright pixel (x, y) is stored: start + x · right + y · down.
struct placement {
  ptrdiff_t start;
  ptrdiff_t right;
  ptrdiff_t down;
};

// EXIF 2.32, tag 0x0112: the stored row 0 is the upright image's top (1, 2), bottom (3, 4), left (5, 8) or right (6, 7).
static struct placement placement_of(cic_size size, int orientation) {
  const ptrdiff_t width = size.width;
  const ptrdiff_t height = size.height;
  const ptrdiff_t last = width * height - 1;
  switch (orientation) {
    case 2: return (struct placement){width - 1, -1, width};
    case 3: return (struct placement){last, -1, -width};
    case 4: return (struct placement){last + 1 - width, 1, -width};
    case 5: return (struct placement){0, width, 1};
    case 6: return (struct placement){last + 1 - width, -width, 1};
    case 7: return (struct placement){last, -width, -1};
    case 8: return (struct placement){width - 1, width, -1};
    default: return (struct placement){0, 1, width};
  }
}

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

void cic_orient(const uint8_t *rgb, cic_size size, int orientation, uint32_t first_row, uint32_t end_row,
                uint8_t *upright) {
  const struct placement from = placement_of(size, orientation);
  const ptrdiff_t width = orientation >= 5 ? size.height : size.width;
  for (ptrdiff_t top = first_row; top < end_row; top += TILE)
    for (ptrdiff_t left = 0; left < width; left += TILE)
      for (ptrdiff_t y = top; y < smaller(top + TILE, end_row); y++) {
        const uint8_t *source = rgb + 3 * (from.start + left * from.right + y * from.down);
        uint8_t *target = upright + 3 * (y * width + left);
        for (ptrdiff_t x = left; x < smaller(left + TILE, width); x++) {
          for (int channel = 0; channel < 3; channel++) target[channel] = source[channel];
          source += 3 * from.right;
          target += 3;
        }
      }
}
