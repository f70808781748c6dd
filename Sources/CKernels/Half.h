#ifndef HALF_H
#define HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "Clones.h"

// Element `i` of an array in a file, at any address, as a float.

/// IEEE 754 binary16: one instruction for eight or sixteen values where the processor has F16C.
INLINED float float_from_half(const void *values, size_t i) {
  _Float16 value;
  memcpy(&value, (const char *)values + 2 * i, sizeof value);
  return (float)value;
}

/// bfloat16, the upper half of a binary32.
INLINED float float_from_bfloat(const void *values, size_t i) {
  uint16_t bits;
  memcpy(&bits, (const char *)values + 2 * i, sizeof bits);
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

INLINED float float_from_float(const void *values, size_t i) {
  float value;
  memcpy(&value, (const char *)values + 4 * i, sizeof value);
  return value;
}

INLINED float float_from_byte(const void *values, size_t i) { return (float)((const int8_t *)values)[i]; }

/// Sixteen of them, from element `i` on; vectors as wide are passed by address, for which registers depends on the processor.
#define LANES 16
typedef float lanes __attribute__((ext_vector_type(LANES)));

INLINED void float_from_half_lanes(const void *values, size_t i, lanes *result) {
  _Float16 __attribute__((ext_vector_type(LANES))) some;
  memcpy(&some, (const char *)values + 2 * i, sizeof some);
  *result = __builtin_convertvector(some, lanes);
}

INLINED void float_from_bfloat_lanes(const void *values, size_t i, lanes *result) {
  uint16_t __attribute__((ext_vector_type(LANES))) some;
  typedef uint32_t wide __attribute__((ext_vector_type(LANES)));
  memcpy(&some, (const char *)values + 2 * i, sizeof some);
  wide bits = __builtin_convertvector(some, wide) << 16;
  memcpy(result, &bits, sizeof *result);
}

INLINED void float_from_float_lanes(const void *values, size_t i, lanes *result) {
  memcpy(result, (const char *)values + 4 * i, sizeof *result);
}

INLINED void float_from_byte_lanes(const void *values, size_t i, lanes *result) {
  int8_t __attribute__((ext_vector_type(LANES))) some;
  memcpy(&some, (const char *)values + i, sizeof some);
  *result = __builtin_convertvector(some, lanes);
}

/// Halves are added until one is left.
INLINED float lanes_sum(const lanes *x) {
  float __attribute__((ext_vector_type(8))) eight = x->lo + x->hi;
  float __attribute__((ext_vector_type(4))) four = eight.lo + eight.hi;
  return (four.x + four.z) + (four.y + four.w);
}

#endif
