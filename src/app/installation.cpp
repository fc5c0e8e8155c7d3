#include "app/installation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mainstay::app {

std::unique_ptr<DataFolder> DataFolder::take(const Paths& paths) {
  std::error_code error;
  if (!std::filesystem::exists(paths.data)) {
    std::filesystem::create_directories(paths.data, error);
    if (error) throw Unavailable("cannot make " + paths.data.string() + ": " + error.message());
    std::filesystem::permissions(paths.data, std::filesystem::perms::owner_all, error);
  }
  for (const auto& folder : {paths.stream(), paths.exports(), paths.imports()}) {
    std::filesystem::create_directories(folder, error);
    if (error) throw Unavailable("cannot make " + folder.string() + ": " + error.message());
  }
  const auto file = paths.data / "lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) throw Unavailable("cannot write " + file.string() + ": " + std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return nullptr;
  }
  return std::unique_ptr<DataFolder>(new DataFolder(lock));
}

DataFolder::~DataFolder() { ::close(lock_); }

}  // namespace mainstay::app
