#include "base/text.h"
#include "http/browser_rules.h"
#include "http/detail/connection.h"
#include "http/detail/websocket.h"
#include "http/live.h"

namespace mainstay::http::detail {

namespace {

/// How long a browser waits before it comes back (`retry:`, WHATWG HTML §9.2.6).
constexpr std::string_view kRetry = "retry: 2000\n\n";

bool wants_websocket(const Request& request) {
  return request.method == Method::kGet && equal_ignoring_case(request.header("upgrade"), "websocket");
}

std::uint64_t last_event_id(const Request& request, std::uint64_t otherwise) {
  auto text = request.header("last-event-id");
  if (text.empty()) text = request.query_parameter("last_event_id").value_or("");
  return parse_number<std::uint64_t>(text).value_or(otherwise);
}

std::string encode_snapshot(Transport transport, const std::vector<std::pair<std::string, std::string>>& snapshot) {
  std::string out;
  for (const auto& [subject, payload] : snapshot) {
    out += transport == Transport::kEvents ? encode_event(subject, 0, payload)
                                           : websocket_frame(Opcode::kText, encode_envelope(subject, 0, payload));
  }
  return out;
}

}  // namespace

/// Makes `response` the answer to the handshake (RFC 6455 §4.2); false when it is a refusal.
bool Connection::accept_websocket(Response& response) {
  const auto refuse_with = [&](int status, std::string_view code, std::string message) {
    response =
        worker_->context().dispatcher.refuse_request(request_, status, {.code = code, .message = std::move(message)});
    return false;
  };
  if (request_.header("sec-websocket-version") != "13") {
    refuse_with(426, "http.websocket_version", "The WebSocket version understood is 13.");
    response.headers.add("Sec-WebSocket-Version", "13");
    return false;
  }
  const auto key = request_.header("sec-websocket-key");
  if (!is_websocket_key(key)) return refuse_with(400, "http.bad_websocket", "Sec-WebSocket-Key is malformed.");
  if (is_foreign_origin(request_)) {
    return refuse_with(403, "http.cross_origin", "This request comes from a page of another site.");
  }
  response.status = 101;
  response.headers.clear();
  response.headers.add("Upgrade", "websocket");
  response.headers.add("Connection", "Upgrade");
  response.headers.add("Sec-WebSocket-Accept", websocket_accept(key));
  response.headers.add("X-Request-Id", request_.id);
  return true;
}

/// Hands the socket to the hub; what is left of this connection then ends.
Task<bool> Connection::respond_live(Response& response) {
  auto& log = worker_->context().live_log;
  const auto watch = log.watch(std::get<LiveBody>(response.body).patterns);
  const auto mark = log.newest_id();
  response = co_await worker_->context().dispatcher.answer_again(request_);
  if (broken_) co_return false;
  if (!std::holds_alternative<LiveBody>(response.body)) co_return co_await respond(std::move(response));
  auto body = std::get<LiveBody>(std::move(response.body));
  response.body = std::string{};
  const auto transport = wants_websocket(request_) ? Transport::kWebSocket : Transport::kEvents;
  if (transport == Transport::kWebSocket) {
    if (!accept_websocket(response)) {
      append_head(response);
      co_return true;
    }
  } else {
    keep_alive_ = false;  // the end of the connection is the end of the stream
    response.headers.set("Content-Type", "text/event-stream; charset=utf-8");
    response.headers.set("X-Accel-Buffering", "no");
    if (request_.method == Method::kHead) {
      append_head(response, Framing::kUntilClose);
      co_return true;
    }
  }
  if (worker_->context().draining) co_return false;
  append_head(response, transport == Transport::kEvents ? Framing::kUntilClose : Framing::kLength);
  if (transport == Transport::kEvents) output_ += kRetry;
  output_ += encode_snapshot(transport, body.snapshot);
  worker_->disarm(*this);
  worker_->hub().adopt({.stream = std::move(stream_),
                        .place = std::move(place_),
                        .transport = transport,
                        .patterns = std::move(body.patterns),
                        .delivery = body.delivery,
                        .ends_with = std::move(body.ends_with),
                        .ends_at = body.ends_at,
                        .greeting = std::move(output_),
                        .allowed_id = mark,
                        .after_id = last_event_id(request_, mark),
                        .input = std::string{input()}});
  co_return false;
}

}  // namespace mainstay::http::detail
