#pragma once

#include <string>
#include <string_view>

#include "base/failure.h"

/// Compressed bodies (RFC 9110 §8.4.1). Both functions block for about 10 ms a megabyte of text: on an I/O thread only
/// for what is small, otherwise on a BlockingPool.
namespace mainstay::http {

/// More than this from one byte is no text but a bomb (what deflate can do at most is 1032).
inline constexpr std::size_t kInflateRatioMax = 500;
/// Below this much output the ratio is not looked at: a short repetitive text is harmless.
inline constexpr std::size_t kInflateRatioFrom = 1 << 20;

/// Inflates a gzip (RFC 1952, several members allowed), zlib (RFC 1950) or bare deflate (RFC 1951) body.
/// Refuses kInvalid `http.body_too_large` when more than `bytes_max` come out, `http.compression_bomb` when the
/// ratio is absurd, `http.bad_encoding` when the input is broken, cut off, or followed by something else.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max);

/// Compresses to gzip; `level` 1 (fast) to 9 (small).
[[nodiscard]] std::string gzip(std::string_view bytes, int level);

}  // namespace mainstay::http
