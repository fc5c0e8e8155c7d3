#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/detail/byte_stream.h"
#include "http/detail/context.h"
#include "http/detail/timer_wheel.h"
#include "http/detail/websocket.h"

namespace mainstay::http::detail {

class LiveHub;
struct LiveGroup;

enum class Transport { kEvents, kWebSocket };

/// Bytes that many streams send: encoded once.
using SharedText = std::shared_ptr<const std::string>;

/// One live stream. Holds no buffer while there is nothing to send and the client says nothing.
///
/// Shared by its group and by the waits on its socket, which may end after it has left the group.
class LiveStream final : public TimerWheel::Entry, public std::enable_shared_from_this<LiveStream> {
 public:
  /// `after_id`: messages up to this one are in the greeting already.
  LiveStream(LiveHub& hub, LiveGroup& group, std::unique_ptr<ByteStream> stream, ConnectionPlace place,
             std::uint64_t after_id, std::vector<std::string> ends_with, Instant ends_at);

  /// Sends the greeting, then listens.
  void begin(SharedText greeting, std::string_view input);
  /// Sends `text` now, or when what is before it is sent. While it waits, a newer text of the same `subject` takes its
  /// place (kNewest) or stands behind it (kEvery; too many close the stream).
  void send(std::string_view subject, std::uint64_t id, const SharedText& text);
  /// Closes after a word of goodbye.
  void close(CloseCode code);
  [[nodiscard]] bool ends_with(std::string_view right) const;
  void expire() override;  ///< time for a ping, or the client took nothing for too long

  std::size_t index_in_group = 0;  ///< kept by the hub

 private:
  using Waiting = std::vector<std::pair<std::string, SharedText>>;
  void queue(std::string_view subject, const SharedText& text);
  void start(const SharedText& text);
  void write_on();
  void read_on();
  void wait_for_input();
  bool take_input(std::string_view bytes);
  void arm_ping();
  void end();

  LiveHub& hub_;
  LiveGroup& group_;
  std::unique_ptr<ByteStream> stream_;
  ConnectionPlace place_;
  const std::uint64_t after_id_;
  const std::vector<std::string> ends_with_;
  const Instant ends_at_;
  SharedText sending_;
  std::size_t sent_ = 0;
  std::unique_ptr<Waiting> waiting_;         ///< only of a slow client
  std::unique_ptr<WebSocketReader> reader_;  ///< only amid a message
  bool closing_ = false;                     ///< ends once `sending_` is sent
  bool ended_ = false;
};

}  // namespace mainstay::http::detail
