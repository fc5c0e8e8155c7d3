#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "ports/stream/stream.h"

/// The bytes of a segment file. All numbers are little-endian.
///
///     header (32)  magic "MSSTRM01" · base offset u64 · created_at i64 µs · seed u32 · CRC-32C of the 28 bytes before
///     frame (28+n) CRC-32C u32 of all that follows, begun with the seed · n u32 · offset u64 · appended_at i64 µs ·
///                  place u32 · record (n)
///     then zeros, where space is reserved
///
/// `place` counts the frames before this one that were made durable by the same fdatasync. So a frame says which
/// records were durable before it was written (`durable_before`), and a reader can tell a torn end, which was never
/// acknowledged, from damage to acknowledged records. The seed is random: nobody can put bytes into a record
/// that look like a frame.
namespace mainstay::stream::embedded {

inline constexpr std::size_t kSegmentHeaderBytes = 32;
inline constexpr std::size_t kFrameHeaderBytes = 28;

struct SegmentHeader {
  Offset base = 0;  ///< offset of the first record
  Instant created_at;
  std::uint32_t seed = 0;
};

struct Frame {
  Offset offset = 0;
  Instant appended_at;
  Offset durable_before = 0;  ///< all records up to this one were durable before this frame was written; < offset
  std::string_view record;
  [[nodiscard]] std::size_t size() const { return kFrameHeaderBytes + record.size(); }
};

void append_header(std::string& out, const SegmentHeader& header);
/// Nothing when the bytes are too few or not a header.
[[nodiscard]] std::optional<SegmentHeader> parse_header(std::span<const std::byte> bytes);

void append_frame(std::string& out, const Frame& frame, std::uint32_t seed);

struct Parsed {
  enum class State {
    kWhole,  ///< `frame` is there; its record points into the bytes
    kShort,  ///< `wanted` bytes are needed to say more
    kEmpty,  ///< a header of zeros: nothing was written here
    kBroken
  };
  State state = State::kBroken;
  Frame frame{};
  std::size_t wanted = 0;
};
/// Looks at the frame at the start of `bytes`, whatever its offset is.
[[nodiscard]] Parsed parse_frame(std::span<const std::byte> bytes, std::uint32_t seed);

/// The first whole frame at or after `from` with an offset of at least `offset`, and where it begins.
struct Found {
  std::size_t position = 0;
  Frame frame{};
};
[[nodiscard]] std::optional<Found> find_frame(std::span<const std::byte> bytes, std::size_t from, Offset offset,
                                              std::uint32_t seed);

/// How far a segment's frames go from position `from`, where the frame with offset `next` should be.
struct Scan {
  enum class End {
    kClean,   ///< the file ends there, or zeros follow
    kTorn,    ///< bytes follow that were never acknowledged
    kDamaged  ///< acknowledged records follow that cannot be reached
  };
  End end = End::kClean;
  std::size_t position = 0;  ///< behind the last whole frame
  Offset next = 0;           ///< offset of the frame that would follow
};
[[nodiscard]] Scan scan(std::span<const std::byte> bytes, const SegmentHeader& header, std::size_t from, Offset next);

}  // namespace mainstay::stream::embedded
