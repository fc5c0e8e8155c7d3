#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace mainstay::http {

/// How a command of this program talks to the server on the same data folder: over its unix socket, whose file
/// permission says that the caller is the owner. Blocking; for the command line only.
struct LocalReply {
  int status = 0;
  std::string body;
  std::chrono::seconds retry_after{0};  ///< 0: the answer does not say
};

/// True when a server accepts connections on the socket.
[[nodiscard]] bool local_server_answers(const std::string& socket_path);

/// Sends one POST and waits for its answer, as long as the server takes to make it.
/// Throws Unavailable when the server cannot be reached or breaks off.
[[nodiscard]] LocalReply post_local(const std::string& socket_path, std::string_view target, std::string_view body,
                                    std::string_view content_type);

}  // namespace mainstay::http
