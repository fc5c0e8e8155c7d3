// Sends beacons at a steady rate whether or not the answers keep up, and says how long each waited for its 204, counted
// from when it was due. With a token it also watches the site's live stream and says how long each hit took to show.
//
//   load PORT RATE SECONDS CONNECTIONS SITE DOMAIN [TOKEN]
//
// SIGTERM ends it early, with its figures. One thread. Prints one object of JSON; times in milliseconds. Hit n is shown
// by the first message whose ledger has accepted n more than when the run began, so nobody else may send hits
// meanwhile.

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace mainstay::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr std::chrono::seconds kPatience{30};  // for the last answers and the last message
constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::uint64_t kVisitors = 5'000;
constexpr std::uint64_t kPages = 200;
constexpr std::array<std::string_view, 3> kAgents{
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Safari/605.1.15"};

volatile std::sig_atomic_t stop_asked = 0;
void ask_to_stop(int /*signal*/) { stop_asked = 1; }

struct Options {
  std::uint16_t port = 0;
  double rate = 0;
  double seconds = 0;
  std::size_t connections = 0;
  std::string site;
  std::string domain;
  std::string token;
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

double ms(Clock::duration span) { return std::chrono::duration<double, std::milli>(span).count(); }

/// A connected socket that does not block.
int open_socket(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/// Requests are small beside a socket's buffer, so one call takes one whole.
void send_whole(int fd, std::string_view text) {
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) fail("send");
}

std::string percentiles(std::vector<double> values) {
  if (values.empty()) return "null";
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
  };
  return fmt::format(R"({{"p50":{:.3f},"p99":{:.3f},"p999":{:.3f},"max":{:.3f}}})", at(0.5), at(0.99), at(0.999),
                     values.back());
}

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const auto total = static_cast<std::size_t>(options_.rate * options_.seconds);
    due_.reserve(total);
    for (std::size_t i = 0; i < options_.connections; ++i) {
      connections_.push_back({.fd = open_socket(options_.port)});
      watch(connections_.back().fd, i);
      free_.push_back(i);
    }
    if (!options_.token.empty()) open_live();
  }

  void run() {
    auto total = static_cast<std::size_t>(options_.rate * options_.seconds);
    const auto step = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / options_.rate));
    const auto start = Clock::now();
    for (std::size_t made = 0; made < total;) {
      const auto now = Clock::now();
      for (; made < total && start + step * made <= now; ++made) {
        waiting_.push_back(made);
        due_.push_back(start + step * made);
      }
      send_waiting();
      wait(start + step * made);
      if (stop_asked != 0) total = made;
    }
    const auto deadline = Clock::now() + kPatience;
    while ((answered_ < total || (live_ >= 0 && shown_.size() < total)) && Clock::now() < deadline) {
      send_waiting();
      wait(deadline);
    }
    fmt::print(R"({{"sent":{},"answered":{},"refused":{},"seconds":{:.3f},"answer_ms":{},"shown":{},"shown_ms":{},)"
               R"("messages":{}}})"
               "\n",
               total, answered_, refused_, ms(Clock::now() - start) / 1000, percentiles(std::move(answers_)),
               shown_.size(), percentiles(std::move(shown_)), messages_);
  }

 private:
  struct Connection {
    int fd = -1;
    Time due;
    std::string got;
  };
  static constexpr std::uint64_t kLive = ~std::uint64_t{0};

  void watch(int fd, std::uint64_t tag) const {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = tag}};
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  /// Subscribes and waits for the snapshot, which says from where to count.
  void open_live() {
    live_ = open_socket(options_.port);
    send_whole(live_, fmt::format("GET /api/v1/events?subjects=events.analytics.live.{} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                  "Authorization: Bearer {}\r\nAccept: text/event-stream\r\n\r\n",
                                  options_.site, options_.token));
    watch(live_, kLive);
    const auto deadline = Clock::now() + kPatience;
    while (messages_ == 0 && Clock::now() < deadline) wait(deadline);
    if (messages_ == 0) throw std::runtime_error("no snapshot of the live report came");
  }

  void send_waiting() {
    while (!waiting_.empty() && !free_.empty()) {
      const auto number = waiting_.front();
      waiting_.pop_front();
      auto& connection = connections_[free_.front()];
      free_.pop_front();
      connection.due = due_[number];
      send_whole(connection.fd, request(number));
    }
  }

  [[nodiscard]] std::string request(std::uint64_t number) const {
    const auto visitor = number * 7'919 % kVisitors;
    const auto body = fmt::format(
        R"({{"n":"pageview","d":"{}","u":"https://{}/articles/{}","r":"https://www.google.com/","w":1440}})",
        options_.site, options_.domain, number % kPages);
    return fmt::format(
        "POST /api/v1/beacon HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nOrigin: https://{}\r\n"
        "User-Agent: {}\r\nAccept: */*\r\nAccept-Language: en-GB,en;q=0.8\r\nX-Forwarded-For: 81.{}.{}.{}\r\n"
        "Content-Length: {}\r\n\r\n{}",
        options_.domain, kAgents[visitor % kAgents.size()], 2 + visitor / 62'500, visitor / 250 % 250,
        1 + visitor % 250, body.size(), body);
  }

  void wait(Time until) {
    const auto left = std::max(Clock::duration::zero(), until - Clock::now());
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    const timespec timeout{.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
      const auto tag = events[i].data.u64;
      if (tag == kLive) {
        read_live();
      } else {
        read_answer(tag);
      }
    }
  }

  [[nodiscard]] static std::string_view receive(int fd) {
    static std::array<char, kReadBytes> buffer;
    const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size == 0) throw std::runtime_error("the server closed a connection");
    if (size < 0) return {};
    return {buffer.data(), static_cast<std::size_t>(size)};
  }

  void read_answer(std::size_t index) {
    auto& connection = connections_[index];
    connection.got += receive(connection.fd);
    const auto end = connection.got.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const bool stored = connection.got.starts_with("HTTP/1.1 204");
    if (stored) {
      answers_.push_back(ms(Clock::now() - connection.due));
    } else {
      ++refused_;  // has a body: a new connection is simpler than reading it
      ::close(connection.fd);
      connection.fd = open_socket(options_.port);
      watch(connection.fd, index);
    }
    ++answered_;
    connection.got.clear();
    free_.push_back(index);
  }

  void read_live() {
    constexpr std::string_view kField = "\"accepted\":";
    got_live_ += receive(live_);
    for (auto end = got_live_.find("\n\n"); end != std::string::npos; end = got_live_.find("\n\n")) {
      const auto message = std::string_view{got_live_}.substr(0, end);
      if (const auto at = message.find(kField); at != std::string_view::npos) {
        std::uint64_t accepted = 0;
        std::from_chars(message.data() + at + kField.size(), message.data() + message.size(), accepted);
        if (messages_++ == 0) counted_before_ = accepted;
        const auto now = Clock::now();
        while (shown_.size() < accepted - counted_before_ && shown_.size() < due_.size()) {
          shown_.push_back(ms(now - due_[shown_.size()]));
        }
      }
      got_live_.erase(0, end + 2);
    }
  }

  Options options_;
  int poll_;
  std::vector<Connection> connections_;
  std::deque<std::size_t> free_;  ///< in turn, so that none is idle for so long that the server closes it
  std::deque<std::size_t> waiting_;
  std::vector<Time> due_;  ///< of every hit, in order
  std::vector<double> answers_;
  std::size_t answered_ = 0;
  std::size_t refused_ = 0;
  int live_ = -1;
  std::string got_live_;
  std::uint64_t counted_before_ = 0;
  std::size_t messages_ = 0;
  std::vector<double> shown_;
};

}  // namespace
}  // namespace mainstay::bench

int main(int argc, char** argv) {
  constexpr int kArguments = 7;
  if (argc < kArguments) {
    fmt::print(stderr, "usage: load PORT RATE SECONDS CONNECTIONS SITE DOMAIN [TOKEN]\n");
    return 2;
  }
  std::signal(SIGTERM, mainstay::bench::ask_to_stop);
  try {
    mainstay::bench::Load({.port = static_cast<std::uint16_t>(std::stoul(argv[1])),
                           .rate = std::stod(argv[2]),
                           .seconds = std::stod(argv[3]),
                           .connections = std::stoul(argv[4]),
                           .site = argv[5],
                           .domain = argv[6],
                           .token = argc > kArguments ? argv[kArguments] : ""})
        .run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "load: {}\n", error.what());
    return 1;
  }
  return 0;
}
