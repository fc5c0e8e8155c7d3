#include "http/detail/request_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/verb.hpp>
#include <optional>

#include "base/text.h"

namespace mainstay::http::detail {

namespace beast = boost::beast::http;
using ErrorCode = boost::beast::error_code;
using View = boost::beast::string_view;

namespace {

/// Of one chunk's size line, and of the trailers behind the last chunk.
constexpr std::size_t kChunkLineBytesMax = 4 << 10;

std::optional<Method> method_of(beast::verb verb) {
  switch (verb) {  // NOLINT: the other thirty verbs are not ours
    case beast::verb::get: return Method::kGet;
    case beast::verb::head: return Method::kHead;
    case beast::verb::post: return Method::kPost;
    case beast::verb::put: return Method::kPut;
    case beast::verb::patch: return Method::kPatch;
    case beast::verb::delete_: return Method::kDelete;
    case beast::verb::options: return Method::kOptions;
    default: return std::nullopt;
  }
}

std::string_view to_std(View text) { return {text.data(), text.size()}; }

/// Host = uri-host [ ":" port ] (RFC 9110 §7.2), by its characters.
bool is_host(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"-._~!$&'()*+,;=:[]%"}.find(c) != std::string_view::npos;
  });
}

/// True when the request line ends in a version of HTTP, whichever.
bool names_a_version(std::string_view header) {
  const auto line = header.substr(0, header.find("\r\n"));
  const auto version = line.substr(line.rfind(' ') + 1);
  return version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' && line.find('\n') == line.npos;
}

void read_query(std::string_view query, std::vector<std::pair<std::string, std::string>>& into) {
  const auto decode = [](std::string_view text) {
    if (text.find_first_of("%+") == std::string_view::npos) return std::string{text};
    std::string spaced{text};
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    return percent_decode(spaced);
  };
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    into.emplace_back(decode(pair.substr(0, equals)), decode(value));
  }
}

}  // namespace

/// Beast's parser, which calls back for each part; it cannot be used twice, so each message gets a new one in place.
struct RequestParser::Grammar {
  struct Parser final : beast::basic_parser<true> {
    explicit Parser(Grammar& owner) : owner_(owner) {}

    void on_request_impl(beast::verb verb, View, View target, int http_version, ErrorCode&) override {
      owner_.method = method_of(verb);
      owner_.request->target = to_std(target);
      owner_.version = http_version;
    }
    void on_response_impl(int, View, int, ErrorCode&) override {}
    void on_field_impl(beast::field, View name, View value, ErrorCode&) override {
      if (!owner_.header_done) owner_.request->headers.add(to_std(name), to_std(value));  // trailers are dropped
    }
    void on_header_impl(ErrorCode&) override { owner_.header_done = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
    std::size_t on_body_impl(View body, ErrorCode& error) override { return append(body, error); }
    void on_chunk_header_impl(std::uint64_t size, View, ErrorCode& error) override {
      if (size > owner_.body_bytes_max - std::min(owner_.body_bytes_max, owner_.request->body.size())) {
        error = beast::error::body_limit;
      }
    }
    std::size_t on_chunk_body_impl(std::uint64_t, View body, ErrorCode& error) override { return append(body, error); }
    void on_finish_impl(ErrorCode&) override {}

    std::size_t append(View body, ErrorCode& error) {
      if (owner_.request->body.size() + body.size() > owner_.body_bytes_max) {
        error = beast::error::body_limit;
        return 0;
      }
      owner_.request->body += to_std(body);
      return body.size();
    }

   private:
    Grammar& owner_;
  };

  std::optional<Parser> parser;
  Request* request = nullptr;
  std::optional<Method> method;
  std::size_t body_bytes_max = 0;
  int version = 11;
  bool header_done = false;
};

RequestParser::RequestParser(const Limits& limits) : limits_(limits), grammar_(std::make_unique<Grammar>()) {}
RequestParser::~RequestParser() = default;

void RequestParser::begin(Request& request) {
  request_ = &request;
  grammar_->parser.emplace(*grammar_);
  grammar_->request = &request;
  grammar_->method.reset();
  grammar_->version = 11;
  grammar_->header_done = false;
  error_ = {};
  scanned_ = 0;
  content_length_ = 0;
  chunked_ = false;
  expects_continue_ = false;
}

RequestParser::Step RequestParser::fail(int status, std::string_view code, std::string_view message) {
  error_ = {.status = status, .code = code, .message = message};
  return Step::kFailed;
}

RequestParser::Step RequestParser::check_header_size(std::string_view bytes, bool complete) {
  const auto line_end = bytes.substr(0, limits_.target_bytes_max + 64).find("\r\n");
  if (line_end == std::string_view::npos && bytes.size() > limits_.target_bytes_max + 64) {
    return fail(414, "http.target_too_long", "The request target is too long.");
  }
  if (bytes.size() > limits_.header_bytes_max) {
    return fail(431, "http.header_too_large", "The request header is too large.");
  }
  return complete ? Step::kDone : Step::kNeedMore;
}

RequestParser::Step RequestParser::read_header(std::string_view bytes, std::size_t& consumed) {
  consumed = 0;
  // A client may send an empty line after a body (RFC 9112 §2.2).
  std::size_t skipped = 0;
  while (scanned_ == 0 && bytes.substr(skipped).starts_with("\r\n") && skipped < 8) skipped += 2;
  bytes.remove_prefix(skipped);
  const auto end = bytes.find("\r\n\r\n", scanned_);
  const bool complete = end != std::string_view::npos;
  const auto size = complete ? end + 4 : bytes.size();
  if (const auto step = check_header_size(bytes.substr(0, size), complete); step != Step::kDone) {
    consumed = skipped;
    if (step == Step::kNeedMore) scanned_ = bytes.size() > 3 ? bytes.size() - 3 : 0;
    return step;
  }
  const auto header = bytes.substr(0, size);
  consumed = skipped + size;
  if (header.find("\n ") != std::string_view::npos || header.find("\n\t") != std::string_view::npos) {
    return fail(400, "http.bad_request", "Folded header lines are not accepted.");
  }
  ErrorCode error;
  grammar_->body_bytes_max = 0;
  grammar_->parser->header_limit(static_cast<std::uint32_t>(header.size() + 1));
  grammar_->parser->body_limit(boost::none);
  grammar_->parser->eager(false);
  std::size_t used = 0;
  while (used < header.size() && !error && !grammar_->header_done) {
    used += grammar_->parser->put(boost::asio::const_buffer(header.data() + used, header.size() - used), error);
  }
  if (error == beast::error::bad_version && names_a_version(header)) {
    return fail(505, "http.bad_version", "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
  }
  if (error == beast::error::bad_transfer_encoding || error == beast::error::bad_content_length ||
      error == beast::error::multiple_content_length) {
    return fail(400, "http.ambiguous_length", "The length of the body is ambiguous.");
  }
  if (error || !grammar_->header_done) return fail(400, "http.bad_request", "This is not an HTTP request.");
  return check_fields();
}

RequestParser::Step RequestParser::check_fields() {
  const auto& headers = request_->headers;
  if (request_->target.size() > limits_.target_bytes_max) {
    return fail(414, "http.target_too_long", "The request target is too long.");
  }
  if (!grammar_->method) return fail(501, "http.unknown_method", "This method is not known here.");
  request_->method = *grammar_->method;
  const auto hosts = headers.count("host");
  if (hosts > 1 || (hosts == 0 && version() == 11)) {
    return fail(400, "http.bad_host", "A request carries exactly one Host field.");
  }
  if (!is_host(headers.get("host"))) return fail(400, "http.bad_host", "The Host field is malformed.");
  const auto lengths = headers.count("content-length");
  const auto codings = headers.count("transfer-encoding");
  if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0)) {
    return fail(400, "http.ambiguous_length", "The length of the body is ambiguous.");
  }
  if (codings == 1) {
    if (!equal_ignoring_case(headers.get("transfer-encoding"), "chunked") || version() != 11) {
      return fail(400, "http.ambiguous_length", "The only transfer coding understood is chunked.");
    }
    chunked_ = true;
  }
  if (lengths == 1) {
    const auto text = headers.get("content-length");
    const auto length = parse_number<std::size_t>(text);
    if (!length || text.starts_with('+')) return fail(400, "http.ambiguous_length", "Content-Length is no number.");
    content_length_ = *length;
  }
  if (const auto expect = headers.get("expect"); !expect.empty()) {
    if (!equal_ignoring_case(expect, "100-continue")) {
      return fail(417, "http.expectation_failed", "The only expectation met here is 100-continue.");
    }
    expects_continue_ = version() == 11 && has_body();
  }
  return check_target();
}

RequestParser::Step RequestParser::check_target() {
  auto& target = request_->target;
  if (target == "*" && request_->method == Method::kOptions) target = "/";
  // absolute-form (RFC 9112 §3.2.2): its authority is the host, whatever the field says.
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_ignoring_case(std::string_view{target}.substr(0, scheme.size()), scheme)) continue;
    const auto rest = target.substr(scheme.size());
    const auto authority_end = std::min(rest.find_first_of("/?"), rest.size());
    const auto authority = rest.substr(0, authority_end);
    if (authority.empty() || !is_host(authority))
      return fail(400, "http.bad_host", "The host in the target is malformed.");
    request_->headers.set("Host", authority);
    target = rest.substr(authority_end);
    if (!target.starts_with('/')) target.insert(0, "/");
    break;
  }
  if (!target.starts_with('/')) return fail(400, "http.bad_target", "The request target is malformed.");
  if (target.find('#') != std::string::npos) return fail(400, "http.bad_target", "A request target has no fragment.");
  const auto mark = target.find('?');
  const auto path = std::string_view{target}.substr(0, mark);
  if (path.find('%') == std::string_view::npos) {
    request_->path = path;
  } else {
    request_->path = percent_decode(path);
  }
  if (request_->path.find('\0') != std::string::npos || !is_utf8(request_->path)) {
    return fail(400, "http.bad_target", "The path is not UTF-8.");
  }
  request_->query_parameters.clear();
  if (mark != std::string::npos) read_query(std::string_view{target}.substr(mark + 1), request_->query_parameters);
  return Step::kDone;
}

bool RequestParser::has_body() const { return chunked_ || content_length_ > 0; }
std::size_t RequestParser::content_length() const { return content_length_; }
bool RequestParser::expects_continue() const { return expects_continue_; }
bool RequestParser::keep_alive() const { return grammar_->parser->keep_alive(); }
int RequestParser::version() const { return grammar_->version; }

RequestParser::Step RequestParser::read_body(std::string_view bytes, std::size_t body_bytes_max,
                                             std::size_t& consumed) {
  consumed = 0;
  if (!has_body() || grammar_->parser->is_done()) return Step::kDone;
  if (content_length_ > body_bytes_max) return fail(413, "http.body_too_large", "The body is too large.");
  grammar_->body_bytes_max = body_bytes_max;
  grammar_->parser->eager(true);
  ErrorCode error;
  if (!bytes.empty()) {
    consumed = grammar_->parser->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  }
  if (error == beast::error::body_limit) return fail(413, "http.body_too_large", "The body is too large.");
  if (error && error != beast::error::need_more) {
    return fail(400, "http.bad_chunk", "The chunked body is malformed.");
  }
  if (grammar_->parser->is_done()) return Step::kDone;
  if (bytes.size() - consumed > kChunkLineBytesMax)
    return fail(400, "http.bad_chunk", "A chunk's size line is too long.");
  return Step::kNeedMore;
}

}  // namespace mainstay::http::detail
