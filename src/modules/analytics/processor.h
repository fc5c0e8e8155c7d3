#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "modules/analytics/import_fates.h"
#include "modules/analytics/ledger.h"
#include "modules/analytics/live.h"
#include "modules/analytics/query/freshness.h"
#include "modules/analytics/sites/sites.h"
#include "ports/bus/bus.h"
#include "ports/clock/clock.h"
#include "ports/columns/columns.h"
#include "ports/random/random.h"
#include "ports/stream/stream.h"
#include "runtime/metrics.h"

namespace mainstay::analytics {

/// Takes hits from the stream in order, joins them to visits, writes rows, and keeps the live report.
///
/// One thread of its own, from `start` to `stop`. What it derived from a record and the record's offset are
/// committed in one transaction of the column store: after a crash the rest of the stream is read again, so
/// no hit is lost or counted twice and no visit is split. When the store refuses, it keeps its batch and tries
/// again, or reads it again from the stream when it was large, and goes no further: hits are still acknowledged
/// meanwhile.
class Processor final : public Freshness {
 public:
  struct Options {
    std::chrono::milliseconds flush_every{2'000};  ///< longer while a batch fills fast, as in an import
    std::size_t piece_rows = 16'384;               ///< of one table; what is written while more gathers
    /// Of one table; then a batch is committed. The store writes a table that gets at least a row group (122,880 rows)
    /// in one commit straight to its file; what is less goes by its log, and is written twice.
    std::size_t flush_rows = 500'000;
    std::size_t held_rows_max = 100'000;  ///< with so many no more are taken until those before are written
    /// Event ids that are in memory until a batch is written, because it is of many days, as of a log that is not in
    /// the order of time: with so many it is written, and no more are taken until then.
    std::size_t held_ids_max = 5'000'000;
    std::chrono::milliseconds idle_wait{50};  ///< how long one wait for the stream lasts
    /// How long a report waits for what is not written yet, before it goes on without: a few hits are worth the
    /// wait, the backlog of a large import is not.
    std::chrono::milliseconds fresh_patience{10'000};
    std::chrono::milliseconds backlog_patience{1'000};
    stream::Offset backlog_records = 10'000;
  };
  struct Ports {
    stream::Stream& stream;
    columns::Columns& columns;
    bus::Bus& bus;
    clock::Clock& clock;
    random::Random& random;
    metrics::Registry& metrics;
    const SiteDirectory& sites;
    /// Called on the processor's thread once for the first hit ever of a site.
    std::function<void(SiteId, Instant)> on_first_hit;
  };
  Processor(Ports ports, Options options);
  ~Processor() override;

  /// Reads back open visits and the last 30 minutes, then starts the thread. Throws Unavailable.
  void start();
  /// Writes what it has and ends the thread.
  void stop();

  /// Gives up after `fresh_patience`, or `backlog_patience`.
  Task<std::chrono::milliseconds> make_current() override;

  /// Counts a refusal of the collector or of an import for the ledger; written with the next batch. Any thread.
  void count_refusal(SiteId site, std::string_view source, std::string_view reason, std::uint64_t count = 1,
                     Asked asked = {});

  /// What became of the hits of one import (encode's `batch`); asked once, at its end.
  using Fates = ImportFates::Fates;
  [[nodiscard]] Fates take_fates(std::uint64_t batch);

  /// Completes when everything up to `offset` of the stream is written; false when `patience` passed first.
  [[nodiscard]] Task<bool> reach(stream::Offset offset, std::chrono::milliseconds patience);
  [[nodiscard]] stream::Offset written_through() const;

  /// Removes all rows of a site; completes when that is durable.
  Task<> erase(SiteId site);

  /// The composite model of a site as it was pushed last, as JSON. Any thread.
  [[nodiscard]] std::string live_model(SiteId site) const;
  [[nodiscard]] std::size_t current_visitors(SiteId site) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::analytics
