#include "ports/stream/embedded/embedded.h"

#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "ports/stream/embedded/reader.h"
#include "ports/stream/embedded/writer.h"

namespace mainstay::stream::embedded {
namespace {

constexpr std::chrono::milliseconds kReadGather{2};

class Log final : public Stream {
 public:
  Log(const Options& options, Disk& disk)
      : options_(options),
        lock_(lock_folder(options.folder)),
        tail_(open_segments(options, disk, segments_)),
        last_(tail_.next - 1),
        reader_(options.on_damage, segments_),
        writer_(options, disk, segments_, std::move(tail_), [this](Offset offset) { publish(offset); }) {}

  Task<Result<Offset>> append(std::string record) override {
    if (record.size() > kRecordBytesMax) {
      co_return refuse(Refusal::kInvalid, "stream.record_too_large", "The record is larger than 4 MiB.");
    }
    if (!writer_.admit(record.size())) {
      co_return refuse_for_now("stream.full", "Too many records wait to be stored. Try again soon.");
    }
    Waiter waiter{.record = std::move(record), .executor = co_await boost::asio::this_coro::executor};
    const auto initiate = [this, &waiter](auto resume) {
      waiter.resume.emplace(std::move(resume));
      writer_.push(waiter);
    };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(initiate,
                                                                                       boost::asio::use_awaitable);
    if (waiter.outage) throw Unavailable(*waiter.outage);
    co_return waiter.offset;
  }

  std::vector<Record> read(Offset after, std::size_t records_max, std::size_t bytes_max,
                           std::chrono::milliseconds patience) override {
    Offset durable = 0;
    {
      std::unique_lock lock(mutex_);
      const auto some = [&] { return interrupted_ || last_ > after; };
      if (!some() && wake_.wait_for(lock, patience, some) && !interrupted_) {
        // Under load groups come by the thousand a second: a moment's wait makes reads fewer and larger.
        lock.unlock();
        std::this_thread::sleep_for(kReadGather);
        lock.lock();
      }
      interrupted_ = false;
      if (last_ <= after) return {};
      durable = last_;
    }
    return reader_.read(after, records_max, bytes_max, durable);
  }

  void interrupt() override {
    {
      const std::scoped_lock lock(mutex_);
      interrupted_ = true;
    }
    wake_.notify_all();
  }

  [[nodiscard]] Offset last() const override {
    const std::scoped_lock lock(mutex_);
    return last_;
  }

  void forget_through(Offset offset) override {
    segments_.forget_through(offset);
    if (is_old(*segments_.newest(), options_)) writer_.roll();
  }

  void erase_through(Offset offset) override {
    segments_.forget_through(offset);
    writer_.roll();
  }

 private:
  void publish(Offset offset) {
    {
      const std::scoped_lock lock(mutex_);
      last_ = offset;
    }
    wake_.notify_all();
  }

  const Options options_;
  File lock_;
  Segments segments_;
  Tail tail_;  ///< until the writer takes it
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Offset last_;
  bool interrupted_ = false;
  Reader reader_;
  Writer writer_;  ///< ends first: it publishes
};

}  // namespace

std::unique_ptr<Stream> open(Options options) {
  static Disk real;
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) throw Unavailable("cannot create " + options.folder.string() + ": " + error.message());
  // Space is given back in whole segments, so a small limit needs small segments.
  options.segment_bytes = std::min(options.segment_bytes, std::max<std::uint64_t>(options.bytes_max / 4, 1 << 20));
  Disk& disk = options.disk != nullptr ? *options.disk : real;
  return std::make_unique<Log>(options, disk);
}

}  // namespace mainstay::stream::embedded
