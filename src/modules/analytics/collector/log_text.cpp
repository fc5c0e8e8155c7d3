#include "modules/analytics/collector/log_text.h"

#include <algorithm>

#include "modules/analytics/classify/log_line.h"

namespace mainstay::analytics {

Result<LogText> LogText::unpack(std::string_view packed, std::size_t bytes_max) {
  const auto size = http::inflated_size(packed, bytes_max);
  if (!size) return refuse(size);
  LogText text;
  text.size_ = *size;
  text.inflater_ = std::make_unique<http::Inflater>(packed, bytes_max);
  return text;
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
