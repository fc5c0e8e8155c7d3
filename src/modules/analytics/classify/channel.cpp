#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"
#include "modules/analytics/classify/referrer.h"
#include "modules/analytics/classify/sources.h"

namespace mainstay::analytics {
namespace {

/// What the rules look at; text in lower case.
struct Facts {
  std::string medium, campaign, utm_source;
  SourceKind kind = SourceKind::kOther;
  bool has_source = false;
  bool has_referrer = false;
  bool paid = false;
  bool paid_click = false;  ///< a search engine's or a social network's own ad parameter
};

template <class... Words>
bool is_one_of(std::string_view text, Words... words) {
  return ((text == words) || ...);
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// "shop" or "shopping" as a word's beginning, not "workshop": ^(.*(([^a-df-z]|^)shop|shopping).*)$ of GA4.
bool names_shopping(std::string_view campaign) {
  for (auto at = campaign.find("shop"); at != std::string_view::npos; at = campaign.find("shop", at + 1)) {
    const char before = at == 0 ? ' ' : campaign[at - 1];
    const bool starts_word = before < 'a' || before > 'z' || before == 'e';
    if (starts_word || campaign.substr(at).starts_with("shopping")) return true;
  }
  return false;
}

bool is_paid_medium(std::string_view medium) {
  return contains(medium, "cp") || is_one_of(medium, "ppc", "retargeting", "remarketing") || medium.starts_with("paid");
}

bool is_email_word(std::string_view text) {
  return is_one_of(text, "email", "e-mail", "e_mail", "e mail", "newsletter");
}

struct Rule {
  Channel channel;
  std::string_view why;
  bool (*holds)(const Facts&);
};

/// GA4's default channel groups in its order, as Plausible applies them, with AI assistants before the organic ones.
/// The first rule that holds decides. https://support.google.com/analytics/answer/9756891
constexpr std::array<Rule, 21> kRules{{
    {Channel::kCrossNetwork, "utm_campaign contains \"cross-network\"",
     [](const Facts& f) { return contains(f.campaign, "cross-network"); }},
    {Channel::kDisplay, "utm_medium is display, banner, expandable, interstitial or cpm",
     [](const Facts& f) { return is_one_of(f.medium, "display", "banner", "expandable", "interstitial", "cpm"); }},
    {Channel::kPaidShopping, "paid, and from a shopping site or a shopping campaign",
     [](const Facts& f) { return f.paid && (f.kind == SourceKind::kShopping || names_shopping(f.campaign)); }},
    {Channel::kPaidSearch, "paid, and from a search engine",
     [](const Facts& f) { return (f.paid || f.paid_click) && f.kind == SourceKind::kSearch; }},
    {Channel::kPaidSocial, "paid, and from a social network",
     [](const Facts& f) { return f.paid && f.kind == SourceKind::kSocial; }},
    {Channel::kPaidVideo, "paid, and from a video site",
     [](const Facts& f) { return (f.paid || f.paid_click) && f.kind == SourceKind::kVideo; }},
    {Channel::kPaidOther, "utm_medium is paid (cpc, ppc, retargeting, paid…), the source of no known kind",
     [](const Facts& f) { return f.paid; }},
    {Channel::kAiAssistants, "the source is an AI assistant",
     [](const Facts& f) { return f.kind == SourceKind::kAiAssistant || is_one_of(f.medium, "ai", "llm"); }},
    {Channel::kOrganicShopping, "from a shopping site or a shopping campaign",
     [](const Facts& f) { return f.kind == SourceKind::kShopping || names_shopping(f.campaign); }},
    {Channel::kEmail, "utm_source or utm_medium is e-mail or newsletter",
     [](const Facts& f) { return is_email_word(f.medium) || is_email_word(f.utm_source); }},
    {Channel::kOrganicSocial, "the source is a social network, or utm_medium is social",
     [](const Facts& f) {
       return f.kind == SourceKind::kSocial ||
              is_one_of(f.medium, "social", "social-network", "social-media", "sm", "social network", "social media");
     }},
    {Channel::kOrganicVideo, "the source is a video site, or utm_medium contains \"video\"",
     [](const Facts& f) { return f.kind == SourceKind::kVideo || contains(f.medium, "video"); }},
    {Channel::kOrganicSearch, "the source is a search engine, or utm_medium is organic",
     [](const Facts& f) { return f.kind == SourceKind::kSearch || f.medium == "organic"; }},
    {Channel::kEmail, "the source is a mail service", [](const Facts& f) { return f.kind == SourceKind::kEmail; }},
    {Channel::kAffiliates, "utm_medium is affiliate",
     [](const Facts& f) { return is_one_of(f.medium, "affiliate", "affiliates"); }},
    {Channel::kAudio, "utm_medium is audio", [](const Facts& f) { return is_one_of(f.medium, "audio", "podcast"); }},
    {Channel::kSms, "utm_source or utm_medium is sms",
     [](const Facts& f) { return f.utm_source == "sms" || f.medium == "sms"; }},
    {Channel::kMobilePushNotifications,
     "utm_medium ends in push or names mobile or notification, or utm_source is firebase",
     [](const Facts& f) {
       return f.medium.ends_with("push") || contains(f.medium, "mobile") || contains(f.medium, "notification") ||
              f.utm_source == "firebase";
     }},
    {Channel::kReferral, "another site links here",
     [](const Facts& f) { return f.has_referrer || is_one_of(f.medium, "referral", "app", "link"); }},
    {Channel::kReferral, "utm_source or ref names a source of no known kind",
     [](const Facts& f) { return f.has_source; }},
    {Channel::kDirect, "no referrer and no source in the URL", [](const Facts&) { return true; }},
}};

/// Click parameters that only ads carry, and whose they are. fbclid and the like come with any link.
Source advertiser(std::string_view click_id) {
  if (is_one_of(click_id, "gclid", "gbraid", "wbraid", "dclid", "gad_source")) return source_of_name("google");
  if (click_id == "msclkid") return source_of_name("bing");
  if (click_id == "yclid") return source_of_name("yandex");
  return {};
}

Source linker(std::string_view click_id) {
  if (is_one_of(click_id, "fbclid")) return source_of_name("facebook");
  if (click_id == "igshid") return source_of_name("instagram");
  if (click_id == "twclid") return source_of_name("twitter");
  if (click_id == "ttclid") return source_of_name("tiktok");
  if (click_id == "li_fat_id") return source_of_name("linkedin");
  if (click_id == "rdt_cid") return source_of_name("reddit");
  if (click_id == "epik") return source_of_name("pinterest");
  if (click_id == "ScCid") return source_of_name("snapchat");
  return {};
}

}  // namespace

std::string_view channel_name(Channel channel) {
  switch (channel) {
    case Channel::kDirect: return "Direct";
    case Channel::kOrganicSearch: return "Organic Search";
    case Channel::kPaidSearch: return "Paid Search";
    case Channel::kOrganicSocial: return "Organic Social";
    case Channel::kPaidSocial: return "Paid Social";
    case Channel::kEmail: return "Email";
    case Channel::kReferral: return "Referral";
    case Channel::kDisplay: return "Display";
    case Channel::kAffiliates: return "Affiliates";
    case Channel::kOrganicVideo: return "Organic Video";
    case Channel::kPaidVideo: return "Paid Video";
    case Channel::kOrganicShopping: return "Organic Shopping";
    case Channel::kPaidShopping: return "Paid Shopping";
    case Channel::kCrossNetwork: return "Cross-network";
    case Channel::kAudio: return "Audio";
    case Channel::kSms: return "SMS";
    case Channel::kMobilePushNotifications: return "Mobile Push Notifications";
    case Channel::kPaidOther: return "Paid Other";
    case Channel::kAiAssistants: return "AI Assistants";
  }
  return {};
}

Arrival classify_arrival(const PageUrl& page, const Referrer& referrer) {
  Arrival arrival;
  const auto& named = page.campaign.source.empty() ? page.ref : page.campaign.source;
  const auto ad = advertiser(page.click_id);
  Source source;
  if (!named.empty()) {
    source = source_of_name(named);
    arrival.source = source.name.empty() ? named : std::string{source.name};
  } else if (!referrer.host.empty()) {
    source = {.name = referrer.source, .kind = referrer.kind};
    arrival.source = referrer.source;
  } else {
    source = ad.name.empty() ? linker(page.click_id) : ad;
    arrival.source = source.name;
  }
  Facts facts{.medium = to_lower_ascii(page.campaign.medium),
              .campaign = to_lower_ascii(page.campaign.campaign),
              .utm_source = to_lower_ascii(named),
              .kind = source.kind,
              .has_source = !arrival.source.empty(),
              .has_referrer = !referrer.host.empty()};
  facts.paid =
      is_paid_medium(facts.medium) || is_one_of(facts.utm_source, "adwords", "googleads", "google-ads", "google_ads");
  facts.paid_click = !ad.name.empty() && facts.medium != "organic";
  const auto* rule = std::ranges::find_if(kRules, [&](const Rule& one) { return one.holds(facts); });
  arrival.channel = rule->channel;
  arrival.why = rule->why;
  return arrival;
}

}  // namespace mainstay::analytics
