#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The framing of WebSocket (RFC 6455), the server's side of it; sans I/O.
namespace mainstay::http::detail {

inline constexpr std::size_t kClientMessageBytesMax = 64 << 10;

enum class Opcode : std::uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

/// Why a WebSocket ends (RFC 6455 §7.4.1).
enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kInvalidText = 1007,
  kPolicyViolation = 1008,
  kTooLarge = 1009,
};

/// True for 16 bytes of base64, as Sec-WebSocket-Key must be.
[[nodiscard]] bool is_websocket_key(std::string_view key);
/// Sec-WebSocket-Accept for `key` (§4.2.2).
[[nodiscard]] std::string websocket_accept(std::string_view key);
/// One whole, unmasked frame.
[[nodiscard]] std::string websocket_frame(Opcode opcode, std::string_view payload);
[[nodiscard]] std::string websocket_close(CloseCode code);

/// Reads a client's frames. One per connection; holds no memory between whole messages.
class WebSocketReader {
 public:
  struct Event {
    enum class Kind { kMessage, kPing, kPong, kClose, kFailed };
    Kind kind = Kind::kMessage;
    std::string payload;                  ///< of a message (unmasked, put together), ping or pong
    CloseCode code = CloseCode::kNormal;  ///< kClose: what to answer; kFailed: what to say
  };
  void append(std::string_view bytes) { buffer_ += bytes; }
  /// The next thing the client said, or nothing until more bytes come. After kClose or kFailed: nothing more.
  [[nodiscard]] std::optional<Event> next();
  [[nodiscard]] bool idle() const { return buffer_.empty() && !in_message_; }

 private:
  struct Frame;
  std::optional<Event> fail(CloseCode code);
  std::optional<Event> take_control(const Frame& frame, std::string payload);
  std::optional<Event> take_data(const Frame& frame, std::string payload);

  std::string buffer_;
  std::string message_;
  Opcode message_opcode_ = Opcode::kText;
  bool in_message_ = false;
  bool ended_ = false;
};

}  // namespace mainstay::http::detail
