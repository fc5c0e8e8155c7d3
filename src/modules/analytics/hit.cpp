#include "modules/analytics/hit.h"

#include <bit>
#include <cstring>

#include "base/text.h"

namespace mainstay::analytics {
namespace {

constexpr char kFormat = 1;
constexpr std::uint64_t kHitsMax = 1 << 20;

/// All text of a hit, in the order of the record's presence bits. Append only: old records must stay readable.
constexpr std::string Hit::* kTexts[] = {
    &Hit::name,         &Hit::hostname,   &Hit::path,         &Hit::referrer,    &Hit::source,          &Hit::channel,
    &Hit::utm_source,   &Hit::utm_medium, &Hit::utm_campaign, &Hit::utm_content, &Hit::utm_term,        &Hit::click_id,
    &Hit::country,      &Hit::region,     &Hit::city,         &Hit::browser,     &Hit::browser_version, &Hit::os,
    &Hit::os_version,   &Hit::device,     &Hit::screen,       &Hit::language,    &Hit::currency,        &Hit::bot_name,
    &Hit::bot_category, &Hit::bot_reason};
constexpr std::optional<double> Hit::* kReals[] = {&Hit::revenue, &Hit::lcp, &Hit::inp,
                                                   &Hit::cls,     &Hit::fcp, &Hit::ttfb};
constexpr std::size_t kTextCount = std::size(kTexts);
static_assert(kTextCount + std::size(kReals) <= 64);

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void byte(char value) { out_ += value; }
  void number(std::uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    out_ += static_cast<char>(value);
  }
  void whole(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void fixed(std::uint64_t value) {
    char bytes[8];
    std::memcpy(bytes, &value, 8);
    out_.append(bytes, 8);
  }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }

 private:
  std::string& out_;
};

/// Reads what Writer wrote; after the first fault every read gives zero and `ok()` is false.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return in_.empty(); }
  char byte() {
    if (in_.empty()) return fail<char>();
    const char value = in_.front();
    in_.remove_prefix(1);
    return value;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto part = static_cast<unsigned char>(byte());
      value |= static_cast<std::uint64_t>(part & 0x7F) << shift;
      if (part < 0x80) return value;
    }
    return fail<std::uint64_t>();
  }
  std::int64_t whole() {
    const auto value = number();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::uint64_t fixed() {
    std::uint64_t value = 0;
    if (in_.size() < 8) return fail<std::uint64_t>();
    std::memcpy(&value, in_.data(), 8);
    in_.remove_prefix(8);
    return value;
  }
  std::string_view text() {
    const auto size = number();
    if (size > in_.size()) return fail<std::string_view>();
    const auto value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }

 private:
  template <class T>
  T fail() {
    ok_ = false;
    in_ = {};
    return T{};
  }
  std::string_view in_;
  bool ok_ = true;
};

void encode_hit(Writer& out, const Hit& hit) {
  std::uint64_t present = 0;
  for (std::size_t i = 0; i < kTextCount; ++i) {
    if (!(hit.*kTexts[i]).empty()) present |= std::uint64_t{1} << i;
  }
  for (std::size_t i = 0; i < std::size(kReals); ++i) {
    if (hit.*kReals[i]) present |= std::uint64_t{1} << (kTextCount + i);
  }
  out.whole(static_cast<std::int64_t>(hit.site));
  out.byte(static_cast<char>(static_cast<unsigned>(hit.kind) | static_cast<unsigned>(hit.origin) << 1 |
                             (hit.interactive ? 8U : 0U)));
  out.whole(to_micros(hit.at));
  out.fixed(hit.event_id);
  out.fixed(hit.visitor);
  out.fixed(hit.visitor_before);
  out.whole(hit.visitor_day);
  out.number(present);
  for (const auto member : kTexts) {
    if (!(hit.*member).empty()) out.text(hit.*member);
  }
  for (const auto member : kReals) {
    if (hit.*member) out.fixed(std::bit_cast<std::uint64_t>(*(hit.*member)));
  }
  out.whole(hit.scroll_depth);
  out.whole(hit.engagement_ms);
  out.whole(hit.status);
  out.whole(hit.bytes);
  out.number(hit.properties.size());
  for (const auto& [name, value] : hit.properties) {
    out.text(name);
    out.text(value);
  }
}

/// False for values no hit has.
bool decode_hit(Reader& in, Hit& hit) {
  hit.site = SiteId{in.whole()};
  const auto flags = static_cast<unsigned char>(in.byte());
  if ((flags & ~15U) != 0 || ((flags >> 1) & 3U) > 2) return false;
  hit.kind = static_cast<Hit::Kind>(flags & 1U);
  hit.origin = static_cast<Origin>((flags >> 1) & 3U);
  hit.interactive = (flags & 8U) != 0;
  hit.at = from_micros(in.whole());
  hit.event_id = in.fixed();
  hit.visitor = in.fixed();
  hit.visitor_before = in.fixed();
  hit.visitor_day = static_cast<std::int32_t>(in.whole());
  const auto present = in.number();
  for (std::size_t i = 0; i < kTextCount; ++i) {
    hit.*kTexts[i] = ((present >> i) & 1) != 0 ? in.text() : std::string_view{};
  }
  for (std::size_t i = 0; i < std::size(kReals); ++i) {
    auto& real = hit.*kReals[i];
    real.reset();
    if (((present >> (kTextCount + i)) & 1) != 0) real = std::bit_cast<double>(in.fixed());
  }
  hit.scroll_depth = static_cast<std::int32_t>(in.whole());
  hit.engagement_ms = in.whole();
  hit.status = static_cast<std::int32_t>(in.whole());
  hit.bytes = in.whole();
  hit.properties.clear();
  const auto properties = in.number();
  if (properties > kHitsMax) return false;
  for (std::uint64_t i = 0; i < properties && in.ok(); ++i) {
    std::string name{in.text()};
    hit.properties.emplace_back(std::move(name), in.text());
  }
  return in.ok();
}

}  // namespace

std::string encode(std::span<const Hit> hits, std::uint64_t batch) {
  std::string bytes;
  bytes.reserve(hits.size() * 256 + 16);
  Writer out(bytes);
  out.byte(kFormat);
  out.number(batch);
  out.number(hits.size());
  for (const auto& hit : hits) encode_hit(out, hit);
  return bytes;
}

bool is_well_formed(const Hit& hit) {
  const auto fine = [](const auto& property) { return is_utf8(property.first) && is_utf8(property.second); };
  return std::ranges::all_of(kTexts, [&hit](const auto member) { return is_utf8(hit.*member); }) &&
         std::ranges::all_of(hit.properties, fine);
}

Result<void> decode(std::string_view bytes, HitRecord& record) {
  const auto poison = [](const char* why) {
    return refuse(Refusal::kInvalid, "analytics.poison_record", std::string{"The record cannot be read: "} + why);
  };
  Reader in(bytes);
  if (in.byte() != kFormat) return poison("its format is unknown.");
  record.batch = in.number();
  const auto count = in.number();
  if (!in.ok() || count > kHitsMax || count > bytes.size()) return poison("it claims too many hits.");
  record.hits.resize(count);
  for (auto& hit : record.hits) {
    if (!decode_hit(in, hit)) return poison("it ends early or holds values no hit has.");
  }
  if (!in.at_end()) return poison("it is longer than its hits.");
  return {};
}

}  // namespace mainstay::analytics
