#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ports/stream/embedded/segment.h"

namespace {

using namespace mainstay::stream;
using namespace mainstay::stream::embedded;

/// Looks at bytes as opening and salvage do: no crash, and no record outside of them.
void look_at(std::span<const std::byte> bytes) {
  const auto header = parse_header(bytes).value_or(SegmentHeader{.base = 1, .created_at = {}, .seed = 0});
  const auto result = scan(bytes, header, kSegmentHeaderBytes, header.base);
  if (result.position > bytes.size() || result.next < header.base) __builtin_trap();
  for (auto found = find_frame(bytes, 0, 1, header.seed); found;
       found = find_frame(bytes, found->position + 1, 1, header.seed)) {
    if (found->position + found->frame.size() > bytes.size()) __builtin_trap();
    if (found->frame.durable_before >= found->frame.offset) __builtin_trap();
  }
}

/// A whole segment with a frame for each of the first `frames` input bytes, then damaged as the others say: chance
/// alone never finds a right checksum.
std::string damaged_segment(std::span<const std::uint8_t> data, std::size_t frames) {
  std::string segment;
  append_header(segment, {.base = 5, .created_at = {}, .seed = 9});
  for (std::size_t i = 0; i < frames; ++i) {
    const Offset offset = 5 + i;
    append_frame(segment,
                 {.offset = offset,
                  .appended_at = {},
                  .durable_before = offset - 1 - i % 3,
                  .record = std::string(data[i], 'r')},
                 9);
  }
  for (std::size_t i = frames; i + 2 < data.size(); i += 3) {
    const std::size_t at = (data[i] * std::size_t{256} + data[i + 1]) % segment.size();
    if (data[i + 2] == 0) {
      segment.resize(at + 1);
    } else {
      segment[at] = static_cast<char>(segment[at] ^ data[i + 2]);
    }
  }
  return segment;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span input(data, size);
  look_at(std::as_bytes(input));
  if (size > 1) {
    const auto rest = input.subspan(1);
    const std::string segment = damaged_segment(rest, std::min<std::size_t>(data[0] % 16, rest.size()));
    look_at(std::as_bytes(std::span(segment)));
  }
  return 0;
}
