#include "ports/stream/embedded/spare.h"

#include <algorithm>
#include <vector>

#include "runtime/scheduling.h"

namespace mainstay::stream::embedded {
namespace {

constexpr std::uint64_t kPieceBytes = 256 << 10;  ///< little dirty at a time: the disk stays free for acknowledgements
constexpr std::uint64_t kRoomFactor = 8;          ///< segments that must fit on the disk besides

}  // namespace

Spare::~Spare() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  std::error_code ignored;
  if (file_.is_open()) std::filesystem::remove(path(), ignored);
}

void Spare::want() {
  if (state_.load(std::memory_order_acquire) != State::kNone) return;
  std::error_code error;
  const auto room = std::filesystem::space(options_.folder, error);
  if (error || room.available / kRoomFactor < options_.segment_bytes) return;
  if (thread_.joinable()) thread_.join();
  if (disk_.create(path(), file_)) return;
  state_ = State::kMaking;
  thread_ = std::thread([this] { make(); });
}

/// Its maker may still be about to end. `want` waits for that, much later; here everybody would.
std::optional<File> Spare::take() {
  if (!is_ready()) return std::nullopt;
  state_ = State::kNone;
  return std::exchange(file_, File());
}

void Spare::make() {
  become_background_thread("stream-spare");
  const auto error = fill();
  // What could not be filled gives its blocks back; the destructor deletes the file.
  if (error) (void)disk_.truncate(file_, 0);
  state_.store(error ? State::kNone : State::kReady, std::memory_order_release);
}

std::error_code Spare::fill() {
  if (const auto error = disk_.reserve(file_, 0, options_.segment_bytes)) return error;
  const std::vector<std::byte> zeros(kPieceBytes);
  for (std::uint64_t at = 0; at < options_.segment_bytes; at += kPieceBytes) {
    if (stopping_) return std::make_error_code(std::errc::operation_canceled);
    const auto piece = std::span(zeros).first(std::min(kPieceBytes, options_.segment_bytes - at));
    if (const auto error = disk_.write(file_, piece, at)) return error;
    if (const auto error = disk_.sync(file_)) return error;
  }
  return {};
}

}  // namespace mainstay::stream::embedded
