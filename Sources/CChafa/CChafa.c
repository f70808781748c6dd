#include "CChafa.h"

#include <chafa.h>
#include <stdlib.h>
#include <string.h>

// Solid cells are spaces of one colour, so that a picture's flat parts stay text that can be drawn over.
static ChafaSymbolTags tags(enum cchafa_symbols symbols) {
    switch (symbols) {
    case CCHAFA_HALF_BLOCKS: return CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_VHALF;
    case CCHAFA_QUADRANTS: return CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_HALF | CHAFA_SYMBOL_TAG_QUAD;
    case CCHAFA_SEXTANTS: return CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_HALF | CHAFA_SYMBOL_TAG_SEXTANT;
    case CCHAFA_ASCII: break;
    }
    return CHAFA_SYMBOL_TAG_ASCII;
}

static ChafaCanvasMode mode(enum cchafa_colors colors) {
    switch (colors) {
    case CCHAFA_TRUECOLOR: return CHAFA_CANVAS_MODE_TRUECOLOR;
    // The first 16 entries are whatever the person made them.
    case CCHAFA_PALETTE_256: return CHAFA_CANVAS_MODE_INDEXED_240;
    case CCHAFA_PALETTE_16: return CHAFA_CANVAS_MODE_INDEXED_16;
    case CCHAFA_MONO: break;
    }
    return CHAFA_CANVAS_MODE_FGBG;
}

void cchafa_draw(const uint8_t *rgb, int32_t width, int32_t height, int32_t columns, int32_t rows,
                 enum cchafa_symbols symbols, enum cchafa_colors colors, struct cchafa_cell *cells) {
    ChafaSymbolMap *map = chafa_symbol_map_new();
    chafa_symbol_map_add_by_tags(map, tags(symbols));
    ChafaCanvasConfig *config = chafa_canvas_config_new();
    chafa_canvas_config_set_geometry(config, columns, rows);
    chafa_canvas_config_set_canvas_mode(config, mode(colors));
    chafa_canvas_config_set_symbol_map(config, map);
    chafa_canvas_config_set_pixel_mode(config, CHAFA_PIXEL_MODE_SYMBOLS);
    chafa_canvas_config_set_color_extractor(config, CHAFA_COLOR_EXTRACTOR_AVERAGE);
    chafa_canvas_config_set_dither_mode(config, CHAFA_DITHER_MODE_NONE);
    // The picture's own contrast and saturation are what is to be seen.
    chafa_canvas_config_set_preprocessing_enabled(config, FALSE);
    chafa_canvas_config_set_work_factor(config, 0.0f);
    ChafaCanvas *canvas = chafa_canvas_new(config);
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, rgb, width, height, width * 3);
    for (int32_t y = 0; y < rows; y++)
        for (int32_t x = 0; x < columns; x++) {
            gint foreground, background;
            chafa_canvas_get_colors_at(canvas, x, y, &foreground, &background);
            struct cchafa_cell *cell = &cells[(size_t)y * (size_t)columns + (size_t)x];
            cell->character = chafa_canvas_get_char_at(canvas, x, y);
            cell->foreground = colors == CCHAFA_MONO ? -1 : foreground;
            cell->background = colors == CCHAFA_MONO ? -1 : background;
        }
    chafa_canvas_unref(canvas);
    chafa_canvas_config_unref(config);
    chafa_symbol_map_unref(map);
}

char *cchafa_sixel(const uint8_t *rgb, int32_t width, int32_t height, size_t *length) {
    // libchafa draws whole bands of six rows and would leave the rest out; clear rows fill the last one up.
    const int32_t bands = (height + 5) / 6 * 6;
    uint8_t *rgba = calloc((size_t)width * (size_t)bands, 4);
    *length = 0;
    if (rgba == NULL) return NULL;
    const size_t count = (size_t)width * (size_t)height;
    for (size_t i = 0; i < count; i++) {
        memcpy(rgba + 4 * i, rgb + 3 * i, 3);
        rgba[4 * i + 3] = 255;
    }
    ChafaCanvasConfig *config = chafa_canvas_config_new();
    chafa_canvas_config_set_geometry(config, width, bands);
    chafa_canvas_config_set_cell_geometry(config, 1, 1);
    chafa_canvas_config_set_canvas_mode(config, CHAFA_CANVAS_MODE_TRUECOLOR);
    chafa_canvas_config_set_pixel_mode(config, CHAFA_PIXEL_MODE_SIXELS);
    chafa_canvas_config_set_preprocessing_enabled(config, FALSE);
    chafa_canvas_config_set_dither_mode(config, CHAFA_DITHER_MODE_NONE);
    ChafaCanvas *canvas = chafa_canvas_new(config);
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGBA8_UNASSOCIATED, rgba, width, bands, width * 4);
    ChafaTermInfo *info = chafa_term_db_get_fallback_info(chafa_term_db_get_default());
    GString *printed = chafa_canvas_print(canvas, info);
    char *text = malloc(printed->len);
    if (text != NULL) {
        memcpy(text, printed->str, printed->len);
        *length = printed->len;
    }
    g_string_free(printed, TRUE);
    chafa_term_info_unref(info);
    chafa_canvas_unref(canvas);
    chafa_canvas_config_unref(config);
    free(rgba);
    return text;
}

void cchafa_free(char *text) { free(text); }
