#include "CSentencePiece.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <vector>

struct csp_tokenizer {
  sentencepiece::SentencePieceProcessor processor;
};

namespace {

void copy_message(const char *from, char *to, size_t capacity) {
  if (capacity == 0) return;
  const size_t count = std::min(std::strlen(from), capacity - 1);
  std::memcpy(to, from, count);
  to[count] = 0;
}

// Runs `body`, which returns a status; an exception must not unwind into Swift's frames.
template <typename Body>
int guarded(char *message, size_t capacity, Body body) {
  try {
    const sentencepiece::util::Status status = body();
    if (status.ok()) return 0;
    copy_message(status.error_message(), message, capacity);
  } catch (const std::exception &error) {
    copy_message(error.what(), message, capacity);
  } catch (...) {
    copy_message("unknown C++ exception", message, capacity);
  }
  return 1;
}

// The elements in memory of malloc, because whoever frees it knows no std::vector.
template <typename Element>
Element *copied(const Element *elements, size_t count) {
  void *memory = std::malloc(count == 0 ? 1 : count * sizeof(Element));
  if (memory == nullptr) throw std::bad_alloc();
  if (count > 0) std::memcpy(memory, elements, count * sizeof(Element));
  return static_cast<Element *>(memory);
}

}  // namespace

csp_tokenizer *csp_create(const void *bytes, size_t count, char *message, size_t message_capacity) {
  csp_tokenizer *tokenizer = nullptr;
  const int failed = guarded(message, message_capacity, [&] {
    tokenizer = new csp_tokenizer;
    return tokenizer->processor.LoadFromSerializedProto(
        std::string_view(static_cast<const char *>(bytes), count));
  });
  if (!failed) return tokenizer;
  delete tokenizer;
  return nullptr;
}

void csp_destroy(csp_tokenizer *tokenizer) { delete tokenizer; }

int32_t csp_vocabulary_size(const csp_tokenizer *tokenizer) { return tokenizer->processor.GetPieceSize(); }

int32_t csp_piece_id(const csp_tokenizer *tokenizer, const char *piece) {
  const int id = tokenizer->processor.PieceToId(piece);
  if (id < 0 || id >= tokenizer->processor.GetPieceSize()) return -1;
  return tokenizer->processor.IdToPiece(id) == piece ? id : -1;
}

const char *csp_piece(const csp_tokenizer *tokenizer, int32_t id, size_t *byte_count) {
  const std::string &piece = tokenizer->processor.IdToPiece(id);
  *byte_count = piece.size();
  return piece.data();
}

enum csp_kind csp_kind(const csp_tokenizer *tokenizer, int32_t id) {
  const auto &processor = tokenizer->processor;
  if (processor.IsUnknown(id)) return CSP_UNKNOWN;
  if (processor.IsControl(id)) return CSP_CONTROL;
  if (processor.IsUnused(id)) return CSP_UNUSED;
  if (processor.IsByte(id)) return CSP_BYTE;
  return CSP_NORMAL;
}

int csp_encode(const csp_tokenizer *tokenizer, const char *text, size_t byte_count, int32_t **ids, size_t *id_count,
               char *message, size_t message_capacity) {
  return guarded(message, message_capacity, [&] {
    std::vector<int> encoded;
    const auto status = tokenizer->processor.Encode(std::string_view(text, byte_count), &encoded);
    if (status.ok()) {
      *ids = copied<int32_t>(encoded.data(), encoded.size());
      *id_count = encoded.size();
    }
    return status;
  });
}

int csp_decode(const csp_tokenizer *tokenizer, const int32_t *ids, size_t id_count, char **text, size_t *byte_count,
               char *message, size_t message_capacity) {
  return guarded(message, message_capacity, [&] {
    std::string decoded;
    const auto status = tokenizer->processor.Decode(std::vector<int>(ids, ids + id_count), &decoded);
    if (status.ok()) {
      *text = copied<char>(decoded.data(), decoded.size());
      *byte_count = decoded.size();
    }
    return status;
  });
}

void csp_free(void *pointer) { std::free(pointer); }
