#ifndef CIC_PNG_SOURCE_H
#define CIC_PNG_SOURCE_H

#include <stdbool.h>

#include "CImageCodecs.h"

// The chunks of a PNG that its pixels need, as one sound stream: IHDR, PLTE, IDAT and an IEND, whatever else the file holds,
// wherever it ends. libpng gives up on files whose pixels are all there, for want of an IEND or a whole last checksum.
struct cic_png_source {
  const uint8_t *bytes;
  size_t count;
  // Where the next chunk starts.
  size_t next;
  // What is being handed out, and what follows it.
  struct cic_bytes {
    const uint8_t *start;
    size_t count;
  } pieces[3];
  // The length and type of a chunk that the file ends in.
  uint8_t header[8];
  // The stream is at its IEND.
  bool ended;
  // The file ends within a chunk, that of its end included, or without an IEND.
  bool cut;
  // A chunk that only Apple's own reader knows, which stands for pixels in another form.
  bool is_apple;
};

struct cic_png_source cic_png_source_of(const uint8_t *bytes, size_t count);

// Copies `count` bytes of the stream; false at its end.
bool cic_png_source_read(struct cic_png_source *source, uint8_t *target, size_t count);

#endif
