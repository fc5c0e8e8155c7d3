#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace mainstay::http::detail {

/// Deadlines of thousands of connections at the price of an integer each: moving a deadline back, which every request
/// does, is one store; the entry is looked at again when its old slot comes round.
///
/// Not thread-safe: one per I/O thread, which calls `advance`. Entries are linked in, never owned.
class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{100};

  class Entry {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    /// The deadline passed; the entry is not linked any more. May destroy the entry.
    virtual void expire() = 0;

   protected:
    ~Entry() { unlink(); }

   private:
    friend class TimerWheel;
    void unlink();
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
    std::int64_t deadline_tick_ = 0;
    std::int64_t slot_tick_ = 0;
    TimerWheel* wheel_ = nullptr;
  };

  /// Lets `entry` expire not before `after`, and at most two ticks later.
  void arm(Entry& entry, std::chrono::milliseconds after);
  void disarm(Entry& entry) { entry.unlink(); }

  /// One tick has passed.
  void advance();
  [[nodiscard]] bool empty() const { return linked_ == 0; }

 private:
  static constexpr std::size_t kSlots = 1024;
  void link(Entry& entry);

  std::array<Entry*, kSlots> slots_{};
  std::int64_t now_tick_ = 0;
  std::size_t linked_ = 0;
};

}  // namespace mainstay::http::detail
