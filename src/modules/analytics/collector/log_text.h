#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/failure.h"
#include "http/inflate.h"

namespace mainstay::analytics {

/// The lines of a log as somebody sent them, given out piece by piece: what is packed is never unpacked as a whole.
/// Does not own what was sent. Not thread-safe.
class LogText {
 public:
  /// Of which a piece is made, and so the memory that packed lines take; a little more, up to the end of a line.
  static constexpr std::size_t kPieceBytes = 256 << 10;

  /// Lines as they are.
  LogText(std::convertible_to<std::string_view> auto const& plain) : plain_(plain), size_(plain_.size()) {}
  /// Lines packed by gzip, up to `bytes_max` of them. Unpacks them once to see that they are whole, so that nothing of
  /// what is broken is taken. Refuses as `http::gunzip` does.
  [[nodiscard]] static Result<LogText> unpack(std::string_view packed, std::size_t bytes_max);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Of all the lines, packed or not: their length and CRC-32C. Before the first `next`.
  [[nodiscard]] std::uint64_t fingerprint() const;
  /// The next whole lines, "" at the end; they hold until the next call. Of a packed line that is longer than a piece
  /// as much comes as makes it too long to be read.
  [[nodiscard]] std::string_view next();

 private:
  LogText() = default;
  [[nodiscard]] std::string_view next_unpacked();

  std::string_view plain_;
  std::size_t size_ = 0;
  std::uint32_t crc_ = 0;  ///< of packed lines
  std::unique_ptr<http::Inflater> inflater_;
  std::string unpacked_;
  std::size_t given_ = 0;  ///< of `unpacked_`
};

}  // namespace mainstay::analytics
