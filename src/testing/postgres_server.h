#pragma once

#include <sys/types.h>

#include <string>

#include "testing/temporary_folder.h"

namespace mainstay::testing {

/// A PostgreSQL 15 of the test's own: a fresh cluster in a temporary folder, reached by a Unix socket in there.
/// When the test runs as root, the server runs as the user `postgres`. It dies with the thread that started it.
/// Throws std::runtime_error with the server's own words when it does not come up: a missing engine fails the test.
class PostgresServer {
 public:
  enum class Sync {
    kOff,  ///< fast; a power cut would lose everything
    kOn,   ///< for tests of durability
  };
  explicit PostgresServer(Sync sync = Sync::kOff);
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// The server that all tests of this binary share; started when first asked for, from the main thread.
  static PostgresServer& shared();

  /// Makes an empty database and returns its URL.
  [[nodiscard]] std::string create_database();

  void kill();   ///< as kill -9 would: every process of the server at once
  void start();  ///< after kill(): comes back with what it had on disk

 private:
  void make_cluster();
  void wait_until_it_answers();
  [[nodiscard]] std::string url_of(const std::string& database) const;
  [[nodiscard]] std::string log_tail() const;

  TemporaryFolder folder_;
  Sync sync_;
  pid_t process_ = -1;
  int databases_ = 0;
};

}  // namespace mainstay::testing
