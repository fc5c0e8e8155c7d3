#include "modules/identity/fields.h"

#include <algorithm>

#include "base/text.h"

namespace mainstay::identity {
namespace {

constexpr std::size_t kLocalBytesMax = 64;
constexpr std::size_t kLabelBytesMax = 63;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// RFC 5322 §3.2.3 atext, lower case.
bool is_atom(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLabelBytesMax && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

}  // namespace

Result<std::string> normal_email(std::string_view email) {
  auto address = to_lower_ascii(trim(email));
  const auto at = address.find('@');
  const std::string_view all = address;
  const bool fits = at != std::string::npos && at <= kLocalBytesMax && address.size() <= kEmailBytesMax;
  if (!fits || !std::ranges::all_of(split(all.substr(0, at), '.'), is_atom) ||
      !std::ranges::all_of(split(all.substr(at + 1), '.'), is_label)) {
    return refuse_field("identity.bad_email", "/email", "Expected an e-mail address such as ana@example.org.");
  }
  return address;
}

Result<std::string> normal_name(std::string_view name, std::size_t bytes_max) {
  const auto text = trim(name);
  if (text.empty()) return refuse_field("identity.bad_name", "/name", "A name is missing.");
  if (text.size() > bytes_max) {
    return refuse_field("identity.bad_name", "/name", "A name has at most " + std::to_string(bytes_max) + " bytes.");
  }
  const bool controls =
      std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (controls || !is_utf8(text)) {
    return refuse_field("identity.bad_name", "/name", "A name has no control characters.");
  }
  return std::string{text};
}

}  // namespace mainstay::identity
