#pragma once

#include <memory>
#include <string>

#include "ports/bus/bus.h"

namespace mainstay::bus::local {

/// The bus within one process. A publish costs one hash look-up, its exact subscribers, and one comparison for each
/// subscription with a wildcard. Calling the bus from a callback is a bug and aborts: it could never end otherwise.
class LocalBus final : public Bus {
 public:
  LocalBus();
  ~LocalBus() override;
  LocalBus(const LocalBus&) = delete;
  LocalBus& operator=(const LocalBus&) = delete;

  void publish(std::string subject, std::string payload) override;
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(std::string pattern, Callback callback) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  ///< shared with the subscriptions, which may outlive the bus
};

}  // namespace mainstay::bus::local
