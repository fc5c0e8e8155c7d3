#include "ports/stream/embedded/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <vector>

#include "base/log.h"
#include "runtime/scheduling.h"

namespace mainstay::stream::embedded {
namespace {

constexpr std::size_t kLingerFrom = 4;  ///< records in the last group
constexpr std::chrono::microseconds kLinger{20};

constexpr std::size_t kGroupBytesMax = 4 << 20;
constexpr std::size_t kIdleBufferBytes = 1 << 20;
constexpr std::uint64_t kGrowthMin = 1 << 20;
constexpr std::uint64_t kGrowthMax = 4 << 20;

}  // namespace

Writer::Writer(const Options& options, Disk& disk, Segments& segments, Tail tail,
               std::function<void(Offset)> on_durable)
    : options_(options),
      disk_(disk),
      segments_(segments),
      on_durable_(std::move(on_durable)),
      tail_(std::move(tail)),
      spare_(options_, disk) {
  if (options_.metrics != nullptr) {
    records_total_ = &options_.metrics->counter("mainstay_stream_records_total", "Records made durable.");
    sync_seconds_ = &options_.metrics->histogram("mainstay_stream_sync_seconds", "Write and fdatasync of a group.");
  }
  thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Writer::admit(std::size_t bytes) {
  const std::uint64_t size = bytes + kFrameHeaderBytes;
  const std::scoped_lock lock(mutex_);
  if (waiting_records_ >= options_.waiting_records_max) return false;
  // A record larger than the whole allowance may go alone.
  if (waiting_records_ > 0 && waiting_bytes_ + size > options_.waiting_bytes_max) return false;
  if (segments_.bytes() + waiting_bytes_ + size > options_.bytes_max) return false;
  ++waiting_records_;
  waiting_bytes_ += size;
  return true;
}

void Writer::push(Waiter& waiter) {
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    (last_ == nullptr ? first_ : last_->next) = &waiter;
    last_ = &waiter;
    wake = std::exchange(asleep_, false);
  }
  if (wake) wake_.notify_one();
}

void Writer::roll() {
  {
    const std::scoped_lock lock(mutex_);
    roll_ = true;
  }
  wake_.notify_one();
}

/// Nothing at the end.
Writer::Work Writer::take_all() {
  std::unique_lock lock(mutex_);
  asleep_ = true;
  wake_.wait(lock, [this] { return stopping_ || roll_ || first_ != nullptr; });
  asleep_ = false;
  last_ = nullptr;
  return {.waiting = std::exchange(first_, nullptr), .roll = std::exchange(roll_, false)};
}

void Writer::run() {
  become_urgent_thread("stream-writer");
  for (auto work = take_all(); work.waiting != nullptr || work.roll; work = take_all()) {
    if (work.roll) roll_now();
    Waiter* waiting = work.waiting;
    while (waiting != nullptr) waiting = commit_group(waiting);
    // Many are writing, so more is about to come: staying awake for a moment spares sleeping and being woken.
    if (last_group_records_ >= kLingerFrom) linger();
    if (buffer_.capacity() > kIdleBufferBytes) std::string().swap(buffer_);
  }
  // Give back what was reserved. A failure costs only space: opening cuts it as well.
  if (!distrusted_) (void)disk_.truncate(tail_.file, tail_.position);
}

void Writer::linger() {
  const auto until = std::chrono::steady_clock::now() + kLinger;
  while (std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
    const std::scoped_lock lock(mutex_);
    if (waiting_records_ >= last_group_records_) return;
  }
}

Waiter* Writer::commit_group(Waiter* first) {
  const auto started = options_.clock->monotonic();
  Group group;
  const auto error = make_durable(first, group);
  note(error);
  if (error) {
    answer(group, std::make_shared<const std::string>("the stream's disk refuses: " + error.message()));
    return group.end;
  }
  if (sync_seconds_ != nullptr) {
    sync_seconds_->observe(static_cast<double>((options_.clock->monotonic() - started).count()) / 1e6);
    records_total_->add(group.records);
  }
  last_group_records_ = group.records;
  on_durable_(tail_.next - 1);
  answer(group, nullptr);
  return group.end;
}

std::error_code Writer::make_durable(Waiter* first, Group& group) {
  const std::uint64_t size = first->record.size() + kFrameHeaderBytes;
  std::error_code error;
  if (!distrusted_ && !is_full(size) && !tail_.prepared && spare_.is_ready()) roll_now();
  if (distrusted_ || is_full(size)) error = start_segment();
  group = encode(first);
  if (error) return error;
  const std::uint64_t end = tail_.position + buffer_.size();
  error = reserve(end);
  if (!error) error = disk_.write(tail_.file, std::as_bytes(std::span(buffer_)), tail_.position);
  if (!error) {
    error = disk_.sync(tail_.file);
    // What the kernel holds of the file may now differ from the disk and be called clean. Never ask again.
    if (error) distrusted_ = true;
  }
  if (error) {
    abandon_tail();
    return error;
  }
  segments_.count_bytes(buffer_.size());
  tail_.segment->bytes.store(end, std::memory_order_release);
  tail_.position = end;
  tail_.next += group.records;
  prepare_next();
  return {};
}

bool Writer::is_full(std::uint64_t size) const {
  return tail_.position > kSegmentHeaderBytes && tail_.position + size > options_.segment_bytes;
}

void Writer::prepare_next() {
  if (spare_wanted_ || tail_.position < options_.spare_from || options_.spare_from >= options_.segment_bytes) return;
  spare_wanted_ = true;
  spare_.want();
}

Writer::Group Writer::encode(Waiter* first) {
  buffer_.clear();
  const Instant now = options_.clock->now();
  const Offset durable = tail_.next - 1;
  const std::uint64_t left = options_.segment_bytes - std::min(options_.segment_bytes, tail_.position);
  const std::size_t room = std::min<std::uint64_t>(kGroupBytesMax, left);
  Group group{.first = first, .end = first};
  do {
    Waiter& waiter = *group.end;
    waiter.offset = durable + ++group.records;
    append_frame(buffer_,
                 {.offset = waiter.offset, .appended_at = now, .durable_before = durable, .record = waiter.record},
                 tail_.segment->header.seed);
    group.end = waiter.next;
  } while (group.end != nullptr && buffer_.size() + kFrameHeaderBytes + group.end->record.size() <= room);
  return group;
}

/// Without room for another file the old one goes on.
void Writer::roll_now() {
  if (!distrusted_ && tail_.position == kSegmentHeaderBytes) return;
  const auto error = start_segment();
  if (error && !roll_failing_) {
    log::warning("cannot begin another stream segment; it is tried again", {{"error", error.message()}});
  }
  roll_failing_ = static_cast<bool>(error);
}

std::error_code Writer::start_segment() {
  // Readers rely on the file's end only until the next segment begins, so a failure here costs only space.
  if (!distrusted_) (void)disk_.truncate(tail_.file, tail_.position);
  tail_.reserved = tail_.position;
  tail_.prepared = false;
  spare_wanted_ = false;
  if (const auto error = create_segment(options_, disk_, tail_.next, tail_, &spare_)) {
    // The new name may be on the disk already. What the old file got from now on would be looked for in the new one.
    distrusted_ = distrusted_ || has_segment(options_, tail_.next);
    return error;
  }
  segments_.add(tail_.segment);
  distrusted_ = false;
  return {};
}

std::error_code Writer::reserve(std::uint64_t end) {
  if (end <= tail_.reserved) return {};
  const std::uint64_t step = std::clamp(tail_.position, kGrowthMin, kGrowthMax);
  const std::uint64_t wanted = std::max(end, std::min(tail_.position + step, options_.segment_bytes));
  std::error_code error = disk_.reserve(tail_.file, tail_.reserved, wanted - tail_.reserved);
  if (!error) {
    tail_.reserved = wanted;
  } else if (wanted > end) {  // the disk is nearly full: take only what is needed
    error = disk_.reserve(tail_.file, tail_.reserved, end - tail_.reserved);
    if (!error) tail_.reserved = end;
  }
  return error;
}

void Writer::abandon_tail() {
  // Frames that were refused must not stand there when later ones are written over their beginning.
  if (disk_.truncate(tail_.file, tail_.position)) distrusted_ = true;
  tail_.reserved = tail_.position;
  tail_.prepared = false;
}

void Writer::note(std::error_code error) {
  const bool was_failing = std::exchange(failing_, static_cast<bool>(error));
  if (error && !was_failing) {
    log::error("the stream's disk refuses; appends fail until it recovers",
               {{"folder", options_.folder.string()}, {"error", error.message()}});
  } else if (!error && was_failing) {
    log::info("the stream's disk accepts again", {{"folder", options_.folder.string()}});
  }
}

void Writer::answer(const Group& group, const std::shared_ptr<const std::string>& outage) {
  struct Batch {
    Executor executor;
    std::vector<Waiter::Resume> resumes;
  };
  std::vector<Batch> batches;
  std::size_t records = 0;
  std::size_t bytes = 0;
  for (Waiter* waiter = group.first; waiter != group.end;) {
    ++records;
    bytes += waiter->record.size() + kFrameHeaderBytes;
    waiter->outage = outage;
    auto batch = std::find_if(batches.begin(), batches.end(),
                              [waiter](const Batch& each) { return each.executor == waiter->executor; });
    if (batch == batches.end()) batch = batches.insert(batch, Batch{.executor = waiter->executor});
    batch->resumes.push_back(std::move(*waiter->resume));
    waiter = waiter->next;
  }
  {
    const std::scoped_lock lock(mutex_);
    waiting_records_ -= records;
    waiting_bytes_ -= bytes;
  }
  // From here on the waiters are gone. One post wakes all of an executor: that is what makes an append cheap.
  for (auto& batch : batches) {
    boost::asio::post(batch.executor, [resumes = std::move(batch.resumes)]() mutable {
      for (auto& resume : resumes) std::move(resume)();
    });
  }
}

}  // namespace mainstay::stream::embedded
