#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Loops that must be fast in a debug build too, and on every processor: each is compiled for the baseline, for
// AVX2 + FMA + F16C and for AVX-512, and the loader picks one (see Clones.h).
// Unless said otherwise buffers do not overlap, arrays are row-major, and any count may be zero.

// Conversions (Convert.c): exact, because every 16-bit value is a 32-bit float. A file's 16-bit values may lie at an
// odd address, hence the untyped pointers.

void kernel_f32_from_f16(const void *source, float *destination, size_t count);
void kernel_f32_from_bf16(const void *source, float *destination, size_t count);

// Products of a weight matrix [rows, columns] in its stored format with a few vectors (MatVec.c):
// y[v * stride + r] = bias[r] + sum over c of weights[r, c] * x[v, c], for 1 <= vectors <= KERNEL_MAX_VECTORS.
// A null bias is zero.

#define KERNEL_MAX_VECTORS 4

void kernel_matvec_f32(
    const void *weights, size_t rows, size_t columns, const float *x, size_t vectors, const float *bias, float *y,
    size_t stride);
void kernel_matvec_f16(
    const void *weights, size_t rows, size_t columns, const float *x, size_t vectors, const float *bias, float *y,
    size_t stride);
void kernel_matvec_bf16(
    const void *weights, size_t rows, size_t columns, const float *x, size_t vectors, const float *bias, float *y,
    size_t stride);

/// The same with weights scales[r] * weights[r, c].
void kernel_matvec_i8(
    const int8_t *weights, const float *scales, size_t rows, size_t columns, const float *x, size_t vectors,
    const float *bias, float *y, size_t stride);

// Products of packed matrices (Panels.c), where `kernel_has_panels()` says so: c[r, n] = sum over k of a[r, k] * w[n, k].
// OpenBLAS keeps 16-bit weights waiting for a pass of their own that widens them, and its kernel reaches two thirds of
// this processor; here widening is part of packing.

/// Rows of a tile of `a`, columns of a panel of `w`.
#define KERNEL_TILE_ROWS 12
#define KERNEL_PANEL_COLUMNS 32

typedef enum { kernel_weight_f16, kernel_weight_bf16, kernel_weight_f32 } kernel_weight_type;

/// Whether the functions below may be called: with AVX-512, or with AVX2, FMA and F16C.
int kernel_has_panels(void);
/// a [rows, depth] as [ceil(rows / 12)][depth][12], with vectors of eight [ceil(rows / 12)][2][depth][6], filled up with zeros.
void kernel_pack_tiles(const float *a, size_t rows, size_t depth, size_t stride, float *tiles);
/// w [rows, depth] at any address, `stride` elements from row to row, as [ceil(rows / 32)][depth][32], with vectors of
/// eight [ceil(rows / 32)][2][depth][16], filled up with zeros; `depth` is a multiple of 16.
void kernel_pack_panels(
    const void *weights, kernel_weight_type type, size_t rows, size_t depth, size_t stride, float *panels);
/// w [depth, columns], `stride` floats from row to row, as the panels of its transpose.
void kernel_pack_columns(const float *w, size_t depth, size_t columns, size_t stride, float *panels);
/// c [rows, columns] = `base` + the product over `depth` of tiles and panels whose beginnings lie `tile_stride` and
/// `panel_stride` floats apart. `base` may be c itself, a row for all with a `base_stride` of 0, or NULL for nothing.
void kernel_multiply_packed(
    const float *tiles, size_t tile_stride, size_t rows, const float *panels, size_t panel_stride, size_t columns,
    size_t depth, const float *base, size_t base_stride, float *c, size_t stride);

// Products of bytes (Bytes.c), where `kernel_has_byte_panels()` says so: AVX-512 with VNNI. Four bytes lie where a float
// does, in tiles and panels as `kernel_pack_tiles` and `kernel_pack_panels` make them of 32-bit elements; `depth` and the
// distances count such groups.

int kernel_has_byte_panels(void);
/// sums [rows, columns] = `base` + the product of tiles of bytes without and panels of bytes with a sign; `base` may be the
/// sums, or a row for all with a `base_stride` of 0, and not null. With `row_scales` a sum becomes the float
/// sum * row_scales[r] * column_scales[n] + bias[n] in its place. A null bias is zero.
void kernel_multiply_bytes(
    const int32_t *tiles, size_t tile_stride, size_t rows, const int32_t *panels, size_t panel_stride, size_t columns,
    size_t depth, const int32_t *base, size_t base_stride, const float *row_scales, const float *column_scales,
    const float *bias, int32_t *sums, size_t stride);
/// offsets[r] = -zero * the sum over c of weights[r, c]: what a product with bytes that count from `zero` has too much;
/// `columns` is a multiple of 64.
void kernel_offsets(const int8_t *weights, size_t rows, size_t columns, int zero, int32_t *offsets);

/// `count` multiply-adds on registers alone, for a measure of what the processor could do; call it where
/// `kernel_has_panels()`. The sum keeps them from being left out.
float kernel_multiply_adds(size_t count, float factor);

// A 3×3 convolution with stride 1 and padding 1 in tiles of 4×4 outputs (Winograd.c): 36 products of matrices, one for each
// element of a transformed 6×6 tile, by `kernel_multiply_packed`. Tiles count row by row.

/// weights [outputs, inputs, 3, 3] as 36 sets of tiles as `kernel_pack_tiles` makes them.
void kernel_winograd_weights(const float *weights, size_t outputs, size_t inputs, float *tiles);
/// `tiles` tiles of x [channels, height, width] from tile `first` on, as 36 sets `panel_set` floats apart of
/// panels as `kernel_pack_panels` makes them, `channels` deep. Columns after the last tile hold anything.
void kernel_winograd_input(
    const float *x, size_t channels, size_t height, size_t width, size_t first, size_t tiles, float *panels,
    size_t panel_set);
/// The outputs of these tiles in y [channels, height, width], of 36 sets `sum_set` floats apart of [channels][stride]. A
/// null bias is zero.
void kernel_winograd_output(
    const float *sums, size_t sum_set, size_t stride, size_t channels, size_t height, size_t width, size_t first,
    size_t tiles, const float *bias, float *y);

// 8-bit integers, one scale a row (Quantize.c): value = scale * integer, the largest magnitude at the last level.

/// destination[r, c] = levels + 1 + the nearest integer in -levels...levels; at most 127 levels.
void kernel_quantize_rows(
    const float *source, size_t rows, size_t columns, int levels, uint8_t *destination, float *scales);
/// destination[r, c] = the nearest integer in -127...127.
void kernel_quantize_weights(const float *source, size_t rows, size_t columns, int8_t *destination, float *scales);
/// destination[r, c] = scales[r] * source[r, c].
void kernel_f32_from_i8(
    const int8_t *source, const float *scales, size_t rows, size_t columns, float *destination);
/// y[r * stride + c] = sums[r, c] * row_scales[r] * column_scales[c] + bias[c]. A null bias is zero.
void kernel_scale_sums(
    const int32_t *sums, size_t rows, size_t columns, const float *row_scales, const float *column_scales,
    const float *bias, float *y, size_t stride);

// Element-wise (Elementwise.c).

void kernel_add(const float *a, const float *b, float *destination, size_t count);
void kernel_multiply(const float *a, const float *b, float *destination, size_t count);
void kernel_scale(const float *a, float factor, float *destination, size_t count);
/// Every row of `destination` [rows, columns] becomes `row`.
void kernel_fill_rows(const float *row, float *destination, size_t rows, size_t columns);
/// destination[c, i] = source[c, i] * scale[c] + shift[c].
void kernel_channel_affine(
    const float *source, const float *scale, const float *shift, float *destination, size_t channels, size_t count);
/// destination[g, i] = the mean of the `per_group` consecutive channels of group g.
void kernel_mean_groups(
    const float *source, float *destination, size_t groups, size_t per_group, size_t count);

/// Whether no value is an infinity or a NaN.
int kernel_all_finite(const float *a, size_t count);

// Activations (Activations.c).

/// e to the x, within 2 units in the last place; 0 under -104, infinity over 88.73.
void kernel_exp(const float *source, float *destination, size_t count);
/// x * Phi(x), Phi the normal distribution function within 1e-7: the exact GELU, not the tanh form.
void kernel_gelu(const float *source, float *destination, size_t count);
/// x / (1 + exp(-factor * x)): SiLU for factor 1, CLIP's "quick GELU" for factor 1.702.
void kernel_swish(const float *source, float factor, float *destination, size_t count);
void kernel_relu(const float *source, float *destination, size_t count);

// Rows (Rows.c): sums run in double precision.

/// exp(x - max) / sum over each row, into another array or in place. A row of minus infinity alone becomes zeros, and
/// so does a share that would be subnormal, as arithmetic on subnormal numbers is a hundred times slower.
void kernel_softmax_rows(const float *source, float *destination, size_t rows, size_t columns);
/// (x - mean) / sqrt(variance + epsilon) * weight + bias over each row, variance with divisor `columns`.
void kernel_layer_norm(
    const float *source, const float *weight, const float *bias, float epsilon, float *destination, size_t rows,
    size_t columns);
/// x / sqrt(mean of squares + epsilon) * weight over each row.
void kernel_rms_norm(
    const float *source, const float *weight, float epsilon, float *destination, size_t rows, size_t columns);
/// The same over the channels of `source` at each of `count` places, `stride` floats from channel to channel, with a
/// bias.
void kernel_rms_norm_channels(
    const float *source, const float *weight, const float *bias, float epsilon, float *destination, size_t channels,
    size_t stride, size_t count);
/// Rotates the pairs (i, i + half) of every head of `source` [rows, heads * 2 * half] by the angle whose cosine and
/// sine are in row r of `cosines` and `sines` [rows, half].
void kernel_rotate_halves(
    const float *source, const float *cosines, const float *sines, float *destination, size_t rows, size_t heads,
    size_t half);

// Layout (Layout.c).

#define KERNEL_MAX_RANK 6

/// Writes the row-major array of `extents` whose element (i, j, ...) is source[i * strides[0] + j * strides[1] + ...].
void kernel_gather_strided(
    const float *source, float *destination, size_t rank, const size_t *extents, const size_t *strides);

// Similarity of pictures (Similarity.c).

/// The sum of the structural similarity of `x` and `y` `[height, width]` over every place that the separable window of
/// `taps` weights covers wholly; `scratch` holds 5 * height * (width - taps + 1) numbers.
double kernel_similarity_sum(
    const float *x, const float *y, size_t height, size_t width, const double *window, size_t taps, double c1, double c2,
    double *scratch);

// Threads (Pool.c).

/// Calls `run` with each of 0..<parts, on this thread and up to `most_threads` - 1 others, which take part after part as
/// they come free. It may be called from `run` and from several threads.
void kernel_run_parts(size_t parts, size_t most_threads, void (*run)(void *context, size_t part), void *context);

// The machine (Machine.c).

/// Keeps freed memory for the next tensor instead of handing it back: the system clears every page that it gives, which
/// took a tenth of a 7B run. One arena, for those of other threads cannot hold tensors.
void kernel_keep_freed_memory(void);

/// Asks for pages of 2 MiB behind `bytes` bytes that begin with one.
void kernel_use_large_pages(void *start, size_t bytes);

/// Processors this process may run on, at least 1; Swift's Glibc module lacks the affinity calls.
int kernel_processors(void);

/// The widest vectors that single-precision kernels can use here, from CPUID and what the system saves of them.
typedef enum {
  kernel_vectors_baseline,
  /// AVX2 and FMA.
  kernel_vectors_avx2,
  /// AVX-512 F, CD, BW, DQ and VL: what Skylake servers began with.
  kernel_vectors_avx512,
} kernel_vectors;

kernel_vectors kernel_widest_vectors(void);

/// Whether the processor is AMD's.
int kernel_is_amd(void);

#endif
