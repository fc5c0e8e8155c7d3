#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <filesystem>
#include <fstream>

#include "testing/http_client.h"
#include "testing/http_server.h"
#include "testing/temporary_folder.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;
using testing::TestServer;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

/// Writes a fresh self-signed certificate and its key.
void write_certificate(const std::filesystem::path& certificate_path, const std::filesystem::path& key_path,
                       long serial) {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate(X509_new(), X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const auto write = [](const std::filesystem::path& path, auto put) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    put(file);
    std::fclose(file);
  };
  write(certificate_path, [&](std::FILE* file) { PEM_write_X509(file, certificate.get()); });
  write(key_path,
        [&](std::FILE* file) { PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

/// A client's side of TLS over an HttpClient's socket.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version = 0, std::string_view protocol = "http/1.1")
      : client_(port),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        ssl_(SSL_new(context_.get()), SSL_free) {
    if (version != 0) SSL_set_max_proto_version(ssl_.get(), version);
    if (version != 0 && version < TLS1_2_VERSION) SSL_set_cipher_list(ssl_.get(), "ALL:@SECLEVEL=0");
    std::vector<unsigned char> list{static_cast<unsigned char>(protocol.size())};
    list.insert(list.end(), protocol.begin(), protocol.end());
    SSL_set_alpn_protos(ssl_.get(), list.data(), static_cast<unsigned>(list.size()));
    SSL_set_fd(ssl_.get(), client_.native_handle());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] long serial() const {
    const Certificate certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    return ASN1_INTEGER_get(X509_get0_serialNumber(certificate.get()));
  }
  /// Sends `request` and reads to the end of the connection or of `until`.
  std::string ask(std::string_view request, std::string_view until) {
    SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size()));
    std::string all;
    char bytes[4096];
    while (all.find(until, all.size() - std::min(all.size(), std::size_t{8192})) == std::string::npos) {
      const int count = SSL_read(ssl_.get(), bytes, sizeof bytes);
      if (count <= 0) break;
      all.append(bytes, static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  HttpClient client_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool connected_ = false;
};

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct OverTls : ::testing::Test {
  testing::TemporaryFolder folder;
  TestServer test;

  void SetUp() override {
    write_certificate(folder / "certificate.pem", folder / "key.pem", 1);
    test.options.tls =
        Tls{.certificate_path = (folder / "certificate.pem").string(), .key_path = (folder / "key.pem").string()};
    test.add_text("/hello", "hello");
    test.add_text("/large", std::string(4 << 20, 'x') + "end");
    test.router.add({.method = Method::kGet,
                     .path = "/live",
                     .permission = Permission::kPublic,
                     .summary = "A live stream.",
                     .handler = [](Request&) -> Task<Result<Response>> {
                       Response response;
                       response.body = LiveBody{.patterns = {"events.test.>"}, .snapshot = {}};
                       co_return response;
                     }});
    test.start();
  }
};

TEST_F(OverTls, requests_are_answered_and_browsers_told_to_stay) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(test.port(), version);
    ASSERT_TRUE(client.connected());
    for (int i = 0; i < 3; ++i) {
      const auto answer = client.ask(kGet, "hello");
      EXPECT_NE(answer.find("Strict-Transport-Security: max-age="), std::string::npos);
      EXPECT_TRUE(answer.ends_with("hello"));
    }
  }
}

TEST_F(OverTls, a_large_answer_comes_whole) {
  TlsClient client(test.port());
  const auto answer = client.ask("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n", "xend");
  EXPECT_GT(answer.size(), std::size_t{4 << 20});
  EXPECT_TRUE(answer.ends_with("xend"));
}

TEST_F(OverTls, a_live_stream_lives) {
  TlsClient client(test.port());
  EXPECT_NE(client.ask("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n", "retry").find("200 OK"), std::string::npos);
  test.bus.publish("events.test.live", "{\"n\":1}");
  EXPECT_NE(client.ask("", "{\"n\":1}").find("data: {\"n\":1}"), std::string::npos);
}

TEST_F(OverTls, old_versions_and_other_protocols_are_refused) {
  EXPECT_FALSE(TlsClient(test.port(), TLS1_1_VERSION).connected());
  EXPECT_FALSE(TlsClient(test.port(), 0, "h2").connected());
  EXPECT_TRUE(TlsClient(test.port()).connected());
}

TEST_F(OverTls, plain_http_on_the_tls_port_is_closed) {
  HttpClient client(test.port());
  client.send(kGet);
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(TlsClient(test.port()).connected());
}

TEST_F(OverTls, a_new_certificate_is_taken_without_dropping_anybody) {
  TlsClient before(test.port());
  EXPECT_EQ(before.serial(), 1);
  write_certificate(folder / "certificate.pem", folder / "key.pem", 2);
  test.server->reload_tls();
  EXPECT_EQ(TlsClient(test.port()).serial(), 2);
  EXPECT_TRUE(before.ask(kGet, "hello").ends_with("hello"));
}

TEST_F(OverTls, a_broken_certificate_leaves_the_old_one_in_use) {
  std::ofstream(folder / "certificate.pem") << "no certificate";
  test.server->reload_tls();
  EXPECT_EQ(TlsClient(test.port()).serial(), 1);
  write_certificate(folder / "certificate.pem", folder / "other.pem", 3);  // of another key
  test.server->reload_tls();
  EXPECT_EQ(TlsClient(test.port()).serial(), 1);
}

TEST_F(OverTls, files_that_are_not_there_are_named_at_start) {
  TestServer second;
  second.options.tls = Tls{.certificate_path = "/nowhere/certificate.pem", .key_path = "/nowhere/key.pem"};
  try {
    second.start();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string{error.what()}.find("/nowhere/certificate.pem"), std::string::npos);
  }
}

}  // namespace
}  // namespace mainstay::http
