#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <vector>

namespace mainstay::analytics {

/// A set of 64-bit hashes for each of the days at work, read from the store when a day comes up and dropped
/// when newer days push it out. One thread. Memory: about 12 bytes a hash.
class DaySets {
 public:
  using Load = std::function<std::vector<std::uint64_t>(std::int32_t day)>;
  explicit DaySets(Load load, std::size_t days_max = 4) : load_(std::move(load)), days_max_(days_max) {}

  /// False when `hash` was in the day's set already.
  bool insert(std::int32_t day, std::uint64_t hash) { return of(day).insert(hash).second; }
  [[nodiscard]] bool contains(std::int32_t day, std::uint64_t hash) { return of(day).contains(hash); }

  /// What was inserted until now goes to the store; `trim` follows when it is there.
  void mark() { marked_at_ = uses_; }

  /// Drops the days used longest ago, of those not used since `mark`: they can be read back from the store.
  void trim() {
    while (sets_.size() > days_max_) {
      auto oldest = sets_.begin();
      for (auto it = sets_.begin(); it != sets_.end(); ++it) {
        if (it->second.used_at < oldest->second.used_at) oldest = it;
      }
      if (oldest->second.used_at > marked_at_) return;
      sets_.erase(oldest);
    }
  }
  void clear() { sets_.clear(); }
  /// Hashes that `mark` and `trim` would let go: those of the days used since `mark`, but for as many of the largest as
  /// are kept anyway.
  [[nodiscard]] std::size_t hashes_to_free() const {
    if (sets_.size() <= days_max_) return 0;
    std::vector<std::size_t> sizes;
    for (const auto& [day, set] : sets_) {
      if (set.used_at > marked_at_) sizes.push_back(set.hashes.size());
    }
    const auto kept = std::min(days_max_, sizes.size());
    std::ranges::nth_element(sizes, sizes.begin() + static_cast<std::ptrdiff_t>(kept), std::greater{});
    return std::accumulate(sizes.begin() + static_cast<std::ptrdiff_t>(kept), sizes.end(), std::size_t{0});
  }

 private:
  struct Set {
    boost::unordered_flat_set<std::uint64_t> hashes;
    std::uint64_t used_at = 0;
  };
  boost::unordered_flat_set<std::uint64_t>& of(std::int32_t day) {
    auto [found, is_new] = sets_.try_emplace(day);
    auto& set = found->second;
    if (is_new) {
      for (const auto known : load_(day)) set.hashes.insert(known);
    }
    set.used_at = ++uses_;
    return set.hashes;
  }
  Load load_;
  std::size_t days_max_;
  std::map<std::int32_t, Set> sets_;
  std::uint64_t uses_ = 0;
  std::uint64_t marked_at_ = 0;
};

}  // namespace mainstay::analytics
