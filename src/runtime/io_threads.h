#pragma once

#include <cstddef>
#include <memory>

#include "runtime/task.h"

namespace mainstay {

/// The I/O threads: one single-threaded io_context each, so that a connection lives its whole life on
/// one thread and needs no lock. As many as there are processors keep to one each. Nothing that runs there may block,
/// nor start a thread, which would keep to the same processor.
class IoThreads {
 public:
  explicit IoThreads(std::size_t count);
  ~IoThreads();  ///< stops and joins
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Executor executor(std::size_t index) const;  ///< index < size()
  /// Ends the loops; what was posted and has not run is dropped.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay
