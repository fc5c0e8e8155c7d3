#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "modules/analytics/classify/agent.h"
#include "modules/analytics/classify/log_line.h"
#include "modules/analytics/classify/place.h"
#include "modules/analytics/collector/beacon_event.h"
#include "modules/analytics/hit.h"
#include "modules/analytics/model.h"
#include "modules/analytics/sites/salts.h"
#include "ports/random/random.h"

/// Turns what a browser, a server or a log says into a Hit: everything that identifies a person ends here.
/// The address becomes a place and, with the agent, a hash under the day's salt; the agent becomes a browser and a
/// device; click ids become their name. Nothing here waits or does I/O.
namespace mainstay::analytics {

/// Who sent an event, as far as the request says.
struct Sender {
  std::string_view address;
  std::string_view user_agent;
  std::string_view accept_language;
  Signals signals;
  bool do_not_track = false;     ///< DNT: 1
  bool privacy_control = false;  ///< Sec-GPC: 1
  bool trusted = false;          ///< showed the site's key
};

/// Why a well-formed hit of a site is not counted: a literal for the ledger. One of "gpc", "dnt", "bad_url",
/// "foreign_page", "spam_referrer", "excluded_path", "excluded_host", "excluded_network" and "excluded_country".
struct Uncounted {
  std::string_view reason;
  std::string host = {};  ///< of an event's page, for "foreign_page"
};
inline constexpr std::string_view kBadUrl = "bad_url";
using Generalised = std::expected<Hit, Uncounted>;

/// One instance for the program. Any thread.
class Generaliser {
 public:
  /// `random` is asked once: ids of events need to be different, not secret.
  Generaliser(const Agents& agents, const Places& places, random::Random& random);
  ~Generaliser();

  [[nodiscard]] Generalised event(const Site& site, const BeaconEvent& event, const Sender& sender, Instant at,
                                  const DaySalts& salts) const;

  /// A log line that counts (page view, download, not found). `event_id` as LogIntake derives it.
  [[nodiscard]] Generalised line(const Site& site, const LogLine& line, LineKind kind, std::uint64_t event_id,
                                 const DaySalts& salts) const;

 private:
  /// Sets what the address tells, and who it is. Why the hit does not count, or "".
  [[nodiscard]] std::string_view set_person(Hit& hit, const Site& site, std::string_view address,
                                            std::string_view user_agent, const DaySalts& salts) const;
  [[nodiscard]] bool excluded_network(const Site& site, const IpAddress& address) const;

  const Agents& agents_;
  const Places& places_;
  [[nodiscard]] std::uint64_t next_event_id() const;
  mutable std::atomic<std::uint64_t> next_id_;
  struct Caches;
  std::unique_ptr<Caches> caches_;
};

/// "Mobile" below 576 px, "Tablet" below 992, "Laptop" below 1440, else "Desktop"; "" for 0.
[[nodiscard]] std::string_view screen_class(std::int32_t width);
/// "de-AT" from "de-at,de;q=0.8,en"; "" for what is not a language tag.
[[nodiscard]] std::string primary_language(std::string_view accept_language);

}  // namespace mainstay::analytics
