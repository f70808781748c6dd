#ifndef TILE_H
#define TILE_H

#include "CKernels.h"
#include "Wide.h"

// What tiles of floats (Panels.c) and of bytes (Bytes.c) have in common with AVX-512.

#if defined(__x86_64__)
#define ROWS KERNEL_TILE_ROWS
#define COLUMNS KERNEL_PANEL_COLUMNS

/// Elements of 32 bits between a panel's row that is multiplied and the one that is asked for.
#define AHEAD 256

/// The first elements of a row of 32.
typedef struct {
  __mmask16 left, right;
} column_masks;

AVX512_INLINED column_masks first_columns(size_t count) {
  column_masks f = {0xffff, 0xffff};
  if (count < 16) f.left = (__mmask16)((1u << count) - 1);
  if (count < 32) f.right = count > 16 ? (__mmask16)((1u << (count - 16)) - 1) : 0;
  return f;
}

/// Calls `run` with the rows that are made of a tile of which `rows` are there, a constant each time: 4, 8 or all.
#define BY_ROWS(rows, run, ...) \
  ((rows) > 8 ? run(ROWS, __VA_ARGS__) : (rows) > 4 ? run(8, __VA_ARGS__) : run(4, __VA_ARGS__))
#endif
#endif
