#include "modules/identity/throttle.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/hash.h"

namespace mainstay::identity {
namespace {

constexpr int kDoublingsMax = 20;
/// Who was let in from a network is trusted there for so long.
constexpr std::chrono::hours kTrust{30 * 24};

/// The spent tries at `now`, after what came back.
double spent_at(double spent, std::chrono::microseconds since, std::chrono::microseconds refill) {
  const auto returned = static_cast<double>(since.count()) / static_cast<double>(refill.count());
  return std::max(0.0, spent - returned);
}

}  // namespace

std::string network_of(std::string_view address) {
  constexpr std::size_t kBytesMax = 64;
  const std::string text{address.substr(0, kBytesMax)};
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  const auto bytes = std::as_bytes(std::span{v6.s6_addr});
  if (IN6_IS_ADDR_V4MAPPED(&v6) != 0) {
    std::string dotted(INET_ADDRSTRLEN, '\0');
    inet_ntop(AF_INET, &v6.s6_addr[12], dotted.data(), INET_ADDRSTRLEN);
    return dotted.c_str();
  }
  return to_hex(bytes.first(8));
}

Throttle::Throttle(clock::Clock& clock) : Throttle(clock, Limits{}) {}

Throttle::Throttle(clock::Clock& clock, Limits limits) : clock_(clock), limits_(limits) {}

Throttle::Time Throttle::wait_of(const Failures& failures, Time now) const {
  if (failures.count < limits_.tries_free || now - failures.last >= limits_.memory) return Time{0};
  const int doublings = std::min(failures.count - limits_.tries_free, kDoublingsMax);
  const Time wait = std::min(limits_.wait_max, limits_.wait_first * (std::int64_t{1} << doublings));
  return std::max(Time{0}, failures.last + wait - now);
}

Throttle::Time Throttle::wait_of(Buckets& buckets, const std::string& key, double tries, Time refill, Time now) {
  auto& bucket = buckets[key];
  bucket.spent = spent_at(bucket.spent, now - bucket.at, refill);
  bucket.at = now;
  const double missing = bucket.spent + 1.0 - tries;
  if (missing <= 0) return Time{0};
  return Time{static_cast<std::int64_t>(std::ceil(missing * static_cast<double>(refill.count())))};
}

Result<> Throttle::take(std::string_view subject, std::string_view address) {
  const auto now = clock_.monotonic();
  const auto network = network_of(address);
  const auto subject_key = sha256_hex(subject);
  const std::scoped_lock lock(mutex_);
  make_room(now);
  auto& pair = pairs_[subject_key + network];
  if (now - pair.last >= limits_.memory) pair.count = 0;
  auto wait =
      std::max(wait_of(pair, now), wait_of(networks_, network, limits_.network_tries, limits_.network_refill, now));
  if (!pair.trusted) {
    wait = std::max(wait, wait_of(subjects_, subject_key, limits_.subject_tries, limits_.subject_refill, now));
  }
  if (wait > Time{0}) {
    Failure failure{.kind = Refusal::kExhausted,
                    .code = "identity.throttled",
                    .message = "Too many tries. Wait a little, then try again."};
    failure.retry_after = std::chrono::ceil<std::chrono::milliseconds>(wait);
    return std::unexpected(std::move(failure));
  }
  ++pair.count;
  pair.last = now;
  networks_[network].spent += 1;
  if (!pair.trusted) subjects_[subject_key].spent += 1;
  return {};
}

void Throttle::refund(Buckets& buckets, const std::string& key) {
  const auto found = buckets.find(key);
  if (found != buckets.end()) found->second.spent = std::max(0.0, found->second.spent - 1);
}

void Throttle::succeeded(std::string_view subject, std::string_view address) {
  const auto network = network_of(address);
  const auto subject_key = sha256_hex(subject);
  const std::scoped_lock lock(mutex_);
  auto& pair = pairs_[subject_key + network];
  refund(networks_, network);
  if (!pair.trusted) refund(subjects_, subject_key);
  pair = {.count = 0, .last = clock_.monotonic(), .trusted = true};
}

void Throttle::give_back(std::string_view subject, std::string_view address) {
  const auto network = network_of(address);
  const auto subject_key = sha256_hex(subject);
  const std::scoped_lock lock(mutex_);
  refund(networks_, network);
  const auto pair = pairs_.find(subject_key + network);
  if (pair == pairs_.end()) return;
  pair->second.count = std::max(0, pair->second.count - 1);
  if (!pair->second.trusted) refund(subjects_, subject_key);
}

void Throttle::make_room(Time now) {
  if (pairs_.size() >= kEntriesMax) {
    std::erase_if(pairs_, [&](const auto& entry) {
      const auto& [count, last, trusted] = entry.second;
      return now - last >= (trusted ? Time{kTrust} : limits_.memory);
    });
    // Full of live ones: the trusted stay. What is forgotten is held back by the other two rules.
    if (pairs_.size() >= kEntriesMax) std::erase_if(pairs_, [](const auto& entry) { return !entry.second.trusted; });
    if (pairs_.size() >= kEntriesMax) pairs_.clear();
  }
  const auto sweep = [&](Buckets& buckets, Time refill) {
    if (buckets.size() < kEntriesMax) return;
    std::erase_if(buckets,
                  [&](const auto& entry) { return spent_at(entry.second.spent, now - entry.second.at, refill) <= 0; });
    if (buckets.size() >= kEntriesMax) buckets.clear();
  };
  sweep(networks_, limits_.network_refill);
  sweep(subjects_, limits_.subject_refill);
}

}  // namespace mainstay::identity
