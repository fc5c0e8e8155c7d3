#include "http/rate_limit.h"

#include <list>
#include <mutex>
#include <stdexcept>
#include <unordered_map>

namespace mainstay::http {

namespace {

/// Locks are per shard, so that I/O threads rarely meet.
constexpr std::size_t kShards = 16;

/// A bucket is one time: when it will be full again (the generic cell rate algorithm). A time in the past is a full
/// bucket.
struct Bucket {
  std::uint64_t key;
  std::int64_t full_at_micros;
};

struct Shard {
  mutable std::mutex mutex;
  std::list<Bucket> by_use;  ///< longest idle first
  std::unordered_map<std::uint64_t, std::list<Bucket>::iterator> by_key;
};

RateLimit::Options checked(RateLimit::Options options) {
  const bool sane = options.tokens_per_second > 0 && options.tokens_per_second <= 1e6 && options.burst_tokens >= 1 &&
                    options.keys_max >= 1;
  if (!sane) throw std::invalid_argument("RateLimit: an option is outside its range");
  return options;
}

}  // namespace

struct RateLimit::Impl {
  clock::Clock& clock;
  Options options;
  std::int64_t token_micros;
  std::int64_t depth_micros;
  std::size_t shard_keys_max;
  std::array<Shard, kShards> shards;
};

RateLimit::RateLimit(clock::Clock& clock, Options options)
    : impl_(new Impl{.clock = clock,
                     .options = checked(options),
                     .token_micros = static_cast<std::int64_t>(1e6 / options.tokens_per_second),
                     .depth_micros = static_cast<std::int64_t>(options.burst_tokens * 1e6 / options.tokens_per_second),
                     .shard_keys_max = (options.keys_max + kShards - 1) / kShards,
                     .shards = {}}) {}

RateLimit::~RateLimit() = default;

Result<> RateLimit::admit(std::string_view key) {
  const auto hash = keyed_hash(impl_->options.hash_key, key);
  const auto now = impl_->clock.monotonic().count();
  auto& shard = impl_->shards[hash % kShards];
  const std::scoped_lock lock(shard.mutex);
  auto found = shard.by_key.find(hash);
  if (found == shard.by_key.end()) {
    if (shard.by_key.size() >= impl_->shard_keys_max) {
      shard.by_key.erase(shard.by_use.front().key);
      shard.by_use.pop_front();
    }
    found = shard.by_key.emplace(hash, shard.by_use.insert(shard.by_use.end(), Bucket{hash, now})).first;
  } else {
    shard.by_use.splice(shard.by_use.end(), shard.by_use, found->second);
  }
  auto& bucket = *found->second;
  const auto full_at = std::max(bucket.full_at_micros, now) + impl_->token_micros;
  const auto excess = full_at - now - impl_->depth_micros;
  if (excess > 0) {
    Failure failure{.kind = Refusal::kExhausted, .code = "http.rate_limited", .message = "Too many requests."};
    failure.retry_after = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::microseconds{excess});
    return std::unexpected(std::move(failure));
  }
  bucket.full_at_micros = full_at;
  return {};
}

std::size_t RateLimit::size() const {
  std::size_t total = 0;
  for (const auto& shard : impl_->shards) {
    const std::scoped_lock lock(shard.mutex);
    total += shard.by_key.size();
  }
  return total;
}

}  // namespace mainstay::http
