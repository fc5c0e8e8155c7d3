#include "modules/analytics/sites/settings.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "modules/analytics/classify/match.h"
#include "modules/analytics/classify/network.h"
#include "modules/analytics/sites/domain.h"

namespace mainstay::analytics {
namespace {

// ISO 3166-1 alpha-2, officially assigned, sorted; XK as many databases use it.
constexpr std::string_view kCountries =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

constexpr std::string_view kBadDomain = "Give a domain only, such as example.org: no https://, port or path.";
constexpr std::string_view kBadHost = "Expected a host name such as example.org or *.example.org.";

using Faults = std::vector<FieldError>;

bool is_country(std::string_view code) {
  if (code.size() != 2) return false;
  for (std::size_t i = 0; i + 2 <= kCountries.size(); i += 3) {
    if (kCountries.substr(i, 2) == code) return true;
  }
  return false;
}

std::string to_upper(std::string_view text) {
  std::string upper{text};
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return upper;
}

/// Brings each item of `given` into normal form, without repeats. `normalise` gives nothing for a bad one.
template <class Normalise>
void take_list(const std::optional<std::vector<std::string>>& given, std::size_t items_max, const std::string& field,
               std::string_view expected, std::vector<std::string>& into, Faults& faults, Normalise normalise) {
  if (!given) return;
  if (given->size() > items_max) {
    faults.push_back({.field = field, .message = fmt::format("At most {} entries.", items_max)});
    return;
  }
  std::vector<std::string> items;
  for (std::size_t i = 0; i < given->size(); ++i) {
    std::optional<std::string> item = normalise((*given)[i]);
    if (!item) {
      faults.push_back({.field = fmt::format("{}/{}", field, i), .message = std::string{expected}});
    } else if (std::ranges::find(items, *item) == items.end()) {
      items.push_back(std::move(*item));
    }
  }
  into = std::move(items);
}

std::optional<std::string> normal_network(std::string_view text) {
  const auto network = Network::parse(trim(text));
  if (!network) return std::nullopt;
  return network->text();
}

std::optional<std::string> normal_glob(std::string_view text) {
  if (!text.starts_with('/') || !is_plain_text(text, kPathGlobBytesMax)) return std::nullopt;
  return normal_path_glob(text);
}

std::optional<std::string> normal_country(std::string_view text) {
  auto code = to_upper(trim(text));
  if (!is_country(code)) return std::nullopt;
  return code;
}

void apply_place(const SiteChange& change, Site& site, Faults& faults) {
  if (change.domain) {
    const auto domain = normal_domain(*change.domain);
    if (!domain) {
      faults.push_back({.field = "/domain", .message = std::string{kBadDomain}});
    } else {
      if (!change.hosts && *domain != site.domain) {
        for (auto& host : default_hosts(*domain)) {
          if (std::ranges::find(site.hosts, host) == site.hosts.end()) site.hosts.push_back(std::move(host));
        }
      }
      site.domain = *domain;
    }
  }
  take_list(change.hosts, kHostsMax, "/hosts", kBadHost, site.hosts, faults, normal_host_pattern);
  if (change.hosts && change.hosts->empty()) {
    faults.push_back({.field = "/hosts", .message = "At least one host name must be allowed."});
  }
  if (change.timezone) {
    if (TimeZone::find(*change.timezone)) {
      site.timezone = *change.timezone;
    } else {
      faults.push_back({.field = "/timezone", .message = "Expected an IANA time zone such as Europe/Vienna."});
    }
  }
}

void apply_excluded(const ExcludedChange& change, Excluded& excluded, Faults& faults) {
  take_list(change.networks, kExclusionsMax, "/excluded/networks", "Expected an address or CIDR range: 10.0.0.0/8.",
            excluded.networks, faults, normal_network);
  take_list(change.paths, kExclusionsMax, "/excluded/paths", "Expected a path such as /admin/**.", excluded.paths,
            faults, normal_glob);
  take_list(change.hosts, kExclusionsMax, "/excluded/hosts", kBadHost, excluded.hosts, faults, normal_host_pattern);
  take_list(change.countries, kExclusionsMax * 3, "/excluded/countries",
            "Expected a country's two letters (ISO 3166-1): DE.", excluded.countries, faults, normal_country);
}

void apply_collect(const CollectChange& change, Collect& collect) {
  const auto take = [](const auto& given, auto& into) {
    if (given) into = *given;
  };
  take(change.referrer, collect.referrer);
  take(change.campaign, collect.campaign);
  take(change.place, collect.place);
  take(change.agent, collect.agent);
  take(change.screen, collect.screen);
  take(change.language, collect.language);
  take(change.engagement, collect.engagement);
  take(change.properties, collect.properties);
  take(change.vitals, collect.vitals);
}

void apply_rest(const SiteChange& change, Site& site, Faults& faults) {
  if (change.name) {
    site.name = trim(*change.name);
    if (site.name.empty() || !is_plain_text(site.name, kSiteNameBytesMax)) {
      faults.push_back(
          {.field = "/name", .message = fmt::format("Expected 1 to {} bytes of plain text.", kSiteNameBytesMax)});
    }
  }
  if (change.script_path) {
    const auto fault = script_path_fault(*change.script_path);
    if (!fault.empty()) faults.push_back({.field = "/script_path", .message = std::string{fault}});
    site.script_path = *change.script_path;
  }
  if (change.retention_days) {
    const auto& wanted = *change.retention_days;
    if (wanted && (*wanted < 1 || *wanted > kRetentionDaysMax)) {
      faults.push_back({.field = "/retention_days",
                        .message = fmt::format("Expected 1 to {} days, or null for ever.", kRetentionDaysMax)});
    }
    site.retention_days = wanted;
  }
  if (change.honour_dnt) site.honour_dnt = *change.honour_dnt;
  if (change.honour_gpc) site.honour_gpc = *change.honour_gpc;
  if (change.hash_routing) site.hash_routing = *change.hash_routing;
}

}  // namespace

Result<> apply(const SiteChange& change, Site& site) {
  Faults faults;
  apply_place(change, site, faults);
  apply_excluded(change.excluded, site.excluded, faults);
  apply_collect(change.collect, site.collect);
  apply_rest(change, site, faults);
  if (faults.empty()) return {};
  Failure failure{.kind = Refusal::kInvalid, .code = "analytics.bad_site"};
  failure.message = faults.size() == 1 ? faults.front().message : "Several settings are wrong.";
  failure.errors = std::move(faults);
  return std::unexpected(std::move(failure));
}

std::vector<std::string> default_hosts(const std::string& domain) {
  constexpr std::string_view kWww = "www.";
  if (!has_subdomains(domain)) return {domain};
  if (domain.starts_with(kWww)) return {domain, domain.substr(kWww.size())};
  return {domain, "*." + domain};
}

std::string_view script_path_fault(std::string_view path) {
  constexpr std::string_view kEnd = ".js";
  const bool shaped = path.starts_with('/') && path.ends_with(kEnd) && path.size() > kEnd.size() + 1 &&
                      path.size() <= kScriptPathBytesMax &&
                      std::ranges::all_of(path.substr(0, path.size() - kEnd.size()), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-';
                      });
  if (!shaped || path.find("//") != std::string_view::npos) {
    return "Expected a path such as /js/app.js, of a-z, 0-9, /, _ and -.";
  }
  constexpr std::array<std::string_view, 4> kTaken{"/api/", "/assets/", "/share/", "/sites/"};
  for (const auto taken : kTaken) {
    if (path.starts_with(taken)) return "This path belongs to Mainstay itself. Choose another one.";
  }
  return "";
}

bool is_plain_text(std::string_view text, std::size_t bytes_max) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; };
  return text.size() <= bytes_max && is_utf8(text) && std::ranges::all_of(text, plain);
}

}  // namespace mainstay::analytics
