#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "base/failure.h"

namespace mainstay::http {

/// How many bytes the bodies of all requests together may hold in memory. One per server. Any thread.
class BodyBudget {
 public:
  explicit BodyBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  BodyBudget(const BodyBudget&) = delete;
  BodyBudget& operator=(const BodyBudget&) = delete;

  /// What is held now.
  [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  /// Refuses kUnavailable `http.body_memory` when a body of so many bytes could not be held now.
  [[nodiscard]] Result<> has_room_for(std::size_t bytes) const;

  /// The part of one request; given back when this ends. One made without a budget is granted everything.
  class Share {
   public:
    Share() = default;
    explicit Share(BodyBudget& budget) : budget_(&budget) {}
    ~Share();
    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    /// Makes this at least `bytes`. Refuses kUnavailable `http.body_memory` when the budget does not have them, and
    /// then nothing has changed.
    [[nodiscard]] Result<> grow_to(std::size_t bytes);
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

   private:
    BodyBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace mainstay::http
