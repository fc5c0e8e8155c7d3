#include "http/local_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/failure.h"
#include "base/text.h"

namespace mainstay::http {

namespace {

class LocalSocket {
 public:
  explicit LocalSocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path.data(), path.size());
    const void* raw = &address;
    connected_ = ::connect(fd_, static_cast<const sockaddr*>(raw), sizeof address) == 0;
  }
  ~LocalSocket() { ::close(fd_); }
  LocalSocket(const LocalSocket&) = delete;
  LocalSocket& operator=(const LocalSocket&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      // The server may have answered early and closed; what it said is still to be read.
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  [[nodiscard]] std::string read_to_end() const {
    std::string all;
    char bytes[16384];
    for (auto count = ::recv(fd_, bytes, sizeof bytes, 0); count > 0; count = ::recv(fd_, bytes, sizeof bytes, 0)) {
      all.append(bytes, static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  int fd_;
  bool connected_ = false;
};

/// The Retry-After of an answer's head, 0 where there is none.
std::chrono::seconds retry_after(std::string_view head) {
  for (const auto line : split(head, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !equal_ignoring_case(line.substr(0, colon), "retry-after")) continue;
    return std::chrono::seconds{parse_number<std::uint32_t>(trim(line.substr(colon + 1))).value_or(0)};
  }
  return {};
}

}  // namespace

bool local_server_answers(const std::string& socket_path) { return LocalSocket(socket_path).connected(); }

LocalReply post_local(const std::string& socket_path, std::string_view target, std::string_view body,
                      std::string_view content_type) {
  const LocalSocket socket(socket_path);
  if (!socket.connected()) throw Unavailable("no server answers on " + socket_path);
  // HTTP/1.0: the answer ends with the connection, so there is nothing to parse but its head.
  socket.send(fmt::format("POST {} HTTP/1.0\r\nHost: localhost\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
                          target, content_type, body.size()));
  socket.send(body);
  const auto answer = socket.read_to_end();
  const auto head_end = answer.find("\r\n\r\n");
  if (head_end == std::string::npos) throw Unavailable("the server on " + socket_path + " broke off");
  return {.status = parse_number<int>(std::string_view{answer}.substr(9, 3)).value_or(0),
          .body = answer.substr(head_end + 4),
          .retry_after = retry_after(std::string_view{answer}.substr(0, head_end))};
}

}  // namespace mainstay::http
