#include "png_source.h"

#include <string.h>

enum { SIGNATURE = 8, HEADER = 8, CHECKSUM = 4 };

static const uint8_t END[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82};

struct cic_png_source cic_png_source_of(const uint8_t *bytes, size_t count) {
  const size_t signature = count < SIGNATURE ? count : SIGNATURE;
  return (struct cic_png_source){
    .bytes = bytes, .count = count, .next = signature, .pieces = {{bytes, signature}}};
}

static bool is(const uint8_t *type, const char *name) { return memcmp(type, name, 4) == 0; }

static bool is_type(const uint8_t *type) {
  for (int i = 0; i < 4; i++) {
    const uint8_t letter = type[i] & 0xDF;
    if (letter < 'A' || letter > 'Z') return false;
  }
  return true;
}

static bool end(struct cic_png_source *source) {
  source->ended = true;
  source->pieces[0] = (struct cic_bytes){END, sizeof END};
  return true;
}

// A chunk that the file ends in: what there is of its data, under a length that is true, and a checksum that is not.
static bool cut(struct cic_png_source *source, const uint8_t *chunk, size_t data) {
  memcpy(source->header, chunk, HEADER);
  for (int i = 0; i < 4; i++) source->header[i] = (uint8_t)(data >> (24 - 8 * i));
  source->pieces[0] = (struct cic_bytes){source->header, HEADER};
  source->pieces[1] = (struct cic_bytes){chunk + HEADER, data};
  source->pieces[2] = (struct cic_bytes){END, CHECKSUM};
  return true;
}

// Sets the next pieces; false behind the end.
static bool advance(struct cic_png_source *source) {
  while (!source->ended) {
    const uint8_t *chunk = source->bytes + source->next;
    const size_t left = source->count - source->next;
    if (left < HEADER || !is_type(chunk + 4)) {
      source->cut = true;
      return end(source);
    }
    const size_t data = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
    const size_t whole = HEADER + data + CHECKSUM;
    source->next += whole < left ? whole : left;
    if (whole > left) source->cut = true;
    if (is(chunk + 4, "IEND")) return end(source);
    if (is(chunk + 4, "CgBI")) source->is_apple = true;
    if (!is(chunk + 4, "IHDR") && !is(chunk + 4, "PLTE") && !is(chunk + 4, "IDAT")) continue;
    if (whole > left) return cut(source, chunk, left - HEADER < data ? left - HEADER : data);
    source->pieces[0] = (struct cic_bytes){chunk, whole};
    return true;
  }
  return false;
}

bool cic_png_source_read(struct cic_png_source *source, uint8_t *target, size_t count) {
  struct cic_bytes *pieces = source->pieces;
  while (count > 0) {
    if (pieces[0].count == 0) {
      pieces[0] = pieces[1];
      pieces[1] = pieces[2];
      pieces[2] = (struct cic_bytes){NULL, 0};
      if (pieces[0].count == 0 && pieces[1].count == 0 && !advance(source)) return false;
      continue;
    }
    const size_t part = pieces[0].count < count ? pieces[0].count : count;
    memcpy(target, pieces[0].start, part);
    pieces[0].start += part;
    pieces[0].count -= part;
    target += part;
    count -= part;
  }
  return true;
}
