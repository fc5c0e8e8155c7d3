#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/failure.h"
#include "runtime/config.h"

namespace mainstay::app {

/// Where things lie in the data folder.
struct Paths {
  explicit Paths(const config::Settings& settings) : data(settings.data) {}
  std::filesystem::path data;
  [[nodiscard]] std::filesystem::path database() const { return data / "mainstay.db"; }
  [[nodiscard]] std::filesystem::path columns() const { return data / "columns"; }
  [[nodiscard]] std::filesystem::path stream() const { return data / "queue" / "analytics"; }
  [[nodiscard]] std::filesystem::path exports() const { return data / "exports"; }
  [[nodiscard]] std::filesystem::path socket() const { return data / "mainstay.sock"; }
  [[nodiscard]] std::filesystem::path imports() const { return data / "imports"; }
};

/// The data folder, held by one process at a time.
class DataFolder {
 public:
  /// Makes the folder (0700) when it is missing. Nothing when another process holds it.
  /// Throws Unavailable when it cannot be made or written.
  [[nodiscard]] static std::unique_ptr<DataFolder> take(const Paths& paths);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

 private:
  explicit DataFolder(int lock) : lock_(lock) {}
  int lock_;
};

}  // namespace mainstay::app
