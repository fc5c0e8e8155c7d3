#include "modules/identity/sessions.h"

#include <arpa/inet.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "http/live.h"
#include "http/network.h"
#include "modules/identity/store.h"

namespace mainstay::identity {
namespace {

constexpr std::string_view kSecureCookie = "__Host-mainstay";
constexpr std::string_view kLoopbackCookie = "mainstay-session";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretLetters = 52;  // 256 bits in base32
constexpr std::string_view kTokenPrefix = "ms_";
constexpr std::size_t kTokenBytes = 20;
constexpr std::size_t kTokenLetters = 32;
constexpr std::size_t kChecksumLetters = 7;

bool is_base32(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with("[::1]")) return host.size() == 5 || host[5] == ':';
  const auto name = to_lower_ascii(host.substr(0, host.rfind(':')));
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  in_addr address{};
  return inet_pton(AF_INET, name.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

/// Both ends of the way, as far as is known. The Host alone does not say: a proxy may put in its own.
bool stays_on_this_machine(const http::Request& request) {
  const auto client = http::Address::parse(request.client_address);
  return client && client->is_loopback() && is_loopback_host(request.header("Host"));
}

/// How a principal's credential is called: never the secret itself.
std::string name_of_session(const std::string& hash) { return "session-" + hash; }
std::string name_of_token(TokenId token) { return fmt::format("token-{}", static_cast<std::int64_t>(token)); }

std::string checksum_of(std::string_view text) {
  const auto sum = crc32c(std::as_bytes(std::span{text}));
  std::array<std::byte, 4> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(sum >> (24 - 8 * i));
  return to_base32(bytes);
}

/// The token of "Authorization: Bearer …"; nothing for other schemes, which proxies use for their own ends.
std::optional<std::string_view> bearer_token(const http::Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const auto field = request.header("Authorization");
  if (field.size() < kScheme.size() || !equal_ignoring_case(field.substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  return trim(field.substr(kScheme.size()));
}

}  // namespace

std::optional<std::string_view> cookie_name(const http::Request& request) {
  if (request.secure) return kSecureCookie;
  if (stays_on_this_machine(request)) return kLoopbackCookie;
  return std::nullopt;
}

std::string_view session_cookie(const http::Request& request) {
  const auto name = cookie_name(request);
  return name ? request.cookie(*name) : std::string_view{};
}

std::string set_cookie(std::string_view name, const std::optional<NewSession>& session) {
  std::string cookie{name};
  cookie += '=';
  if (session) cookie += session->secret;
  cookie += "; Path=/; HttpOnly; SameSite=Lax";
  if (name == kSecureCookie) cookie += "; Secure";
  if (!session) {
    cookie += "; Max-Age=0";
  } else if (session->lifetime == Lifetime::kRemembered) {
    cookie += fmt::format("; Max-Age={}", std::chrono::seconds{kRememberedAge}.count());
  }
  return cookie;
}

std::string new_token_secret(random::Random& random) {
  const auto bytes = random.bytes<kTokenBytes>();
  const auto body = std::string{kTokenPrefix} + to_base32(bytes);
  return body + checksum_of(body);
}

bool is_token_shaped(std::string_view secret) {
  constexpr auto kBody = kTokenPrefix.size() + kTokenLetters;
  if (secret.size() != kBody + kChecksumLetters || !secret.starts_with(kTokenPrefix)) return false;
  return is_base32(secret.substr(kTokenPrefix.size())) && secret.substr(kBody) == checksum_of(secret.substr(0, kBody));
}

Sessions::Sessions(sql::Database& database, clock::Clock& clock, random::Random& random, bus::Bus& bus)
    : database_(database), clock_(clock), random_(random), bus_(bus) {}

Task<Result<Principal>> Sessions::who_asks(const http::Request& request) {
  if (const auto token = bearer_token(request)) {
    std::optional<Principal> principal;
    if (is_token_shaped(*token)) principal = co_await resolve(Kind::kToken, sha256_hex(*token));
    if (principal) co_return std::move(*principal);
    log::info("API token refused", {{"request", request.id}, {"address", request.client_address}});
    co_return refuse(Refusal::kUnauthenticated, "identity.bad_token", "This API token is wrong, expired or revoked.");
  }
  const auto secret = session_cookie(request);
  if (secret.size() != kSecretLetters || !is_base32(secret)) co_return Principal{};
  auto principal = co_await resolve(Kind::kSession, sha256_hex(secret));
  co_return principal.value_or(Principal{});
}

Task<std::optional<Principal>> Sessions::resolve(Kind kind, std::string hash) {
  const auto now = clock_.now();
  auto known = recall(hash, now);
  if (!known) {
    const auto before = epoch();
    auto found = co_await database_.read([&](sql::Tx& tx) {
      return kind == Kind::kSession ? store::find_session(tx, hash) : store::find_token(tx, hash);
    });
    if (!found) co_return std::nullopt;
    found->principal.credential = found->token ? name_of_token(*found->token) : name_of_session(hash);
    known = learn(hash, std::move(*found), now, before);
  }
  if (known->write == Write::kYes) co_await touch(kind, hash, now);
  co_return std::move(known->principal);
}

std::optional<Sessions::Known> Sessions::recall(const std::string& hash, Instant now) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(hash);
  if (found == entries_.end()) return std::nullopt;
  auto& [credential, checked_at] = found->second;
  if (clock_.monotonic() - checked_at >= kRecheck) return std::nullopt;
  if (!credential.alive(now)) return Known{};
  return use(credential, now);
}

Sessions::Known Sessions::use(Credential& credential, Instant now) {
  credential.seen_at = std::max(credential.seen_at, now);
  Known known{.principal = credential.principal};
  known.principal->valid_until = credential.ends_at();
  if (now - credential.written_at >= kWriteEvery) {
    credential.written_at = now;
    known.write = Write::kYes;
  }
  return known;
}

Sessions::Known Sessions::learn(const std::string& hash, Credential credential, Instant now, std::uint64_t epoch) {
  const std::scoped_lock lock(mutex_);
  const auto former = entries_.find(hash);
  // Memory knows of uses that were not worth a write.
  if (former != entries_.end()) credential.seen_at = std::max(credential.seen_at, former->second.credential.seen_at);
  if (!credential.alive(now)) return {};
  auto known = use(credential, now);
  if (epoch != epoch_) return known;
  if (former == entries_.end() && entries_.size() >= kCacheMax) entries_.erase(entries_.begin());
  entries_.insert_or_assign(hash, Entry{.credential = std::move(credential), .checked_at = clock_.monotonic()});
  return known;
}

Task<> Sessions::touch(Kind kind, std::string hash, Instant now) {
  co_await database_.write([&](sql::Tx& tx) {
    if (kind == Kind::kSession) {
      store::touch_session(tx, hash, now);
    } else {
      store::touch_token(tx, hash, now);
    }
  });
}

Task<NewSession> Sessions::open(UserId user, Lifetime lifetime, std::string replaced) {
  const auto now = clock_.now();
  const auto age = lifetime == Lifetime::kRemembered ? microseconds{kRememberedAge} : microseconds{kSessionAge};
  NewSession session{.secret = to_base32(random_.bytes<kSecretBytes>()), .lifetime = lifetime, .expires_at = now + age};
  const auto hash = sha256_hex(session.secret);
  const auto replaced_hash = sha256_hex(replaced);
  const auto ended = co_await database_.write([&](sql::Tx& tx) {
    static_cast<void>(store::remove_session(tx, replaced_hash));
    store::remove_dead_sessions(tx, now);
    auto trimmed = store::trim_sessions(tx, user, kPerUserMax - 1);
    store::add_session(tx, hash,
                       {.user = user, .lifetime = lifetime, .created_at = now, .expires_at = session.expires_at});
    return trimmed;
  });
  end_session(replaced_hash);
  for (const auto& one : ended) end_session(one);
  co_return session;
}

Task<std::optional<UserId>> Sessions::close(std::string secret) {
  if (secret.size() != kSecretLetters || !is_base32(secret)) co_return std::nullopt;
  const auto hash = sha256_hex(secret);
  const auto user = co_await database_.write([&](sql::Tx& tx) { return store::remove_session(tx, hash); });
  end_session(hash);
  co_return user;
}

void Sessions::end_session(const std::string& hash) {
  forget_if([&](const std::string& known, const Credential&) { return known == hash; });
  http::end_live_streams(bus_, name_of_session(hash));
}

void Sessions::end_token(TokenId token) {
  forget_if([token](const std::string&, const Credential& credential) { return credential.token == token; });
  http::end_live_streams(bus_, name_of_token(token));
}

std::uint64_t Sessions::epoch() {
  const std::scoped_lock lock(mutex_);
  return epoch_;
}

template <class Predicate>
void Sessions::forget_if(Predicate predicate) {
  const std::scoped_lock lock(mutex_);
  ++epoch_;
  std::erase_if(entries_, [&](const auto& entry) { return predicate(entry.first, entry.second.credential); });
}

}  // namespace mainstay::identity
