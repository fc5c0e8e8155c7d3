#include "http/detail/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

#include "base/text.h"

namespace mainstay::http::detail {

namespace {

constexpr std::string_view kMagic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  ///< §1.3
constexpr std::size_t kControlBytesMax = 125;                                ///< §5.5

const unsigned char* as_bytes(std::string_view text) {
  const void* raw = text.data();
  return static_cast<const unsigned char*>(raw);
}

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::array<unsigned char, 64> out{};
  const int length = EVP_EncodeBlock(out.data(), bytes, static_cast<int>(size));
  const void* raw = out.data();
  return {static_cast<const char*>(raw), static_cast<std::size_t>(length)};
}

bool may_be_sent(unsigned code) {  // §7.4.2
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace

struct WebSocketReader::Frame {
  bool fin = false;
  unsigned reserved = 0;
  unsigned opcode = 0;
  bool masked = false;
  std::uint64_t size = 0;
  std::size_t header_size = 0;  ///< with the mask

  [[nodiscard]] bool control() const { return opcode >= 8; }

  /// Nothing when `bytes` hold no whole header yet.
  static std::optional<Frame> read(std::string_view bytes) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    if (bytes.size() < 2) return std::nullopt;
    Frame frame{.fin = (byte(0) & 0x80) != 0,
                .reserved = byte(0) & 0x70U,
                .opcode = byte(0) & 0x0fU,
                .masked = (byte(1) & 0x80) != 0,
                .size = byte(1) & 0x7fU,
                .header_size = 2};
    const std::size_t extended = frame.size == 126 ? 2 : frame.size == 127 ? 8 : 0;
    if (extended > 0) {
      if (bytes.size() < 2 + extended) return std::nullopt;
      frame.size = 0;
      for (std::size_t i = 0; i < extended; ++i) frame.size = (frame.size << 8) | byte(2 + i);
    }
    frame.header_size += extended + (frame.masked ? 4 : 0);
    if (bytes.size() < frame.header_size) return std::nullopt;
    return frame;
  }
};

bool is_websocket_key(std::string_view key) {
  // 16 bytes are 22 characters of base64 and two of padding.
  return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/';
         });
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string{key} + std::string{kMagic};
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64(digest.data(), size);
}

std::string websocket_frame(Opcode opcode, std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  frame += static_cast<char>(0x80 | static_cast<unsigned>(opcode));
  if (payload.size() < 126) {
    frame += static_cast<char>(payload.size());
  } else {
    const int bytes = payload.size() <= 0xffff ? 2 : 8;
    frame += static_cast<char>(bytes == 2 ? 126 : 127);
    for (int i = bytes - 1; i >= 0; --i) frame += static_cast<char>((payload.size() >> (8 * i)) & 0xff);
  }
  frame += payload;
  return frame;
}

std::string websocket_close(CloseCode code) {
  const auto number = static_cast<unsigned>(code);
  const char payload[] = {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  return websocket_frame(Opcode::kClose, {payload, 2});
}

std::optional<WebSocketReader::Event> WebSocketReader::fail(CloseCode code) {
  ended_ = true;
  return Event{.kind = Event::Kind::kFailed, .payload = {}, .code = code};
}

std::optional<WebSocketReader::Event> WebSocketReader::next() {
  while (!ended_) {
    const auto frame = Frame::read(buffer_);
    if (!frame) return std::nullopt;
    // A client masks (§5.1), no extension was agreed (§5.2), a control frame is short and whole (§5.5).
    const bool known = frame->opcode <= 2 || (frame->opcode >= 8 && frame->opcode <= 10);
    if (!frame->masked || frame->reserved != 0 || !known) return fail(CloseCode::kProtocolError);
    if (frame->control() && (!frame->fin || frame->size > kControlBytesMax)) return fail(CloseCode::kProtocolError);
    if (frame->size > kClientMessageBytesMax) return fail(CloseCode::kTooLarge);
    if (buffer_.size() < frame->header_size + frame->size) return std::nullopt;
    std::string payload = buffer_.substr(frame->header_size, frame->size);
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ buffer_[frame->header_size - 4 + i % 4]);
    }
    buffer_.erase(0, frame->header_size + frame->size);
    if (buffer_.empty()) buffer_.shrink_to_fit();
    auto event = frame->control() ? take_control(*frame, std::move(payload)) : take_data(*frame, std::move(payload));
    if (event) return event;
  }
  return std::nullopt;
}

std::optional<WebSocketReader::Event> WebSocketReader::take_control(const Frame& frame, std::string payload) {
  const auto opcode = static_cast<Opcode>(frame.opcode);
  if (opcode == Opcode::kPing) return Event{.kind = Event::Kind::kPing, .payload = std::move(payload)};
  if (opcode == Opcode::kPong) return Event{.kind = Event::Kind::kPong, .payload = std::move(payload)};
  if (payload.size() == 1) return fail(CloseCode::kProtocolError);
  Event event{.kind = Event::Kind::kClose, .payload = {}, .code = CloseCode::kNormal};
  if (payload.size() >= 2) {
    const unsigned code = unsigned{as_bytes(payload)[0]} << 8U | as_bytes(payload)[1];
    if (!may_be_sent(code)) return fail(CloseCode::kProtocolError);
    if (!is_utf8(std::string_view{payload}.substr(2))) return fail(CloseCode::kInvalidText);
    event.code = static_cast<CloseCode>(code);
  }
  ended_ = true;
  return event;
}

std::optional<WebSocketReader::Event> WebSocketReader::take_data(const Frame& frame, std::string payload) {
  const auto opcode = static_cast<Opcode>(frame.opcode);
  if ((opcode == Opcode::kContinuation) != in_message_) return fail(CloseCode::kProtocolError);
  if (opcode != Opcode::kContinuation) message_opcode_ = opcode;
  if (message_.size() + payload.size() > kClientMessageBytesMax) return fail(CloseCode::kTooLarge);
  message_ += payload;
  in_message_ = !frame.fin;
  if (in_message_) return std::nullopt;
  Event event{.kind = Event::Kind::kMessage, .payload = std::move(message_)};
  message_ = std::string{};
  if (message_opcode_ == Opcode::kText && !is_utf8(event.payload)) return fail(CloseCode::kInvalidText);
  return event;
}

}  // namespace mainstay::http::detail
