#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mainstay::sql {

/// The prepared statements of one connection by key, least recently used first to go. Not thread-safe.
template <class Statement>
class StatementCache {
 public:
  /// How many statements a connection keeps prepared.
  static constexpr std::size_t kStatementsMax = 256;

  /// The statement kept under `key`, or null. Valid until the next call.
  [[nodiscard]] Statement* find(std::string_view key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  /// Takes out the statement that must go before another fits in.
  [[nodiscard]] std::optional<Statement> make_room() {
    if (entries_.size() < kStatementsMax) return std::nullopt;
    index_.erase(entries_.back().first);
    std::optional<Statement> oldest{std::move(entries_.back().second)};
    entries_.pop_back();
    return oldest;
  }

  /// Keeps `statement` under `key`, which is not there yet.
  Statement& insert(std::string key, Statement statement) {
    entries_.emplace_front(std::move(key), std::move(statement));
    index_.emplace(entries_.front().first, entries_.begin());
    return entries_.front().second;
  }

 private:
  using Entries = std::list<std::pair<std::string, Statement>>;
  Entries entries_;
  std::unordered_map<std::string_view, typename Entries::iterator> index_;  ///< keys live in `entries_`
};

}  // namespace mainstay::sql
