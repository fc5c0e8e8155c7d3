#include "runtime/metrics.h"

#include <fmt/format.h>

#include <map>
#include <mutex>

namespace mainstay::metrics {

void Histogram::observe(double seconds) {
  std::size_t bucket = 0;
  while (bucket < std::size(kBounds) && seconds > kBounds[bucket]) ++bucket;
  buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_micros_.fetch_add(static_cast<std::uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t total = 0;
  for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
  return total;
}

void Histogram::render(std::string& out, std::string_view name, std::string_view labels) const {
  const std::string_view comma = labels.empty() ? "" : ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < std::size(kBounds); ++i) {
    total += buckets_[i].load(std::memory_order_relaxed);
    out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, kBounds[i], total);
  }
  total += buckets_[std::size(kBounds)].load(std::memory_order_relaxed);
  const double sum = static_cast<double>(sum_micros_.load(std::memory_order_relaxed)) / 1e6;
  out += fmt::format("{0}_bucket{{{1}{2}le=\"+Inf\"}} {3}\n{0}_sum{{{1}}} {4}\n{0}_count{{{1}}} {3}\n", name, labels,
                     comma, total, sum);
}

struct Registry::Impl {
  struct Family {
    std::string help;
    std::string_view type;
    std::map<std::string, std::unique_ptr<Counter>, std::less<>> counters;
    std::map<std::string, std::unique_ptr<Histogram>, std::less<>> histograms;
    std::map<std::string, std::function<double()>, std::less<>> gauges;
  };
  mutable std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;

  Family& family(std::string_view name, std::string_view help, std::string_view type) {
    auto& found = families[std::string{name}];
    found.help = help;
    found.type = type;
    return found;
  }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Counter& Registry::counter(std::string_view name, std::string_view help, std::string_view labels) {
  const std::scoped_lock lock(impl_->mutex);
  auto& slot = impl_->family(name, help, "counter").counters[std::string{labels}];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, std::string_view labels) {
  const std::scoped_lock lock(impl_->mutex);
  auto& slot = impl_->family(name, help, "histogram").histograms[std::string{labels}];
  if (!slot) slot = std::make_unique<Histogram>();
  return *slot;
}

void Registry::gauge(std::string_view name, std::string_view help, std::function<double()> read,
                     std::string_view labels) {
  const std::scoped_lock lock(impl_->mutex);
  impl_->family(name, help, "gauge").gauges[std::string{labels}] = std::move(read);
}

std::string Registry::render() const {
  const std::scoped_lock lock(impl_->mutex);
  std::string out;
  for (const auto& [name, family] : impl_->families) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.type);
    const auto line = [&](const std::string& labels, auto value) {
      out += labels.empty() ? fmt::format("{} {}\n", name, value) : fmt::format("{}{{{}}} {}\n", name, labels, value);
    };
    for (const auto& [labels, counter] : family.counters) line(labels, counter->value());
    for (const auto& [labels, read] : family.gauges) line(labels, read());
    for (const auto& [labels, histogram] : family.histograms) histogram->render(out, name, labels);
  }
  return out;
}

}  // namespace mainstay::metrics
