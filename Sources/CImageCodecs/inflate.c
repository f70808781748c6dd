#include <zlib.h>

#include "CImageCodecs.h"

int cic_inflate(const uint8_t *bytes, size_t count, uint8_t *target, size_t capacity, size_t *written) {
  z_stream stream = {.next_in = (Bytef *)bytes, .avail_in = (uInt)count, .next_out = target, .avail_out = (uInt)capacity};
  *written = 0;
  if (count > UINT32_MAX || capacity > UINT32_MAX || inflateInit(&stream) != Z_OK) return 0;
  const int status = inflate(&stream, Z_SYNC_FLUSH);
  *written = capacity - stream.avail_out;
  const int has_more = stream.avail_in > 0 && status == Z_OK;
  inflateEnd(&stream);
  return (status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR) && !has_more;
}
