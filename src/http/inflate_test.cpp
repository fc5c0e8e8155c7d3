#include "http/inflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "http/router.h"
#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::http {
namespace {

constexpr std::size_t kEnough = 64 << 20;

std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  std::string in{text};
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string code_of(const Result<std::string>& result) { return result ? "" : std::string{result.error().code}; }

TEST(Gunzip, reads_gzip_zlib_and_bare_deflate) {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  EXPECT_EQ(gunzip(gzip(text, 6), kEnough).value(), text);
  EXPECT_EQ(gunzip(deflated(text, 15), kEnough).value(), text);
  EXPECT_EQ(gunzip(deflated(text, -15), kEnough).value(), text);
  EXPECT_EQ(gunzip(gzip("", 6), kEnough).value(), "");
}

TEST(Gunzip, reads_members_one_behind_the_other) {
  EXPECT_EQ(gunzip(gzip("one ", 6) + gzip("two", 6), kEnough).value(), "one two");
}

TEST(Gunzip, refuses_what_is_broken_cut_off_or_followed_by_something_else) {
  const auto whole = gzip(std::string(1000, 'a') + "b", 6);
  EXPECT_EQ(code_of(gunzip("", kEnough)), "http.bad_encoding");
  EXPECT_EQ(code_of(gunzip("hello", kEnough)), "http.bad_encoding");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(code_of(gunzip(std::string_view{whole}.substr(0, size), kEnough)), "http.bad_encoding") << size;
  }
  EXPECT_EQ(code_of(gunzip(whole + "x", kEnough)), "http.bad_encoding");
  auto damaged = whole;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  EXPECT_EQ(code_of(gunzip(damaged, kEnough)), "http.bad_encoding");
}

TEST(Gunzip, stops_at_the_limit_and_at_absurd_ratios) {
  const auto bomb = gzip(std::string(32 << 20, '\0'), 9);
  EXPECT_EQ(code_of(gunzip(bomb, 1 << 20)), "http.body_too_large");
  EXPECT_EQ(code_of(gunzip(bomb, kEnough)), "http.compression_bomb");
  EXPECT_EQ(code_of(gunzip(gzip("12345", 6), 4)), "http.body_too_large");
  EXPECT_EQ(code_of(gunzip(gzip("12345", 6), 5)), "");
}

TEST(Inflater, gives_the_text_in_small_steps) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + "\n";
  const auto packed = gzip(text.substr(0, 1000), 6) + gzip(text.substr(1000), 6);
  Inflater inflater(packed, kEnough);
  std::string all;
  std::string some;
  while (true) {
    some.clear();
    const auto got = inflater.read(some);
    ASSERT_TRUE(got);
    ASSERT_EQ(*got, some.size());
    ASSERT_LE(some.size(), 64U << 10);
    if (some.empty()) break;
    all += some;
  }
  EXPECT_EQ(all, text);
}

Task<Result<Response>> measure(Request& request) {
  co_return json_text("{\"size\":" + std::to_string(request.body.size()) + ",\"pad\":\"" + std::string(2000, 'x') +
                      "\"}");
}

TEST(Encodings, bodies_are_inflated_before_the_handler_and_answers_compressed_for_those_who_accept_it) {
  testing::TestServer test;
  test.router.add({.method = Method::kPost,
                   .path = "/measure",
                   .permission = Permission::kPublic,
                   .summary = "Says how large the body is.",
                   .handler = measure,
                   .body_bytes_max = 100'000});
  test.start();
  const auto post = [&](const std::string& body, std::string_view fields) {
    return testing::HttpClient::post(test.port(), "/measure", body, fields);
  };
  EXPECT_TRUE(post(gzip(std::string(5000, 'a'), 6), "Content-Encoding: gzip\r\n").body.starts_with("{\"size\":5000"));
  EXPECT_EQ(post(gzip(std::string(200'000, 'a'), 6), "Content-Encoding: gzip\r\n").status, 413);
  const auto small = post("", "Accept-Encoding: br, gzip;q=0.5\r\n");
  EXPECT_EQ(small.header("content-encoding"), "gzip");
  EXPECT_EQ(small.header("vary"), "Accept-Encoding");
  EXPECT_TRUE(gunzip(small.body, kEnough)->starts_with("{\"size\":0"));
  EXPECT_EQ(post("", "Accept-Encoding: gzip;q=0\r\n").header("content-encoding"), "");
  EXPECT_EQ(post("", "").header("content-encoding"), "");
}

}  // namespace
}  // namespace mainstay::http
