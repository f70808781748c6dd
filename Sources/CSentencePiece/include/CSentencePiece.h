#ifndef CSENTENCEPIECE_H
#define CSENTENCEPIECE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// libsentencepiece is C++: these functions keep its classes, strings, statuses and exceptions on their side.

typedef struct csp_tokenizer csp_tokenizer;

enum csp_kind {
  CSP_NORMAL = 0,
  CSP_UNKNOWN = 1,
  CSP_CONTROL = 2,
  CSP_UNUSED = 3,
  CSP_BYTE = 4,
};

// A tokenizer made from the bytes of a model file, or NULL with the reason in `message` (NUL-terminated).
// Bytes and not a path, so that the caller says what is wrong with a file.
csp_tokenizer *csp_create(const void *bytes, size_t count, char *message, size_t message_capacity);

void csp_destroy(csp_tokenizer *tokenizer);

int32_t csp_vocabulary_size(const csp_tokenizer *tokenizer);

// The id of a piece, or −1 if no piece is spelled so; the library would answer the id of <unk>.
int32_t csp_piece_id(const csp_tokenizer *tokenizer, const char *piece);

// The spelling of a piece, valid as long as the tokenizer; `id` is within the vocabulary.
const char *csp_piece(const csp_tokenizer *tokenizer, int32_t id, size_t *byte_count);

enum csp_kind csp_kind(const csp_tokenizer *tokenizer, int32_t id);

// Encodes `text`. On success (0), `*ids` is to be given to csp_free; otherwise `message` holds the reason.
int csp_encode(const csp_tokenizer *tokenizer, const char *text, size_t byte_count, int32_t **ids, size_t *id_count,
               char *message, size_t message_capacity);

// Decodes `ids`, all within the vocabulary. On success (0), `*text` (UTF-8, not NUL-terminated) is to be given to
// csp_free; otherwise `message` holds the reason.
int csp_decode(const csp_tokenizer *tokenizer, const int32_t *ids, size_t id_count, char **text, size_t *byte_count,
               char *message, size_t message_capacity);

void csp_free(void *pointer);

#ifdef __cplusplus
}
#endif

#endif
