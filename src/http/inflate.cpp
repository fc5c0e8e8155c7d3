#include "http/inflate.h"

#include <zlib.h>

#include <new>

namespace mainstay::http {

namespace {

constexpr int kGzipOrZlib = 15 + 32;  ///< window bits of inflateInit2: detect the header
constexpr int kGzipOut = 15 + 16;
constexpr int kBareDeflate = -15;
constexpr std::size_t kStep = 16 << 10;

struct Inflater {
  z_stream stream{};
  explicit Inflater(int window_bits) {
    if (inflateInit2(&stream, window_bits) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

/// zlib takes its input as mutable but does not change it.
Bytef* input_of(std::string_view bytes) {
  const void* begin = bytes.data();
  return static_cast<Bytef*>(const_cast<void*>(begin));
}

Bytef* output_of(std::string& text, std::size_t at) {
  void* begin = text.data() + at;
  return static_cast<Bytef*>(begin);
}

std::unexpected<Failure> broken() {
  return refuse(Refusal::kInvalid, "http.bad_encoding", "The compressed body is broken.");
}

bool is_gzip(std::string_view bytes) { return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b'; }

/// RFC 1950 §2.2: method 8, and the first two bytes are a multiple of 31.
bool is_zlib(std::string_view bytes) {
  if (bytes.size() < 2 || (bytes[0] & 0x0f) != 8) return false;
  return ((static_cast<unsigned char>(bytes[0]) << 8) + static_cast<unsigned char>(bytes[1])) % 31 == 0;
}

}  // namespace

Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max) {
  std::string out;
  if (bytes.size() > UINT32_MAX) return refuse(Refusal::kInvalid, "http.body_too_large", "The body is too large.");
  Inflater inflater(is_gzip(bytes) || is_zlib(bytes) ? kGzipOrZlib : kBareDeflate);
  auto& stream = inflater.stream;
  stream.next_in = input_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  while (true) {
    const auto before = out.size();
    out.resize(before + kStep);
    stream.next_out = output_of(out, before);
    stream.avail_out = kStep;
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.resize(before + kStep - stream.avail_out);
    if (out.size() > bytes_max) {
      return refuse(Refusal::kInvalid, "http.body_too_large", "The body is too large once it is inflated.");
    }
    const auto consumed = bytes.size() - stream.avail_in;
    if (out.size() > kInflateRatioFrom && out.size() / (consumed + 1) > kInflateRatioMax) {
      return refuse(Refusal::kInvalid, "http.compression_bomb", "The body grows beyond reason when it is inflated.");
    }
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) return out;
      if (!is_gzip(bytes.substr(consumed)) || inflateReset(&stream) != Z_OK) return broken();
      continue;
    }
    if (status != Z_OK) return broken();  // also Z_BUF_ERROR: the input ended too early
  }
}

std::string gzip(std::string_view bytes, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipOut, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = input_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = output_of(out, 0);
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace mainstay::http
