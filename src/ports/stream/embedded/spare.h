#pragma once

#include <atomic>
#include <optional>
#include <thread>

#include "ports/stream/embedded/disk.h"
#include "ports/stream/embedded/embedded.h"

namespace mainstay::stream::embedded {

/// The file of the next segment, full of zeros, written by a thread of its own. An fdatasync after writing over such
/// blocks has nothing to tell the file system's journal; over blocks that were only reserved it waits for the journal,
/// and so for whatever others have just written. One thread calls; the file's making is on another.
class Spare {
 public:
  static constexpr const char* kName = "segment.spare";

  Spare(const Options& options, Disk& disk) : options_(options), disk_(disk) {}
  /// Deletes what was not taken.
  ~Spare();
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;

  /// Begins to make one, unless it is there or under way, or the disk has little room: a spare is never needed.
  void want();
  [[nodiscard]] bool is_ready() const { return state_.load(std::memory_order_acquire) == State::kReady; }
  /// The file, of `segment_bytes` bytes; it still has its name. Nothing when there is none.
  [[nodiscard]] std::optional<File> take();
  [[nodiscard]] std::filesystem::path path() const { return options_.folder / kName; }

 private:
  void make();
  [[nodiscard]] std::error_code fill();

  const Options& options_;
  Disk& disk_;
  File file_;
  enum class State { kNone, kMaking, kReady };
  std::atomic<State> state_{State::kNone};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace mainstay::stream::embedded
