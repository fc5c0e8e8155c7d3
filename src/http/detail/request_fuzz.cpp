// What a client may send before anybody knows it: requests and WebSocket frames, in pieces of any size.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/detail/request_parser.h"
#include "http/detail/websocket.h"
#include "http/inflate.h"
#include "http/network.h"

namespace {

using mainstay::http::Limits;
using mainstay::http::Request;
using mainstay::http::detail::RequestParser;
using mainstay::http::detail::WebSocketReader;

constexpr std::size_t kBodyBytesMax = 4096;

/// Feeds growing prefixes as a connection does: what is not consumed comes again with more behind it.
void read_requests(std::string_view bytes, std::size_t piece) {
  const Limits limits;
  RequestParser parser(limits);
  Request request;
  parser.begin(request);
  bool in_body = false;
  std::size_t begin = 0;
  for (std::size_t end = std::min(piece, bytes.size());; end = std::min(end + piece, bytes.size())) {
    while (begin < end) {
      std::size_t consumed = 0;
      const auto view = bytes.substr(begin, end - begin);
      const auto step = in_body ? parser.read_body(view, kBodyBytesMax, consumed) : parser.read_header(view, consumed);
      if (consumed > view.size() || request.body.size() > kBodyBytesMax) std::abort();
      begin += consumed;
      if (step == RequestParser::Step::kFailed) {
        if (!parser.error()) std::abort();
        return;
      }
      if (step == RequestParser::Step::kNeedMore) break;
      if (request.path.empty() || request.path.front() != '/') std::abort();
      if (!in_body && parser.has_body()) {
        in_body = true;
        continue;
      }
      in_body = false;
      request = Request{};
      parser.begin(request);
    }
    if (end == bytes.size()) return;
  }
}

void read_frames(std::string_view bytes, std::size_t piece) {
  WebSocketReader reader;
  while (!bytes.empty()) {
    reader.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (reader.next()) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const void* raw = data + 2;
  const std::string_view bytes{static_cast<const char*>(raw), size - 2};
  const std::size_t piece = std::size_t{data[1]} + 1;
  switch (data[0] % 4) {
    case 0: read_requests(bytes, piece); break;
    case 1: read_frames(bytes, piece); break;
    case 2: static_cast<void>(mainstay::http::gunzip(bytes, kBodyBytesMax)); break;
    case 3:
      static_cast<void>(mainstay::http::Address::parse(bytes));
      static_cast<void>(mainstay::http::Network::parse(bytes));
      break;
  }
  return 0;
}
