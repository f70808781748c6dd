#ifndef CCAIRO_H
#define CCAIRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Vector drawing by libcairo, on 8-bit RGB pixels or on a page of PDF. Lengths are in units of the canvas, which `scale`
// turns into pixels and which are points in PDF; y grows downwards. Hinting is off, so that text is laid out alike at
// every scale.

typedef struct ccairo_canvas ccairo_canvas;

typedef struct {
  double red, green, blue, alpha;
} ccairo_color;

// A white canvas, or NULL where there is no memory for it. To be given to ccairo_destroy.
ccairo_canvas *ccairo_create(int32_t pixel_width, int32_t pixel_height, double scale);
void ccairo_destroy(ccairo_canvas *canvas);

// A page of PDF, or NULL where there is no memory for it. To be given to ccairo_destroy.
ccairo_canvas *ccairo_create_pdf(double width, double height);
// What the document says of itself, as UTF-8; it has no date.
void ccairo_pdf_metadata(ccairo_canvas *canvas, const char *title, const char *subject, const char *keywords,
                         const char *creator);
// Ends the page; the document lives as long as the canvas. NULL where there was no memory for all of it.
const uint8_t *ccairo_pdf_bytes(ccairo_canvas *canvas, size_t *count);

// `xy` holds `count` points, x before y. A dash of 0 is a solid line.
void ccairo_polyline(ccairo_canvas *canvas, const double *xy, size_t count, double width, double dash,
                     ccairo_color color);
void ccairo_polygon(ccairo_canvas *canvas, const double *xy, size_t count, ccairo_color color);
void ccairo_circle(ccairo_canvas *canvas, double x, double y, double radius, ccairo_color color);
// Covers whole pixels, so that neighbouring rectangles neither overlap nor leave a seam.
void ccairo_rectangle(ccairo_canvas *canvas, double x, double y, double width, double height, ccairo_color color);

enum { CCAIRO_BOLD = 1, CCAIRO_MONOSPACED = 2 };

// One line of UTF-8 in a face of the flags above. The part `align_x` of its width (0 left, 1 right) and `align_y` of its height (0 top, 1 baseline)
// stand at the point; it is turned clockwise around the point by `degrees`.
void ccairo_text(ccairo_canvas *canvas, const char *text, double x, double y, double size, unsigned face, double align_x,
                 double align_y, double degrees, ccairo_color color);
double ccairo_text_width(ccairo_canvas *canvas, const char *text, double size, unsigned face);

// Draws interleaved RGB pixels into a rectangle: interpolated when `smooth`, else each pixel a block.
void ccairo_picture(ccairo_canvas *canvas, const uint8_t *rgb, int32_t width, int32_t height, double x, double y,
                    double drawn_width, double drawn_height, bool smooth);

// Later drawing stays inside the rectangle until ccairo_unclip.
void ccairo_clip(ccairo_canvas *canvas, double x, double y, double width, double height);
void ccairo_unclip(ccairo_canvas *canvas);

// Copies a canvas of pixels to `rgb`, of 3 · width · height bytes.
void ccairo_pixels(ccairo_canvas *canvas, uint8_t *rgb);

#endif
