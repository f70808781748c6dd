#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "png_source.h"
#include "report.h"

// What the callbacks need. It outlives the frame that calls setjmp, so nothing of it is lost by longjmp.
struct reader {
  struct cic_png_source source;
  cic_size size;
  uint8_t *rgb;
  bool reads_rows;
  cic_report *report;
  jmp_buf jump;
};

// Whether every row has been handed out: what goes wrong then concerns no pixel.
static bool is_complete(png_structp png, const struct reader *reader) {
  enum { PASSES = 7 };
  return reader->reads_rows && (png_get_current_row_number(png) >= reader->size.height ||
                                png_get_current_pass_number(png) >= PASSES);
}

static void fail(png_structp png, png_const_charp message) {
  struct reader *reader = png_get_error_ptr(png);
  if (is_complete(png, reader))
    cic_report_warn(reader->report, message);
  else if (reader->report->status == CIC_OK)
    cic_report_fail(reader->report, reader->source.cut ? CIC_TRUNCATED : CIC_INVALID, message);
  longjmp(reader->jump, 1);
}

static void warn(png_structp png, png_const_charp message) {
  struct reader *reader = png_get_error_ptr(png);
  cic_report_warn(reader->report, message);
}

static void supply(png_structp png, png_bytep target, size_t count) {
  struct reader *reader = png_get_io_ptr(png);
  if (!cic_png_source_read(&reader->source, target, count)) png_error(png, "the data end too early");
}

static void read_header(png_structp png, png_infop info, struct reader *reader) {
  png_set_read_fn(png, reader, supply);
  png_set_benign_errors(png, 1);
  png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
  // The caller compares the size with its own limits.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(png, info);
  // From here on there is only IDAT. A wrong checksum of it, or a missing one, makes no pixel unreadable: it is a warning.
  png_set_crc_action(png, PNG_CRC_WARN_USE, PNG_CRC_WARN_USE);
  if (reader->source.is_apple) png_error(png, "it is in Apple's form (CgBI), which only iOS reads");
  reader->size.width = png_get_image_width(png, info);
  reader->size.height = png_get_image_height(png, info);
}

static void read_pixels(png_structp png, png_infop info, struct reader *reader) {
  if (png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, info) == 16)
    cic_report_warn(reader->report, "16-bit grey is read by its high bytes; Pillow would clip it to white");
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t row_bytes = 3 * (size_t)reader->size.width;
  if (png_get_rowbytes(png, info) != row_bytes) png_error(png, "its pixels do not become 8-bit RGB");
  reader->reads_rows = true;
  for (int pass = 0; pass < passes; pass++)
    for (size_t row = 0; row < reader->size.height; row++)
      png_read_row(png, reader->rgb + row * row_bytes, NULL);
  png_read_end(png, NULL);
}

// Says what is missing of a file whose pixels are all there.
static void note_cut(struct reader *reader) {
  if (reader->rgb && reader->report->status == CIC_OK && reader->source.cut)
    cic_report_warn(reader->report, "the file ends behind its pixels without a whole IEND");
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
  note_cut(reader);
  return reader->size;
}

cic_size cic_png_size(const uint8_t *bytes, size_t count, cic_report *report) {
  struct reader reader = {.source = cic_png_source_of(bytes, count), .report = report};
  return run(&reader);
}

void cic_png_decode(const uint8_t *bytes, size_t count, cic_size size, uint8_t *rgb, cic_report *report) {
  struct reader reader = {.source = cic_png_source_of(bytes, count), .size = size, .rgb = rgb, .report = report};
  run(&reader);
}
