#include "modules/analytics/classify/page_url.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "modules/analytics/classify/match.h"

namespace mainstay::analytics {
namespace {

constexpr std::array<std::string_view, 18> kClickIds{
    "gclid",     "gbraid", "wbraid", "dclid", "gad_source", "msclkid", "fbclid", "twclid",    "ttclid",
    "li_fat_id", "igshid", "yclid",  "ScCid", "rdt_cid",    "epik",    "mc_eid", "_openstat", "wickedid"};

constexpr std::array<std::string_view, 5> kRefusedSchemes{"data", "javascript", "blob", "about", "view-source"};

std::unexpected<Failure> bad_url(std::string_view message) {
  return refuse(Refusal::kInvalid, "analytics.bad_url", std::string{message});
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool has_control(std::string_view text) { return std::ranges::any_of(text, is_control); }

/// "https" of "https://…" (RFC 3986 §3.1), or nothing.
std::optional<std::string_view> scheme_of(std::string_view url) {
  const auto colon = url.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  const auto scheme = url.substr(0, colon);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
  };
  const bool letter_first = (scheme[0] | 0x20) >= 'a' && (scheme[0] | 0x20) <= 'z';
  if (!letter_first || !std::ranges::all_of(scheme, allowed)) return std::nullopt;
  return scheme;
}

struct Parts {
  std::string_view host, path, query, fragment;
};

/// Splits what follows the authority.
void split_target(std::string_view rest, Parts& parts) {
  if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
    parts.fragment = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
  }
  if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
    parts.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  parts.path = rest;
}

/// Splits the URL after its "scheme:" (RFC 3986 §3).
Parts split_url(std::string_view rest) {
  Parts parts;
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto end = std::min(rest.find_first_of("/?#"), rest.size());
    auto authority = rest.substr(0, end);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
    parts.host = authority;
    rest.remove_prefix(end);
  }
  split_target(rest, parts);
  return parts;
}

/// A query value: '+' is a blank, %XX decoded; "" when it is not text.
std::string query_value(std::string_view raw) {
  std::string plain{raw};
  std::ranges::replace(plain, '+', ' ');
  auto value = percent_decode(plain);
  if (!is_utf8(value) || has_control(value)) return {};
  const auto trimmed = trim(value);
  return trimmed.size() == value.size() ? value : std::string{trimmed};
}

void take_parameter(std::string_view name, std::string_view value, PageUrl& page, std::string& source) {
  const auto take_first = [&](std::string& into) {
    if (into.empty()) into = query_value(value);
  };
  if (name.starts_with("utm_")) {
    const auto field = name.substr(4);
    if (field == "source") take_first(page.campaign.source);
    if (field == "medium") take_first(page.campaign.medium);
    if (field == "campaign") take_first(page.campaign.campaign);
    if (field == "content") take_first(page.campaign.content);
    if (field == "term") take_first(page.campaign.term);
  } else if (name == "ref") {
    take_first(page.ref);
  } else if (name == "source") {
    take_first(source);
  } else if (page.click_id.empty() && !value.empty()) {
    page.click_id = click_id_name(name);
  }
}

void read_query(std::string_view query, PageUrl& page) {
  std::string source;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto value = equals < pair.size() ? pair.substr(equals + 1) : std::string_view{};
    take_parameter(pair.substr(0, equals), value, page, source);
  }
  if (page.ref.empty()) page.ref = std::move(source);
}

void trim_trailing_slashes(std::string& path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.empty()) path = "/";
}

std::optional<std::string> readable_path(std::string_view raw) {
  if (raw.find('%') == std::string_view::npos) return std::string{raw};
  auto path = percent_decode(raw);
  if (!is_utf8(path) || has_control(path)) return std::nullopt;
  return path;
}

std::optional<std::string_view> trouble(std::string_view url) {
  if (url.empty()) return "The URL is empty.";
  if (url.size() > kUrlBytesMax) return "The URL is longer than 2000 bytes.";
  if (has_control(url)) return "The URL has control characters.";
  if (!is_utf8(url)) return "The URL is not UTF-8.";
  return std::nullopt;
}

}  // namespace

std::string_view click_id_name(std::string_view parameter) {
  const auto found = std::ranges::find(kClickIds, parameter);
  return found == kClickIds.end() ? std::string_view{} : *found;
}

Result<PageUrl> parse_page_url(std::string_view url, HashRouting routing) {
  if (const auto why = trouble(url)) return bad_url(*why);
  const auto scheme = scheme_of(url);
  if (!scheme) return bad_url("The URL has no scheme, such as https.");
  for (const auto refused : kRefusedSchemes) {
    if (equal_ignoring_case(*scheme, refused)) return bad_url("URLs of this scheme are not pages.");
  }
  const auto parts = split_url(url.substr(scheme->size() + 1));
  PageUrl page;
  page.hostname = normal_host(parts.host);
  if (page.hostname.empty()) page.hostname = "(none)";
  if (page.hostname.find_first_of(" <>\"\\%|^`{}") != std::string::npos)
    return bad_url("The URL's host is no host name.");
  auto path = readable_path(parts.path);
  if (!path) return bad_url("The URL's path is not UTF-8 text.");
  page.path = std::move(*path);
  trim_trailing_slashes(page.path);
  if (routing == HashRouting::kOn && !parts.fragment.empty()) {
    auto fragment = readable_path(parts.fragment);
    if (!fragment) return bad_url("The URL's fragment is not UTF-8 text.");
    page.path += "#" + *fragment;
  }
  read_query(parts.query, page);
  return page;
}

Result<PageUrl> parse_request_target(std::string_view host, std::string_view target) {
  if (const auto why = trouble(target)) return bad_url(*why);
  Parts parts;
  if (target.front() == '/') {
    split_target(target, parts);
  } else {
    const auto scheme = scheme_of(target);
    if (!scheme || target.find("://") == std::string_view::npos) return bad_url("The request has no path.");
    parts = split_url(target.substr(scheme->size() + 1));
  }
  PageUrl page;
  page.hostname = normal_host(host.empty() ? parts.host : host);
  if (page.hostname.empty()) page.hostname = "(none)";
  auto path = readable_path(parts.path);
  page.path = path ? std::move(*path) : std::string{parts.path};
  trim_trailing_slashes(page.path);
  read_query(parts.query, page);
  return page;
}

}  // namespace mainstay::analytics
