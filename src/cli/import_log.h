#pragma once

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
};

/// `mainstay import log`: reads logs into a site, shows progress on standard error, and ends with a summary.
/// Interrupted, it goes on next time a little before where it was: what comes twice is not counted twice.
/// Returns the exit status.
int import_log(config::Settings settings, const ImportOptions& options);

}  // namespace mainstay::cli
