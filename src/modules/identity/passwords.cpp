#include "modules/identity/passwords.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "modules/identity/common_passwords.h"

namespace mainstay::identity {
namespace {

/// Counts a hash in flight for as long as it lives.
class Slot {
 public:
  explicit Slot(std::atomic<int>& taken) : taken_(taken), got_(taken.fetch_add(1) < Passwords::kInFlightMax) {}
  ~Slot() { taken_.fetch_sub(1); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  [[nodiscard]] bool got() const { return got_; }

 private:
  std::atomic<int>& taken_;
  const bool got_;
};

/// Overwrites a password once it has been judged.
class Wiped {
 public:
  explicit Wiped(std::string& text) : text_(text) {}
  ~Wiped() { sodium_memzero(text_.data(), text_.size()); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;

 private:
  std::string& text_;
};

std::unexpected<Failure> busy() {
  return refuse_for_now("identity.busy", "Too many people sign in at this moment. Try again in a second.");
}

std::string random_base64(std::size_t bytes) {
  std::array<unsigned char, 32> drawn{};
  randombytes_buf(drawn.data(), bytes);
  std::string text(sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_ORIGINAL_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), drawn.data(), bytes, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  return text.c_str();
}

/// Well-formed, of the same cost, and the hash of no known password.
std::string decoy_of(const Passwords::Cost& cost) {
  return fmt::format("$argon2id$v=19$m={},t={},p=1${}${}", cost.memory_bytes / 1024, cost.passes, random_base64(16),
                     random_base64(32));
}

}  // namespace

Passwords::Passwords() : Passwords(Cost{}) {}

Passwords::Passwords(Cost cost)
    : cost_(cost),
      decoy_(sodium_init() >= 0 ? decoy_of(cost) : throw Unavailable("libsodium finds no source of random numbers")),
      pool_({.name = "passwords", .threads = cost.threads, .queue_max = kInFlightMax}) {}

Result<> Passwords::check_rules(std::string_view password, std::string field) {
  if (password.size() < kBytesMin) {
    return refuse_field("identity.weak_password", std::move(field),
                        fmt::format("A password has at least {} characters.", kBytesMin));
  }
  if (password.size() > kBytesMax) {
    return refuse_field("identity.weak_password", std::move(field),
                        fmt::format("A password has at most {} bytes.", kBytesMax));
  }
  if (is_common_password(password)) {
    return refuse_field("identity.weak_password", std::move(field),
                        "This password is one of the first that anybody tries. Choose another one.");
  }
  return {};
}

Task<Result<std::string>> Passwords::hash(std::string password) {
  const Slot slot(in_flight_);
  if (!slot.got()) co_return busy();
  const Wiped wiped(password);
  co_return co_await pool_.run([&]() -> std::string {
    std::array<char, crypto_pwhash_STRBYTES> phc{};
    if (crypto_pwhash_str_alg(phc.data(), password.data(), password.size(), cost_.passes, cost_.memory_bytes,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
      throw Unavailable("there is no memory to hash a password");
    }
    return phc.data();
  });
}

Task<Result<Passwords::Verdict>> Passwords::verify(std::string stored, std::string password) {
  const Slot slot(in_flight_);
  if (!slot.got()) co_return busy();
  const Wiped wiped(password);
  co_return co_await pool_.run([&] { return judge(stored, password); });
}

Passwords::Verdict Passwords::judge(const std::string& stored, const std::string& password) const {
  const std::string& against = stored.empty() ? decoy_ : stored;
  errno = 0;
  if (crypto_pwhash_str_verify(against.c_str(), password.data(), password.size()) != 0) {
    if (errno == ENOMEM) throw Unavailable("there is no memory to check a password");
    return Verdict::kWrong;
  }
  const bool weak = crypto_pwhash_str_needs_rehash(against.c_str(), cost_.passes, cost_.memory_bytes) != 0;
  return weak ? Verdict::kRightButWeak : Verdict::kRight;
}

}  // namespace mainstay::identity
