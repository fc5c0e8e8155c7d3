#include "http/detail/connection.h"

#include <cstring>

#include "base/text.h"
#include "http/problem.h"

namespace mainstay::http::detail {

namespace {

constexpr std::size_t kInputBytes = 4 << 10;        ///< of a connection, but for what is under way
constexpr std::size_t kBodyReadBytes = 64 << 10;    ///< most of one read of a large body
constexpr std::size_t kOutputBytesKept = 64 << 10;  ///< more than this waiting to be sent is sent first
constexpr std::size_t kLingerBytesMax = 1 << 20;
constexpr std::chrono::milliseconds kLocalPatience = std::chrono::hours{1};
constexpr std::chrono::milliseconds kLingerPatience{2'000};

/// All X-Forwarded-For fields, joined by commas.
std::string forwarded_for(const Headers& headers) {
  std::string chain;
  headers.each([&chain](std::string_view name, std::string_view value) {
    if (!equal_ignoring_case(name, "x-forwarded-for")) return;
    chain += chain.empty() ? "" : ",";
    chain += value;
  });
  return chain;
}

bool is_sane_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

}  // namespace

Connection::Connection(std::shared_ptr<Worker> worker, std::unique_ptr<ByteStream> stream, const Address& peer,
                       bool local)
    : worker_(std::move(worker)),
      stream_(std::move(stream)),
      place_(worker_->shared_context()),
      limits_(worker_->context().options.limits),
      peer_(peer),
      local_(local),
      trusted_peer_(local || any_contains(worker_->context().trusted, peer)),
      peer_text_(local ? "127.0.0.1" : peer.text()),
      parser_(limits_) {
  worker_->enter(*this);
}

Connection::~Connection() {
  worker_->disarm(*this);  // before the wheel may go with the last connection
  worker_->leave(*this);
}

void Connection::enter_phase(Phase phase) {
  phase_ = phase;
  timed_out_ = false;
  worker_->arm(*this, patience_of(phase));
}

std::chrono::milliseconds Connection::patience_of(Phase phase) const {
  switch (phase) {
    case Phase::kHandshake:
    case Phase::kHeader: return limits_.header_patience;
    case Phase::kIdle: return limits_.idle_patience;
    case Phase::kBody: return limits_.body_patience;
    case Phase::kHandler:
    // The command line waits for work that takes long, such as the end of an import.
    case Phase::kStream: return local_ ? kLocalPatience : limits_.handler_patience;
    case Phase::kWrite: return limits_.write_patience;
    case Phase::kLinger: return kLingerPatience;
  }
  return kLingerPatience;
}

Task<> Connection::run() {
  enter_phase(Phase::kHandshake);
  if (co_await stream_->handshake()) {
    input_.resize(kInputBytes);
    while (co_await serve_one()) {
    }
    if (stream_ && !broken_) co_await flush();
    if (stream_ && lingering_ && !broken_) co_await linger();
  }
  worker_->disarm(*this);
  if (!stream_) co_return;
  stream_->shutdown_write();
  stream_->close();
}

void Connection::drain() {
  keep_alive_ = false;
  if (phase_ == Phase::kIdle || phase_ == Phase::kHandshake) stream_->cancel();
}

void Connection::abort() {
  keep_alive_ = false;
  broken_ = true;
  if (stream_) stream_->close();
}

void Connection::expire() {
  timed_out_ = true;
  if (phase_ == Phase::kStream) broken_ = true;  // its next write fails
  if (phase_ != Phase::kHandler) {
    stream_->cancel();
    return;
  }
  // The handler cannot be stopped, but its client can be told; what it still answers is dropped.
  keep_alive_ = false;
  const auto failure = refuse_for_now("http.handler_timeout", "This took too long; try again later.").error();
  append_head(worker_->context().dispatcher.refuse_request(request_, failure));
  [[maybe_unused]] const auto outcome = stream_->try_write(output_);
  broken_ = true;
  stream_->shutdown_write();
}

void Connection::consume(std::size_t count) {
  input_begin_ += count;
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
}

/// Reads more input behind what is there; false when nothing more comes.
Task<bool> Connection::fill(std::size_t capacity_max) {
  if (!output_.empty()) {
    const auto phase = phase_;
    if (!co_await flush()) co_return false;
    if (phase_ != phase) enter_phase(phase);
  }
  if (input_end_ == input_.size()) {
    if (input_begin_ > 0) {
      std::memmove(input_.data(), input_.data() + input_begin_, input_end_ - input_begin_);
      input_end_ -= input_begin_;
      input_begin_ = 0;
    } else {
      if (input_.size() >= capacity_max) co_return false;
      input_.resize(std::min(capacity_max, input_.size() * 4));
    }
  }
  const auto count = co_await stream_->read_some(std::span{input_}.subspan(input_end_));
  input_end_ += count;
  co_return count > 0;
}

/// Does nothing while there is input.
void Connection::resize_input(std::size_t bytes) {
  if (!input().empty() || input_.size() == bytes) return;
  input_ = std::vector<char>(bytes);
  input_begin_ = input_end_ = 0;
}

/// Lets the next read take as much as has come of the body already, where so much is left: in a few reads of a large
/// one that is kBodyReadBytes, and who only says that much will come is not believed.
void Connection::widen_input() {
  const auto come = request_.body.size();
  const auto left = parser_.content_length() > 0 ? parser_.content_length() - come : come;
  const auto bytes = std::min({come, left, kBodyReadBytes});
  if (bytes == kBodyReadBytes || bytes >= input_.size() * 2) resize_input(bytes);
}

Task<bool> Connection::serve_one() {
  request_.headers.clear();
  request_.body.clear();
  request_.principal = {};
  parser_.begin(request_);
  if (!co_await read_header()) co_return false;
  prepare_request();
  auto& dispatcher = worker_->context().dispatcher;
  auto plan = dispatcher.plan(request_);
  plan.body = BodyBudget::Share(worker_->context().bodies);
  plan.body_bytes_max = std::min(plan.body_bytes_max, limits_.body_memory_bytes);  // waiting makes room for no more
  if (auto& limit = worker_->context().rate_limit; limit && !request_.local) {
    if (!any_contains(worker_->context().trusted, client_)) {
      if (auto admitted = limit->admit(client_.client_key()); !admitted)
        dispatcher.refuse(request_, plan, admitted.error());
    }
  }
  if (parser_.has_body()) {
    if (!plan.admitted) {
      enter_phase(Phase::kHandler);
      co_await dispatcher.admit(request_, plan);
      if (broken_) co_return false;
    }
    if (!co_await read_body(plan)) co_return false;
  }
  enter_phase(Phase::kHandler);
  auto response = co_await dispatcher.answer(request_, plan);
  if (broken_) co_return false;
  if (!co_await respond(std::move(response))) co_return false;
  if (worker_->context().draining) keep_alive_ = false;
  if (output_.size() > kOutputBytesKept && !co_await flush()) co_return false;
  if (request_.body.capacity() > kInputBytes) std::string{}.swap(request_.body);  // its share ends with the plan
  co_return keep_alive_;
}

Task<bool> Connection::read_header() {
  const auto capacity_max = limits_.header_bytes_max + kInputBytes;
  enter_phase(Phase::kIdle);
  while (true) {
    std::size_t consumed = 0;
    const auto step = parser_.read_header(input(), consumed);
    consume(consumed);
    if (step == RequestParser::Step::kDone) co_return true;
    if (step == RequestParser::Step::kFailed) {
      refuse(parser_.error());
      co_return false;
    }
    if (phase_ == Phase::kIdle && !input().empty()) enter_phase(Phase::kHeader);
    if (!keep_alive_ && phase_ == Phase::kIdle) co_return false;  // draining
    if (phase_ == Phase::kIdle) resize_input(kInputBytes);
    if (co_await fill(capacity_max)) continue;
    if (timed_out_ && phase_ == Phase::kHeader) {
      refuse({.status = 408, .code = "http.header_timeout", .message = "The request did not come in time."});
    }
    co_return false;
  }
}

/// Lets the body take what has come of it. Refuses when the memory for bodies is used up.
Result<> Connection::make_room(Dispatcher::Plan& plan) {
  auto& body = request_.body;
  const auto most = parser_.content_length() > 0 ? parser_.content_length() : plan.body_bytes_max;
  const auto needed = std::min(body.size() + input().size(), most);
  if (needed <= body.capacity()) return {};
  const auto capacity = std::clamp(body.capacity() * 2, needed, most);
  if (capacity > kInputBytes) {
    if (auto held = plan.body.grow_to(capacity); !held) return held;
  }
  body.reserve(capacity);
  return {};
}

Task<bool> Connection::read_body(Dispatcher::Plan& plan) {
  if (plan.answer) {
    // Decided without the body, so the rest of the connection cannot be understood.
    keep_alive_ = false;
    lingering_ = true;
    co_return true;
  }
  const auto length = parser_.content_length();
  if (length > plan.body_bytes_max) {
    refuse({.status = 413, .code = "http.body_too_large", .message = "The body is too large."}, plan.route);
    co_return false;
  }
  if (length > kInputBytes) {
    if (const auto room = worker_->context().bodies.has_room_for(length); !room) {
      refuse(status_of(room.error().kind), room.error(), plan.route);
      co_return false;
    }
  }
  enter_phase(Phase::kBody);
  if (parser_.expects_continue() && input().empty()) output_ += "HTTP/1.1 100 Continue\r\n\r\n";
  while (true) {
    if (const auto room = make_room(plan); !room) {
      refuse(status_of(room.error().kind), room.error(), plan.route);
      co_return false;
    }
    std::size_t consumed = 0;
    const auto step = parser_.read_body(input(), plan.body_bytes_max, consumed);
    consume(consumed);
    if (step == RequestParser::Step::kDone) {
      resize_input(kInputBytes);
      co_return true;
    }
    if (step == RequestParser::Step::kFailed) {
      refuse(parser_.error(), plan.route);
      co_return false;
    }
    widen_input();
    if (co_await fill(kBodyReadBytes)) continue;
    if (timed_out_) {
      refuse({.status = 408, .code = "http.body_timeout", .message = "The body did not come in time."}, plan.route);
    }
    co_return false;
  }
}

void Connection::prepare_request() {
  keep_alive_ = keep_alive_ && parser_.keep_alive();
  request_.secure = stream_->secure();
  request_.local = local_;
  client_ = peer_;
  request_.client_address = peer_text_;
  if (trusted_peer_) {
    if (const auto chain = forwarded_for(request_.headers); !chain.empty()) {
      client_ = client_behind(peer_, chain, worker_->context().trusted);
      request_.client_address = client_.text();
      request_.local = false;  // a proxy speaks for somebody else
    }
    if (const auto scheme = request_.header("x-forwarded-proto"); !scheme.empty()) {
      request_.secure = equal_ignoring_case(scheme, "https");
    }
  }
  const auto given = request_.header("x-request-id");
  request_.id = is_sane_id(given) ? std::string{given} : worker_->request_id();
}

/// Answers what is no request we take, and ends the connection.
void Connection::refuse(int status, const Failure& failure, const Route* route) {
  keep_alive_ = false;
  lingering_ = true;
  timed_out_ = false;
  if (route == nullptr) request_.id = worker_->request_id();
  append_head(worker_->context().dispatcher.refuse_request(request_, status, failure, route));
}

void Connection::refuse(const ProtocolError& error, const Route* route) {
  refuse(error.status, {.code = error.code, .message = std::string{error.message}}, route);
}

/// After an answer that came before the client had said everything: lets it read the answer. Closing at once would
/// reset the connection and destroy what the client has not read (RFC 9112 §9.6).
Task<> Connection::linger() {
  stream_->shutdown_write();
  enter_phase(Phase::kLinger);
  std::size_t discarded = 0;
  while (discarded < kLingerBytesMax) {
    const auto count = co_await stream_->read_some(input_);
    if (count == 0) co_return;
    discarded += count;
  }
}

}  // namespace mainstay::http::detail
