#include "http/detail/worker.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>

#include "http/detail/connection.h"
#include "http/problem.h"

namespace mainstay::http::detail {

namespace {

/// Said without reading the request, when there is no place for one more connection.
std::string full_answer() {
  const auto body = problem_text(
      503, {.code = "http.too_many_connections", .message = "There are too many connections; try again later."}, "");
  return fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n"
      "Connection: close\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body);
}

}  // namespace

Worker::Worker(Executor executor, std::shared_ptr<Context> shared)
    : executor_(std::move(executor)),
      context_(std::move(shared)),
      hub_(*this, context_->live_log),
      timer_(executor_),
      id_state_(context_->random.number()) {}

Worker::~Worker() = default;

void Worker::adopt(int fd, int family, const Address& peer, bool local) {
  if (context_->connections >= context_->options.limits.connections_max) {
    context_->dispatcher.count_refusal("http.too_many_connections");
    static const std::string kFull = full_answer();
    [[maybe_unused]] const auto sent = ::send(fd, kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(fd, SHUT_WR);
    char rest[4096];
    [[maybe_unused]] const auto read = ::recv(fd, rest, sizeof rest, MSG_DONTWAIT);
    ::close(fd);
    return;
  }
  auto stream = context_->tls && !local ? make_tls_stream(executor_, family, fd, context_->tls->current().get())
                                        : make_plain_stream(executor_, family, fd);
  auto connection = std::make_shared<Connection>(shared_from_this(), std::move(stream), peer, local);
  context_->tasks.spawn(executor_, [connection] { return connection->run(); });
}

void Worker::arm(TimerWheel::Entry& entry, std::chrono::milliseconds after) {
  wheel_.arm(entry, after);
  if (!ticking_) {
    ticking_ = true;
    tick();
  }
}

void Worker::tick() {
  timer_.expires_after(TimerWheel::kTick);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!self) return;
    self->ticking_ = false;
    if (error) return;
    self->ticking_ = true;  // what expires may arm others
    self->wheel_.advance();
    self->ticking_ = !self->wheel_.empty();
    if (self->ticking_) self->tick();
  });
}

std::string_view Worker::date() {
  const auto second = std::chrono::floor<std::chrono::seconds>(context_->clock.now()).time_since_epoch().count();
  if (second != date_second_) {
    date_second_ = second;
    const std::time_t time = second;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    static constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    date_ = fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                        kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  }
  return date_;
}

std::string Worker::request_id() {
  // SplitMix64 (Steele et al. 2014) over a random start; it names, it does not protect.
  std::uint64_t mixed = (id_state_ += 0x9e3779b97f4a7c15);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  mixed ^= mixed >> 31;
  std::string id(13, '0');
  for (auto& c : id) {
    c = "abcdefghijklmnopqrstuvwxyz234567"[mixed % 32];
    mixed /= 32;
  }
  return id;
}

void Worker::enter(Connection& connection) {
  connection.index_in_worker = connections_.size();
  connections_.push_back(&connection);
}

void Worker::leave(Connection& connection) {
  connections_.back()->index_in_worker = connection.index_in_worker;
  connections_[connection.index_in_worker] = connections_.back();
  connections_.pop_back();
}

void Worker::drain() {
  const auto all = connections_;
  for (auto* connection : all) connection->drain();
  hub_.drain();
}

void Worker::abort() {
  const auto all = connections_;
  for (auto* connection : all) connection->abort();
  hub_.drain();
}

}  // namespace mainstay::http::detail
