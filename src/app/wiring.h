#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "app/installation.h"
#include "base/failure.h"
#include "http/message.h"
#include "runtime/config.h"

namespace mainstay::analytics {
class LogImports;
class SiteDirectory;
}  // namespace mainstay::analytics

namespace mainstay::app {

/// All of the program on one data folder, built in start order and ended in reverse.
///
/// `serve` opens the port; without it the same parts answer requests made in process, which is how the command line
/// works while no server runs. Throws Unavailable or std::runtime_error when something cannot start.
class Program {
 public:
  /// `folder` is held as long as the program lives. `program_folder`: where the binary and its data files stand.
  Program(config::Settings settings, std::unique_ptr<DataFolder> folder, std::filesystem::path program_folder);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Opens the port and the local socket. Throws std::system_error.
  void serve();
  /// Where the server answers: "http://localhost:8080".
  [[nodiscard]] std::string address() const;
  /// Stops accepting, finishes requests in flight, writes what is held.
  void drain();
  /// Reads again what may change while running: TLS files.
  void reload();

  /// Answers one request as if it came over the local socket, whose peer is the owner. Blocks.
  [[nodiscard]] http::Response ask(http::Request request);

  [[nodiscard]] analytics::LogImports& imports();
  [[nodiscard]] const analytics::SiteDirectory& sites() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace mainstay::app
