#pragma once

#include <string>
#include <string_view>

#include "base/failure.h"

namespace mainstay::analytics {

inline constexpr std::size_t kUrlBytesMax = 2000;

/// The five UTM parameters, decoded, without surrounding blanks; "" where absent.
struct Campaign {
  std::string source, medium, campaign, content, term;

  [[nodiscard]] bool empty() const {
    return source.empty() && medium.empty() && campaign.empty() && content.empty() && term.empty();
  }
};

/// What is kept of a page's address. Nothing of its query but what is named here.
struct PageUrl {
  std::string hostname;  ///< lower case, no port, no leading "www."; "(none)" when the URL has no host
  std::string path;      ///< percent-decoded, no trailing "/" but the root's; "#fragment" follows with hash routing
  Campaign campaign;
  std::string ref;       ///< parameter `ref` or `source`: a source named without UTM
  std::string click_id;  ///< name of the advertiser's click parameter ("gclid"), never its value
};

enum class HashRouting { kOff, kOn };

/// Reads an absolute URL of a page: http, https, file, app and other schemes with or without a host.
/// Refuses kInvalid `analytics.bad_url`: empty, over kUrlBytesMax bytes, not UTF-8 (before or after decoding), control
/// characters, no scheme, schemes data, javascript, blob, about, view-source.
[[nodiscard]] Result<PageUrl> parse_page_url(std::string_view url, HashRouting routing = HashRouting::kOff);

/// The same from a request's target ("/path?query", or an absolute URL) and the host that was asked.
/// Refuses as `parse_page_url`; here what is not UTF-8 after decoding stays encoded.
[[nodiscard]] Result<PageUrl> parse_request_target(std::string_view host, std::string_view target);

/// The name in PageUrl::click_id when the parameter is a click id, or "": gclid, gbraid, wbraid, msclkid, fbclid, …
[[nodiscard]] std::string_view click_id_name(std::string_view parameter);

}  // namespace mainstay::analytics
