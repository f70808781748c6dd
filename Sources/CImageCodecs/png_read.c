#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "report.h"

// What the callbacks need. It outlives the frame that calls setjmp, so nothing of it is lost by longjmp.
struct reader {
  const uint8_t *bytes;
  size_t count;
  size_t position;
  cic_size size;
  uint8_t *rgb;
  cic_report *report;
  jmp_buf jump;
};

static void fail(png_structp png, png_const_charp message) {
  struct reader *reader = png_get_error_ptr(png);
  if (reader->report->status == CIC_OK) cic_report_fail(reader->report, CIC_INVALID, message);
  longjmp(reader->jump, 1);
}

static void warn(png_structp png, png_const_charp message) {
  struct reader *reader = png_get_error_ptr(png);
  cic_report_warn(reader->report, message);
}

static void supply(png_structp png, png_bytep target, size_t count) {
  struct reader *reader = png_get_io_ptr(png);
  if (count > reader->count - reader->position) {
    cic_report_fail(reader->report, CIC_TRUNCATED, "the data end too early");
    png_error(png, "the data end too early");
  }
  memcpy(target, reader->bytes + reader->position, count);
  reader->position += count;
}

static void read_header(png_structp png, png_infop info, struct reader *reader) {
  png_set_read_fn(png, reader, supply);
  // Text, profiles and times are of no use here, and a few bytes of them can inflate to gigabytes.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  // The caller compares the size with its own limits.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(png, info);
  reader->size.width = png_get_image_width(png, info);
  reader->size.height = png_get_image_height(png, info);
}

static void read_pixels(png_structp png, png_infop info, struct reader *reader) {
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t row_bytes = 3 * (size_t)reader->size.width;
  if (png_get_rowbytes(png, info) != row_bytes) png_error(png, "its pixels do not become 8-bit RGB");
  for (int pass = 0; pass < passes; pass++)
    for (size_t row = 0; row < reader->size.height; row++)
      png_read_row(png, reader->rgb + row * row_bytes, NULL);
  png_read_end(png, NULL);
}

// In a frame of its own: its locals are set before setjmp and not changed after.
static void read_png(png_structp png, png_infop info, struct reader *reader) {
  if (setjmp(reader->jump)) return;
  const cic_size expected = reader->size;
  read_header(png, info, reader);
  if (reader->rgb == NULL) return;
  if (reader->size.width != expected.width || reader->size.height != expected.height)
    png_error(png, "its header changed between two reads");
  read_pixels(png, info, reader);
}

static cic_size run(struct reader *reader) {
  cic_report_begin(reader->report);
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, fail, warn);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (info)
    read_png(png, info, reader);
  else
    cic_report_fail(reader->report, CIC_NO_MEMORY, "libpng has no memory, or its library is not the header's version");
  png_destroy_read_struct(&png, &info, NULL);
  return reader->size;
}

cic_size cic_png_size(const uint8_t *bytes, size_t count, cic_report *report) {
  struct reader reader = {.bytes = bytes, .count = count, .report = report};
  return run(&reader);
}

void cic_png_decode(const uint8_t *bytes, size_t count, cic_size size, uint8_t *rgb, cic_report *report) {
  struct reader reader = {.bytes = bytes, .count = count, .size = size, .rgb = rgb, .report = report};
  run(&reader);
}
