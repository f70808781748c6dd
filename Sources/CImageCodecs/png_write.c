#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

struct writer {
  const uint8_t *rgb;
  cic_size size;
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  cic_report *report;
  jmp_buf jump;
};

static void fail(png_structp png, png_const_charp message) {
  struct writer *writer = png_get_error_ptr(png);
  if (writer->report->status == CIC_OK) cic_report_fail(writer->report, CIC_INVALID, message);
  longjmp(writer->jump, 1);
}

static void warn(png_structp png, png_const_charp message) {
  struct writer *writer = png_get_error_ptr(png);
  cic_report_warn(writer->report, message);
}

static void take(png_structp png, png_bytep source, size_t count) {
  struct writer *writer = png_get_io_ptr(png);
  if (count > writer->capacity - writer->count) {
    const size_t capacity = 2 * writer->capacity + count;
    uint8_t *bytes = realloc(writer->bytes, capacity);
    if (bytes == NULL) {
      cic_report_fail(writer->report, CIC_NO_MEMORY, "no memory for the encoded image");
      png_error(png, "no memory");
    }
    writer->bytes = bytes;
    writer->capacity = capacity;
  }
  memcpy(writer->bytes + writer->count, source, count);
  writer->count += count;
}

static void flush(png_structp png) { (void)png; }

static void write_png(png_structp png, png_infop info, struct writer *writer) {
  if (setjmp(writer->jump)) return;
  png_set_write_fn(png, writer, take, flush);
  png_set_IHDR(png, info, writer->size.width, writer->size.height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (size_t row = 0; row < writer->size.height; row++)
    png_write_row(png, writer->rgb + row * 3 * (size_t)writer->size.width);
  png_write_end(png, info);
}

void cic_png_encode(const uint8_t *rgb, cic_size size, uint8_t **png_bytes, size_t *count, cic_report *report) {
  struct writer writer = {.rgb = rgb, .size = size, .report = report};
  cic_report_begin(report);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, fail, warn);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (info)
    write_png(png, info, &writer);
  else
    cic_report_fail(report, CIC_NO_MEMORY, "libpng has no memory, or its library is not the header's version");
  png_destroy_write_struct(&png, &info);
  if (report->status != CIC_OK) {
    free(writer.bytes);
    return;
  }
  *png_bytes = writer.bytes;
  *count = writer.count;
}
