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

#endif
