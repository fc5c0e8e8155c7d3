#include "modules/analytics/collector/log_imports.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <future>
#include <span>
#include <thread>

namespace mainstay::analytics {
namespace {

constexpr std::size_t kHitsPerRecord = 256;
constexpr std::size_t kUnderWayMax = 8;  ///< records; about half a megabyte
constexpr std::chrono::milliseconds kFullWait{50};
constexpr std::chrono::minutes kFullPatience{10};
constexpr std::chrono::seconds kImportsRetryAfter{30};
/// Less than a request may take.
constexpr std::chrono::seconds kCountPatience{45};
constexpr std::chrono::seconds kCountRetryAfter{5};

}  // namespace

class LogImports::Import {
 public:
  Import(SiteId of, LogIntake given, std::uint64_t number, std::optional<Piece> begun_with)
      : site(of), first_piece(begun_with), intake(std::make_unique<LogIntake>(std::move(given))), batch(number) {}
  const SiteId site;
  const std::optional<Piece> first_piece;
  std::mutex mutex;
  std::unique_ptr<LogIntake> intake;  ///< as of the last block that was stored
  const std::uint64_t batch;
  std::optional<Piece> last_piece;  ///< that was stored
  std::atomic<std::uint64_t> next_piece = 0;
  std::atomic<stream::Offset> stored_through = 0;
  LogSummary summary;  ///< when finished
  std::atomic<bool> finished = false;
  std::atomic<Instant> fed_at;  ///< or finished
};

/// The appends of one block, in order, a few at a time: lines are read while earlier ones reach the disk, and beacons
/// do not wait behind a whole block.
class LogImports::Appends {
 public:
  Appends(const Ports& ports, Import& import, const std::atomic<bool>& stopping)
      : ports_(ports), import_(import), stopping_(stopping), deadline_(ports.clock.monotonic() + kFullPatience) {}

  Result<> start(std::string record) {
    if (under_way_.size() >= kUnderWayMax) {
      if (auto stored = finish_first(); !stored) return stored;
    }
    auto appended = append(record);
    under_way_.emplace_back(std::move(record), std::move(appended));
    return {};
  }
  Result<> finish() {
    while (!under_way_.empty()) {
      if (auto stored = finish_first(); !stored) return stored;
    }
    return {};
  }

 private:
  using Appended = std::future<Result<stream::Offset>>;

  Appended append(std::string record) {
    return boost::asio::co_spawn(ports_.executor, ports_.stream.append(std::move(record)), boost::asio::use_future);
  }
  Result<> finish_first() {
    auto [record, appended] = std::move(under_way_.front());
    under_way_.pop_front();
    auto result = appended.get();
    for (; !result; result = append(record).get()) {
      // The processor is behind: wait for it rather than lose the place in the file.
      const bool waits = !stopping_ && ports_.clock.monotonic() <= deadline_;
      if (result.error().kind != Refusal::kUnavailable || !waits) return refuse(result);
      std::this_thread::sleep_for(kFullWait);
    }
    import_.stored_through = *result;
    return {};
  }

  const Ports& ports_;
  Import& import_;
  const std::atomic<bool>& stopping_;
  std::chrono::microseconds deadline_;
  std::deque<std::pair<std::string, Appended>> under_way_;
};

LogImports::LogImports(Ports ports) : ports_(std::move(ports)) {}
LogImports::~LogImports() = default;

Result<std::shared_ptr<LogImports::Import>> LogImports::open(const std::string& name, std::shared_ptr<const Site> site,
                                                             std::optional<LogFormat> format,
                                                             std::optional<Piece> piece) {
  const std::scoped_lock lock(mutex_);
  const auto now = ports_.clock.now();
  make_room(now);
  const auto found = imports_.find(name);
  if (found != imports_.end() && !begins_anew(*found->second, piece)) return found->second;
  if (piece && piece->number > 0) return refuse_piece(0);
  const auto open = std::ranges::count_if(
      imports_, [&name](const auto& entry) { return entry.first != name && !entry.second->finished; });
  if (!name.empty() && static_cast<std::size_t>(open) >= kOpenMax) {
    return refuse_for_now("analytics.too_many_imports", "Too many imports are running; try again later.",
                          kImportsRetryAfter);
  }
  auto salts = [this](std::int32_t day) {
    if (auto cached = ports_.salts.cached(day)) return cached;
    return boost::asio::co_spawn(ports_.executor, ports_.salts.for_day(day), boost::asio::use_future).get();
  };
  // Larger numbers are newer, so that the processor forgets the oldest batch first.
  const auto batch = static_cast<std::uint64_t>(to_micros(now)) << 8 | (ports_.random.number() & 0xFF);
  const auto id = site->id;
  auto made = std::make_shared<Import>(id, LogIntake(std::move(site), format, ports_.generaliser, std::move(salts)),
                                       batch, piece);
  made->fed_at = now;
  if (!name.empty()) imports_.insert_or_assign(name, made);
  return made;
}

bool LogImports::begins_anew(const Import& import, std::optional<Piece> piece) {
  return piece && piece->number == 0 && (import.first_piece != piece || import.next_piece > 1);
}

/// Closes what has been idle for long and forgets the oldest of too many that are finished.
void LogImports::make_room(Instant now) {
  std::erase_if(imports_, [now](const auto& entry) {
    const bool in_use = entry.second.use_count() > 1;
    return !in_use && entry.second->fed_at.load() + (entry.second->finished ? kFinishedKept : kIdleMax) < now;
  });
  const auto finished = [](const auto& entry) { return entry.second->finished.load(); };
  if (static_cast<std::size_t>(std::ranges::count_if(imports_, finished)) <= kFinishedMax) return;
  imports_.erase(std::ranges::min_element(
      imports_, {}, [&](const auto& entry) { return finished(entry) ? entry.second->fed_at.load() : Instant::max(); }));
}

/// Nothing of it could be read: who sends again may name the format.
void LogImports::forget(const Import& import) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(imports_, [&import](const auto& entry) { return entry.second.get() == &import; });
}

std::unexpected<Failure> LogImports::refuse_piece(std::optional<std::uint64_t> next) {
  auto failure = refuse_field("analytics.piece_out_of_order", "piece",
                              next ? fmt::format("Piece {} comes next in this import.", *next)
                                   : "This import is finished; begin a new one with piece 0, or give it another name.");
  failure.error().kind = Refusal::kConflict;
  return failure;
}

Result<> LogImports::feed(Import& import, LogText lines, std::optional<Piece> piece) {
  const std::scoped_lock lock(import.mutex);
  if (piece && piece == import.last_piece) return {};
  if (import.finished && !piece && lines.empty()) return {};
  if (import.finished) return refuse_piece({});
  if (piece && piece->number != import.next_piece) return refuse_piece(import.next_piece.load());
  import.fed_at = ports_.clock.now();
  auto next = std::make_unique<LogIntake>(*import.intake);
  if (auto site = ports_.sites.snapshot()->find(import.site)) next->set_site(std::move(site));
  if (auto stored = store(*next, import, lines); !stored) {
    if (!next->format()) forget(import);
    return stored;
  }
  note_refusals(import.site, import.intake->summary(), next->summary());
  import.intake = std::move(next);
  if (piece) {
    import.last_piece = piece;
    ++import.next_piece;
  }
  return {};
}

Result<> LogImports::store(LogIntake& intake, Import& import, LogText& lines) {
  std::vector<Hit> hits;
  Appends appends(ports_, import, stopping_);
  for (auto piece = lines.next(); !piece.empty(); piece = lines.next()) {
    hits.clear();
    if (auto fed = intake.feed(piece, hits); !fed) return fed;
    const std::span<const Hit> all(hits);
    for (std::size_t from = 0; from < all.size(); from += kHitsPerRecord) {
      const auto part = all.subspan(from, std::min(kHitsPerRecord, all.size() - from));
      if (auto started = appends.start(encode(part, import.batch)); !started) return started;
    }
  }
  return appends.finish();
}

/// Tells the ledger what the last block added to the lines that are no hits.
void LogImports::note_refusals(SiteId site, const LogSummary& before, const LogSummary& now) {
  const auto note = [&](std::string_view reason, std::uint64_t count) {
    if (count > 0) ports_.processor.count_refusal(site, "import", reason, count);
  };
  note("unparsable", now.unparsable - before.unparsable);
  for (const auto& [reason, count] : now.refused) {
    const auto known = before.refused.find(reason);
    note(reason, count - (known == before.refused.end() ? 0 : known->second));
  }
}

Task<Result<LogSummary>> LogImports::finish(std::shared_ptr<Import> import) {
  std::ignore = co_await ports_.processor.reach(import->stored_through, kCountPatience);
  co_return sum_up(*import);
}

Result<LogSummary> LogImports::sum_up(Import& import) {
  const std::unique_lock lock(import.mutex, std::try_to_lock);  // whoever feeds it now holds it for long
  if (!lock || (!import.finished && ports_.processor.written_through() < import.stored_through)) {
    return refuse_for_now("analytics.import_not_counted",
                          "The lines are stored, but not all of them are counted yet; ask again.", kCountRetryAfter);
  }
  if (import.finished) return import.summary;
  auto summary = import.intake->summary();
  auto fates = ports_.processor.take_fates(import.batch);
  // What was stored of a block that failed came again with it; that is no line of its own.
  auto seen = fates.accepted + fates.bots;
  for (const auto& [reason, count] : fates.refused) seen += count;
  const auto again = std::min(seen - std::min(seen, summary.accepted + summary.bots), fates.refused["duplicate"]);
  if ((fates.refused["duplicate"] -= again) == 0) fates.refused.erase("duplicate");
  summary.accepted = fates.accepted;
  summary.bots = fates.bots;
  for (const auto& [reason, count] : fates.refused) summary.refused[reason] += count;
  import.summary = std::move(summary);
  import.intake.reset();
  import.fed_at = ports_.clock.now();
  import.finished = true;
  return import.summary;
}

LogSummary LogImports::so_far(Import& import) const {
  const std::scoped_lock lock(import.mutex);
  return import.finished ? import.summary : import.intake->summary();
}

}  // namespace mainstay::analytics
