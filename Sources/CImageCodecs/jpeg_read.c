#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <stdlib.h>

#include "report.h"

// A progressive file may hold scans without end, each costing time in proportion to the picture.
enum { MOST_SCANS = 500 };

// What the callbacks need. It outlives the frame that calls setjmp, so nothing of it is lost by longjmp.
struct reader {
  struct jpeg_decompress_struct decoder;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  cic_size size;
  uint8_t *rgb;
  uint8_t *cmyk;
  cic_report *report;
  jmp_buf jump;
};

static struct reader *reader_of(j_common_ptr decoder) { return decoder->client_data; }

static void fail(j_common_ptr decoder) {
  struct reader *reader = reader_of(decoder);
  char message[JMSG_LENGTH_MAX];
  decoder->err->format_message(decoder, message);
  if (reader->report->status == CIC_OK) cic_report_fail(reader->report, CIC_INVALID, message);
  longjmp(reader->jump, 1);
}

static void refuse(struct reader *reader, enum cic_status status, const char *message) {
  cic_report_fail(reader->report, status, message);
  longjmp(reader->jump, 1);
}

// Negative levels are warnings; the others trace what a sound file holds.
static void note(j_common_ptr decoder, int level) {
  if (level >= 0) return;
  decoder->err->num_warnings++;
  if (decoder->err->num_warnings > 16) return;
  char message[JMSG_LENGTH_MAX];
  decoder->err->format_message(decoder, message);
  cic_report_warn(reader_of(decoder)->report, message);
}

static void say_nothing(j_common_ptr decoder) { (void)decoder; }

static void nothing(j_decompress_ptr decoder) { (void)decoder; }

// All bytes are in memory from the start, so asking for more means that the file was cut short.
static boolean supply(j_decompress_ptr decoder) {
  refuse(reader_of((j_common_ptr)decoder), CIC_TRUNCATED, "the data end too early");
  return FALSE;
}

static void skip(j_decompress_ptr decoder, long count) {
  if (count <= 0) return;
  if ((size_t)count > decoder->src->bytes_in_buffer) supply(decoder);
  decoder->src->next_input_byte += count;
  decoder->src->bytes_in_buffer -= (size_t)count;
}

static void watch(j_common_ptr decoder) {
  if (((j_decompress_ptr)decoder)->input_scan_number > MOST_SCANS)
    refuse(reader_of(decoder), CIC_INVALID, "it has more than 500 scans");
}

// PIL's cmyk2rgb after its "CMYK;I" unpacking: r = k − (255 − c)·k/255, rounded, with c and k as the file holds them.
static void rgb_from_inverted_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t count) {
  for (size_t pixel = 0; pixel < count; pixel++)
    for (size_t channel = 0; channel < 3; channel++) {
      const unsigned k = cmyk[4 * pixel + 3];
      const unsigned product = (255u - cmyk[4 * pixel + channel]) * k + 128;
      rgb[3 * pixel + channel] = (uint8_t)(k - (((product >> 8) + product) >> 8));
    }
}

static void read_rows(struct reader *reader) {
  struct jpeg_decompress_struct *decoder = &reader->decoder;
  const size_t width = reader->size.width;
  while (decoder->output_scanline < decoder->output_height) {
    uint8_t *target = reader->rgb + 3 * width * decoder->output_scanline;
    if (reader->cmyk) {
      if (jpeg_read_scanlines(decoder, &reader->cmyk, 1) == 1) rgb_from_inverted_cmyk(reader->cmyk, target, width);
      continue;
    }
    JSAMPROW rows[8];
    JDIMENSION count = 0;
    for (; count < 8 && decoder->output_scanline + count < decoder->output_height; count++)
      rows[count] = target + 3 * width * count;
    jpeg_read_scanlines(decoder, rows, count);
  }
}

static void read_pixels(struct reader *reader, cic_size expected) {
  struct jpeg_decompress_struct *decoder = &reader->decoder;
  if (reader->size.width != expected.width || reader->size.height != expected.height)
    refuse(reader, CIC_INVALID, "its header changed between two reads");
  decoder->out_color_space = JCS_RGB;
  if (decoder->num_components == 4) {
    decoder->out_color_space = JCS_CMYK;
    reader->cmyk = malloc(4 * (size_t)reader->size.width);
    if (reader->cmyk == NULL) refuse(reader, CIC_NO_MEMORY, "no memory for a row");
  }
  jpeg_start_decompress(decoder);
  if (decoder->output_width != reader->size.width || decoder->output_height != reader->size.height)
    refuse(reader, CIC_INVALID, "its pixels do not have the size of its header");
  read_rows(reader);
  jpeg_finish_decompress(decoder);
}

// In a frame of its own: its locals are set before setjmp and not changed after.
static void read_jpeg(struct reader *reader, cic_size expected) {
  struct jpeg_decompress_struct *decoder = &reader->decoder;
  if (setjmp(reader->jump)) return;
  jpeg_create_decompress(decoder);
  decoder->src = &reader->source;
  decoder->progress = &reader->progress;
  jpeg_read_header(decoder, TRUE);
  const int components = decoder->num_components;
  if (components != 1 && components != 3 && components != 4)
    refuse(reader, CIC_INVALID, "it has neither 1, 3 nor 4 colour components");
  reader->size.width = decoder->image_width;
  reader->size.height = decoder->image_height;
  if (reader->rgb) read_pixels(reader, expected);
}

static cic_size run(const uint8_t *bytes, size_t count, cic_size expected, uint8_t *rgb, cic_report *report) {
  struct reader reader = {.rgb = rgb, .report = report};
  cic_report_begin(report);
  reader.decoder.err = jpeg_std_error(&reader.errors);
  reader.decoder.client_data = &reader;
  reader.errors.error_exit = fail;
  reader.errors.emit_message = note;
  reader.errors.output_message = say_nothing;
  reader.source.next_input_byte = bytes;
  reader.source.bytes_in_buffer = count;
  reader.source.init_source = nothing;
  reader.source.fill_input_buffer = supply;
  reader.source.skip_input_data = skip;
  reader.source.resync_to_restart = jpeg_resync_to_restart;
  reader.source.term_source = nothing;
  reader.progress.progress_monitor = watch;
  read_jpeg(&reader, expected);
  jpeg_destroy_decompress(&reader.decoder);
  free(reader.cmyk);
  return reader.size;
}

cic_size cic_jpeg_size(const uint8_t *bytes, size_t count, cic_report *report) {
  return run(bytes, count, (cic_size){0, 0}, NULL, report);
}

void cic_jpeg_decode(const uint8_t *bytes, size_t count, cic_size size, uint8_t *rgb, cic_report *report) {
  run(bytes, count, size, rgb, report);
}
