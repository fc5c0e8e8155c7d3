#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "app/wiring.h"
#include "http/message.h"
#include "runtime/config.h"

namespace mainstay::cli {

/// How a command reaches the installation: over the local socket of the server that holds the data folder or, when
/// none runs, by holding the folder itself. The same requests work both ways. `post` throws Unavailable when a server
/// is needed and cannot be reached.
class Access {
 public:
  /// kNeeded never holds the folder, and asks a server that may be there only later.
  enum class Server : std::uint8_t { kIfThere, kNeeded };
  /// Throws Unavailable when the folder is held by a process that does not answer.
  explicit Access(config::Settings settings, Server server = Server::kIfThere);
  ~Access();

  struct Answer {
    int status = 0;
    std::string body;
    std::chrono::seconds retry_after{0};  ///< 0: the answer does not say
  };
  [[nodiscard]] Answer post(const std::string& target, std::string body, const std::string& content_type);

  /// The program in this process, or null when a server is asked.
  [[nodiscard]] app::Program* own() { return program_.get(); }

 private:
  std::filesystem::path socket_;
  std::unique_ptr<app::Program> program_;
};

/// The folder in which this binary stands.
[[nodiscard]] std::filesystem::path program_folder();

/// The sentence of a problem+json body, with its fields; the body itself when it is none.
[[nodiscard]] std::string problem_text(const std::string& body);

}  // namespace mainstay::cli
