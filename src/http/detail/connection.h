#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/detail/byte_stream.h"
#include "http/detail/request_parser.h"
#include "http/detail/worker.h"
#include "http/message.h"

namespace mainstay::http::detail {

/// One client connection from its first byte to its last: reads requests one after the other, has them answered,
/// writes the answers in order (pipelined ones together), keeps every deadline.
///
/// Owned by its task in `Context::tasks`; a live stream leaves it for the thread's hub and ends it.
class Connection final : public TimerWheel::Entry {
 public:
  Connection(std::shared_ptr<Worker> worker, std::unique_ptr<ByteStream> stream, const Address& peer, bool local);
  ~Connection();

  Task<> run();
  /// Ends now when idle, otherwise after the answer at hand.
  void drain();
  /// Ends now.
  void abort();
  void expire() override;

  std::size_t index_in_worker = 0;  ///< kept by Worker

 private:
  friend class ChunkWriter;
  enum class Phase { kHandshake, kIdle, kHeader, kBody, kHandler, kStream, kWrite, kLinger };

  enum class Framing { kLength, kChunked, kUntilClose };

  // connection.cpp: reading
  Task<bool> serve_one();
  Task<bool> read_header();
  Task<bool> read_body(Dispatcher::Plan& plan);
  [[nodiscard]] Result<> make_room(Dispatcher::Plan& plan);
  Task<bool> fill(std::size_t capacity_max);
  void resize_input(std::size_t bytes);
  void widen_input();
  void prepare_request();
  void refuse(const ProtocolError& error, const Route* route = nullptr);
  void refuse(int status, const Failure& failure, const Route* route);
  void enter_phase(Phase phase);
  [[nodiscard]] std::chrono::milliseconds patience_of(Phase phase) const;
  [[nodiscard]] std::string_view input() const { return {input_.data() + input_begin_, input_end_ - input_begin_}; }
  void consume(std::size_t count);
  Task<> linger();

  // connection_write.cpp: writing
  Task<bool> respond(Response response);
  void append_head(const Response& response, Framing framing = Framing::kLength);
  Task<bool> respond_with_stream(Response& response);
  // connection_live.cpp: leaving for the hub
  Task<bool> respond_live(Response& response);
  bool accept_websocket(Response& response);
  Task<bool> flush();
  Task<bool> write_all(std::string_view bytes);

  std::shared_ptr<Worker> worker_;  ///< shared with the server and the other connections of the thread
  std::unique_ptr<ByteStream> stream_;
  ConnectionPlace place_;
  const Limits& limits_;
  const Address peer_;
  const bool local_;
  const bool trusted_peer_;
  const std::string peer_text_;
  Address client_;  ///< of the request at hand: the peer, or who stands behind its proxies

  RequestParser parser_;
  Request request_;
  std::vector<char> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::string output_;  ///< finished answers that are not sent yet

  Phase phase_ = Phase::kHandshake;
  bool keep_alive_ = true;
  bool lingering_ = false;  ///< the client may still be sending: read on before closing, so that it sees the answer
  bool timed_out_ = false;
  bool broken_ = false;
};

}  // namespace mainstay::http::detail
