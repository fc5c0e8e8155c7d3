#include <gtest/gtest.h>

#include "base/json.h"
#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;
using testing::TestServer;

Task<Result<Response>> echo(Request& request) { co_return text(request.body, "text/plain"); }

Task<Result<Response>> describe(Request& request) {
  std::string out = fmt::format("{} {}", request.path, request.header("host"));
  for (const auto& [name, value] : request.path_parameters) out += fmt::format(" {}={}", name, value);
  for (const auto& [name, value] : request.query_parameters) out += fmt::format(" {}={}", name, value);
  co_return text(out, "text/plain");
}

Task<> count_up(BodyWriter& writer) {
  for (int i = 0; i < 3; ++i) co_await writer.write(fmt::format("line {}\n", i));
}

Task<Result<Response>> stream(Request&) {
  Response response;
  response.headers.add("Content-Type", "text/plain");
  response.body = StreamBody{count_up};
  co_return response;
}

Task<> break_off(BodyWriter& writer) {
  co_await writer.write("half");
  throw Unavailable("the disk is gone");
}

Task<Result<Response>> broken_stream(Request&) {
  Response response;
  response.body = StreamBody{break_off};
  co_return response;
}

Task<Result<Response>> outage(Request&) { throw Unavailable("the database is gone"); }
Task<Result<Response>> bug(Request&) { throw std::logic_error("secret detail"); }
Task<Result<Response>> refusal(Request&) { co_return refuse_field("test.wrong", "/email", "That is no address."); }

Route route(Method method, std::string_view path, Handler handler) {
  return {.method = method,
          .path = path,
          .permission = Permission::kPublic,
          .summary = "A test.",
          .handler = std::move(handler)};
}

struct Protocol : ::testing::Test {
  TestServer test;

  void SetUp() override {
    test.add_text("/hello", "hello");
    test.router.add(route(Method::kPost, "/echo", echo));
    auto small = route(Method::kPost, "/small", echo);
    small.body_bytes_max = 10;
    test.router.add(std::move(small));
    test.router.add(route(Method::kGet, "/describe/{thing}", describe));
    test.router.add(route(Method::kGet, "/stream", stream));
    test.router.add(route(Method::kGet, "/broken", broken_stream));
    test.router.add(route(Method::kGet, "/outage", outage));
    test.router.add(route(Method::kGet, "/bug", bug));
    test.router.add(route(Method::kGet, "/refusal", refusal));
    test.start();
  }
};

struct Case {
  std::string name;
  std::string bytes;
  int status;
  std::string code;  ///< of the problem, or the body of a success
};

/// Whoever gets these wrong lets one client speak in the name of another.
std::vector<Case> ambiguous_requests() {
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  return {
      {"length and chunks", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       "http.ambiguous_length"},
      {"chunks and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400,
       "http.ambiguous_length"},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, "http.ambiguous_length"},
      {"the same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400,
       "http.ambiguous_length"},
      {"list of lengths", post + "Content-Length: 5, 5\r\n\r\nhello", 400, "http.ambiguous_length"},
      {"negative length", post + "Content-Length: -1\r\n\r\n", 400, "http.ambiguous_length"},
      {"signed length", post + "Content-Length: +5\r\n\r\nhello", 400, "http.ambiguous_length"},
      {"hexadecimal length", post + "Content-Length: 0x5\r\n\r\nhello", 400, "http.ambiguous_length"},
      {"length beyond 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n", 400, "http.ambiguous_length"},
      {"gzip coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "http.ambiguous_length"},
      {"identity coding", post + "Transfer-Encoding: identity\r\n\r\n", 400, "http.ambiguous_length"},
      {"coding twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       "http.ambiguous_length"},
      {"obscured coding", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, "http.ambiguous_length"},
      {"chunks in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       "http.ambiguous_length"},
      {"bad chunk size", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", 400, "http.bad_chunk"},
      {"chunk size beyond 64 bits", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400,
       "http.bad_chunk"},
      {"chunk without its end", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", 400,
       "http.bad_chunk"},
      {"endless chunk line", post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(10'000, 'x'), 400,
       "http.bad_chunk"},
  };
}

std::vector<Case> hostile_requests() {
  const std::string host = "Host: x\r\n";
  const std::string get = "GET /hello HTTP/1.1\r\n";
  const std::string post = "POST /echo HTTP/1.1\r\n" + host;
  return {
      {"garbage", "\x16\x03\x01 nonsense\r\n\r\n", 400, "http.bad_request"},
      {"no version", "GET /hello\r\n\r\n", 400, "http.bad_request"},
      {"version 2", "PRI * HTTP/2.0\r\n\r\n", 505, "http.bad_version"},
      {"version 0.9", "GET / HTTP/0.9\r\n\r\n", 505, "http.bad_version"},
      {"unknown method", "BREW /hello HTTP/1.1\r\n" + host + "\r\n", 501, "http.unknown_method"},
      {"connect", "CONNECT x:80 HTTP/1.1\r\n" + host + "\r\n", 501, "http.unknown_method"},
      {"no host", get + "\r\n", 400, "http.bad_host"},
      {"two hosts", get + host + "Host: y\r\n\r\n", 400, "http.bad_host"},
      {"host with a space", get + "Host: a b\r\n\r\n", 400, "http.bad_host"},
      {"host with a path", get + "Host: a/b\r\n\r\n", 400, "http.bad_host"},
      {"NUL in a field", get + host + std::string("X: a\0b\r\n\r\n", 10), 400, "http.bad_request"},
      {"bare line feeds", "GET /hello HTTP/1.1\nHost: x\n\n\r\n\r\n", 400, "http.bad_request"},
      {"folded field", get + host + "X: a\r\n b\r\n\r\n", 400, "http.bad_request"},
      {"space before the colon", get + "Host : x\r\n\r\n", 400, "http.bad_request"},
      {"field without a name", get + host + ": x\r\n\r\n", 400, "http.bad_request"},
      {"NUL in the path", "GET /%00 HTTP/1.1\r\n" + host + "\r\n", 400, "http.bad_target"},
      {"path that is not UTF-8", "GET /%ff HTTP/1.1\r\n" + host + "\r\n", 400, "http.bad_target"},
      {"fragment", "GET /hello#x HTTP/1.1\r\n" + host + "\r\n", 400, "http.bad_target"},
      {"relative target", "GET hello HTTP/1.1\r\n" + host + "\r\n", 400, "http.bad_target"},
      {"huge field", get + host + "X: " + std::string(1 << 20, 'x') + "\r\n\r\n", 431, "http.header_too_large"},
      {"huge header without end", get + std::string(1 << 20, 'x'), 431, "http.header_too_large"},
      {"huge target", "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n" + host + "\r\n", 414,
       "http.target_too_long"},
      {"declared too large", "POST /small HTTP/1.1\r\n" + host + "Content-Length: 11\r\n\r\n", 413,
       "http.body_too_large"},
      {"streamed too large",
       "POST /small HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n", 413,
       "http.body_too_large"},
      {"unknown expectation", post + "Expect: tea\r\nContent-Length: 1\r\n\r\nx", 417, "http.expectation_failed"},
      {"unknown path", "GET /nothing HTTP/1.1\r\n" + host + "\r\n", 404, "http.not_found"},
      {"wrong method", "DELETE /hello HTTP/1.1\r\n" + host + "\r\n", 405, "http.method_not_allowed"},
      {"unknown encoding", post + "Content-Encoding: zstd\r\nContent-Length: 1\r\n\r\nx", 415, "http.unknown_encoding"},
      {"broken gzip", post + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 400, "http.bad_encoding"},
      {"outage", "GET /outage HTTP/1.1\r\n" + host + "\r\n", 503, "http.unavailable"},
      {"bug", "GET /bug HTTP/1.1\r\n" + host + "\r\n", 500, "http.internal"},
      {"refusal", "GET /refusal HTTP/1.1\r\n" + host + "\r\n", 400, "test.wrong"},
  };
}

TEST_F(Protocol, every_failure_is_a_problem_with_its_code_and_a_request_id) {
  auto cases = hostile_requests();
  for (auto& more : ambiguous_requests()) cases.push_back(std::move(more));
  for (const auto& test_case : cases) {
    const auto answer = HttpClient::ask(test.port(), test_case.bytes);
    ASSERT_EQ(answer.status, test_case.status) << test_case.name;
    EXPECT_EQ(answer.header("content-type"), "application/problem+json") << test_case.name;
    const auto problem = json::parse(answer.body);
    ASSERT_TRUE(problem) << test_case.name;
    EXPECT_EQ(problem->at("code").as_string(), test_case.code) << test_case.name;
    EXPECT_EQ(problem->at("status").as_int64(), test_case.status) << test_case.name;
    EXPECT_EQ(problem->at("request_id").as_string(), answer.header("x-request-id")) << test_case.name;
    EXPECT_NE(answer.header("x-request-id"), "") << test_case.name;
    EXPECT_EQ(answer.body.find("secret"), std::string::npos) << test_case.name;
    if (test_case.status == 503) EXPECT_NE(answer.header("retry-after"), "") << test_case.name;
    if (test_case.status == 405) EXPECT_EQ(answer.header("allow"), "GET, HEAD, OPTIONS") << test_case.name;
  }
}

TEST_F(Protocol, an_ambiguous_request_ends_the_connection_so_that_nothing_is_smuggled) {
  HttpClient client(test.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 400);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Protocol, understands_what_http_allows) {
  const std::string host = "Host: x\r\n";
  const std::vector<Case> cases = {
      {"empty lines first", "\r\n\r\nGET /hello HTTP/1.1\r\n" + host + "\r\n", 200, "hello"},
      {"HTTP/1.0 without a host", "GET /hello HTTP/1.0\r\n\r\n", 200, "hello"},
      {"absolute form", "GET http://other:81/describe/a HTTP/1.1\r\n" + host + "\r\n", 200,
       "/describe/a other:81 thing=a"},
      {"absolute form without a path", "GET http://other?q HTTP/1.1\r\n" + host + "\r\n", 404, ""},
      {"encoded slash", "GET /describe/a%2Fb?x=1+2&y=%26&z HTTP/1.1\r\n" + host + "\r\n", 200,
       "/describe/a/b x thing=a/b x=1 2 y=& z="},
      {"chunks with extension and trailer",
       "POST /echo HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n",
       200, "hello world"},
      {"empty body", "POST /echo HTTP/1.1\r\n" + host + "\r\n", 200, ""},
      {"at the limit", "POST /small HTTP/1.1\r\n" + host + "Content-Length: 10\r\n\r\n0123456789", 200, "0123456789"},
  };
  for (const auto& test_case : cases) {
    const auto answer = HttpClient::ask(test.port(), test_case.bytes);
    EXPECT_EQ(answer.status, test_case.status) << test_case.name;
    if (test_case.status == 200) EXPECT_EQ(answer.body, test_case.code) << test_case.name;
  }
}

TEST_F(Protocol, a_request_that_comes_byte_by_byte_is_whole) {
  HttpClient client(test.port());
  for (const char c : std::string{"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "5\r\nhello\r\n0\r\n\r\n"}) {
    client.send({&c, 1});
  }
  EXPECT_EQ(client.read_answer().body, "hello");
}

TEST_F(Protocol, a_large_body_comes_back_whole) {
  std::string body(900'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  EXPECT_EQ(HttpClient::post(test.port(), "/echo", body).body, body);
}

TEST_F(Protocol, a_client_that_expects_100_is_told_to_go_on_only_when_its_body_is_wanted) {
  HttpClient client(test.port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_EQ(client.read_answer().body, "ok");
  client.send("POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 413);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Protocol, head_answers_as_get_without_the_body) {
  HttpClient client(test.port());
  for (const std::string_view path : {"/hello", "/stream", "/nothing"}) {
    client.send(fmt::format("HEAD {} HTTP/1.1\r\nHost: x\r\n\r\n", path));
    const auto answer = client.read_head_answer();
    EXPECT_EQ(answer.status, path == "/nothing" ? 404 : 200);
    if (path == "/hello") EXPECT_EQ(answer.header("content-length"), "5");
  }
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read_answer().body, "hello");
}

TEST_F(Protocol, the_connection_closes_when_the_client_says_so) {
  for (const std::string_view request :
       {"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\n\r\n"}) {
    HttpClient client(test.port());
    client.send(request);
    EXPECT_EQ(client.read_answer().header("connection"), "close");
    EXPECT_TRUE(client.closed_by_server());
  }
  HttpClient client(test.port());
  client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.read_answer().header("connection"), "keep-alive");
  EXPECT_EQ(client.read_answer().body, "hello");
}

TEST_F(Protocol, a_client_that_leaves_early_disturbs_nobody) {
  for (const std::string_view part :
       {"", "GET", "GET /hello HTTP/1.1\r\nHost:", "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"}) {
    HttpClient client(test.port());
    client.send(part);
  }
  EXPECT_EQ(HttpClient::get(test.port(), "/hello").body, "hello");
}

TEST_F(Protocol, a_client_that_has_said_all_still_gets_its_answer) {
  HttpClient client(test.port());
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  client.shutdown_write();
  EXPECT_EQ(client.read_answer().body, "hello");
}

TEST_F(Protocol, a_stream_comes_in_chunks_and_to_http_1_0_until_the_end) {
  const auto answer = HttpClient::get(test.port(), "/stream");
  EXPECT_EQ(answer.header("transfer-encoding"), "chunked");
  EXPECT_EQ(answer.body, "line 0\nline 1\nline 2\n");
  HttpClient old(test.port());
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  const auto all = old.read_until("no such end");
  EXPECT_TRUE(all.ends_with("\r\n\r\nline 0\nline 1\nline 2\n"));
  EXPECT_EQ(all.find("chunked"), std::string::npos);
}

TEST_F(Protocol, a_stream_that_fails_midway_has_no_end) {
  HttpClient client(test.port());
  client.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto all = client.read_until("0\r\n\r\n");
  EXPECT_FALSE(all.ends_with("0\r\n\r\n"));
}

TEST_F(Protocol, a_sane_request_id_is_taken_over_and_another_is_not) {
  EXPECT_EQ(HttpClient::get(test.port(), "/hello", "X-Request-Id: abc-1.2_3\r\n").header("x-request-id"), "abc-1.2_3");
  for (const std::string_view id : {"a b", "<script>", "{\"a\":1}"}) {
    const auto answer = HttpClient::get(test.port(), "/hello", fmt::format("X-Request-Id: {}\r\n", id));
    EXPECT_NE(answer.header("x-request-id"), id);
    EXPECT_EQ(answer.header("x-request-id").size(), 13U);
  }
}

}  // namespace
}  // namespace mainstay::http
