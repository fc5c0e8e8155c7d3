#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// Numbers about the running process, in Prometheus text form at /metrics.
/// Names are `mainstay_<module>_<what>_<unit>`; labels are few and bounded.
namespace mainstay::metrics {

/// Only grows. Any thread.
class Counter {
 public:
  void add(std::uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Counts observations in fixed buckets (seconds, 100 µs to 10 s). Any thread.
class Histogram {
 public:
  static constexpr double kBounds[] = {0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                       0.1,    0.25,   0.5,   1.0,    2.5,   5.0,  10.0};
  void observe(double seconds);
  [[nodiscard]] std::uint64_t count() const;
  void render(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  std::atomic<std::uint64_t> buckets_[std::size(kBounds) + 1]{};
  std::atomic<std::uint64_t> sum_micros_{0};
};

/// Owns all metrics of a process; what it hands out lives as long as it does. Any thread.
/// `labels` is finished text such as `reason="late"`.
class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& counter(std::string_view name, std::string_view help, std::string_view labels = "");
  Histogram& histogram(std::string_view name, std::string_view help, std::string_view labels = "");
  /// `read` is called at each scrape, from any thread, for as long as the registry lives.
  void gauge(std::string_view name, std::string_view help, std::function<double()> read, std::string_view labels = "");

  [[nodiscard]] std::string render() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::metrics
