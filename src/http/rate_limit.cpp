#include "http/rate_limit.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <new>
#include <span>
#include <stdexcept>

namespace mainstay::http {

namespace {

/// A key may stand in any place of its set, which fills two cache lines.
constexpr std::size_t kWays = 8;
/// Sets are locked in turns, so that I/O threads rarely meet.
constexpr std::size_t kLocks = 16;

/// A bucket is one time: when it will be full again (the generic cell rate algorithm). A time in the past is a full
/// bucket, which is as good as none.
struct Bucket {
  std::uint64_t key = 0;
  std::int64_t full_at_micros = 0;
};

RateLimit::Options checked(RateLimit::Options options) {
  const bool sane = options.tokens_per_second > 0 && options.tokens_per_second <= 1e6 && options.burst_tokens >= 1 &&
                    options.keys_max >= 1;
  if (!sane) throw std::invalid_argument("RateLimit: an option is outside its range");
  return options;
}

}  // namespace

struct RateLimit::Impl {
  Impl(clock::Clock& clock_in, const Options& options_in)
      : clock(clock_in),
        options(checked(options_in)),
        token_micros(static_cast<std::int64_t>(1e6 / options.tokens_per_second)),
        depth_micros(static_cast<std::int64_t>(options.burst_tokens * 1e6 / options.tokens_per_second)),
        ways(std::min(kWays, options.keys_max)),
        sets(options.keys_max / ways),
        // Zeros that nobody has touched cost no memory.
        buckets(static_cast<Bucket*>(std::calloc(sets * ways, sizeof(Bucket))), std::free) {
    if (!buckets) throw std::bad_alloc();
  }

  clock::Clock& clock;
  const Options options;
  const std::int64_t token_micros;
  const std::int64_t depth_micros;
  const std::size_t ways;
  const std::size_t sets;
  const std::unique_ptr<Bucket, decltype(&std::free)> buckets;
  std::array<std::mutex, kLocks> locks;  ///< of set i: i % kLocks

  /// How long so many tokens take to come.
  [[nodiscard]] std::int64_t micros_of(std::size_t tokens) const {
    return static_cast<double>(tokens) < options.burst_tokens ? static_cast<std::int64_t>(tokens) * token_micros
                                                              : depth_micros;
  }

  /// The bucket of `key` in its set, or the one that tells least: the fullest.
  [[nodiscard]] Bucket& find(std::size_t set, std::uint64_t key) const {
    const std::span places{buckets.get() + set * ways, ways};
    const auto found = std::ranges::find(places, key, &Bucket::key);
    return found != places.end() ? *found : *std::ranges::min_element(places, {}, &Bucket::full_at_micros);
  }
};

RateLimit::RateLimit(clock::Clock& clock, Options options) : impl_(std::make_unique<Impl>(clock, options)) {}

RateLimit::~RateLimit() = default;

Result<> RateLimit::admit(std::string_view key, std::size_t tokens) {
  const auto hash = keyed_hash(impl_->options.hash_key, key);
  const auto now = impl_->clock.monotonic().count();
  const auto set = hash % impl_->sets;
  const std::scoped_lock lock(impl_->locks[set % kLocks]);
  auto& bucket = impl_->find(set, hash);
  const auto known_full_at = bucket.key == hash ? bucket.full_at_micros : now;
  const auto full_at = std::max(known_full_at, now) + impl_->micros_of(tokens);
  const auto excess = full_at - now - impl_->depth_micros;
  if (excess > 0) {
    Failure failure{.kind = Refusal::kExhausted, .code = "http.rate_limited", .message = "Too many requests."};
    failure.retry_after = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::microseconds{excess});
    return std::unexpected(std::move(failure));
  }
  bucket = {.key = hash, .full_at_micros = full_at};
  return {};
}

std::size_t RateLimit::size() const {
  const auto now = impl_->clock.monotonic().count();
  std::size_t total = 0;
  for (std::size_t set = 0; set < impl_->sets; ++set) {
    const std::scoped_lock lock(impl_->locks[set % kLocks]);
    const std::span places{impl_->buckets.get() + set * impl_->ways, impl_->ways};
    total += static_cast<std::size_t>(
        std::ranges::count_if(places, [now](const Bucket& bucket) { return bucket.full_at_micros > now; }));
  }
  return total;
}

}  // namespace mainstay::http
