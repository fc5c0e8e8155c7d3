#include "modules/analytics/collector/beacon_event.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <span>

#include "base/json.h"
#include "base/text.h"
#include "modules/analytics/classify/currency.h"
#include "modules/analytics/classify/network.h"

namespace mainstay::analytics {
namespace {

using json::Value;
using Fault = std::string;  ///< what a field was expected to be; "" when it is fine

Fault read_text(const Value& value, std::string& into, std::size_t bytes_max) {
  if (!value.is_string()) return "a string";
  const auto& text = value.get_string();
  if (text.size() > bytes_max) return fmt::format("at most {} bytes", bytes_max);
  if (text.find('\0') != std::string_view::npos) return "text without NUL";
  into.assign(text.data(), text.size());
  return "";
}

Fault read_flag(const Value& value, bool& into) {
  if (value.is_bool()) {
    into = value.get_bool();
    return "";
  }
  if (value.is_int64() && (value.get_int64() == 0 || value.get_int64() == 1)) {
    into = value.get_int64() == 1;
    return "";
  }
  return "true or false";
}

Fault read_real(const Value& value, std::optional<double>& into, double from, double to) {
  if (value.is_null()) return "";
  if (!value.is_number()) return "a number";
  const auto number = value.to_number<double>();
  if (!std::isfinite(number) || number < from || number > to) return fmt::format("a number from {} to {}", from, to);
  into = number;
  return "";
}

template <class Int>
Fault read_whole(const Value& value, Int& into, std::int64_t from, std::int64_t to) {
  std::optional<double> number;
  if (auto fault = read_real(value, number, static_cast<double>(from), static_cast<double>(to)); !fault.empty()) {
    return fault;
  }
  if (number) into = static_cast<Int>(std::llround(*number));
  return "";
}

Fault read_name(const Value& value, BeaconEvent& event) {
  // A number is an event's name too: 404.
  if (value.is_int64()) {
    event.name = std::to_string(value.get_int64());
    return "";
  }
  if (auto fault = read_text(value, event.name, kEventNameMax * 4); !fault.empty()) return fault;
  const auto characters = std::ranges::count_if(event.name, [](char c) { return (c & 0xC0) != 0x80; });
  if (event.name.empty() || static_cast<std::size_t>(characters) > kEventNameMax) {
    return fmt::format("1 to {} characters", kEventNameMax);
  }
  return "";
}

/// The text of a scalar; nothing for what is not one.
std::optional<std::string> scalar_text(const Value& value) {
  if (value.is_string()) return std::string{value.get_string()};
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  if (value.is_double()) return fmt::format("{}", value.get_double());
  if (value.is_null()) return "";
  return std::nullopt;
}

Fault read_properties(const Value& value, BeaconEvent& event) {
  if (value.is_null()) return "";
  if (!value.is_object()) return "an object";
  if (value.get_object().size() > kPropertiesMax) return fmt::format("at most {} properties", kPropertiesMax);
  for (const auto& [name, member] : value.get_object()) {
    auto text = scalar_text(member);
    if (!text) return "text, numbers or booleans as values";
    if (name.empty() || name.size() > kPropertyKeyMax) return fmt::format("names of 1 to {} bytes", kPropertyKeyMax);
    if (text->size() > kPropertyValueMax) return fmt::format("values of at most {} bytes", kPropertyValueMax);
    if (!text->empty()) event.properties.emplace_back(std::string{name}, std::move(*text));
  }
  return "";
}

Fault read_revenue(const Value& value, BeaconEvent& event) {
  if (value.is_null()) return "";
  if (!value.is_object()) return "an object with currency and amount";
  const auto* amount = value.get_object().if_contains("amount");
  const auto* currency = value.get_object().if_contains("currency");
  if (amount == nullptr || currency == nullptr) return "an object with currency and amount";
  if (amount->is_string()) {
    event.revenue = parse_number<double>(std::string_view{amount->get_string()});
    if (!event.revenue || !std::isfinite(*event.revenue) || std::abs(*event.revenue) > kRevenueMax) {
      return "an amount that is a number";
    }
  } else if (auto fault = read_real(*amount, event.revenue, -kRevenueMax, kRevenueMax); !fault.empty()) {
    return "an amount that is " + fault;
  }
  if (auto fault = read_text(*currency, event.currency, 3); !fault.empty()) return "an ISO 4217 currency";
  return is_currency(event.currency) ? "" : "an ISO 4217 currency such as EUR";
}

Fault read_vitals(const Value& value, BeaconEvent& event) {
  if (!value.is_object()) return "an object";
  const std::pair<std::string_view, std::optional<double>*> fields[] = {
      {"lcp", &event.lcp}, {"inp", &event.inp}, {"cls", &event.cls}, {"fcp", &event.fcp}, {"ttfb", &event.ttfb}};
  for (const auto& [name, into] : fields) {
    const auto* found = value.get_object().if_contains(name);
    if (found == nullptr) continue;
    if (auto fault = read_real(*found, *into, 0, name == "cls" ? 100 : kVitalMax); !fault.empty()) {
      return fmt::format("{} to be {}", name, fault);
    }
  }
  return "";
}

Fault read_address(const Value& value, BeaconEvent& event) {
  if (auto fault = read_text(value, event.address, 64); !fault.empty()) return fault;
  return event.address.empty() || IpAddress::parse(event.address) ? "" : "an IP address";
}

Fault read_timestamp(const Value& value, BeaconEvent& event) {
  if (value.is_int64() && value.get_int64() > 0 && value.get_int64() < 10'000'000'000) {
    event.timestamp = Instant{seconds{value.get_int64()}};
    return "";
  }
  if (value.is_string()) event.timestamp = parse_rfc3339(value.get_string());
  return event.timestamp ? "" : "a time as in RFC 3339 or Unix seconds";
}

/// The fields of an event: long name, short name, reader, JSON Schema. One row shows all there is.
struct Field {
  std::string_view name;
  std::string_view alias;
  Fault (*read)(const Value&, BeaconEvent&);
  std::string_view schema;
};
constexpr std::size_t kTextMax = 4'096;
const Field kFields[] = {
    {"site", "d", [](const Value& v, BeaconEvent& e) { return read_text(v, e.site, 253); },
     R"({"type":"string","maxLength":253,"description":"Id or domain of the site."})"},
    {"key", "k", [](const Value& v, BeaconEvent& e) { return read_text(v, e.key, 128); },
     R"({"type":"string","maxLength":128,"description":"The site's key; also as header X-Site-Key."})"},
    {"name", "n", read_name, R"({"type":["string","integer"],"minLength":1,"maxLength":120,"default":"pageview"})"},
    {"url", "u", [](const Value& v, BeaconEvent& e) { return read_text(v, e.url, 2'000); },
     R"({"type":"string","format":"uri","maxLength":2000,"description":"Of the page, absolute."})"},
    {"referrer", "r",
     [](const Value& v, BeaconEvent& e) { return v.is_null() ? "" : read_text(v, e.referrer, kTextMax); },
     R"({"type":["string","null"],"maxLength":4096})"},
    {"props", "p", read_properties,
     R"({"type":["object","null"],"maxProperties":30,"additionalProperties":{"type":["string","number","boolean","null"],)"
     R"("maxLength":2000}})"},
    {"revenue", "$", read_revenue,
     R"({"type":["object","null"],"required":["currency","amount"],"properties":{"currency":{"type":"string",)"
     R"("pattern":"^[A-Z]{3}$"},"amount":{"type":["number","string"]}}})"},
    {"interactive", "i", [](const Value& v, BeaconEvent& e) { return read_flag(v, e.interactive); },
     R"({"enum":[true,false,0,1],"default":true,"description":"False: a visit of this alone is a bounce."})"},
    {"scroll_depth", "sd", [](const Value& v, BeaconEvent& e) { return read_whole(v, e.scroll_depth, 0, 100); },
     R"({"type":["number","null"],"minimum":0,"maximum":100,"description":"Percent of the page."})"},
    {"engagement_ms", "e",
     [](const Value& v, BeaconEvent& e) { return read_whole(v, e.engagement_ms, 0, kEngagementMax); },
     R"({"type":["number","null"],"minimum":0,"maximum":86400000})"},
    {"screen_width", "w", [](const Value& v, BeaconEvent& e) { return read_whole(v, e.screen_width, 0, 100'000); },
     R"({"type":["number","null"],"minimum":0,"maximum":100000,"description":"In CSS pixels."})"},
    {"language", "l", [](const Value& v, BeaconEvent& e) { return read_text(v, e.language, 64); },
     R"({"type":"string","maxLength":64})"},
    {"event_id", "id", [](const Value& v, BeaconEvent& e) { return read_text(v, e.event_id, kEventIdMax); },
     R"({"type":"string","maxLength":64,"description":"The same id again within 72 hours )"
     R"(after the event's time is counted once."})"},
    {"hash", "h", [](const Value& v, BeaconEvent& e) { return read_flag(v, e.hash); },
     R"({"enum":[true,false,0,1],"default":false,"description":"The fragment belongs to the page."})"},
    {"webdriver", "wd", [](const Value& v, BeaconEvent& e) { return read_flag(v, e.webdriver); },
     R"({"enum":[true,false,0,1],"default":false})"},
    {"vitals", "v", read_vitals,
     R"({"type":"object","properties":{"lcp":{"type":["number","null"]},"inp":{"type":["number","null"]},)"
     R"("cls":{"type":["number","null"]},"fcp":{"type":["number","null"]},"ttfb":{"type":["number","null"]}}})"},
    {"address", "", read_address,
     R"({"type":"string","maxLength":64,"description":"Of the visitor; needs the site's key."})"},
    {"user_agent", "", [](const Value& v, BeaconEvent& e) { return read_text(v, e.user_agent, kTextMax); },
     R"({"type":"string","maxLength":4096,"description":"Of the visitor; needs the site's key."})"},
    {"timestamp", "", read_timestamp,
     R"({"type":["string","integer"],"description":"RFC 3339 or Unix seconds; needs the site's key."})"},
};

std::unexpected<Failure> bad(std::string field, const std::string& expected) {
  return refuse_field("analytics.bad_event", std::move(field), "Expected " + expected + ".");
}

const Field* field_of(std::string_view name) {
  for (const auto& field : kFields) {
    if (field.name == name || (!field.alias.empty() && field.alias == name)) return &field;
  }
  return nullptr;
}

Result<BeaconEvent> finish(BeaconEvent event, const std::string& where) {
  if (event.site.empty()) return bad(where + "/site", "the id or domain of a site");
  if (event.url.empty()) return bad(where + "/url", "the page's URL");
  const bool engagement = event.name == "engagement";
  if (engagement && event.engagement_ms == 0 && event.scroll_depth < 0) {
    return bad(where + "/engagement_ms", "engagement_ms or scroll_depth in an engagement event");
  }
  const bool vitals = event.lcp || event.inp || event.cls || event.fcp || event.ttfb;
  if (event.name == "vitals" && !vitals) return bad(where + "/vitals", "at least one of lcp, inp, cls, fcp, ttfb");
  return event;
}

Result<BeaconEvent> read_object(const Value& value, const std::string& where) {
  if (!value.is_object()) return bad(where.empty() ? "/" : where, "an event, which is an object");
  BeaconEvent event;
  for (const auto& [name, member] : value.get_object()) {
    const auto* field = field_of(name);
    if (field == nullptr) return bad(where + "/" + std::string{name}, "a field of an event; this one is unknown");
    if (auto fault = field->read(member, event); !fault.empty()) return bad(where + "/" + std::string{name}, fault);
  }
  return finish(std::move(event), where);
}

}  // namespace

Result<std::vector<BeaconEvent>> read_events(std::string_view body) {
  // Most bodies are small: parse them without asking the heap.
  unsigned char buffer[4'096];
  boost::json::monotonic_resource memory(buffer, sizeof buffer);
  boost::json::parse_options options;
  options.max_depth = 4;
  boost::system::error_code error;
  const auto value = boost::json::parse(body, error, &memory, options);
  if (error) return refuse(Refusal::kInvalid, "json.malformed", "The body is not JSON: " + error.message() + ".");
  std::vector<BeaconEvent> events;
  if (!value.is_array()) {
    auto event = read_object(value, "");
    if (!event) return refuse(event);
    events.push_back(std::move(*event));
    return events;
  }
  if (value.get_array().size() > kEventsPerBodyMax) {
    return refuse(Refusal::kInvalid, "analytics.too_many_events",
                  fmt::format("At most {} events in one request.", kEventsPerBodyMax));
  }
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    auto event = read_object(value.get_array()[i], fmt::format("/{}", i));
    if (!event) return refuse(event);
    events.push_back(std::move(*event));
  }
  return events;
}

std::string named_site(std::string_view body) {
  boost::system::error_code error;
  auto value = boost::json::parse(body, error);
  if (error) return "";
  if (value.is_array() && !value.get_array().empty()) value = Value{value.get_array().front()};
  BeaconEvent event;
  for (const auto name : {"site", "d"}) {
    const auto* named = value.is_object() ? value.get_object().if_contains(name) : nullptr;
    if (named != nullptr && field_of("site")->read(*named, event).empty()) return event.site;
  }
  return "";
}

std::string events_schema() {
  json::Object properties;
  for (const auto& field : kFields) {
    properties[field.name] = boost::json::parse(field.schema);
    if (field.alias.empty()) continue;
    auto& alias = properties[field.alias] = boost::json::parse(field.schema);
    alias.get_object()["description"] = fmt::format("Short for `{}`.", field.name);
  }
  const auto either = [](std::string_view name, std::string_view alias) {
    const auto required = [](std::string_view field) {
      return json::Object{{"required", json::Array{boost::json::string(field)}}};
    };
    return json::Object{{"anyOf", json::Array{required(name), required(alias)}}};
  };
  const json::Object event{{"type", "object"},
                           {"additionalProperties", false},
                           {"properties", properties},
                           {"allOf", json::Array{either("site", "d"), either("url", "u")}}};
  const json::Object several{{"type", "array"}, {"items", event}, {"maxItems", kEventsPerBodyMax}};
  return boost::json::serialize(json::Object{{"oneOf", json::Array{event, several}}});
}

std::vector<std::pair<std::string, std::string>> event_parameters() {
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const auto& field : kFields) parameters.emplace_back(field.name, field.schema);
  return parameters;
}

Result<BeaconEvent> read_event(const std::vector<std::pair<std::string, std::string>>& query) {
  json::Object object;
  json::Object properties;
  for (const auto& [name, text] : query) {
    if (!is_utf8(text)) return bad("/" + name, "UTF-8");
    constexpr std::string_view kPropertyPrefix = "props.";
    if (name.starts_with(kPropertyPrefix)) {
      properties[name.substr(kPropertyPrefix.size())] = text;
      continue;
    }
    const auto* field = field_of(name);
    if (field == nullptr) return bad("/" + name, "a field of an event; this one is unknown");
    // What is not text in JSON comes as its JSON spelling here.
    constexpr std::string_view kTexts[] = {"site",     "key",      "name",    "url",       "referrer",
                                           "language", "event_id", "address", "user_agent"};
    boost::system::error_code error;
    Value value = boost::json::string(text);
    if (std::ranges::find(kTexts, field->name) == std::end(kTexts)) {
      auto parsed = boost::json::parse(text, error);
      if (!error) value = std::move(parsed);
    }
    object[field->name] = std::move(value);
  }
  if (!properties.empty()) object["props"] = std::move(properties);
  return read_object(object, "");
}

}  // namespace mainstay::analytics
