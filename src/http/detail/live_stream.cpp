#include "http/detail/live_stream.h"

#include "http/detail/live_hub.h"
#include "http/detail/worker.h"

namespace mainstay::http::detail {

namespace {

constexpr std::size_t kReadBytes = 2 << 10;  ///< on the stack; nobody says much here
constexpr int kReadsInARow = 64;             ///< then the other streams get their turn

SharedText ping_of(Transport transport) {
  static const SharedText kEventsPing = std::make_shared<const std::string>(": ping\n\n");
  static const SharedText kWebSocketPing = std::make_shared<const std::string>(websocket_frame(Opcode::kPing, ""));
  return transport == Transport::kEvents ? kEventsPing : kWebSocketPing;
}

SharedText shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

}  // namespace

LiveStream::LiveStream(LiveHub& hub, LiveGroup& group, std::unique_ptr<ByteStream> stream, ConnectionPlace place,
                       std::uint64_t after_id, std::vector<std::string> ends_with, Instant ends_at)
    : hub_(hub),
      group_(group),
      stream_(std::move(stream)),
      place_(std::move(place)),
      after_id_(after_id),
      ends_with_(std::move(ends_with)),
      ends_at_(ends_at) {}

bool LiveStream::ends_with(std::string_view right) const {
  return std::find(ends_with_.begin(), ends_with_.end(), right) != ends_with_.end();
}

void LiveStream::begin(SharedText greeting, std::string_view input) {
  arm_ping();
  start(greeting);
  if (!ended_ && take_input(input)) wait_for_input();
}

void LiveStream::arm_ping() {
  // A quarter more or less, by the stream's address, so that ten thousand pings do not leave at once.
  const auto interval = hub_.worker().context().options.limits.live_ping;
  const void* self = this;
  const auto spread = static_cast<long>(std::hash<const void*>{}(self) / 64 % 51) - 25;
  hub_.worker().arm(*this, interval + interval * spread / 100);
}

void LiveStream::expire() {
  const auto self = shared_from_this();
  if (sending_) {
    end();
    return;
  }
  if (hub_.worker().context().clock.now() >= ends_at_) return close(CloseCode::kPolicyViolation);
  arm_ping();
  start(ping_of(group_.transport));
}

void LiveStream::send(std::string_view subject, std::uint64_t id, const SharedText& text) {
  if (id > after_id_) queue(subject, text);
}

void LiveStream::queue(std::string_view subject, const SharedText& text) {
  if (ended_ || closing_) return;
  if (!sending_) {
    start(text);
    return;
  }
  if (!waiting_) waiting_ = std::make_unique<Waiting>();
  if (group_.delivery == LiveBody::Delivery::kNewest) {
    const auto known =
        std::find_if(waiting_->begin(), waiting_->end(), [&](const auto& item) { return item.first == subject; });
    if (known != waiting_->end()) {
      known->second = text;
      return;
    }
  }
  if (waiting_->size() >= hub_.worker().context().options.limits.live_backlog_max) {
    end();
    return;
  }
  waiting_->emplace_back(subject, text);
}

void LiveStream::start(const SharedText& text) {
  sending_ = text;
  sent_ = 0;
  write_on();
}

void LiveStream::write_on() {
  const bool was_blocked = sent_ > 0;
  while (sending_ && !ended_) {
    const auto outcome = stream_->try_write(std::string_view{*sending_}.substr(sent_));
    if (outcome.state == ByteStream::State::kClosed) return end();
    if (outcome.state != ByteStream::State::kDone) {
      hub_.worker().arm(*this, hub_.worker().context().options.limits.write_patience);
      stream_->wait(outcome.state, [self = shared_from_this()](bool ready) {
        if (self->ended_) return;
        ready ? self->write_on() : self->end();
      });
      return;
    }
    sent_ += outcome.bytes;
    if (sent_ < sending_->size()) continue;
    sending_.reset();
    sent_ = 0;
    if (waiting_ && !waiting_->empty()) {
      sending_ = std::move(waiting_->front().second);
      waiting_->erase(waiting_->begin());
    } else {
      waiting_.reset();
    }
  }
  if (ended_) return;
  if (closing_) return end();
  if (was_blocked) arm_ping();
}

void LiveStream::wait_for_input() {
  stream_->wait(ByteStream::State::kWantRead, [self = shared_from_this()](bool ready) {
    if (self->ended_) return;
    ready ? self->read_on() : self->end();
  });
}

void LiveStream::read_on() {
  char bytes[kReadBytes];
  for (int i = 0; i < kReadsInARow && !ended_; ++i) {
    const auto outcome = stream_->try_read(bytes);
    if (outcome.state == ByteStream::State::kClosed) return end();
    if (outcome.state != ByteStream::State::kDone) break;
    if (!take_input({bytes, outcome.bytes})) return;
  }
  if (!ended_) wait_for_input();
}

/// False when the stream reads no more.
bool LiveStream::take_input(std::string_view bytes) {
  if (group_.transport == Transport::kEvents || bytes.empty()) return true;  // a client of events has nothing to say
  if (!reader_) reader_ = std::make_unique<WebSocketReader>();
  reader_->append(bytes);
  while (const auto event = reader_->next()) {
    using Kind = WebSocketReader::Event::Kind;
    switch (event->kind) {
      case Kind::kMessage:
      case Kind::kPong: break;
      case Kind::kPing: queue("", shared(websocket_frame(Opcode::kPong, event->payload))); break;
      case Kind::kClose:
      case Kind::kFailed:
        closing_ = true;
        waiting_.reset();
        if (!sending_) {
          start(shared(websocket_close(event->code)));
        } else {
          waiting_ = std::make_unique<Waiting>();
          waiting_->emplace_back("", shared(websocket_close(event->code)));
        }
        return false;
    }
    if (ended_) return false;
  }
  if (reader_->idle()) reader_.reset();
  return true;
}

void LiveStream::close(CloseCode code) {
  if (group_.transport == Transport::kWebSocket && !sending_) {
    [[maybe_unused]] const auto outcome = stream_->try_write(websocket_close(code));
  }
  end();
}

void LiveStream::end() {
  if (ended_) return;
  ended_ = true;
  const auto self = shared_from_this();  // the group lets go
  hub_.worker().disarm(*this);
  sending_.reset();
  waiting_.reset();
  stream_->shutdown_write();
  stream_->close();
  const ConnectionPlace freed = std::move(place_);
  hub_.remove(group_, *this);
}

}  // namespace mainstay::http::detail
