#include "http/detail/live_log.h"

#include "http/live.h"

namespace mainstay::http::detail {

namespace {

/// How far back one publish may come in again through a second pattern.
constexpr std::size_t kEchoWindow = 64;

}  // namespace

LiveLog::LiveLog(bus::Bus& bus, clock::Clock& clock)
    : bus_(bus), clock_(clock), first_id_(static_cast<std::uint64_t>(to_micros(clock.now()))), newest_id_(first_id_) {
  ends_ = bus_.subscribe(std::string{kLiveEndPrefix} + ">", [this](const bus::Message& message) { take(message); });
}

LiveLog::~LiveLog() = default;

std::unique_ptr<LiveLog::Watch> LiveLog::watch(std::vector<std::string> patterns) {
  const std::scoped_lock lock(ears_mutex_);
  for (const auto& pattern : patterns) {
    auto& ear = ears_[pattern];
    ++ear.watchers;
    if (!ear.subscription) {
      ear.subscription = bus_.subscribe(pattern, [this](const bus::Message& message) { take(message); });
    }
  }
  sweep();
  return std::make_unique<Watch>(*this, std::move(patterns));
}

void LiveLog::release(const std::vector<std::string>& patterns) {
  const std::scoped_lock lock(ears_mutex_);
  for (const auto& pattern : patterns) {
    auto& ear = ears_.at(pattern);
    if (--ear.watchers == 0) ear.idle_since = clock_.monotonic();
  }
  sweep();
}

void LiveLog::sweep() {
  const auto now = clock_.monotonic();
  std::size_t idle = 0;
  for (const auto& [pattern, ear] : ears_) idle += ear.watchers == 0 ? 1 : 0;
  std::erase_if(ears_, [&](const auto& entry) {
    const auto& ear = entry.second;
    const bool gone = ear.watchers == 0 && (now - ear.idle_since > kLinger || idle > kIdlePatternsMax);
    idle -= gone ? 1 : 0;
    return gone;
  });
}

void LiveLog::take(const bus::Message& message) {
  auto numbered = message;
  numbered.id += first_id_;
  const std::scoped_lock lock(ring_mutex_);
  const auto window = std::min(ring_.size(), kEchoWindow);
  const bool echo = std::any_of(ring_.end() - static_cast<std::ptrdiff_t>(window), ring_.end(),
                                [&](const bus::Message& known) { return known.id == numbered.id; });
  if (echo) return;
  newest_id_ = std::max(newest_id_, numbered.id);
  ring_bytes_ += numbered.payload->size();
  ring_.push_back(numbered);
  while (ring_.size() > kMessagesMax || ring_bytes_ > kBytesMax) {
    forgotten_id_ = std::max(forgotten_id_, ring_.front().id);
    ring_bytes_ -= ring_.front().payload->size();
    ring_.pop_front();
  }
  for (const auto& [key, listener] : listeners_) listener(numbered);
}

std::uint64_t LiveLog::add_listener(Listener listener) {
  const std::scoped_lock lock(ring_mutex_);
  listeners_.emplace(next_listener_, std::move(listener));
  return next_listener_++;
}

void LiveLog::remove_listener(std::uint64_t key) {
  const std::scoped_lock lock(ring_mutex_);
  listeners_.erase(key);
}

std::uint64_t LiveLog::newest_id() const {
  const std::scoped_lock lock(ring_mutex_);
  return newest_id_;
}

LiveLog::Missed LiveLog::since(std::uint64_t id, const std::vector<std::string>& patterns) const {
  const std::scoped_lock lock(ring_mutex_);
  Missed found{.messages = {}, .newest_id = newest_id_, .whole = id >= forgotten_id_};
  if (id > newest_id_) return found;
  for (const auto& message : ring_) {
    if (message.id > id && matches_any(patterns, message.subject)) found.messages.push_back(message);
  }
  return found;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view subject) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return bus::matches(pattern, subject); });
}

}  // namespace mainstay::http::detail
