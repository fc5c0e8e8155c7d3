#include "ports/bus/local/local_bus.h"

#include <atomic>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "base/log.h"

namespace mainstay::bus::local {
namespace {

struct Subscriber {
  std::string pattern;
  Bus::Callback callback;
};
using Subscribers = std::list<Subscriber>;

void deliver(const Subscriber& subscriber, const Message& message) {
  try {
    subscriber.callback(message);
  } catch (const std::exception& error) {
    log::error("a bus callback threw", {{"subject", message.subject}, {"error", error.what()}});
  }
}

}  // namespace

struct LocalBus::Impl {
  std::mutex mutex;  ///< held while callbacks run: that is what makes the end of a subscription final
  std::unordered_map<std::string, Subscribers> exact;
  Subscribers wild;
  std::uint64_t last_id = 0;
  std::atomic<std::thread::id> publisher;  ///< the thread that runs callbacks now

  std::unique_lock<std::mutex> lock() {
    if (publisher.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
      log::error("a bus callback called the bus");
      std::abort();
    }
    return std::unique_lock(mutex);
  }
};

namespace {

template <class Impl>
class LocalSubscription final : public Subscription {
 public:
  LocalSubscription(std::shared_ptr<Impl> impl, Subscribers::iterator place) : impl_(std::move(impl)), place_(place) {}
  LocalSubscription(const LocalSubscription&) = delete;
  LocalSubscription& operator=(const LocalSubscription&) = delete;
  ~LocalSubscription() override {
    Subscribers ended;  // destroyed after the lock is gone: the callback may own a lot
    const auto lock = impl_->lock();
    const auto exact = impl_->exact.find(place_->pattern);
    if (exact == impl_->exact.end()) {
      ended.splice(ended.begin(), impl_->wild, place_);
      return;
    }
    ended.splice(ended.begin(), exact->second, place_);
    if (exact->second.empty()) impl_->exact.erase(exact);
  }

 private:
  std::shared_ptr<Impl> impl_;
  Subscribers::iterator place_;
};

}  // namespace

LocalBus::LocalBus() : impl_(std::make_shared<Impl>()) {}
LocalBus::~LocalBus() = default;

void LocalBus::publish(std::string subject, std::string payload) {
  if (!is_subject(subject)) throw std::invalid_argument("not a bus subject: " + subject);
  Message message{.subject = std::move(subject), .payload = std::make_shared<const std::string>(std::move(payload))};
  const auto lock = impl_->lock();
  message.id = ++impl_->last_id;
  impl_->publisher.store(std::this_thread::get_id(), std::memory_order_relaxed);
  if (const auto exact = impl_->exact.find(message.subject); exact != impl_->exact.end()) {
    for (const auto& subscriber : exact->second) deliver(subscriber, message);
  }
  for (const auto& subscriber : impl_->wild) {
    if (matches(subscriber.pattern, message.subject)) deliver(subscriber, message);
  }
  impl_->publisher.store(std::thread::id{}, std::memory_order_relaxed);
}

std::unique_ptr<Subscription> LocalBus::subscribe(std::string pattern, Callback callback) {
  if (!is_pattern(pattern)) throw std::invalid_argument("not a bus pattern: " + pattern);
  const auto lock = impl_->lock();
  auto& list = is_subject(pattern) ? impl_->exact[pattern] : impl_->wild;
  list.push_back({std::move(pattern), std::move(callback)});
  return std::make_unique<LocalSubscription<Impl>>(impl_, std::prev(list.end()));
}

}  // namespace mainstay::bus::local
