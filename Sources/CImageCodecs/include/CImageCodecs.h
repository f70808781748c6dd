#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

// PNG and JPEG bytes to 8-bit RGB and back. The libraries report errors by longjmp and print their messages:
// neither leaves these functions. Pixels are interleaved, rows follow each other without padding.

enum cic_status {
  CIC_OK = 0,
  // The bytes end before the image does.
  CIC_TRUNCATED,
  // The bytes are damaged or of a kind that the library or these functions do not decode.
  CIC_INVALID,
  CIC_NO_MEMORY,
};

typedef struct {
  enum cic_status status;
  // The library's own words for the status, NUL-terminated.
  char message[256];
  // What the library found odd but carried on with, joined by line feeds, NUL-terminated; cut when it grows long.
  char warnings[512];
} cic_report;

typedef struct {
  uint32_t width;
  uint32_t height;
} cic_size;

// Reads the size from a PNG's header, so that the caller can refuse it before allocating.
cic_size cic_png_size(const uint8_t *bytes, size_t count, cic_report *report);

// Decodes into `rgb`, of 3 · width · height bytes. Palettes and low depths are widened, 16-bit samples lose their
// low byte, alpha and tRNS are dropped: what PIL's convert("RGB") does, 16-bit grey excepted. PIL opens that as integers
// and clips them at 255, so that nearly every picture turns white, for the reference models too; here grey and colour are
// treated alike, with a warning.
// Files whose pixels are all there are decoded whatever else is missing or damaged, with a warning.
void cic_png_decode(const uint8_t *bytes, size_t count, cic_size size, uint8_t *rgb, cic_report *report);

// Encodes as 8-bit RGB. On success `*png` is to be given to cic_free.
void cic_png_encode(const uint8_t *rgb, cic_size size, uint8_t **png, size_t *count, cic_report *report);

cic_size cic_jpeg_size(const uint8_t *bytes, size_t count, cic_report *report);

// Decodes into `rgb`, of 3 · width · height bytes. Grey is widened; four components are taken as inverted CMYK, as
// Adobe writes it, and brought to RGB with PIL's formula. EXIF is not looked at.
void cic_jpeg_decode(const uint8_t *bytes, size_t count, cic_size size, uint8_t *rgb, cic_report *report);

void cic_free(void *pointer);

// Inflates zlib data, whole or cut off, into at most `capacity` bytes. 0 if they are damaged or hold more than that.
int cic_inflate(const uint8_t *bytes, size_t count, uint8_t *target, size_t capacity, size_t *written);

// Writes rows first_row to end_row (exclusive) of the upright image. `orientation` is EXIF's, 1 to 8; `size` is the stored
// one, whose sides 5 to 8 swap.
void cic_orient(const uint8_t *rgb, cic_size size, int orientation, uint32_t first_row, uint32_t end_row,
                uint8_t *upright);

// One row resampled horizontally. Output pixel x is the sum over t of source pixel starts[x] + t times
// weights[3 · taps · x + 3t + channel], in fixed point with CIC_PRECISION_BITS. Each weight stands three times, once a
// channel, so that the loop runs over bytes as they lie; `taps` is a multiple of CIC_TAP_MULTIPLE, filled with zeros.
void cic_resample_row(const uint8_t *source, uint8_t *target, size_t width, const int32_t *starts,
                      const int32_t *weights, size_t taps);

// One row resampled vertically: the sum over t of row t of `source` times weights[t]. `sums` is scratch, one a byte.
void cic_resample_column(const uint8_t *source, size_t row_bytes, const int32_t *weights, size_t taps, int32_t *sums,
                         uint8_t *target);

// Pillow's Resample.c: 8 bits for the result, 2 for the overshoot of negative lobes.
enum { CIC_PRECISION_BITS = 32 - 8 - 2, CIC_TAP_MULTIPLE = 8 };

#endif
