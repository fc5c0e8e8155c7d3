#include "modules/analytics/collector/log_text.h"

#include <algorithm>
#include <span>

#include "base/hash.h"
#include "modules/analytics/classify/log_line.h"

namespace mainstay::analytics {

Result<LogText> LogText::unpack(std::string_view packed, std::size_t bytes_max) {
  LogText text;
  http::Inflater inflater(packed, bytes_max);
  std::string some;
  while (true) {
    some.clear();
    const auto got = inflater.read(some);
    if (!got) return refuse(got);
    if (*got == 0) break;
    text.size_ += *got;
    text.crc_ = crc32c(std::as_bytes(std::span{some}), text.crc_);
  }
  text.inflater_ = std::make_unique<http::Inflater>(packed, bytes_max);
  return text;
}

std::uint64_t LogText::fingerprint() const {
  return std::uint64_t{size_} << 32 | (inflater_ ? crc_ : crc32c(std::as_bytes(std::span{plain_})));
}

std::string_view LogText::next() {
  if (inflater_) return next_unpacked();
  const auto piece = plain_.substr(0, plain_.find('\n', std::min(kPieceBytes, plain_.size())));
  plain_.remove_prefix(std::min(plain_.size(), piece.size() + 1));
  return piece;
}

std::string_view LogText::next_unpacked() {
  unpacked_.erase(0, given_);
  auto last = std::string::npos;
  for (bool more = true; more && last == std::string::npos;) {
    if (unpacked_.size() >= kPieceBytes) unpacked_.resize(kLogLineBytesMax + 1);
    while (more && unpacked_.size() < kPieceBytes) more = inflater_->read(unpacked_).value() > 0;
    last = unpacked_.rfind('\n');
  }
  given_ = last == std::string::npos ? unpacked_.size() : last + 1;
  return std::string_view{unpacked_}.substr(0, given_);
}

}  // namespace mainstay::analytics
