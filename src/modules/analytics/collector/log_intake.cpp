#include "modules/analytics/collector/log_intake.h"

#include <algorithm>

#include "base/json.h"
#include "modules/analytics/intake.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kDetectLines = 50;
/// Of log time in which alike lines are counted: lines may come a little out of order, forwards or backwards, and a
/// late one among them takes nothing from the others.
constexpr std::size_t kAlikeMinutes = 3;
constexpr std::size_t kSaltDaysKept = 8;

std::vector<std::string_view> first_lines(std::string_view block) {
  std::vector<std::string_view> lines;
  while (!block.empty() && lines.size() < kDetectLines) {
    const auto end = block.find('\n');
    if (const auto line = block.substr(0, end); !line.empty()) lines.push_back(line);
    if (end == std::string_view::npos) break;
    block.remove_prefix(end + 1);
  }
  return lines;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9E3779B97F4A7C15ULL + (hash << 6) + (hash >> 2);
  return hash * 0xBF58476D1CE4E5B9ULL;
}

/// A fixed hash: ids must be the same in every process and version.
std::uint64_t stable_hash(std::string_view text) { return keyed_hash(HashKey{}, text); }

}  // namespace

void LogSummary::add(const LogSummary& more) {
  lines += more.lines;
  unparsable += more.unparsable;
  accepted += more.accepted;
  bots += more.bots;
  bytes += more.bytes;
  for (const auto& [reason, count] : more.refused) refused[reason] += count;
  for (const auto& [code, count] : more.status) status[code] += count;
}

LogIntake::LogIntake(std::shared_ptr<const Site> site, std::optional<LogFormat> format, const Generaliser& generaliser,
                     SaltSource salts)
    : site_(std::move(site)),
      format_(format),
      is_named_(format.has_value()),
      generaliser_(generaliser),
      salt_source_(std::move(salts)) {}

Result<> LogIntake::feed(std::string_view block, std::vector<Hit>& hits) {
  if (!is_named_) {
    const auto lines = first_lines(block);
    if (lines.empty()) return {};
    if (const auto found = detect_format(lines); found && found != format_) {
      format_ = found;
      parser_.reset();
    }
    if (!format_) {
      return refuse(Refusal::kInvalid, "analytics.unknown_log_format",
                    "The first lines are of no log format known here; name one with `format`.");
    }
  }
  if (!parser_) parser_ = std::make_shared<LogParser>(*format_);
  while (!block.empty()) {
    const auto end = block.find('\n');
    auto line = block.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) take(line, hits);
    if (end == std::string_view::npos) break;
    block.remove_prefix(end + 1);
  }
  salts_.clear();  // held for one block only, so that they are destroyed in time
  return {};
}

void LogIntake::take(std::string_view text, std::vector<Hit>& hits) {
  ++summary_.lines;
  LogLine line;
  if (!parser_->parse(text, line)) {
    ++summary_.unparsable;
    return;
  }
  ++summary_.status[line.status];
  summary_.bytes += static_cast<std::uint64_t>(line.bytes);
  const auto kind = line_kind(line);
  const bool counts = kind == LineKind::kPageView || kind == LineKind::kDownload || kind == LineKind::kNotFound;
  if (!counts) {
    ++summary_.refused[std::string{line_kind_name(kind)}];
    return;
  }
  const auto id = event_id(line);
  auto hit = generaliser_.line(*site_, line, kind, id, salts_of(utc_day(line.at)));
  if (!hit) {
    ++summary_.refused[std::string{hit.error().reason}];
    return;
  }
  ++(hit->kind == Hit::Kind::kBot ? summary_.bots : summary_.accepted);
  hits.push_back(std::move(*hit));
}

std::uint64_t LogIntake::event_id(const LogLine& line) {
  auto hash = mix(static_cast<std::uint64_t>(site_->id), static_cast<std::uint64_t>(to_micros(line.at)));
  hash = mix(hash, stable_hash(line.target));
  hash = mix(hash, stable_hash(line.referrer));
  hash = mix(hash, stable_hash(line.host));
  hash = mix(hash, static_cast<std::uint64_t>(line.status) << 48 ^ static_cast<std::uint64_t>(line.bytes));
  // Tells two visitors of the same second apart well enough, and nobody who it was.
  constexpr std::uint64_t kVisitorBits = 0xFFFF;
  hash = mix(hash, mix(stable_hash(line.address), stable_hash(line.user_agent)) & kVisitorBits);
  return mix(hash, alike_at(line.at).counts[hash]++) | kStableId;
}

LogIntake::Alike& LogIntake::alike_at(Instant at) {
  const auto minute = std::chrono::floor<minutes>(at);
  auto found = std::ranges::find(alike_, minute, &Alike::minute);
  if (found == alike_.end()) {
    if (alike_.size() >= kAlikeMinutes) alike_.pop_back();
    found = alike_.insert(alike_.end(), {.minute = minute, .counts = {}});
  }
  std::rotate(alike_.begin(), found, found + 1);
  return alike_.front();
}

std::size_t LogIntake::alike_held() const {
  std::size_t held = 0;
  for (const auto& minute : alike_) held += minute.counts.size();
  return held;
}

const DaySalts& LogIntake::salts_of(std::int32_t day) {
  auto found = salts_.find(day);
  if (found == salts_.end()) {
    if (salts_.size() >= kSaltDaysKept) salts_.erase(salts_.begin());
    found = salts_.emplace(day, salt_source_(day)).first;
  }
  return *found->second;
}

std::string to_json(const LogSummary& summary) {
  json::Object refused;
  for (const auto& [reason, count] : summary.refused) refused[reason] = count;
  json::Object status;
  for (const auto& [code, count] : summary.status) status[std::to_string(code)] = count;
  return boost::json::serialize(json::Object{{"lines", summary.lines},
                                             {"unparsable", summary.unparsable},
                                             {"accepted", summary.accepted},
                                             {"bots", summary.bots},
                                             {"refused", refused},
                                             {"status", status},
                                             {"bytes", summary.bytes}});
}

}  // namespace mainstay::analytics
