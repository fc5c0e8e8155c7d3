#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace mainstay::analytics {

/// Regular expressions compiled at first use, by number. When more than `compiled_max` stand, all are dropped and
/// those in use come back one by one. Threads: any; readers share a lock, dropping takes it alone.
class LazyRegexes {
 public:
  LazyRegexes(std::size_t numbers, std::size_t compiled_max);
  ~LazyRegexes();
  LazyRegexes(const LazyRegexes&) = delete;
  LazyRegexes& operator=(const LazyRegexes&) = delete;

  /// Holds what `get` returned in place.
  [[nodiscard]] std::shared_lock<std::shared_mutex> hold() const { return std::shared_lock{mutex_}; }
  /// Call under `hold()`. One number always comes with the same text. Null when RE2 refuses it.
  [[nodiscard]] const re2::RE2* get(std::size_t number, std::string_view regex);
  /// Call without `hold()`, now and then.
  void shrink();
  [[nodiscard]] std::size_t compiled() const { return compiled_; }

 private:
  void drop_all();

  mutable std::shared_mutex mutex_;
  std::vector<std::atomic<re2::RE2*>> slots_;
  std::size_t compiled_max_;
  std::atomic<std::size_t> compiled_ = 0;
};

}  // namespace mainstay::analytics
