#include "http/detail/timer_wheel.h"

namespace mainstay::http::detail {

void TimerWheel::Entry::unlink() {
  if (wheel_ == nullptr) return;
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else {
    wheel_->slots_[static_cast<std::size_t>(slot_tick_) % kSlots] = next_;
  }
  if (next_ != nullptr) next_->previous_ = previous_;
  previous_ = next_ = nullptr;
  --wheel_->linked_;
  wheel_ = nullptr;
}

void TimerWheel::link(Entry& entry) {
  // A deadline beyond one turn waits in the farthest slot and is moved on from there.
  entry.slot_tick_ = std::min(entry.deadline_tick_, now_tick_ + static_cast<std::int64_t>(kSlots) - 1);
  auto& head = slots_[static_cast<std::size_t>(entry.slot_tick_) % kSlots];
  entry.next_ = head;
  if (head != nullptr) head->previous_ = &entry;
  head = &entry;
  entry.wheel_ = this;
  ++linked_;
}

void TimerWheel::arm(Entry& entry, std::chrono::milliseconds after) {
  entry.deadline_tick_ = now_tick_ + 1 + (after + kTick - std::chrono::milliseconds{1}) / kTick;
  if (entry.wheel_ != nullptr) {
    if (entry.slot_tick_ <= entry.deadline_tick_) return;
    entry.unlink();
  }
  link(entry);
}

void TimerWheel::advance() {
  ++now_tick_;
  auto& head = slots_[static_cast<std::size_t>(now_tick_) % kSlots];
  // An entry that expires may unlink others, so each step begins at the head again; what stays moves to a later slot.
  while (head != nullptr) {
    Entry& entry = *head;
    entry.unlink();
    if (entry.deadline_tick_ > now_tick_) {
      link(entry);
    } else {
      entry.expire();
    }
  }
}

}  // namespace mainstay::http::detail
