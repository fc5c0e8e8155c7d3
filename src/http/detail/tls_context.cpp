#include "http/detail/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdexcept>
#include <string_view>

#include "base/log.h"

namespace mainstay::http::detail {

namespace {

[[noreturn]] void fail(const std::string& what) {
  char reason[256] = "unknown reason";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  throw std::runtime_error("TLS: cannot use " + what + ": " + reason);
}

/// Chooses http/1.1, and refuses a client that speaks only something else (RFC 7301 §3.2).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                    void*) {
  constexpr std::string_view kHttp = "http/1.1";
  for (unsigned at = 0; at < in_size && at + in[at] < in_size; at += in[at] + 1U) {
    const void* name = in + at + 1;
    if (std::string_view{static_cast<const char*>(name), in[at]} != kHttp) continue;
    *out = in + at + 1;
    *out_size = in[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::shared_ptr<SSL_CTX> load(const Tls& files) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) fail("OpenSSL");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
  // Buffers are given back between records: an idle connection keeps a few kilobytes less.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate_path.c_str()) != 1) {
    fail(files.certificate_path);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key_path.c_str(), SSL_FILETYPE_PEM) != 1) fail(files.key_path);
  if (SSL_CTX_check_private_key(context.get()) != 1) fail(files.key_path + " with " + files.certificate_path);
  return context;
}

}  // namespace

TlsContext::TlsContext(Tls files) : files_(std::move(files)), context_(load(files_)), seen_(times()) {}

std::shared_ptr<SSL_CTX> TlsContext::current() const {
  const std::scoped_lock lock(mutex_);
  return context_;
}

TlsContext::Times TlsContext::times() const {
  std::error_code ignored;
  return {std::filesystem::last_write_time(files_.certificate_path, ignored),
          std::filesystem::last_write_time(files_.key_path, ignored)};
}

void TlsContext::reload() {
  try {
    const auto seen = times();
    auto fresh = load(files_);
    const std::scoped_lock lock(mutex_);
    context_ = std::move(fresh);
    seen_ = seen;
    log::info("TLS certificate read", {{"file", files_.certificate_path}});
  } catch (const std::exception& error) {
    log::error("the TLS files are wrong, the old ones stay in use", {{"error", error.what()}});
  }
}

void TlsContext::reload_if_changed() {
  const auto seen = times();
  {
    const std::scoped_lock lock(mutex_);
    if (seen == seen_) return;
    seen_ = seen;  // a broken pair is complained about once
  }
  reload();
}

}  // namespace mainstay::http::detail
