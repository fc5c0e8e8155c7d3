#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "runtime/config.h"

namespace mainstay::cli {

struct ImportOptions {
  std::vector<std::string> files;  ///< "-" is standard input
  std::string site;
  std::string format = "auto";
  bool json = false;
  bool follow = false;
  std::chrono::seconds patience{600};  ///< with a server that is busy or away
};

/// `mainstay import log`: reads logs into a site, shows progress on standard error, and ends with a summary.
/// Interrupted, it goes on next time a little before where it was: what comes twice is not counted twice.
/// While the server answers 503 or does not answer it waits and sends the same again; of an import that the server
/// forgot, when it was started anew, the last blocks too. Returns the exit status: 0; 1 for what is wrong; 75
/// (EX_TEMPFAIL) when the server was busy or away for longer than `patience`; 130 when interrupted.
int import_log(config::Settings settings, const ImportOptions& options);

}  // namespace mainstay::cli
