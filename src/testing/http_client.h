#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mainstay::testing {

/// One connection to a server on this machine that sends exactly the bytes it is given and reads what comes back.
/// Blocking, for tests only. Every wait ends after the patience; what did not come by then is an empty answer, so a
/// test fails instead of hanging.
class HttpClient {
 public:
  struct Answer {
    int status = 0;  ///< 0: no complete answer came
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;  ///< chunked bodies are put together

    /// The first field of that name (any case), or "".
    [[nodiscard]] std::string_view header(std::string_view name) const;
  };

  /// Connects to 127.0.0.1:port. Throws std::system_error when nobody listens.
  explicit HttpClient(std::uint16_t port, std::chrono::milliseconds patience = std::chrono::seconds{10});
  /// Connects to a unix socket.
  explicit HttpClient(const std::string& unix_socket, std::chrono::milliseconds patience = std::chrono::seconds{10});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] int native_handle() const { return fd_; }

  /// False when the server has closed.
  bool send(std::string_view bytes);
  /// Reads one answer; one to a HEAD request has no body.
  Answer read_answer();
  Answer read_head_answer();
  /// Reads until `end` has come; what was read, with it. Shorter when it did not come.
  std::string read_until(std::string_view end);
  /// Reads exactly `count` bytes; fewer when they did not come.
  std::string read_bytes(std::size_t count);
  /// True when the server closes (with or without bytes before) within the patience.
  bool closed_by_server();
  void shutdown_write();

  /// A whole exchange on a new connection: "GET /x HTTP/1.1\r\nHost: …\r\n\r\n" in, answer out.
  static Answer ask(std::uint16_t port, std::string_view request);
  /// `GET path` with "Name: value\r\n" lines in `fields`.
  static Answer get(std::uint16_t port, std::string_view path, std::string_view fields = "");
  static Answer post(std::uint16_t port, std::string_view path, std::string_view body, std::string_view fields = "");

 private:
  bool fill();
  Answer read_answer_with(bool body_expected);

  int fd_ = -1;
  std::string buffer_;
};

}  // namespace mainstay::testing
