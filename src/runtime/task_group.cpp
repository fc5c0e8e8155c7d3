#include "runtime/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <condition_variable>
#include <list>
#include <mutex>

#include "base/log.h"

namespace mainstay {

struct TaskGroup::Impl {
  struct Entry {
    Executor executor;
    std::function<Task<>()> make;
    boost::asio::cancellation_signal signal;
  };
  std::string name;
  mutable std::mutex mutex;
  std::condition_variable ended;
  std::list<std::shared_ptr<Entry>> entries;
};

namespace {

void report(const std::string& name, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) return;
    log::error("task failed", {{"group", name}, {"error", error.what()}});
  } catch (const std::exception& error) {
    log::error("task failed", {{"group", name}, {"error", error.what()}});
  }
}

}  // namespace

TaskGroup::TaskGroup(std::string name) : impl_(std::make_shared<Impl>()) { impl_->name = std::move(name); }

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(const Executor& executor, std::function<Task<>()> make) {
  auto entry = std::make_shared<Impl::Entry>();
  entry->executor = executor;
  entry->make = std::move(make);
  std::list<std::shared_ptr<Impl::Entry>>::iterator place;
  {
    const std::scoped_lock lock(impl_->mutex);
    place = impl_->entries.insert(impl_->entries.end(), entry);
  }
  auto on_end = [impl = impl_, place](std::exception_ptr failure) {
    if (failure) report(impl->name, failure);
    const auto kept = *place;  // destroyed after the lock is gone: it may own a lot
    const std::scoped_lock lock(impl->mutex);
    impl->entries.erase(place);
    impl->ended.notify_all();
  };
  boost::asio::co_spawn(executor, entry->make(),
                        boost::asio::bind_cancellation_slot(entry->signal.slot(), std::move(on_end)));
}

void TaskGroup::cancel() {
  const std::scoped_lock lock(impl_->mutex);
  for (const auto& entry : impl_->entries) {
    boost::asio::post(entry->executor, [entry] { entry->signal.emit(boost::asio::cancellation_type::all); });
  }
}

bool TaskGroup::join(std::chrono::milliseconds patience) {
  std::unique_lock lock(impl_->mutex);
  return impl_->ended.wait_for(lock, patience, [this] { return impl_->entries.empty(); });
}

std::size_t TaskGroup::size() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->entries.size();
}

}  // namespace mainstay
