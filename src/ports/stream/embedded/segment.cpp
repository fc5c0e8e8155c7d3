#include "ports/stream/embedded/segment.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/hash.h"

namespace mainstay::stream::embedded {
namespace {

static_assert(std::endian::native == std::endian::little, "segment files are little-endian");

constexpr std::string_view kMagic = "MSSTRM01";
constexpr std::size_t kChecksumBytes = 4;

template <class Number>
Number load(std::span<const std::byte> bytes, std::size_t at) {
  Number number{};
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

template <class Number>
void store(char* at, Number number) {
  std::memcpy(at, &number, sizeof number);
}

bool is_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

struct FrameHeader {
  std::uint32_t checksum, length;
  Offset offset;
  std::int64_t appended_at;
  std::uint32_t place;
};

FrameHeader load_frame_header(std::span<const std::byte> bytes) {
  return {.checksum = load<std::uint32_t>(bytes, 0),
          .length = load<std::uint32_t>(bytes, 4),
          .offset = load<Offset>(bytes, 8),
          .appended_at = load<std::int64_t>(bytes, 16),
          .place = load<std::uint32_t>(bytes, 24)};
}

constexpr std::size_t kOffsetPosition = 8;  ///< of the offset within a frame

}  // namespace

void append_header(std::string& out, const SegmentHeader& header) {
  const std::size_t start = out.size();
  out.resize(start + kSegmentHeaderBytes);
  char* const at = out.data() + start;
  std::memcpy(at, kMagic.data(), kMagic.size());
  store(at + 8, header.base);
  store(at + 16, to_micros(header.created_at));
  store(at + 24, header.seed);
  store(at + 28, crc32c(std::as_bytes(std::span(at, 28))));
}

std::optional<SegmentHeader> parse_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return std::nullopt;
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  if (crc32c(bytes.first(28)) != load<std::uint32_t>(bytes, 28)) return std::nullopt;
  const SegmentHeader header{.base = load<Offset>(bytes, 8),
                             .created_at = from_micros(load<std::int64_t>(bytes, 16)),
                             .seed = load<std::uint32_t>(bytes, 24)};
  if (header.base == 0) return std::nullopt;
  return header;
}

void append_frame(std::string& out, const Frame& frame, std::uint32_t seed) {
  const std::size_t start = out.size();
  out.resize(start + kFrameHeaderBytes);
  out.append(frame.record);
  char* const at = out.data() + start;
  store(at + 4, static_cast<std::uint32_t>(frame.record.size()));
  store(at + 8, frame.offset);
  store(at + 16, to_micros(frame.appended_at));
  store(at + 24, static_cast<std::uint32_t>(frame.offset - 1 - frame.durable_before));
  store(at, crc32c(std::as_bytes(std::span(at + kChecksumBytes, frame.size() - kChecksumBytes)), seed));
}

Parsed parse_frame(std::span<const std::byte> bytes, std::uint32_t seed) {
  using State = Parsed::State;
  if (bytes.size() < kFrameHeaderBytes) {
    return {.state = is_zero(bytes) ? State::kEmpty : State::kShort, .wanted = kFrameHeaderBytes};
  }
  const FrameHeader header = load_frame_header(bytes);
  if (header.offset == 0) return {.state = is_zero(bytes.first(kFrameHeaderBytes)) ? State::kEmpty : State::kBroken};
  if (header.length > kRecordBytesMax || header.place >= header.offset) return {};
  const std::size_t size = kFrameHeaderBytes + header.length;
  if (bytes.size() < size) return {.state = State::kShort, .wanted = size};
  const auto checked = bytes.subspan(kChecksumBytes, size - kChecksumBytes);
  if (crc32c(checked, seed) != header.checksum) return {};
  const auto record = bytes.subspan(kFrameHeaderBytes, header.length);
  return {.state = State::kWhole,
          .frame = {.offset = header.offset,
                    .appended_at = from_micros(header.appended_at),
                    .durable_before = header.offset - 1 - header.place,
                    .record = {std::bit_cast<const char*>(record.data()), record.size()}}};
}

std::optional<Found> find_frame(std::span<const std::byte> bytes, std::size_t from, Offset offset, std::uint32_t seed) {
  // More records than this cannot stand between here and the end, so any other offset is chance.
  const Offset span = bytes.size() / kFrameHeaderBytes;
  const Offset highest = offset > std::numeric_limits<Offset>::max() - span ? offset : offset + span;
  for (std::size_t at = from; at + kFrameHeaderBytes <= bytes.size(); ++at) {
    const auto candidate = load<Offset>(bytes, at + kOffsetPosition);
    if (candidate < offset || candidate > highest) continue;
    const Parsed parsed = parse_frame(bytes.subspan(at), seed);
    if (parsed.state == Parsed::State::kWhole) return Found{.position = at, .frame = parsed.frame};
  }
  return std::nullopt;
}

namespace {

/// Whether a record from `lost` on was acknowledged although no frame of it can be read at `from`.
bool acknowledged_records_follow(std::span<const std::byte> bytes, std::size_t from, Offset lost, std::uint32_t seed) {
  for (auto found = find_frame(bytes, from, lost, seed); found;
       found = find_frame(bytes, found->position + found->frame.size(), lost, seed)) {
    if (found->frame.durable_before >= lost) return true;
  }
  return false;
}

}  // namespace

Scan scan(std::span<const std::byte> bytes, const SegmentHeader& header, std::size_t from, Offset next) {
  Scan result{.position = std::min(from, bytes.size()), .next = next};
  for (;;) {
    const auto rest = bytes.subspan(result.position);
    const Parsed parsed = parse_frame(rest, header.seed);
    if (parsed.state == Parsed::State::kWhole && parsed.frame.offset == result.next) {
      result.position += parsed.frame.size();
      ++result.next;
      continue;
    }
    if (acknowledged_records_follow(bytes, result.position, result.next, header.seed)) {
      result.end = Scan::End::kDamaged;
    } else if (!is_zero(rest)) {
      result.end = Scan::End::kTorn;
    }
    return result;
  }
}

}  // namespace mainstay::stream::embedded
