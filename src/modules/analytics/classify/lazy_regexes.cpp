#include "modules/analytics/classify/lazy_regexes.h"

#include <re2/re2.h>

namespace mainstay::analytics {
namespace {

/// Bounds program and automaton of one expression; what does not fit runs slower, not wrong.
constexpr std::int64_t kRegexBytesMax = 192 * 1024;

re2::RE2::Options options() {
  re2::RE2::Options chosen;
  chosen.set_encoding(re2::RE2::Options::EncodingLatin1);
  chosen.set_max_mem(kRegexBytesMax);
  chosen.set_log_errors(false);
  return chosen;
}

}  // namespace

LazyRegexes::LazyRegexes(std::size_t numbers, std::size_t compiled_max)
    : slots_(numbers), compiled_max_(compiled_max) {}

LazyRegexes::~LazyRegexes() { drop_all(); }

const re2::RE2* LazyRegexes::get(std::size_t number, std::string_view regex) {
  auto& slot = slots_[number];
  re2::RE2* known = slot.load(std::memory_order_acquire);
  if (known == nullptr) {
    auto made = std::make_unique<re2::RE2>(re2::StringPiece{regex.data(), regex.size()}, options());
    if (slot.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) {
      known = made.release();
      ++compiled_;
    }
  }
  return known->ok() ? known : nullptr;
}

void LazyRegexes::shrink() {
  if (compiled_ <= compiled_max_) return;
  const std::unique_lock alone{mutex_};
  drop_all();
}

void LazyRegexes::drop_all() {
  for (auto& slot : slots_) delete slot.exchange(nullptr, std::memory_order_acq_rel);
  compiled_ = 0;
}

}  // namespace mainstay::analytics
