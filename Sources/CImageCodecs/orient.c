#include <string.h>

#include "CImageCodecs.h"

// Square tiles keep both the rows read and the columns written in the cache.
enum { TILE = 32 };

// Where the stored pixel (x, y) stands in the upright image: start + x · right + y · down.
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
    case 5: return (struct placement){0, height, 1};
    case 6: return (struct placement){height - 1, height, -1};
    case 7: return (struct placement){last, -height, -1};
    case 8: return (struct placement){last + 1 - height, -height, 1};
    default: return (struct placement){0, 1, width};
  }
}

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

void cic_orient(const uint8_t *rgb, cic_size size, int orientation, uint8_t *upright) {
  const struct placement to = placement_of(size, orientation);
  const ptrdiff_t width = size.width;
  const ptrdiff_t height = size.height;
  for (ptrdiff_t top = 0; top < height; top += TILE)
    for (ptrdiff_t left = 0; left < width; left += TILE)
      for (ptrdiff_t y = top; y < smaller(top + TILE, height); y++)
        for (ptrdiff_t x = left; x < smaller(left + TILE, width); x++)
          memcpy(upright + 3 * (to.start + x * to.right + y * to.down), rgb + 3 * (y * width + x), 3);
}
