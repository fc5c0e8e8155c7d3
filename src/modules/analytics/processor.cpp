#include "modules/analytics/processor.h"

#include <malloc.h>

#include <atomic>
#include <boost/asio/this_coro.hpp>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "modules/analytics/committer.h"
#include "modules/analytics/erasure.h"
#include "modules/analytics/intake.h"
#include "modules/analytics/live_reports.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/unwritten.h"
#include "modules/analytics/written.h"
#include "runtime/scheduling.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kReadRecordsMax = 4'096;
constexpr std::size_t kReadBytesMax = 8 << 20;
constexpr seconds kRollupsEvery{60};
/// No hit for so long, and sums of past days are made; not many for so long, and memory is given back.
constexpr seconds kQuiet{3};
constexpr milliseconds kRetryEvery{500};
constexpr minutes kUpkeepEvery{10};
/// A batch that has so many rows when it is due is an import's: it may wait so much longer, to be written when full.
constexpr std::size_t kFastRows = 20'000;
constexpr int kFastPatience = 5;
constexpr seconds kFastPatienceMax{10};  ///< for other writers of the store wait meanwhile
/// After the store refused a batch in pieces, so many are written whole.
constexpr int kWholeBatches = 64;

/// How a command ended that a coroutine waits for; `failure` is written before `ended` is set and read after.
struct Outcome {
  std::exception_ptr failure;
  std::atomic<bool> ended{false};
};

}  // namespace

struct Processor::Impl {
  Ports ports;
  Options options;
  std::unique_ptr<Intake> intake;  ///< made anew from what is stored when it cannot go on; until then null

  std::thread thread;
  std::atomic<bool> stopping{false};
  Written written;
  Unwritten unwritten;

  mutable std::mutex mutex;                    ///< of the commands
  std::deque<std::function<void()>> commands;  ///< run on the thread
  SharedLedger refusals;                       ///< counted by others, not yet handed to the intake

  ImportFates fates;
  LiveReports live;
  std::atomic<int> whole_batches{0};        ///< so many are not given in pieces, each tried until it is written
  std::atomic<bool> stored_unnoted{false};  ///< a batch was written and the intake does not know yet
  std::chrono::microseconds pending_since{0};
  std::chrono::microseconds next_upkeep{0};
  std::chrono::microseconds quiet_at{0};
  std::optional<std::chrono::microseconds> trim_at;  ///< when memory of past batches goes back to the system
  std::shared_ptr<const SiteMap> upkeep_sites;       ///< at the last upkeep
  RollupKeeper rollups;                              ///< on the committer's thread only
  std::atomic<bool> rollups_due{true};
  std::chrono::microseconds next_rollups{0};

  Compactor compactor;
  Committer committer;  ///< last: what it calls back is there as long as it runs

  Impl(Ports given, Options given_options)
      : ports(std::move(given)),
        options(given_options),
        intake(std::make_unique<Intake>(ports.columns, ports.random)),
        written([this] { ports.stream.interrupt(); }),
        live(ports.bus, ports.clock, ports.sites),
        rollups(ports.columns, ports.sites),
        compactor(ports.columns, ports.clock, ports.metrics),
        committer(ports.columns, ports.metrics, [this] { ports.stream.interrupt(); }) {
    ports.metrics.gauge("mainstay_analytics_backlog_records", "Records in the stream that no report shows yet.",
                        [this] { return static_cast<double>(ports.stream.last() - written.through()); });
  }

  void run();
  std::vector<stream::Record> read();
  void take(const std::vector<stream::Record>& records);
  void recover();
  void restore();
  void note(const Taken& taken);
  bool flush_due(std::chrono::microseconds now);
  bool has_much() const;
  void keep_rollups(std::chrono::microseconds now);
  void hand_over();
  void start_flush();
  bool flush_and_wait();
  void upkeep(std::chrono::microseconds now);
  void trim(std::chrono::microseconds now);
  bool run_commands();
  std::chrono::milliseconds wait_for() const;
};

void Processor::Impl::run() {
  become_background_thread("analytics");
  while (!stopping) {
    const auto records = read();
    const auto now = ports.clock.monotonic();
    if (!records.empty()) {
      if (!intake->has_pending()) pending_since = now;
      take(records);
      if (!intake) break;
    }
    live.publish_due(ports.clock.monotonic());
    if (flush_due(now) && committer.ready()) start_flush();
    if (has_much()) hand_over();
    if (committer.lost()) recover();
    if (!intake) break;
    if (run_commands()) continue;
    upkeep(now);
    trim(now);
    if (!records.empty()) quiet_at = now + kQuiet;
    if (records.empty() && !intake->has_pending()) keep_rollups(now);
  }
  if (!flush_and_wait()) log::warning("analytics: the last hits are in the stream only; the next start reads them");
  run_commands();
  written.end();
}

std::vector<stream::Record> Processor::Impl::read() {
  try {
    return ports.stream.read(intake->position(), kReadRecordsMax, kReadBytesMax, wait_for());
  } catch (const Unavailable& outage) {
    log::error("analytics: the stream cannot be read; trying again", {{"error", outage.what()}});
    std::this_thread::sleep_for(kRetryEvery);
    return {};
  }
}

void Processor::Impl::take(const std::vector<stream::Record>& records) {
  const auto sites = ports.sites.snapshot();
  const auto now = ports.clock.now();
  try {
    for (const auto& record : records) {
      unwritten.taken(record.appended_at);
      intake->take(record, *sites, now, [this](const Taken& taken) { note(taken); });
      if (has_much()) hand_over();
    }
  } catch (const Unavailable& outage) {
    log::error("analytics: the column store cannot be read", {{"error", outage.what()}});
    recover();
  }
}

/// Goes on as after a crash: from what is committed. The stream has the rest, of which a record may be half taken:
/// nothing of it may be written, also when the end comes first.
void Processor::Impl::recover() {
  log::info("analytics: going back to what is stored");
  intake.reset();
  committer.begin_anew();
  whole_batches = kWholeBatches;
  std::this_thread::sleep_for(kRetryEvery);
  while (!stopping) {
    try {
      return restore();
    } catch (const Unavailable& outage) {
      log::error("analytics: still no column store", {{"error", outage.what()}});
      std::this_thread::sleep_for(kRetryEvery);
    }
  }
}

void Processor::Impl::restore() {
  auto restored = std::make_unique<Intake>(ports.columns, ports.random);
  std::map<SiteId, LiveSite> seen;
  restored->restore(ports.clock.now(), [&seen](SiteId site, std::uint64_t visitor, const Hit& hit) {
    seen[site].add(visitor, hit, hit.source, hit.country);
  });
  stored_unnoted = false;
  std::ignore = fates.take_noted();
  intake = std::move(restored);
  live.restore(std::move(seen), ports.columns);
  refusals.add(unwritten.forget());
  written.set(intake->position());
}

void Processor::Impl::note(const Taken& taken) {
  live.note(taken);
  fates.note(taken);
  if (taken.fate == Taken::Fate::kAccepted && taken.first_of_site && ports.on_first_hit) {
    ports.on_first_hit(taken.hit->site, taken.hit->at);
  }
}

std::chrono::milliseconds Processor::Impl::wait_for() const {
  {
    const std::scoped_lock lock(mutex);
    if (!commands.empty()) return milliseconds{0};
  }
  if (committer.ready() && written.is_asked(intake->position())) return milliseconds{0};
  const auto due = live.next_due();
  if (!due) return options.idle_wait;
  const auto until = std::max(*due - ports.clock.monotonic(), microseconds{0});
  return std::min(options.idle_wait, std::chrono::duration_cast<milliseconds>(until) + milliseconds{1});
}

bool Processor::Impl::flush_due(std::chrono::microseconds now) {
  if (const auto refused = refusals.take(); !refused.empty()) {
    if (!intake->has_pending()) pending_since = now;
    intake->add_refusals(refused, *ports.sites.snapshot());
    unwritten.refused(refused);
  }
  if (written.is_asked(intake->position())) return true;
  const auto rows = intake->pending_rows();
  const auto patience = rows < kFastRows
                            ? options.flush_every
                            : std::min<milliseconds>(options.flush_every * kFastPatience, kFastPatienceMax);
  return intake->has_pending() &&
         (rows >= options.flush_rows || intake->held_ids() >= options.held_ids_max || now - pending_since >= patience);
}

bool Processor::Impl::has_much() const {
  return intake->held_rows() >= options.piece_rows || intake->held_ids() >= options.held_ids_max;
}

/// Gives what has gathered to be written, if the committer takes it; when too much gathers meanwhile, this waits.
void Processor::Impl::hand_over() {
  const auto now = ports.clock.monotonic();
  upkeep(now);  // which a long import would otherwise leave no moment
  const bool has_room = intake->held_rows() < options.held_rows_max && intake->held_ids() < options.held_ids_max;
  if (!committer.ready() && (has_room || !committer.wait_ready())) return;
  if (whole_batches > 0 || flush_due(now)) return start_flush();
  committer.add(intake->take_piece(ports.clock.now()));
}

void Processor::Impl::start_flush() {
  written.begin();
  pending_since = ports.clock.monotonic();
  if (stored_unnoted.exchange(false)) intake->note_stored();
  const auto position = intake->position();
  const auto stored = [this, position, noted = fates.take_noted(), counts = live.counts()] {
    fates.count(noted);
    ports.stream.forget_through(position);
    unwritten.commit_ended();
    live.committed(counts);
    stored_unnoted = true;
    written.set(position);
  };
  if (!intake->has_pending()) return stored();
  unwritten.commit_begins();
  auto steps = intake->take_commit(ports.clock.now(), rollups.newest());
  const auto is_stored = [this, number = intake->commit_number()] {
    return last_commit(ports.columns).number >= number;
  };
  committer.finish(std::move(steps), is_stored, [this, stored, voided = intake->voided_days()] {
    for (const auto& [site, day] : voided) rollups.invalidated(site, day);
    if (!voided.empty()) rollups_due = true;
    if (whole_batches > 0) --whole_batches;
    stored();
  });
}

bool Processor::Impl::flush_and_wait() {
  if (!intake || !committer.wait_ready()) return false;
  start_flush();
  return committer.wait_ready();
}

/// Removes what is older than a site keeps; also as soon as somebody edits a site.
void Processor::Impl::upkeep(std::chrono::microseconds now) {
  auto sites = ports.sites.snapshot();
  if (!committer.idle() || (now < next_upkeep && sites == upkeep_sites)) return;
  next_upkeep = now + kUpkeepEvery;
  upkeep_sites = sites;
  committer.start_work([this, sites, read = written.through()] {
    remove_expired(ports.columns, *sites, ports.clock.now(),
                   [this](SiteId site, std::int64_t hits) { live.removed(site, hits); });
    ports.stream.forget_through(read);
  });
}

/// After much came at once, when it is over: also on a server that is never quiet.
void Processor::Impl::trim(std::chrono::microseconds now) {
  if (intake->pending_rows() >= kFastRows) {
    trim_at = now + kQuiet;
  } else if (trim_at && now >= *trim_at && committer.idle()) {
    trim_at.reset();
    ::malloc_trim(0);
  }
}

void Processor::Impl::keep_rollups(std::chrono::microseconds now) {
  if (now < quiet_at || !committer.idle() || (!rollups_due && now < next_rollups)) return;
  next_rollups = now + kRollupsEvery;
  committer.start_work([this] {
    rollups_due = false;  // should the store refuse, it is tried again in a minute
    rollups_due = rollups.build_one(ports.clock.now());
  });
}

bool Processor::Impl::run_commands() {
  std::deque<std::function<void()>> taken;
  {
    const std::scoped_lock lock(mutex);
    taken.swap(commands);
  }
  for (auto& command : taken) command();
  return !taken.empty();
}

Processor::Processor(Ports ports, Options options) : impl_(std::make_unique<Impl>(std::move(ports), options)) {}

Processor::~Processor() { stop(); }

void Processor::start() {
  impl_->restore();
  impl_->rollups.restore();
  // A stop may have come between deleting somebody's rows and erasing them here.
  impl_->ports.stream.erase_through(impl_->intake->position());
  impl_->thread = std::thread([this] { impl_->run(); });
  impl_->compactor.start();
}

void Processor::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->stopping = true;
  impl_->committer.stop_retrying();
  impl_->ports.stream.interrupt();
  impl_->compactor.stop();  // may be waiting for a transaction to end
  impl_->thread.join();
}

Task<std::chrono::milliseconds> Processor::make_current() {
  const auto asked_at = impl_->ports.clock.now();
  const auto target = impl_->ports.stream.last();
  const auto through = impl_->written.through();
  if (through >= target) co_return milliseconds{0};
  const auto& options = impl_->options;
  const auto patience = target - through > options.backlog_records ? options.backlog_patience : options.fresh_patience;
  if (co_await impl_->written.reach(target, patience)) co_return milliseconds{0};
  const auto age = impl_->ports.clock.now() - impl_->unwritten.since().value_or(asked_at);
  co_return std::max(std::chrono::ceil<milliseconds>(age), milliseconds{1});
}

void Processor::count_refusal(SiteId site, std::string_view source, std::string_view reason, std::uint64_t count,
                              Asked asked) {
  impl_->refusals.add(site, source, reason, count, std::move(asked));
}

Task<bool> Processor::reach(stream::Offset offset, std::chrono::milliseconds patience) {
  return impl_->written.reach(offset, patience);
}

stream::Offset Processor::written_through() const { return impl_->written.through(); }

Processor::Fates Processor::take_fates(std::uint64_t batch) { return impl_->fates.take(batch); }

Task<> Processor::erase(SiteId site) {
  const Sleeper sleeper(co_await boost::asio::this_coro::executor, minutes{10});
  auto outcome = std::make_shared<Outcome>();
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->commands.push_back([this, site, outcome, waiting = sleeper]() mutable {
      try {
        if (!impl_->flush_and_wait()) throw Unavailable("what came before cannot be written now");
        impl_->intake->erase(site);
        impl_->ports.columns.commit(erase_steps(site, impl_->ports.clock.now()));
        impl_->ports.stream.erase_through(impl_->intake->position());
        impl_->compactor.wake();
        impl_->live.erase(site);
      } catch (...) {
        outcome->failure = std::current_exception();
      }
      outcome->ended = true;
      waiting.wake();
    });
  }
  impl_->ports.stream.interrupt();
  co_await sleeper.sleep();
  if (!outcome->ended) throw Unavailable("erasing a site's data takes long and is tried again");
  if (outcome->failure) std::rethrow_exception(outcome->failure);
}

std::string Processor::live_model(SiteId site) const { return impl_->live.json(site); }

std::size_t Processor::current_visitors(SiteId site) const { return impl_->live.current_visitors(site); }

}  // namespace mainstay::analytics
