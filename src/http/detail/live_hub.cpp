#include "http/detail/live_hub.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "http/detail/worker.h"
#include "http/live.h"

namespace mainstay::http::detail {

namespace {

using Time = std::chrono::steady_clock;

/// The right that a message says has ended, or "".
std::string_view ended_right(const bus::Message& message) {
  const std::string_view subject = message.subject;
  return subject.starts_with(kLiveEndPrefix) ? subject.substr(kLiveEndPrefix.size()) : std::string_view{};
}

std::string encode(Transport transport, std::string_view subject, std::uint64_t id, std::string_view payload) {
  if (transport == Transport::kEvents) return encode_event(subject, id, payload);
  return websocket_frame(Opcode::kText, encode_envelope(subject, id, payload));
}

}  // namespace

LiveHub::LiveHub(Worker& worker, LiveLog& log)
    : worker_(worker),
      log_(log),
      flush_timer_(worker.executor()),
      inbox_(std::make_shared<Inbox>()),
      dropped_(worker.context().metrics.counter("mainstay_http_live_dropped_total",
                                                "Messages an I/O thread had no room for.")) {
  inbox_->hub = this;
  listener_ = log_.add_listener([this](const bus::Message& message) { receive(message); });
}

LiveHub::~LiveHub() {
  log_.remove_listener(listener_);
  const std::scoped_lock lock(inbox_->mutex);
  inbox_->hub = nullptr;
}

LiveGroup& LiveHub::group_of(const Arrival& arrival) {
  auto& group = groups_[{arrival.transport, arrival.delivery, arrival.patterns}];
  if (!group) {
    group = std::make_unique<LiveGroup>(LiveGroup{.transport = arrival.transport,
                                                  .delivery = arrival.delivery,
                                                  .patterns = arrival.patterns,
                                                  .watch = log_.watch(arrival.patterns),
                                                  .subjects = {},
                                                  .streams = {}});
  }
  return *group;
}

void LiveHub::adopt(Arrival arrival) {
  std::sort(arrival.patterns.begin(), arrival.patterns.end());
  arrival.patterns.erase(std::unique(arrival.patterns.begin(), arrival.patterns.end()), arrival.patterns.end());
  take_inbox();  // what came before this stream is the log's to tell
  const auto ends = log_.since(arrival.allowed_id, {std::string{kLiveEndPrefix} + ">"});
  const auto ended = [&](const bus::Message& message) {
    return std::ranges::count(arrival.ends_with, ended_right(message)) > 0;
  };
  if (!ends.whole || std::ranges::any_of(ends.messages, ended)) return arrival.stream->close();
  auto& group = group_of(arrival);
  const auto [missed, newest_id, whole] = log_.since(arrival.after_id, group.patterns);
  for (std::size_t i = 0; i < missed.size(); ++i) {
    const bool stale = group.delivery == LiveBody::Delivery::kNewest &&
                       std::any_of(missed.begin() + static_cast<std::ptrdiff_t>(i) + 1, missed.end(),
                                   [&](const bus::Message& later) { return later.subject == missed[i].subject; });
    if (!stale) arrival.greeting += encode(group.transport, missed[i].subject, missed[i].id, *missed[i].payload);
  }
  auto stream = std::make_shared<LiveStream>(*this, group, std::move(arrival.stream), std::move(arrival.place),
                                             newest_id, std::move(arrival.ends_with), arrival.ends_at);
  stream->index_in_group = group.streams.size();
  group.streams.push_back(stream);
  ++size_;
  ++worker_.context().live_streams;
  stream->begin(std::make_shared<const std::string>(std::move(arrival.greeting)), arrival.input);
}

void LiveHub::remove(LiveGroup& group, LiveStream& stream) {
  const auto index = stream.index_in_group;
  group.streams.back()->index_in_group = index;
  std::swap(group.streams[index], group.streams.back());
  group.streams.pop_back();
  --size_;
  --worker_.context().live_streams;
}

void LiveHub::receive(const bus::Message& message) {
  const std::scoped_lock lock(inbox_->mutex);
  if (inbox_->messages.size() >= kInboxMax) {
    const auto oldest =
        std::ranges::find_if(inbox_->messages, [](const auto& held) { return ended_right(held).empty(); });
    if (oldest != inbox_->messages.end()) {
      inbox_->messages.erase(oldest);
    } else {
      inbox_->messages.clear();
      inbox_->ends_lost = true;
    }
    dropped_.add();
  }
  inbox_->messages.push_back(message);
  if (inbox_->posted) return;
  inbox_->posted = true;
  boost::asio::post(worker_.executor(), [inbox = inbox_] {
    LiveHub* hub = nullptr;
    {
      const std::scoped_lock guard(inbox->mutex);
      hub = inbox->hub;
    }
    if (hub != nullptr) hub->take_inbox();
  });
}

void LiveHub::take_inbox() {
  std::deque<bus::Message> messages;
  bool ends_lost = false;
  {
    const std::scoped_lock lock(inbox_->mutex);
    messages.swap(inbox_->messages);
    ends_lost = std::exchange(inbox_->ends_lost, false);
    inbox_->posted = false;
  }
  // Whose right has ended is not known any more; those who still have it come back.
  if (ends_lost) drain();
  for (const auto& message : messages) {
    if (const auto right = ended_right(message); !right.empty()) {
      end_streams(right);
      continue;
    }
    for (const auto& [key, group] : groups_) {
      if (!group->streams.empty() && matches_any(group->patterns, message.subject)) offer(*group, message);
    }
  }
  // A group without streams ends here and not in `remove`, which streams call while the group is walked.
  std::erase_if(groups_, [](const auto& entry) { return entry.second->streams.empty(); });
}

void LiveHub::end_streams(std::string_view right) {
  for (const auto& [key, group] : groups_) {
    const auto streams = group->streams;
    for (const auto& stream : streams) {
      if (stream->ends_with(right)) stream->close(CloseCode::kPolicyViolation);
    }
  }
}

void LiveHub::offer(LiveGroup& group, const bus::Message& message) {
  if (group.delivery == LiveBody::Delivery::kEvery) return send(group, message);
  const auto now = Time::now();
  const auto interval = worker_.context().options.limits.live_interval;
  auto known = group.subjects.find(message.subject);
  if (known == group.subjects.end()) {
    if (group.subjects.size() >= kSubjectsMax) {
      std::erase_if(group.subjects, [](const auto& entry) { return !entry.second.held; });
    }
    group.subjects.emplace(message.subject, LiveGroup::Subject{.sent_at = now, .held = {}});
    return send(group, message);
  }
  auto& subject = known->second;
  if (!subject.held && now - subject.sent_at >= interval) {
    subject.sent_at = now;
    return send(group, message);
  }
  subject.held = message;
  arm_flush(subject.sent_at + interval);
}

void LiveHub::send(LiveGroup& group, const bus::Message& message) {
  const auto text =
      std::make_shared<const std::string>(encode(group.transport, message.subject, message.id, *message.payload));
  // From the end: a stream that fails leaves the group, and the last one takes its place.
  for (auto i = group.streams.size(); i-- > 0;) group.streams[i]->send(message.subject, message.id, text);
}

void LiveHub::arm_flush(Time::time_point due) {
  if (flush_due_ && *flush_due_ <= due) return;
  flush_due_ = due;
  flush_timer_.expires_at(due);
  flush_timer_.async_wait([inbox = inbox_](const boost::system::error_code& error) {
    if (!error && inbox->hub != nullptr) inbox->hub->flush_held();
  });
}

void LiveHub::flush_held() {
  flush_due_.reset();
  const auto now = Time::now();
  const auto interval = worker_.context().options.limits.live_interval;
  for (const auto& [key, group] : groups_) {
    for (auto& [name, subject] : group->subjects) {
      if (!subject.held) continue;
      if (now < subject.sent_at + interval) {
        arm_flush(subject.sent_at + interval);
        continue;
      }
      const auto message = std::move(*subject.held);
      subject.held.reset();
      subject.sent_at = now;
      send(*group, message);
    }
  }
}

void LiveHub::drain() {
  for (const auto& [key, group] : groups_) {
    const auto streams = group->streams;
    for (const auto& stream : streams) stream->close(CloseCode::kGoingAway);
  }
  groups_.clear();
}

}  // namespace mainstay::http::detail
