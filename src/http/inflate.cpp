#include "http/inflate.h"

#include <zlib.h>

#include <new>

namespace mainstay::http {

namespace {

constexpr int kGzipOrZlib = 15 + 32;  ///< window bits of inflateInit2: detect the header
constexpr int kGzipOut = 15 + 16;
constexpr int kBareDeflate = -15;
constexpr std::size_t kStep = 16 << 10;

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

Inflater::Inflater(std::string_view bytes, std::size_t bytes_max)
    : bytes_(bytes), bytes_max_(bytes_max), stream_(std::make_unique<z_stream>()) {
  const int window_bits = is_gzip(bytes) || is_zlib(bytes) ? kGzipOrZlib : kBareDeflate;
  if (inflateInit2(stream_.get(), window_bits) != Z_OK) throw std::bad_alloc();
  stream_->next_in = input_of(bytes);
  stream_->avail_in = static_cast<uInt>(bytes.size());
}

Inflater::~Inflater() { inflateEnd(stream_.get()); }

Result<std::size_t> Inflater::read(std::string& out) {
  const auto before = out.size();
  while (!ended_ && out.size() == before) {
    if (const auto stepped = step(out); !stepped) return refuse(stepped);
  }
  return out.size() - before;
}

Result<> Inflater::step(std::string& out) {
  if (bytes_.size() > UINT32_MAX) return refuse(Refusal::kInvalid, "http.body_too_large", "The body is too large.");
  const auto before = out.size();
  out.resize(before + kStep);
  stream_->next_out = output_of(out, before);
  stream_->avail_out = kStep;
  const int status = inflate(stream_.get(), Z_NO_FLUSH);
  out.resize(before + kStep - stream_->avail_out);
  given_ += out.size() - before;
  if (given_ > bytes_max_) {
    return refuse(Refusal::kInvalid, "http.body_too_large", "The body is too large once it is inflated.");
  }
  const auto consumed = bytes_.size() - stream_->avail_in;
  if (given_ > kInflateRatioFrom && given_ / (consumed + 1) > kInflateRatioMax) {
    return refuse(Refusal::kInvalid, "http.compression_bomb", "The body grows beyond reason when it is inflated.");
  }
  if (status == Z_STREAM_END) {
    ended_ = stream_->avail_in == 0;
    if (ended_ || (is_gzip(bytes_.substr(consumed)) && inflateReset(stream_.get()) == Z_OK)) return {};
  } else if (status == Z_OK) {
    return {};
  }
  return broken();  // also Z_BUF_ERROR: the input ended too early
}

Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max) {
  Inflater inflater(bytes, bytes_max);
  std::string out;
  while (true) {
    const auto got = inflater.read(out);
    if (!got) return refuse(got);
    if (*got == 0) return out;
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
