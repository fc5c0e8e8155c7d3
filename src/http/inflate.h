#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/failure.h"

struct z_stream_s;  // NOLINT(readability-identifier-naming): zlib named it

/// Compressed bodies (RFC 9110 §8.4.1). All of it blocks for about 10 ms a megabyte of text: on an I/O thread only
/// for what is small, otherwise on a BlockingPool.
namespace mainstay::http {

/// More than this from one byte is no text but a bomb (what deflate can do at most is 1032).
inline constexpr std::size_t kInflateRatioMax = 500;
/// Below this much output the ratio is not looked at: a short repetitive text is harmless.
inline constexpr std::size_t kInflateRatioFrom = 1 << 20;

/// Inflates a gzip (RFC 1952, several members allowed), zlib (RFC 1950) or bare deflate (RFC 1951) body step by step,
/// in the same little memory however much comes out. Not thread-safe.
class Inflater {
 public:
  /// `bytes` outlive this.
  Inflater(std::string_view bytes, std::size_t bytes_max);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Appends the next few kilobytes to `out` and says how many; 0 at the end. Refuses as `gunzip` does.
  [[nodiscard]] Result<std::size_t> read(std::string& out);

 private:
  [[nodiscard]] Result<> step(std::string& out);
  std::string_view bytes_;
  std::size_t bytes_max_;
  std::size_t given_ = 0;
  bool ended_ = false;
  std::unique_ptr<z_stream_s> stream_;
};

/// Inflates a whole body.
/// Refuses kInvalid `http.body_too_large` when more than `bytes_max` come out, `http.compression_bomb` when the
/// ratio is absurd, `http.bad_encoding` when the input is broken, cut off, or followed by something else.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max);

/// Compresses to gzip; `level` 1 (fast) to 9 (small).
[[nodiscard]] std::string gzip(std::string_view bytes, int level);

}  // namespace mainstay::http
