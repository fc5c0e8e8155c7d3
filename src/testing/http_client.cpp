#include "testing/http_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/text.h"

namespace mainstay::testing {

namespace {

int connect_to(int family, const void* address, socklen_t size, std::chrono::milliseconds patience) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{.tv_sec = patience.count() / 1000, .tv_usec = (patience.count() % 1000) * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd, static_cast<const sockaddr*>(address), size) != 0) {
    const int error = errno;
    ::close(fd);
    throw std::system_error(error, std::generic_category(), "connect");
  }
  return fd;
}

}  // namespace

std::string_view HttpClient::Answer::header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (equal_ignoring_case(field, name)) return value;
  }
  return {};
}

HttpClient::HttpClient(std::uint16_t port, std::chrono::milliseconds patience) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = connect_to(AF_INET, &address, sizeof address, patience);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

HttpClient::HttpClient(const std::string& unix_socket, std::chrono::milliseconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, unix_socket.data(), std::min(unix_socket.size(), sizeof address.sun_path - 1));
  fd_ = connect_to(AF_UNIX, &address, sizeof address, patience);
}

HttpClient::~HttpClient() { ::close(fd_); }

bool HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool HttpClient::fill() {
  char bytes[16384];
  ssize_t count = 0;
  do {
    count = ::recv(fd_, bytes, sizeof bytes, 0);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::string HttpClient::read_until(std::string_view end) {
  std::size_t at = buffer_.find(end);
  while (at == std::string::npos && fill()) at = buffer_.find(end);
  const auto size = at == std::string::npos ? buffer_.size() : at + end.size();
  auto result = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return result;
}

std::string HttpClient::read_bytes(std::size_t count) {
  while (buffer_.size() < count && fill()) {
  }
  auto result = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return result;
}

bool HttpClient::closed_by_server() {
  errno = 0;
  while (fill()) {
  }
  return errno != EAGAIN && errno != EWOULDBLOCK;
}

void HttpClient::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

HttpClient::Answer HttpClient::read_answer() { return read_answer_with(true); }
HttpClient::Answer HttpClient::read_head_answer() { return read_answer_with(false); }

HttpClient::Answer HttpClient::read_answer_with(bool body_expected) {
  const auto head = read_until("\r\n\r\n");
  if (!head.ends_with("\r\n\r\n")) return {};
  Answer answer;
  answer.status = parse_number<int>(std::string_view{head}.substr(9, 3)).value_or(0);
  std::string_view rest = std::string_view{head}.substr(head.find("\r\n") + 2);
  while (rest.size() > 2) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    const auto colon = line.find(':');
    answer.headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
    rest.remove_prefix(line.size() + 2);
  }
  if (!body_expected || answer.status == 204 || answer.status == 304 || answer.status / 100 == 1) return answer;
  if (answer.header("transfer-encoding") == "chunked") {
    while (true) {
      const auto line = read_until("\r\n");
      const auto size = line.empty() ? 0 : std::stoul(line, nullptr, 16);
      const auto chunk = read_bytes(size + 2);
      if (chunk.size() != size + 2) return {};
      if (size == 0) return answer;
      answer.body += chunk.substr(0, size);
    }
  }
  const auto length = parse_number<std::size_t>(answer.header("content-length"));
  if (length) {
    answer.body = read_bytes(*length);
    if (answer.body.size() != *length) return {};
  }
  return answer;
}

HttpClient::Answer HttpClient::ask(std::uint16_t port, std::string_view request) {
  HttpClient client(port);
  client.send(request);
  return client.read_answer();
}

HttpClient::Answer HttpClient::get(std::uint16_t port, std::string_view path, std::string_view fields) {
  return ask(port, fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, fields));
}

HttpClient::Answer HttpClient::post(std::uint16_t port, std::string_view path, std::string_view body,
                                    std::string_view fields) {
  return ask(port, fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", path, fields,
                               body.size(), body));
}

}  // namespace mainstay::testing
