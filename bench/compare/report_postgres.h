#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

struct pg_conn;

namespace mainstay::bench {

/// A PostgreSQL 15 of the benchmark's own, with the same traffic and the indexes that its questions want; its data
/// stays in the folder. Throws std::runtime_error with the server's words.
class Postgres {
 public:
  explicit Postgres(std::filesystem::path folder);
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  /// Fills the tables, unless they are.
  void load(std::int64_t rows);
  /// Runs one or more statements; gives the column `n` of the last one's answer.
  std::vector<std::int64_t> run(const std::string& statements);

 private:
  void start();
  void copy(const char* text, std::int64_t rows);

  std::filesystem::path folder_;
  pg_conn* connection_ = nullptr;
};

}  // namespace mainstay::bench
