#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/analytics/classify/log_line.h"
#include "modules/analytics/collector/generalise.h"

namespace mainstay::analytics {

/// What became of log lines. `lines` = `unparsable` + `accepted` + `bots` + the sum of `refused`.
struct LogSummary {
  std::uint64_t lines = 0;
  std::uint64_t unparsable = 0;
  std::uint64_t accepted = 0;  ///< in the queue; the processor may still find them to be duplicates
  std::uint64_t bots = 0;
  std::map<std::string, std::uint64_t> refused;
  std::map<int, std::uint64_t> status;  ///< of all lines that could be read
  std::uint64_t bytes = 0;              ///< of all lines that could be read

  void add(const LogSummary& more);
};

/// One import of a site's log: turns text into hits. Lines may come in blocks of any size that end at a line's end.
/// Not thread-safe; blocks on `salts` for a day that is new to it. A copy goes on from the same place, which is how
/// a block is given up that could not be stored: its lines must find the same counts when they come again. Of copies
/// one at a time may be used.
///
/// The same line again has the same event id: a hash of what is in it but for the address and the agent, of which
/// 16 bits of a hash take part, and of how many such lines came before it within the same second.
class LogIntake {
 public:
  using SaltSource = std::function<std::shared_ptr<const DaySalts>(std::int32_t day)>;
  /// `format` nothing: found out from the first lines of each block, because logs of several formats may follow each
  /// other; where that says nothing, it stays as it was.
  LogIntake(std::shared_ptr<const Site> site, std::optional<LogFormat> format, const Generaliser& generaliser,
            SaltSource salts);

  /// What is fed from now on is taken by these settings of the same site.
  void set_site(std::shared_ptr<const Site> site) { site_ = std::move(site); }

  /// Reads whole lines. Refuses kInvalid `analytics.unknown_log_format` when the format is to be found out and cannot
  /// be.
  [[nodiscard]] Result<> feed(std::string_view block, std::vector<Hit>& hits);

  [[nodiscard]] const LogSummary& summary() const { return summary_; }
  [[nodiscard]] std::optional<LogFormat> format() const { return format_; }
  /// How many counts are held to tell alike lines apart: at most one for each line of a few minutes.
  [[nodiscard]] std::size_t alike_held() const;

 private:
  void take(std::string_view text, std::vector<Hit>& hits);
  [[nodiscard]] std::uint64_t event_id(const LogLine& line);
  [[nodiscard]] const DaySalts& salts_of(std::int32_t day);

  std::shared_ptr<const Site> site_;
  std::optional<LogFormat> format_;
  bool is_named_;                      ///< the format was given, not found out
  std::shared_ptr<LogParser> parser_;  ///< keeps nothing from line to line but its buffers
  const Generaliser& generaliser_;
  SaltSource salt_source_;
  std::map<std::int32_t, std::shared_ptr<const DaySalts>> salts_;
  LogSummary summary_;
  /// How many lines of a hash there were within one minute of log time.
  struct Alike {
    std::chrono::sys_time<minutes> minute;
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> counts;
  };
  [[nodiscard]] Alike& alike_at(Instant at);
  std::vector<Alike> alike_;  ///< the minutes last read, the latest first
};

/// The summary as JSON: {"lines", "unparsable", "accepted", "bots", "refused": {…}, "status": {…}, "bytes"}.
[[nodiscard]] std::string to_json(const LogSummary& summary);

}  // namespace mainstay::analytics
