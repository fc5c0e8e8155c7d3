#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/principal.h"

namespace mainstay::analytics {

/// What a refused request named that is not ours, so that an owner recognises a mistyped snippet or a forgotten host:
/// the site, as written, "" where it is known; and the host of the page, "" where it was not what is wrong.
struct Asked {
  std::string site;
  std::string host;
  auto operator<=>(const Asked&) const = default;
};

/// Refusals counted by (site, source, reason, what was asked for). Those without a site stand under SiteId{}.
class Ledger {
 public:
  static constexpr std::size_t kAskedMax = 32;        ///< different ones until `clear`; further ones stay unnamed
  static constexpr std::size_t kAskedBytesMax = 100;  ///< longer ones, and what is not plain text, stay unnamed

  void add(SiteId site, std::string_view source, std::string_view reason, std::uint64_t count, Asked asked = {});
  void add(const Ledger& more);
  [[nodiscard]] bool empty() const { return counts_.empty(); }
  void clear();
  using Key = std::tuple<SiteId, std::string, std::string, Asked>;
  [[nodiscard]] const std::map<Key, std::uint64_t>& counts() const { return counts_; }

 private:
  std::map<Key, std::uint64_t> counts_;
  std::set<Asked> asked_;
};

/// What many threads count until one takes it; nobody waits for more than that. Any thread.
class SharedLedger {
 public:
  void add(SiteId site, std::string_view source, std::string_view reason, std::uint64_t count, Asked asked) {
    const std::scoped_lock lock(mutex_);
    ledger_.add(site, source, reason, count, std::move(asked));
  }
  void add(const Ledger& more) {
    const std::scoped_lock lock(mutex_);
    ledger_.add(more);
  }
  [[nodiscard]] Ledger take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(ledger_, {});
  }
  [[nodiscard]] bool empty() const {
    const std::scoped_lock lock(mutex_);
    return ledger_.empty();
  }

 private:
  mutable std::mutex mutex_;
  Ledger ledger_;
};

}  // namespace mainstay::analytics
