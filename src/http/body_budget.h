#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>
#include <utility>

namespace mainstay::http {

/// The refusal of a body for which the budget has no room; 503.
inline constexpr std::string_view kBodyMemory = "http.body_memory";
inline constexpr std::string_view kBodyMemoryMessage = "Too many large bodies are under way; try again later.";

/// How many bytes the bodies of all requests together may hold in memory. One per server. Any thread.
class BodyBudget {
 public:
  explicit BodyBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  BodyBudget(const BodyBudget&) = delete;
  BodyBudget& operator=(const BodyBudget&) = delete;

  /// What is held now.
  [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  /// False when a body of so many bytes could not be held now.
  [[nodiscard]] bool has_room_for(std::size_t bytes) const;

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
    /// Makes this at least `bytes`; false when the budget does not have them, and then nothing has changed.
    [[nodiscard]] bool grow_to(std::size_t bytes);
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
