#include "http/body_budget.h"

namespace mainstay::http {

namespace {

std::unexpected<Failure> no_room() {
  return refuse_for_now("http.body_memory", "Too many large bodies are under way; try again later.");
}

}  // namespace

Result<> BodyBudget::has_room_for(std::size_t bytes) const {
  const auto held = this->bytes();
  if (held > bytes_max_ || bytes > bytes_max_ - held) return no_room();
  return {};
}

BodyBudget::Share::~Share() {
  if (budget_ != nullptr) budget_->bytes_.fetch_sub(bytes_, std::memory_order_relaxed);
}

Result<> BodyBudget::Share::grow_to(std::size_t bytes) {
  if (budget_ == nullptr || bytes <= bytes_) return {};
  const auto more = bytes - bytes_;
  auto held = budget_->bytes();
  do {
    if (held > budget_->bytes_max_ || more > budget_->bytes_max_ - held) return no_room();
  } while (!budget_->bytes_.compare_exchange_weak(held, held + more, std::memory_order_relaxed));
  bytes_ = bytes;
  return {};
}

}  // namespace mainstay::http
