#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/limits.h"
#include "http/message.h"

namespace mainstay::http::detail {

/// Why a message is not a request we take; `status` 0: none.
struct ProtocolError {
  int status = 0;
  std::string_view code;     ///< "http.bad_request"
  std::string_view message;  ///< one sentence
  explicit operator bool() const { return status != 0; }
};

/// Reads HTTP/1.x requests (RFC 9112) out of a connection's bytes, one after the other; sans I/O. The grammar is
/// Boost.Beast's; what decides where a message ends is refused here before anything believes it: both
/// Content-Length and Transfer-Encoding, several lengths, codings other than chunked, folded lines (RFC 9112 §5.2, §6).
///
/// One per connection. Not thread-safe.
class RequestParser {
 public:
  RequestParser(const Limits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Makes ready for the next message. `request` is filled from now on; its memory is used again.
  void begin(Request& request);

  enum class Step { kNeedMore, kDone, kFailed };
  /// Reads the request line and fields from the front of `bytes`, all at once when they are complete.
  /// `consumed` says how much to drop. kFailed: see `error()`.
  Step read_header(std::string_view bytes, std::size_t& consumed);

  /// After the header: what comes next. Valid until `begin`.
  [[nodiscard]] bool has_body() const;
  [[nodiscard]] std::size_t content_length() const;  ///< 0 when chunked
  [[nodiscard]] bool expects_continue() const;
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] int version() const;  ///< 10 or 11

  /// Appends what `bytes` hold of the body to request.body; at most `body_bytes_max` in all (413 beyond).
  Step read_body(std::string_view bytes, std::size_t body_bytes_max, std::size_t& consumed);

  [[nodiscard]] const ProtocolError& error() const { return error_; }

 private:
  struct Grammar;
  Step fail(int status, std::string_view code, std::string_view message);
  Step check_header_size(std::string_view bytes, bool complete);
  Step check_fields();
  Step check_target();

  const Limits& limits_;
  Request* request_ = nullptr;
  std::unique_ptr<Grammar> grammar_;
  ProtocolError error_;
  std::size_t scanned_ = 0;  ///< bytes already searched for the end of the header
  std::size_t content_length_ = 0;
  bool chunked_ = false;
  bool expects_continue_ = false;
};

}  // namespace mainstay::http::detail
