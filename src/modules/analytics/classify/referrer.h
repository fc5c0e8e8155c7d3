#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modules/analytics/classify/page_url.h"

namespace mainstay::analytics {

/// How visits came about; the 18 default channel groups of GA4 as Plausible applies them, and AI assistants.
enum class Channel : std::uint8_t {
  kDirect,
  kOrganicSearch,
  kPaidSearch,
  kOrganicSocial,
  kPaidSocial,
  kEmail,
  kReferral,
  kDisplay,
  kAffiliates,
  kOrganicVideo,
  kPaidVideo,
  kOrganicShopping,
  kPaidShopping,
  kCrossNetwork,
  kAudio,
  kSms,
  kMobilePushNotifications,
  kPaidOther,
  kAiAssistants,
};

/// "Organic Search", "AI Assistants", …
[[nodiscard]] std::string_view channel_name(Channel channel);

/// What kind of place a known source is.
enum class SourceKind : std::uint8_t { kOther, kSearch, kSocial, kVideo, kShopping, kEmail, kAiAssistant };

/// What is kept of a referrer. All empty when it does not count as one.
struct Referrer {
  std::string host;    ///< "google.de"; of an Android app its package
  std::string url;     ///< host and path without query: what reports show
  std::string source;  ///< "Google"; the host itself where it is not in the table
  SourceKind kind = SourceKind::kOther;
  bool is_spam = false;
};

/// Reads a referrer. Only http, https and android-app count; one from `own_hostname`, from the host list
/// `own_hosts` (patterns as in match.h) or from a loopback name counts as none. Over kUrlBytesMax: cut.
[[nodiscard]] Referrer parse_referrer(std::string_view referrer, std::string_view own_hostname,
                                      const std::vector<std::string>& own_hosts = {});

/// Where a visit came from and by which rule.
struct Arrival {
  std::string source;  ///< "" for direct
  Channel channel = Channel::kDirect;
  std::string_view why;  ///< one clause, for people: "medium is one of cpc, ppc, …"; a literal
};

/// Source is utm_source, else ref/source, else the referrer's. Rules in order are those of the table in channel.cpp.
[[nodiscard]] Arrival classify_arrival(const PageUrl& page, const Referrer& referrer);

}  // namespace mainstay::analytics
