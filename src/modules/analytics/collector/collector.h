#pragma once

#include <string>
#include <vector>

#include "http/rate_limit.h"
#include "http/router.h"
#include "modules/analytics/collector/generalise.h"
#include "modules/analytics/collector/refusals.h"
#include "modules/analytics/processor.h"
#include "modules/analytics/sites/sites.h"
#include "ports/clock/clock.h"
#include "ports/stream/stream.h"
#include "runtime/metrics.h"

namespace mainstay::analytics {

/// Accepts events from browsers and servers: authorises each against its site, generalises it, and answers after
/// the queue has it on disk. What is not counted is told to the ledger by its reason.
///
/// One instance for the program; any I/O thread. Holds no personal data beyond a request.
class Collector {
 public:
  /// How many events one client address may send without a site's key; this machine is exempt.
  struct Options {
    double events_per_second = 100;
    double events_burst = 1'000;  ///< at once after a pause; not less than kEventsPerBodyMax
  };
  struct Ports {
    stream::Stream& stream;
    clock::Clock& clock;
    random::Random& random;
    metrics::Registry& metrics;
    const SiteDirectory& sites;
    Salts& salts;
    Processor& processor;  ///< keeps the ledger
    const Generaliser& generaliser;
  };
  Collector(Ports ports, Options options);

  /// Takes the events of one request; what refuses one of them refuses all. Completes when all that count are durable.
  /// Refuses: kNotFound `analytics.unknown_site`, kForbidden `analytics.foreign_origin`, `analytics.wrong_site_key` and
  /// `analytics.site_key_required`, kInvalid `analytics.bad_event`, kExhausted `http.rate_limited`,
  /// kUnavailable `stream.full`. Then nothing was stored. What `Generaliser` does not count is no refusal.
  Task<Result<>> take(const http::Request& request, std::vector<BeaconEvent> events);

  /// Counts a request that never came as far as `take`, for the site that it names, if there is one.
  void count_refusal(std::string_view named_site, std::string_view code);
  [[nodiscard]] Refusals& refusals() { return refusals_; }

 private:
  struct Fields;
  /// What an event may do, and what its visitor is hashed with.
  struct Allowed {
    std::shared_ptr<const Site> site;
    bool trusted = false;  ///< showed the site's key
    std::shared_ptr<const DaySalts> salts;
  };
  /// What becomes of a request's events. All that waits for the disk, so it is small: thousands may wait.
  struct Judged {
    std::string record;    ///< of the hits, for the queue; "" when none counts
    std::size_t hits = 0;  ///< in the record
    SiteId site{};         ///< of the first
    std::vector<std::pair<SiteId, Uncounted>> uncounted = {};
  };
  [[nodiscard]] Result<Allowed> authorise(const Fields& fields, const SiteMap& sites, const BeaconEvent& event);
  [[nodiscard]] Result<std::vector<Allowed>> authorise(const http::Request& request,
                                                       const std::vector<BeaconEvent>& events);
  [[nodiscard]] Result<Judged> judge(const http::Request& request, const std::vector<BeaconEvent>& events,
                                     const std::vector<Allowed>& allowed, Instant now);
  /// Takes the events of `allowed` that no key vouches for from what the client may still send.
  [[nodiscard]] Result<> admit(const http::Request& request, const std::vector<Allowed>& allowed);

  Ports ports_;
  http::RateLimit limit_;
  metrics::Counter& accepted_;
  Refusals refusals_;
};

/// GET and POST /api/v1/beacon.
[[nodiscard]] std::vector<http::Route> beacon_routes(Collector& collector);

}  // namespace mainstay::analytics
