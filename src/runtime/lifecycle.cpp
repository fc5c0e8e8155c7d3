#include "runtime/lifecycle.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "base/log.h"

namespace mainstay {
namespace {

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  return signals;
}

int checked(int value, const char* what) {
  if (value < 0) throw std::system_error(errno, std::generic_category(), what);
  return value;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { ::close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

struct Signals::Impl {
  explicit Impl(std::function<void()> hangup)
      : on_hangup(std::move(hangup)),
        signals(checked(::signalfd(-1, block(before), SFD_CLOEXEC), "signalfd")),
        wake(checked(::eventfd(0, EFD_CLOEXEC), "eventfd")) {
    std::signal(SIGPIPE, SIG_IGN);
    thread = std::thread([this] { watch(); });
  }

  ~Impl() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake.number(), &one, sizeof one);
    thread.join();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static const sigset_t* block(sigset_t& before) {
    static const sigset_t watched = watched_signals();
    pthread_sigmask(SIG_BLOCK, &watched, &before);
    return &watched;
  }

  void watch() {
    pthread_setname_np(pthread_self(), "signals");
    pollfd sources[] = {{signals.number(), POLLIN, 0}, {wake.number(), POLLIN, 0}};
    for (;;) {
      if (::poll(sources, 2, -1) < 0 && errno != EINTR) return;
      if ((sources[1].revents & POLLIN) != 0) return;
      signalfd_siginfo info{};
      if ((sources[0].revents & POLLIN) == 0 || ::read(signals.number(), &info, sizeof info) != sizeof info) continue;
      take(static_cast<int>(info.ssi_signo));
    }
  }

  void take(int number) {
    if (number == SIGHUP) return hang_up();
    if (ended(number)) {
      log::warning("asked to end a second time: ending now");
      ::_exit(128 + number);
    }
  }

  void hang_up() {
    try {
      if (on_hangup) on_hangup();
    } catch (const std::exception& error) {
      log::error("reload failed", {{"reason", error.what()}});
    }
  }

  /// Records the reason to end; true when there was one already.
  bool ended(int number) {
    const std::lock_guard lock(mutex);
    if (reason) return true;
    reason = number;
    changed.notify_all();
    return false;
  }

  sigset_t before{};
  std::function<void()> on_hangup;
  Descriptor signals;
  Descriptor wake;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<int> reason;
  std::thread thread;
};

Signals::Signals(std::function<void()> on_hangup) : impl_(std::make_unique<Impl>(std::move(on_hangup))) {}
Signals::~Signals() = default;

int Signals::wait_for_stop() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return impl_->reason.has_value(); });
  return *impl_->reason;
}

void Signals::stop() { impl_->ended(0); }

std::size_t raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

bool notify_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return false;
  const auto length = std::strlen(path);
  if (length < 2 || length >= sizeof address.sun_path) return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space: unix(7)
  const int number = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (number < 0) return false;
  const Descriptor socket(number);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const auto sent = ::sendto(socket.number(), state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size);
  return sent == static_cast<ssize_t>(state.size());
}

}  // namespace mainstay
