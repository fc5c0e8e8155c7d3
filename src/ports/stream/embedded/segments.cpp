#include "ports/stream/embedded/segments.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"

namespace mainstay::stream::embedded {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr const char* kUnfinished = "segment.new";
constexpr std::size_t kDigits = 20;

std::uint32_t random_seed() {
  std::uint32_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) throw Unavailable("the kernel has no randomness to give");
  return seed;
}

void check(std::error_code error, std::string_view what, const std::filesystem::path& path) {
  if (error) throw Unavailable(fmt::format("{} {}: {}", what, path.string(), error.message()));
}

/// The base offset in a file's name; 0 when it is not a segment's name.
Offset base_of(const std::string& name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return 0;
  return parse_number<Offset>(std::string_view(name).substr(0, kDigits)).value_or(0);
}

std::vector<Offset> list_bases(const std::filesystem::path& folder) {
  std::vector<Offset> bases;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (const Offset base = base_of(entry.path().filename().string()); base > 0) bases.push_back(base);
  }
  std::sort(bases.begin(), bases.end());
  return bases;
}

std::filesystem::path path_of(const Options& options, Offset base) {
  return options.folder / fmt::format("{:020}{}", base, kSuffix);
}

/// The segment in a file; null when its header is damaged and damage is to be skipped.
std::shared_ptr<Segment> load_segment(const Options& options, Offset base) {
  auto segment = std::make_shared<Segment>();
  segment->path = path_of(options, base);
  std::array<std::byte, kSegmentHeaderBytes> bytes{};
  const File file = open_to_read(segment->path);
  const auto header = parse_header(std::span(bytes).first(read_at(file, bytes, 0)));
  if (!header || header->base != base) {
    const auto message = fmt::format("the stream segment {} has a damaged header", segment->path.string());
    if (options.on_damage == OnDamage::kRefuse) throw Unavailable(message);
    log::error(message + "; its records are skipped");
    return nullptr;
  }
  segment->header = *header;
  segment->bytes = std::filesystem::file_size(segment->path);
  return segment;
}

/// Where the readable frames of a segment end. Damage is refused or stepped over, as the options say.
Scan find_end(const Options& options, const Segment& segment, std::span<const std::byte> bytes) {
  auto result = scan(bytes, segment.header, kSegmentHeaderBytes, segment.header.base);
  while (result.end == Scan::End::kDamaged) {
    const auto message = fmt::format("the stream segment {} is damaged at byte {}, record {}", segment.path.string(),
                                     result.position, result.next);
    if (options.on_damage == OnDamage::kRefuse) throw Unavailable(message);
    const auto found = find_frame(bytes, result.position, result.next, segment.header.seed).value();
    log::error(message, {{"skipped_to_record", fmt::format("{}", found.frame.offset)}});
    result = scan(bytes, segment.header, found.position, found.frame.offset);
  }
  return result;
}

/// Cuts what was never acknowledged off the newest segment and opens it for writing.
Tail mend(const Options& options, Disk& disk, const std::shared_ptr<Segment>& segment) {
  Scan end;
  {
    const Mapping mapping(segment->path);
    end = find_end(options, *segment, mapping.bytes());
  }
  const std::uint64_t size = segment->bytes;
  if (end.end == Scan::End::kTorn) {
    log::warning("cut the torn end of the stream", {{"file", segment->path.string()},
                                                    {"bytes", fmt::format("{}", size - end.position)},
                                                    {"last_record", fmt::format("{}", end.next - 1)}});
  }
  Tail tail{.segment = segment,
            .file = open_to_write(segment->path),
            .position = end.position,
            .reserved = end.position,
            .next = end.next};
  check(disk.truncate(tail.file, end.position), "cannot cut", segment->path);
  check(disk.sync(tail.file), "cannot sync", segment->path);
  segment->bytes = end.position;
  return tail;
}

}  // namespace

bool is_old(const Segment& segment, const Options& options) {
  // A clock that was set back far must not keep it young for ever.
  const auto age = options.clock->now() - segment.header.created_at;
  return segment.bytes > kSegmentHeaderBytes && std::chrono::abs(age) >= options.segment_age;
}

void Segments::add(std::shared_ptr<Segment> segment) {
  Offset forgotten = 0;
  {
    const std::scoped_lock lock(mutex_);
    count_bytes(segment->bytes);
    if (!list_.empty() && list_.back()->header.base == segment->header.base) {
      bytes_.fetch_sub(list_.back()->bytes, std::memory_order_relaxed);
      list_.pop_back();
    }
    list_.push_back(std::move(segment));
    forgotten = forgotten_;
  }
  forget_through(forgotten);
}

std::shared_ptr<Segment> Segments::newest() const {
  const std::scoped_lock lock(mutex_);
  return list_.empty() ? nullptr : list_.back();
}

std::shared_ptr<Segment> Segments::holding(Offset offset) const {
  const std::scoped_lock lock(mutex_);
  const auto above = std::upper_bound(list_.begin(), list_.end(), offset,
                                      [](Offset wanted, const auto& each) { return wanted < each->header.base; });
  return above == list_.begin() ? list_.front() : *std::prev(above);
}

std::shared_ptr<Segment> Segments::after(const Segment& segment) const {
  const std::scoped_lock lock(mutex_);
  const auto above = std::upper_bound(list_.begin(), list_.end(), segment.header.base,
                                      [](Offset base, const auto& each) { return base < each->header.base; });
  return above == list_.end() ? nullptr : *above;
}

void Segments::forget_through(Offset offset) {
  std::vector<std::shared_ptr<Segment>> forgotten;
  {
    const std::scoped_lock lock(mutex_);
    forgotten_ = std::max(forgotten_, offset);
    while (list_.size() > 1 && list_[1]->header.base <= forgotten_ + 1) {
      bytes_.fetch_sub(list_.front()->bytes, std::memory_order_relaxed);
      forgotten.push_back(list_.front());
      list_.erase(list_.begin());
    }
  }
  for (const auto& segment : forgotten) {
    std::error_code error;
    std::filesystem::remove(segment->path, error);
    if (error)
      log::warning("cannot delete a stream segment", {{"file", segment->path.string()}, {"error", error.message()}});
  }
}

std::error_code create_segment(const Options& options, Disk& disk, Offset base, Tail& tail, Spare* spare) {
  Tail made{.segment = std::make_shared<Segment>(),
            .position = kSegmentHeaderBytes,
            .reserved = kSegmentHeaderBytes,
            .next = base};
  made.segment->path = path_of(options, base);
  made.segment->header = {.base = base, .created_at = options.clock->now(), .seed = random_seed()};
  made.segment->bytes = kSegmentHeaderBytes;
  std::string header;
  append_header(header, made.segment->header);
  auto unfinished = options.folder / kUnfinished;
  if (auto file = spare != nullptr ? spare->take() : std::nullopt) {
    made.file = std::move(*file);
    made.reserved = options.segment_bytes;
    made.prepared = true;
    unfinished = spare->path();
  } else if (const auto error = disk.create(unfinished, made.file)) {
    return error;
  }
  if (const auto error = disk.write(made.file, std::as_bytes(std::span(header)), 0)) return error;
  if (const auto error = disk.sync(made.file)) return error;
  if (const auto error = disk.rename(unfinished, made.segment->path)) return error;
  if (const auto error = disk.sync_folder(options.folder)) return error;
  tail = std::move(made);
  return {};
}

bool has_segment(const Options& options, Offset base) {
  std::error_code unknown;
  return std::filesystem::exists(path_of(options, base), unknown) || unknown;
}

Tail open_segments(const Options& options, Disk& disk, Segments& segments) {
  std::error_code ignored;
  for (const auto* name : {kUnfinished, Spare::kName}) std::filesystem::remove(options.folder / name, ignored);
  Offset unused = 1;  // behind what segments with a damaged header can hold
  for (const Offset base : list_bases(options.folder)) {
    if (auto segment = load_segment(options, base)) {
      segments.add(std::move(segment));
    } else {
      unused = base + std::filesystem::file_size(path_of(options, base)) / kFrameHeaderBytes + 1;
    }
  }
  Tail tail;
  const auto newest = segments.newest();
  if (newest) tail = mend(options, disk, newest);
  const Offset next = std::max({tail.next, options.offset_floor + 1, unused});
  if (newest && next == tail.next) return tail;
  if (newest) {
    log::warning("the stream ends before what its consumer has seen; offsets go on behind that",
                 {{"last_record", fmt::format("{}", tail.next - 1)}, {"next_record", fmt::format("{}", next)}});
  }
  check(create_segment(options, disk, next, tail, nullptr), "cannot create a segment in", options.folder);
  segments.add(tail.segment);
  return tail;
}

}  // namespace mainstay::stream::embedded
