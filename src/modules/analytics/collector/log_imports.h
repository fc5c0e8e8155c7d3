#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "modules/analytics/collector/log_intake.h"
#include "modules/analytics/collector/log_text.h"
#include "modules/analytics/processor.h"
#include "modules/analytics/sites/sites.h"
#include "ports/clock/clock.h"
#include "ports/stream/stream.h"
#include "runtime/task.h"

namespace mainstay::analytics {

/// Running imports of server logs. What `feed` returned for is on disk. `open`, `feed` and `so_far` block: call them on
/// a worker thread or from the command line, never on an I/O thread. Throws Unavailable when the disk refuses.
class LogImports {
 public:
  struct Ports {
    stream::Stream& stream;
    clock::Clock& clock;
    random::Random& random;
    const SiteDirectory& sites;
    Salts& salts;
    Processor& processor;
    const Generaliser& generaliser;
    Executor executor;  ///< of an I/O thread, on which appends run
  };
  static constexpr std::size_t kOpenMax = 64;
  static constexpr minutes kIdleMax{30};  ///< an import not fed for so long is closed
  /// How long the summary of a finished import is kept for whoever asks again, and of how many.
  static constexpr minutes kFinishedKept{10};
  static constexpr std::size_t kFinishedMax = 256;

  explicit LogImports(Ports ports);
  ~LogImports();

  /// A part of a log that its sender numbers from 0. The same number and lines again are the same piece.
  struct Piece {
    std::uint64_t number = 0;
    std::uint64_t fingerprint = 0;  ///< LogText's
    bool operator==(const Piece&) const = default;
  };

  class Import;
  /// The import of that name, running or finished a while ago, or a new one when there is none; "" makes one that
  /// nobody else can feed. Piece 0 begins a new one in its place, unless the import began with that very piece and has
  /// no other yet.
  /// Refuses kUnavailable `analytics.too_many_imports`, kConflict `analytics.piece_out_of_order` for a later piece of
  /// an import that is not there.
  [[nodiscard]] Result<std::shared_ptr<Import>> open(const std::string& name, std::shared_ptr<const Site> site,
                                                     std::optional<LogFormat> format, std::optional<Piece> piece = {});
  /// Takes whole lines, as the site's settings are now; one call at a time per import waits for the other. When it
  /// refuses or throws, some of the lines may be stored; the import stands where it was, so that all of them can be fed
  /// again and count once. The last piece that was stored adds nothing when it comes again. Without pieces nobody can
  /// tell lines that come again from others like them. Refuses kInvalid `analytics.unknown_log_format`, kUnavailable
  /// `stream.full`, kConflict `analytics.piece_out_of_order` for any other piece that is not the next, and for anything
  /// new in a finished import.
  [[nodiscard]] Result<> feed(Import& import, LogText lines, std::optional<Piece> piece = {});
  /// When everything fed is in the reports, closes the import and says what became of it; says so again when asked
  /// again. Refuses kUnavailable `analytics.import_not_counted` when that takes long: it is to be asked again.
  [[nodiscard]] Task<Result<LogSummary>> finish(std::shared_ptr<Import> import);

  /// No longer waits for room in the queue: a `feed` under way refuses, and so does each later one that finds it full.
  /// Any thread, does not block.
  void stop() { stopping_ = true; }

  /// What has been read so far; `accepted` is then what went into the queue, or when finished what became of it.
  [[nodiscard]] LogSummary so_far(Import& import) const;

 private:
  class Appends;
  void make_room(Instant now);
  void forget(const Import& import);
  [[nodiscard]] static bool begins_anew(const Import& import, std::optional<Piece> piece);
  [[nodiscard]] static std::unexpected<Failure> refuse_piece(std::optional<std::uint64_t> next);
  [[nodiscard]] Result<> store(LogIntake& intake, Import& import, LogText& lines);
  [[nodiscard]] Result<LogSummary> sum_up(Import& import);
  void note_refusals(SiteId site, const LogSummary& before, const LogSummary& now);

  Ports ports_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Import>> imports_;
};

}  // namespace mainstay::analytics
