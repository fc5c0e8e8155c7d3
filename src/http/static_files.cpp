#include "http/static_files.h"

#include "base/text.h"

namespace mainstay::http {

namespace {

constexpr std::string_view kIndex = "/index.html";

const Asset* find(std::span<const Asset> assets, std::string_view path) {
  const auto at = std::lower_bound(assets.begin(), assets.end(), path,
                                   [](const Asset& asset, std::string_view wanted) { return asset.path < wanted; });
  return at != assets.end() && at->path == path ? &*at : nullptr;
}

/// The file, or the app's page where a person navigates to a page of the app.
const Asset* choose(std::span<const Asset> assets, const Request& request) {
  if (request.path == "/") return find(assets, kIndex);
  if (const auto* asset = find(assets, request.path)) return asset;
  const bool for_programs = request.path == "/api" || request.path.starts_with("/api/");
  const bool for_people = request.header("accept").find("text/html") != std::string_view::npos;
  return !for_programs && for_people && !request.path.starts_with("/assets/") ? find(assets, kIndex) : nullptr;
}

/// RFC 9110 §13.1.2: a list of tags, compared weakly, or "*".
bool matches(std::string_view if_none_match, std::string_view etag) {
  if (trim(if_none_match) == "*") return true;
  for (auto tag : split(if_none_match, ',')) {
    tag = trim(tag);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

Response serve(const Asset& asset, const Request& request) {
  Response response;
  auto& headers = response.headers;
  headers.add("Content-Type", asset.type);
  headers.add("ETag", asset.etag);
  headers.add("Cache-Control", asset.path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
  if (!asset.gzip.empty() || !asset.brotli.empty()) headers.add("Vary", "Accept-Encoding");
  if (const auto given = request.header("if-none-match"); !given.empty() && matches(given, asset.etag)) {
    response.status = 304;
    return response;
  }
  const auto accepted = accepted_encodings(request.header("accept-encoding"));
  auto bytes = asset.identity;
  std::string_view encoding;
  if (accepted.gzip && !asset.gzip.empty() && asset.gzip.size() < bytes.size()) {
    bytes = asset.gzip;
    encoding = "gzip";
  }
  if (accepted.brotli && !asset.brotli.empty() && asset.brotli.size() < bytes.size()) {
    bytes = asset.brotli;
    encoding = "br";
  }
  if (!encoding.empty()) headers.add("Content-Encoding", encoding);
  response.body = StaticBody{bytes};
  return response;
}

Result<Response> find_and_serve(std::span<const Asset> assets, const Request& request) {
  const auto* asset = choose(assets, request);
  if (asset == nullptr) return refuse(Refusal::kNotFound, "http.not_found", "There is nothing here.");
  return serve(*asset, request);
}

Task<Result<Response>> answer(std::span<const Asset> assets, Request& request) {
  co_return find_and_serve(assets, request);
}

}  // namespace

AcceptedEncodings accepted_encodings(std::string_view accept_encoding) {
  AcceptedEncodings accepted;
  for (const auto part : split(accept_encoding, ',')) {
    const auto semicolon = part.find(';');
    const auto name = trim(part.substr(0, semicolon));
    const auto weight = semicolon == std::string_view::npos ? "" : trim(part.substr(semicolon + 1));
    const bool refused = weight.starts_with("q=0") && weight.find_first_of("123456789") == std::string_view::npos;
    const bool any = name == "*";
    if (any || equal_ignoring_case(name, "gzip")) accepted.gzip = !refused;
    if (any || equal_ignoring_case(name, "br")) accepted.brotli = !refused;
  }
  return accepted;
}

Handler static_files(std::span<const Asset> assets) {
  return [assets](Request& request) { return answer(assets, request); };
}

Response static_file(const Request& request) {
  auto response = find_and_serve(web_assets(), request);
  return response ? std::move(*response) : problem(response.error(), request);
}

}  // namespace mainstay::http
