#include "CCairo.h"

#include <cairo/cairo-pdf.h>
#include <cairo/cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ccairo_canvas {
    cairo_surface_t *surface;
    cairo_t *context;
    // What a PDF has become so far.
    uint8_t *bytes;
    size_t count, capacity;
};

// The canvas on its new surface, or NULL where either could not be made.
static ccairo_canvas *prepare(ccairo_canvas *canvas) {
    canvas->context = cairo_create(canvas->surface);
    if (cairo_status(canvas->context) != CAIRO_STATUS_SUCCESS) {
        ccairo_destroy(canvas);
        return NULL;
    }
    cairo_set_line_join(canvas->context, CAIRO_LINE_JOIN_ROUND);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(canvas->context, options);
    cairo_font_options_destroy(options);
    return canvas;
}

ccairo_canvas *ccairo_create(int32_t pixel_width, int32_t pixel_height, double scale) {
    ccairo_canvas *canvas = calloc(1, sizeof *canvas);
    if (!canvas) return NULL;
    canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, pixel_width, pixel_height);
    if (!prepare(canvas)) return NULL;
    cairo_set_source_rgb(canvas->context, 1, 1, 1);
    cairo_paint(canvas->context);
    cairo_scale(canvas->context, scale, scale);
    return canvas;
}

static cairo_status_t append(void *closure, const unsigned char *bytes, unsigned int count) {
    ccairo_canvas *canvas = closure;
    if (canvas->capacity - canvas->count < count) {
        const size_t capacity = 2 * canvas->capacity + count;
        uint8_t *grown = realloc(canvas->bytes, capacity);
        if (!grown) return CAIRO_STATUS_WRITE_ERROR;
        canvas->bytes = grown;
        canvas->capacity = capacity;
    }
    memcpy(canvas->bytes + canvas->count, bytes, count);
    canvas->count += count;
    return CAIRO_STATUS_SUCCESS;
}

ccairo_canvas *ccairo_create_pdf(double width, double height) {
    ccairo_canvas *canvas = calloc(1, sizeof *canvas);
    if (!canvas) return NULL;
    canvas->surface = cairo_pdf_surface_create_for_stream(append, canvas, width, height);
    // Later versions may compress the properties, which a plain search of the file then misses.
    cairo_pdf_surface_restrict_to_version(canvas->surface, CAIRO_PDF_VERSION_1_4);
    return prepare(canvas);
}

void ccairo_pdf_metadata(ccairo_canvas *canvas, const char *title, const char *subject, const char *keywords,
                         const char *creator) {
    cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_TITLE, title);
    cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_SUBJECT, subject);
    cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_KEYWORDS, keywords);
    cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_CREATOR, creator);
    // Left out, so that equal figures are equal bytes.
    cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_CREATE_DATE, NULL);
}

const uint8_t *ccairo_pdf_bytes(ccairo_canvas *canvas, size_t *count) {
    cairo_show_page(canvas->context);
    const bool is_whole = cairo_status(canvas->context) == CAIRO_STATUS_SUCCESS;
    cairo_surface_finish(canvas->surface);
    *count = canvas->count;
    return is_whole && cairo_surface_status(canvas->surface) == CAIRO_STATUS_SUCCESS ? canvas->bytes : NULL;
}

void ccairo_destroy(ccairo_canvas *canvas) {
    cairo_destroy(canvas->context);
    cairo_surface_destroy(canvas->surface);
    free(canvas->bytes);
    free(canvas);
}

static void paint_with(cairo_t *context, ccairo_color color) {
    cairo_set_source_rgba(context, color.red, color.green, color.blue, color.alpha);
}

static void trace_path(cairo_t *context, const double *xy, size_t count) {
    cairo_new_path(context);
    for (size_t i = 0; i < count; i++) cairo_line_to(context, xy[2 * i], xy[2 * i + 1]);
}

void ccairo_polyline(ccairo_canvas *canvas, const double *xy, size_t count, double width, double dash,
                     ccairo_color color) {
    trace_path(canvas->context, xy, count);
    paint_with(canvas->context, color);
    cairo_set_line_width(canvas->context, width);
    cairo_set_dash(canvas->context, &dash, dash > 0 ? 1 : 0, 0);
    cairo_stroke(canvas->context);
}

void ccairo_polygon(ccairo_canvas *canvas, const double *xy, size_t count, ccairo_color color) {
    trace_path(canvas->context, xy, count);
    cairo_close_path(canvas->context);
    paint_with(canvas->context, color);
    cairo_fill(canvas->context);
}

void ccairo_circle(ccairo_canvas *canvas, double x, double y, double radius, ccairo_color color) {
    cairo_new_path(canvas->context);
    cairo_arc(canvas->context, x, y, radius, 0, 2 * M_PI);
    paint_with(canvas->context, color);
    cairo_fill(canvas->context);
}

void ccairo_rectangle(ccairo_canvas *canvas, double x, double y, double width, double height, ccairo_color color) {
    cairo_new_path(canvas->context);
    cairo_rectangle(canvas->context, x, y, width, height);
    paint_with(canvas->context, color);
    cairo_set_antialias(canvas->context, CAIRO_ANTIALIAS_NONE);
    cairo_fill(canvas->context);
    cairo_set_antialias(canvas->context, CAIRO_ANTIALIAS_DEFAULT);
}

static void choose_font(cairo_t *context, double size, unsigned face) {
    // Where DejaVu is absent, fontconfig answers with another of its kind.
    cairo_select_font_face(context, face & CCAIRO_MONOSPACED ? "DejaVu Sans Mono" : "DejaVu Sans",
                           CAIRO_FONT_SLANT_NORMAL, face & CCAIRO_BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(context, size);
}

void ccairo_text(ccairo_canvas *canvas, const char *text, double x, double y, double size, unsigned face, double align_x,
                 double align_y, double degrees, ccairo_color color) {
    cairo_t *context = canvas->context;
    cairo_save(context);
    choose_font(context, size, face);
    cairo_text_extents_t extents;
    cairo_text_extents(context, text, &extents);
    cairo_translate(context, x, y);
    cairo_rotate(context, degrees * M_PI / 180);
    // The height of a capital rather than of this text's ink: lines of one size stand on one baseline.
    const double capital = 0.73 * size;
    cairo_move_to(context, -align_x * extents.x_advance, (1 - align_y) * capital);
    paint_with(context, color);
    cairo_show_text(context, text);
    cairo_restore(context);
    cairo_new_path(context);
}

double ccairo_text_width(ccairo_canvas *canvas, const char *text, double size, unsigned face) {
    choose_font(canvas->context, size, face);
    cairo_text_extents_t extents;
    cairo_text_extents(canvas->context, text, &extents);
    return extents.x_advance;
}

void ccairo_picture(ccairo_canvas *canvas, const uint8_t *rgb, int32_t width, int32_t height, double x, double y,
                    double drawn_width, double drawn_height, bool smooth) {
    cairo_surface_t *picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    unsigned char *data = cairo_image_surface_get_data(picture);
    if (data) {
        const size_t stride = (size_t)cairo_image_surface_get_stride(picture);
        for (size_t row = 0; row < (size_t)height; row++) {
            uint32_t *line = (uint32_t *)(void *)(data + row * stride);
            for (size_t column = 0; column < (size_t)width; column++) {
                const uint8_t *pixel = rgb + 3 * (row * (size_t)width + column);
                line[column] = (uint32_t)pixel[0] << 16 | (uint32_t)pixel[1] << 8 | pixel[2];
            }
        }
        cairo_surface_mark_dirty(picture);
        cairo_t *context = canvas->context;
        cairo_save(context);
        cairo_rectangle(context, x, y, drawn_width, drawn_height);
        cairo_clip(context);
        cairo_translate(context, x, y);
        cairo_scale(context, drawn_width / width, drawn_height / height);
        cairo_set_source_surface(context, picture, 0, 0);
        cairo_pattern_set_filter(cairo_get_source(context), smooth ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
        // Without it the picture's edge fades into the paper.
        cairo_pattern_set_extend(cairo_get_source(context), CAIRO_EXTEND_PAD);
        cairo_paint(context);
        cairo_restore(context);
    }
    cairo_surface_destroy(picture);
}

void ccairo_clip(ccairo_canvas *canvas, double x, double y, double width, double height) {
    cairo_save(canvas->context);
    cairo_new_path(canvas->context);
    cairo_rectangle(canvas->context, x, y, width, height);
    cairo_clip(canvas->context);
}

void ccairo_unclip(ccairo_canvas *canvas) { cairo_restore(canvas->context); }

void ccairo_pixels(ccairo_canvas *canvas, uint8_t *rgb) {
    cairo_surface_flush(canvas->surface);
    const unsigned char *data = cairo_image_surface_get_data(canvas->surface);
    const size_t width = (size_t)cairo_image_surface_get_width(canvas->surface);
    const size_t height = (size_t)cairo_image_surface_get_height(canvas->surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(canvas->surface);
    for (size_t row = 0; row < height; row++) {
        const uint32_t *line = (const uint32_t *)(const void *)(data + row * stride);
        for (size_t column = 0; column < width; column++, rgb += 3) {
            rgb[0] = (uint8_t)(line[column] >> 16);
            rgb[1] = (uint8_t)(line[column] >> 8);
            rgb[2] = (uint8_t)line[column];
        }
    }
}
