#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "modules/analytics/day_sets.h"
#include "modules/analytics/ledger.h"
#include "modules/analytics/rows.h"
#include "modules/analytics/sessioniser.h"
#include "modules/analytics/sites/sites.h"
#include "ports/columns/columns.h"
#include "ports/random/random.h"
#include "ports/stream/stream.h"

namespace mainstay::analytics {

/// How far off a hit's time may be from that of its arrival. Log lines may be as old as they like, within the site's
/// retention.
inline constexpr minutes kFutureMax{5};
inline constexpr hours kLateMax{72};
/// UTC days that an event may be of when it comes.
inline constexpr std::size_t kEventDaysMax = 5;
static_assert(kEventDaysMax * days{1} >= kLateMax + kFutureMax + days{1});

/// Event ids with this bit were given by the sender, or derived from a log line: the same hit sent again has the
/// same id and is refused. Ids without it are random.
inline constexpr std::uint64_t kStableId = std::uint64_t{1} << 63;

/// What became of one hit.
struct Taken {
  enum class Fate { kAccepted, kBot, kRefused };
  Fate fate = Fate::kRefused;
  const Hit* hit = nullptr;
  std::uint64_t batch = 0;     ///< the import it came with, or 0
  std::string_view why{};      ///< of a refused hit: a literal
  Assigned assigned{};         ///< of an accepted hit
  bool first_of_site = false;  ///< the site had no hit before
};

/// The processor's rules, without its thread: validates records, joins hits to visits, gathers the rows of the
/// next commit. One thread. Throws Unavailable from `take` and `restore` when the store cannot be read; it may then
/// have a part of a record and is of no more use.
class Intake {
 public:
  Intake(columns::Columns& columns, random::Random& random);

  /// Continues where the store says the last run ended; hands over the hits of the last 30 minutes.
  using Recent = std::function<void(SiteId, std::uint64_t visitor, const Hit&)>;
  void restore(Instant now, const Recent& recent);

  using Note = std::function<void(const Taken&)>;
  void take(const stream::Record& record, const SiteMap& sites, Instant now, const Note& note);
  /// Refusals of sites that are gone, here and in `take`, are counted without a site.
  void add_refusals(const Ledger& ledger, const SiteMap& sites);

  [[nodiscard]] stream::Offset position() const { return position_; }
  [[nodiscard]] bool has_pending() const { return position_ != taken_ || !refusals_.empty(); }
  /// Rows of the next commit, of the table that has most; those of pieces included.
  [[nodiscard]] std::size_t pending_rows() const {
    return std::max(events_.rows() + rows_ahead_.events, bots_.rows() + rows_ahead_.bots);
  }
  /// Of them, those that are here.
  [[nodiscard]] std::size_t held_rows() const { return std::max(events_.rows(), bots_.rows()); }

  /// Event ids of the days that its log lines are of, those of the store included, that are here until it is stored and
  /// then no longer.
  [[nodiscard]] std::size_t held_ids() const { return lines_seen_.hashes_to_free(); }

  /// Steps of the next commit ahead of its others: what of it cannot change any more.
  [[nodiscard]] std::vector<columns::Step> take_piece(Instant now);
  /// The steps of one commit that writes all that was taken, but for its pieces. The next one may be asked for after
  /// this one was carried out and `note_stored` told so; hits may be taken meanwhile. Days after `newest_rollup` have
  /// no sums that it would make void.
  [[nodiscard]] std::vector<columns::Step> take_commit(Instant now, std::int32_t newest_rollup);
  /// Of the last take_commit. Numbers grow by one: so it can be told which commit the store has, also of commits that
  /// take nothing from the stream.
  [[nodiscard]] std::int64_t commit_number() const { return commit_number_; }
  void note_stored();
  /// The past days whose sums the last take_commit made void.
  using Days = std::vector<std::pair<SiteId, std::int32_t>>;
  [[nodiscard]] const Days& voided_days() const { return voided_days_; }

  void erase(SiteId site);

 private:
  struct Times {
    Instant arrived;  ///< when it was acknowledged
    Instant now;      ///< earlier when the clock was set back, days later after an outage
  };
  void take_hit(const Hit& hit, std::uint64_t batch, const SiteMap& sites, Times times, const Note& note);
  /// Why a hit is refused, or "".
  std::string_view fault(const Hit& hit, const Site* site, Times times);
  /// Whether this event id came before; notes it. An event without a timestamp is sent again with another time: so
  /// it counts once within kLateMax. A line of a log always has its own.
  bool was_seen(const Hit& hit, Instant arrived);
  /// The stable ids of what the store has of a UTC day and of certain origins.
  DaySets::Load load_ids(std::string_view origins) const;
  void set_aside(const stream::Record& record, std::string_view reason);
  void take_rows(const std::vector<std::unique_ptr<const Visit>>& ended, std::vector<columns::Step>& steps);
  BatchRows take_refusals(Instant now);
  using TakeRow = std::function<void(const std::vector<columns::Value>& row)>;
  /// Takes the rows of an answer as they come: it may be long.
  void each_row(std::string text, std::vector<columns::Value> parameters, const TakeRow& take) const;

  columns::Columns& columns_;
  DaySets lines_seen_;
  DaySets events_seen_;  ///< of all origins but logs
  Sessioniser sessioniser_;
  HitRecord record_;  ///< the one being taken; kept for its memory
  BatchRows events_{"events"};
  BatchRows bots_{"bots"};
  BatchRows visits_{"visits"};  ///< that ended; empty between two calls, kept for its memory
  BatchRows set_aside_{"set_aside"};
  struct {
    std::size_t events = 0;
    std::size_t bots = 0;
  } rows_ahead_;  ///< in pieces since the last take_commit
  Ledger refusals_;
  std::set<std::pair<SiteId, std::int32_t>> touched_days_;  ///< (site, visitor_day) of the rows to come
  Days voided_days_;
  boost::unordered_flat_set<std::int64_t> sites_with_hits_;
  stream::Offset position_ = 0;
  stream::Offset taken_ = 0;  ///< of the last take_commit
  std::int64_t commit_number_ = 0;
};

/// The last commit that is in the tables: its number, and the stream offset up to which it took everything.
struct Committed {
  stream::Offset offset = 0;
  std::int64_t number = 0;
};
/// Throws Unavailable.
[[nodiscard]] Committed last_commit(columns::Columns& columns);

}  // namespace mainstay::analytics
