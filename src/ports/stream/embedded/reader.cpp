#include "ports/stream/embedded/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/log.h"

namespace mainstay::stream::embedded {
namespace {

constexpr std::size_t kWindowBytes = 256 << 10;
constexpr std::size_t kIdleWindowBytes = 1 << 20;

}  // namespace

std::vector<Record> Reader::read(Offset after, std::size_t records_max, std::size_t bytes_max, Offset durable) {
  if (!segment_ || next_ != after + 1) seek(after + 1);
  std::vector<Record> records;
  std::size_t bytes = 0;
  while (records.size() < records_max && next_ <= durable) {
    const auto found = frame();
    if (!found) continue;
    if (!records.empty() && bytes + found->record.size() > bytes_max) break;
    bytes += found->record.size();
    records.push_back(
        {.offset = found->offset, .appended_at = found->appended_at, .bytes = std::string(found->record)});
    position_ += found->size();
    ++next_;
    if (bytes >= bytes_max) break;
  }
  if (window_.capacity() > kIdleWindowBytes) std::vector<std::byte>().swap(window_);
  return records;
}

void Reader::seek(Offset offset) {
  enter(segments_.holding(offset));
  while (next_ < offset) {
    if (const auto passed = frame()) {
      position_ += passed->size();
      ++next_;
    }
  }
}

void Reader::enter(std::shared_ptr<Segment> segment) {
  segment_.reset();  // stays unset when the file cannot be opened
  file_ = open_to_read(segment->path);
  position_ = kSegmentHeaderBytes;
  next_ = segment->header.base;
  window_.clear();
  const auto following = segments_.after(*segment);
  limit_ = following ? following->header.base : std::numeric_limits<Offset>::max();
  segment_ = std::move(segment);
}

std::optional<Frame> Reader::frame() {
  if (next_ < limit_) {
    const auto parsed = parse();
    if (parsed.state == Parsed::State::kWhole && parsed.frame.offset == next_) return parsed.frame;
  }
  if (auto following = segments_.after(*segment_); following && following->header.base <= next_) {
    enter(std::move(following));
  } else {
    step_over_damage();
  }
  return std::nullopt;
}

Parsed Reader::parse() {
  for (std::size_t wanted = kFrameHeaderBytes;;) {
    const std::uint64_t behind = position_ - window_position_;
    const bool inside = position_ >= window_position_ && behind <= window_.size();
    const auto rest = inside ? std::span<const std::byte>(window_).subspan(behind) : std::span<const std::byte>{};
    if (rest.size() >= wanted) {
      const auto parsed = parse_frame(rest, segment_->header.seed);
      if (parsed.state != Parsed::State::kShort || parsed.wanted <= wanted) return parsed;
      wanted = parsed.wanted;
      if (rest.size() >= wanted) continue;
    }
    const std::uint64_t end = segment_->bytes.load(std::memory_order_acquire);
    if (position_ + wanted > end) return {};
    fill(wanted);
    if (window_.size() < wanted) return {};
  }
}

void Reader::fill(std::size_t wanted) {
  const std::uint64_t left = segment_->bytes.load(std::memory_order_acquire) - position_;
  window_.resize(std::min<std::uint64_t>(std::max(wanted, kWindowBytes), left));
  window_position_ = position_;
  window_.resize(read_at(file_, window_, position_));
}

void Reader::step_over_damage() {
  const auto segment = segment_;
  const auto message =
      fmt::format("the stream segment {} is damaged at byte {}, record {}", segment->path.string(), position_, next_);
  if (on_damage_ == OnDamage::kRefuse) {
    segment_.reset();
    throw Unavailable(message);
  }
  const auto following = segments_.after(*segment);
  const Mapping mapping(segment->path);
  const auto bytes = mapping.bytes().first(std::min<std::size_t>(segment->bytes, mapping.bytes().size()));
  const auto found = find_frame(bytes, position_, next_, segment->header.seed);
  const bool usable = found && (!following || found->frame.offset < following->header.base);
  if (usable) {
    position_ = found->position;
    next_ = found->frame.offset;
  } else if (following) {
    enter(following);
  } else {
    position_ = segment->bytes;
    ++next_;  // nothing behind it can be read: the caller's limit ends this
  }
  log::error(message, {{"skipped_to_record", fmt::format("{}", next_)}});
}

}  // namespace mainstay::stream::embedded
