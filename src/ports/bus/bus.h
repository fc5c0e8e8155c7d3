#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mainstay::bus {

struct Message {
  std::string subject;   ///< `events.<module>.<noun>.<verb or id>`: 1 to 16 dot-separated tokens of [a-z0-9_-]
  std::uint64_t id = 0;  ///< grows with each message of this process
  std::shared_ptr<const std::string> payload;  ///< JSON text, shared by all subscribers so that it is encoded once
};

/// Ends its subscription when destroyed; afterwards the callback is not running and is not called again.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

/// Port: fan-out now, no durability. Adapter: local/ (in process); passes contract.h. Any thread.
class Bus {
 public:
  using Callback = std::function<void(const Message&)>;
  virtual ~Bus() = default;

  /// Hands the message to every current subscriber of a matching pattern. Callbacks run on the publisher's thread,
  /// one message at a time, so each subscriber sees ids grow; one that throws is logged and does not stop the others.
  /// A subject that is not well-formed is a bug: std::invalid_argument.
  virtual void publish(std::string subject, std::string payload) = 0;

  /// `pattern` is a subject in which `*` stands for one token and a last `>` for one or more.
  /// The callback must be quick and must not call the bus (or end a subscription): it hands the message over.
  /// A pattern that is not well-formed is a bug: std::invalid_argument.
  [[nodiscard]] virtual std::unique_ptr<Subscription> subscribe(std::string pattern, Callback callback) = 0;
};

inline constexpr std::size_t kSubjectBytesMax = 256;

/// True for a well-formed subject: 1 to 16 tokens of [a-z0-9_-], at most kSubjectBytesMax bytes.
[[nodiscard]] bool is_subject(std::string_view text);
/// True for a well-formed pattern. Check what comes from outside: `subscribe` takes well-formed ones only.
[[nodiscard]] bool is_pattern(std::string_view text);
/// True when `subject` matches `pattern`; both well-formed.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view subject);

}  // namespace mainstay::bus
