#include "http/body_budget.h"

namespace mainstay::http {

bool BodyBudget::has_room_for(std::size_t bytes) const {
  const auto held = this->bytes();
  return held <= bytes_max_ && bytes <= bytes_max_ - held;
}

BodyBudget::Share::~Share() {
  if (budget_ != nullptr) budget_->bytes_.fetch_sub(bytes_, std::memory_order_relaxed);
}

bool BodyBudget::Share::grow_to(std::size_t bytes) {
  if (budget_ == nullptr || bytes <= bytes_) return true;
  const auto more = bytes - bytes_;
  auto held = budget_->bytes();
  do {
    if (held > budget_->bytes_max_ || more > budget_->bytes_max_ - held) return false;
  } while (!budget_->bytes_.compare_exchange_weak(held, held + more, std::memory_order_relaxed));
  bytes_ = bytes;
  return true;
}

}  // namespace mainstay::http
