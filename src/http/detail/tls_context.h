#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "http/server.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace mainstay::http::detail {

/// The certificate and key that new connections get: TLS 1.2 and 1.3, ALPN http/1.1, session tickets. Read again when
/// a file changes; connections at hand keep what they began with. Threads: any.
class TlsContext {
 public:
  /// Throws std::runtime_error naming the file and OpenSSL's reason.
  explicit TlsContext(Tls files);

  [[nodiscard]] std::shared_ptr<SSL_CTX> current() const;
  /// Reads the files again; keeps what it has, and logs why, when they are wrong.
  void reload();
  /// The same, when one of them has another time of change than at the last look.
  void reload_if_changed();

 private:
  using Times = std::pair<std::filesystem::file_time_type, std::filesystem::file_time_type>;
  [[nodiscard]] Times times() const;

  const Tls files_;
  mutable std::mutex mutex_;
  std::shared_ptr<SSL_CTX> context_;  ///< shared with the connections being set up
  Times seen_;
};

}  // namespace mainstay::http::detail
