#include "modules/identity/sessions.h"

#include <gmock/gmock.h>

#include "testing/identity_fixture.h"

namespace mainstay::identity {
namespace {

using testing::Engine;
using testing::kEmail;
using testing::kPassword;
using testing::run;

class SessionsTest : public testing::IdentityTest {};
INSTANTIATE_TEST_SUITE_P(Engines, SessionsTest, ::testing::Values(Engine::kSqlite, Engine::kPostgres),
                         ::testing::PrintToStringParamName());

TEST_P(SessionsTest, an_unused_session_ends_after_exactly_the_idle_limit) {
  const auto session = set_up().session.secret;
  clock.advance(kSessionIdle - microseconds{1});
  EXPECT_TRUE(is_signed_in(session));
  clock.advance(kSessionIdle);
  EXPECT_FALSE(is_signed_in(session));
}

TEST_P(SessionsTest, a_session_in_use_ends_at_its_absolute_age) {
  const auto session = set_up().session.secret;
  const minutes step{20};
  for (auto age = minutes{0}; age + step < kSessionAge; age += step) {
    clock.advance(step);
    ASSERT_TRUE(is_signed_in(session)) << age.count();
  }
  clock.advance(step - microseconds{1});
  EXPECT_TRUE(is_signed_in(session));
  clock.advance(microseconds{1});
  EXPECT_FALSE(is_signed_in(session));
}

TEST_P(SessionsTest, a_remembered_session_lasts_unused_until_its_own_age) {
  set_up();
  const auto session = sign_in(kPassword, "192.0.2.1", kEmail, "", Lifetime::kRemembered)->session.secret;
  clock.advance(kRememberedAge - microseconds{1});
  EXPECT_TRUE(is_signed_in(session));
  clock.advance(microseconds{1});
  EXPECT_FALSE(is_signed_in(session));
}

TEST_P(SessionsTest, a_principal_is_valid_until_its_session_ends_if_it_is_not_used_again) {
  const auto opened = clock.now();
  const auto session = set_up().session.secret;
  const auto valid_until = [&] { return run(sessions.who_asks(request_with_cookie(session)))->valid_until; };
  EXPECT_EQ(valid_until(), clock.now() + kSessionIdle);
  clock.advance(minutes{20});
  EXPECT_EQ(valid_until(), clock.now() + kSessionIdle) << "used again";
  while (clock.now() + minutes{20} < opened + kSessionAge) {
    clock.advance(minutes{20});
    ASSERT_LE(valid_until(), opened + kSessionAge);
  }
  EXPECT_EQ(valid_until(), opened + kSessionAge);
}

TEST_P(SessionsTest, use_is_remembered_across_a_restart_to_a_minute) {
  const auto session = set_up().session.secret;
  for (int i = 0; i < 3; ++i) {
    clock.advance(minutes{20});
    EXPECT_TRUE(is_signed_in(session));
  }
  Sessions restarted(database, clock, random, bus);
  clock.advance(kSessionIdle - Sessions::kWriteEvery);
  const auto who = run(restarted.who_asks(request_with_cookie(session)));
  EXPECT_EQ(who->kind, Principal::Kind::kUser);
}

TEST_P(SessionsTest, signing_out_ends_the_session_at_once_and_for_good) {
  const auto session = set_up().session.secret;
  EXPECT_TRUE(is_signed_in(session));
  run(service.sign_out({.session = session}));
  EXPECT_FALSE(is_signed_in(session));
  EXPECT_FALSE(is_signed_in(session)) << "a replay";
  Sessions restarted(database, clock, random, bus);
  EXPECT_EQ(run(restarted.who_asks(request_with_cookie(session)))->kind, Principal::Kind::kAnonymous);
}

TEST_P(SessionsTest, the_end_of_a_session_ends_its_live_streams) {
  const testing::EndedRights ended(bus);
  const auto credential_of = [&](const std::string& session) {
    return run(sessions.who_asks(request_with_cookie(session)))->credential;
  };
  const auto first = set_up().session.secret;
  const auto right = credential_of(first);
  EXPECT_FALSE(right.empty());
  EXPECT_EQ(right.find(first), std::string::npos) << "never the secret itself";
  EXPECT_THAT(ended.names, ::testing::Not(::testing::Contains(right)));
  const auto second = sign_in(kPassword, "192.0.2.1", kEmail, first)->session.secret;
  EXPECT_THAT(ended.names, ::testing::Contains(right)) << "signing in again ends the former session";
  const auto next = credential_of(second);
  run(service.sign_out({.session = second}));
  EXPECT_EQ(ended.names.back(), next);
}

TEST_P(SessionsTest, a_session_that_one_too_many_pushes_out_ends_its_live_streams) {
  const auto first = set_up().session.secret;
  const auto right = run(sessions.who_asks(request_with_cookie(first)))->credential;
  const auto user = run(sessions.who_asks(request_with_cookie(first)))->user;
  clock.advance(minutes{1});
  const testing::EndedRights ended(bus);
  for (std::size_t i = 1; i < Sessions::kPerUserMax; ++i) run(sessions.open(user, Lifetime::kShort, ""));
  EXPECT_THAT(ended.names, ::testing::Not(::testing::Contains(right)));
  run(sessions.open(user, Lifetime::kShort, ""));
  EXPECT_THAT(ended.names, ::testing::Contains(right));
  EXPECT_FALSE(is_signed_in(first));
}

TEST_P(SessionsTest, the_end_of_a_token_ends_its_live_streams) {
  const testing::EndedRights ended(bus);
  const auto ana = owner();
  const auto made = run(service.create_token(ana, "nightly", clock.now() + days{7}));
  const auto right = run(sessions.who_asks(request_with_token(made->secret)))->credential;
  EXPECT_EQ(run(sessions.who_asks(request_with_token(made->secret)))->valid_until, clock.now() + days{7});
  EXPECT_FALSE(right.empty());
  ASSERT_TRUE(run(service.revoke_token(ana, made->token.id)));
  EXPECT_EQ(ended.names.back(), right);
}

TEST_P(SessionsTest, a_look_up_that_a_sign_out_overtook_keeps_nothing_alive) {
  const auto session = set_up().session.secret;
  database.after_read = [&] { return service.sign_out({.session = session}); };
  is_signed_in(session);  // was asked before the sign-out: either answer will do
  EXPECT_FALSE(is_signed_in(session));
}

TEST_P(SessionsTest, another_process_notices_a_sign_out_within_the_recheck) {
  const auto session = set_up().session.secret;
  Sessions other(database, clock, random, bus);
  const auto kind = [&] { return run(other.who_asks(request_with_cookie(session)))->kind; };
  EXPECT_EQ(kind(), Principal::Kind::kUser);
  run(service.sign_out({.session = session}));
  clock.advance(Sessions::kRecheck);
  EXPECT_EQ(kind(), Principal::Kind::kAnonymous);
}

TEST_P(SessionsTest, a_busy_session_asks_the_database_once) {
  const auto session = set_up().session.secret;
  ASSERT_TRUE(is_signed_in(session));
  const int reads = database.reads;
  const int writes = database.writes;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(is_signed_in(session));
  EXPECT_EQ(database.reads, reads);
  EXPECT_EQ(database.writes, writes);
}

TEST_P(SessionsTest, a_clock_set_back_ends_no_session) {
  const auto session = set_up().session.secret;
  clock.set(clock.now() - hours{5});
  EXPECT_TRUE(is_signed_in(session));
  clock.advance(kSessionIdle - microseconds{1});
  EXPECT_TRUE(is_signed_in(session));
}

TEST_P(SessionsTest, forged_cookies_are_nobody) {
  const auto session = set_up().session.secret;
  const std::string forged[] = {"",
                                "a",
                                session.substr(0, 51),
                                session + "a",
                                std::string(52, 'a'),
                                std::string(52, '='),
                                std::string(8000, 'a'),
                                std::string("\xff\xfe") + session.substr(2),
                                session.substr(0, 51) + (session.back() == 'a' ? 'b' : 'a'),
                                "' or 1=1 --"};
  for (const auto& cookie : forged) EXPECT_FALSE(is_signed_in(cookie)) << cookie;
  EXPECT_TRUE(is_signed_in(session));
}

TEST_P(SessionsTest, a_cookie_counts_only_under_the_name_for_its_transport) {
  const auto session = set_up().session.secret;
  const auto kind = [&](bool secure, const std::string& host, const std::string& name) {
    http::Request request;
    request.secure = secure;
    request.client_address = "127.0.0.1";
    request.headers.add("Host", host);
    request.headers.add("Cookie", "other=1; " + name + "=" + session);
    return run(sessions.who_asks(request))->kind;
  };
  using enum Principal::Kind;
  EXPECT_EQ(kind(true, "stats.example.org", "__Host-mainstay"), kUser);
  EXPECT_EQ(kind(true, "stats.example.org", "mainstay-session"), kAnonymous);
  EXPECT_EQ(kind(false, "localhost:8080", "mainstay-session"), kUser);
  EXPECT_EQ(kind(false, "localhost:8080", "__Host-mainstay"), kAnonymous);
  EXPECT_EQ(kind(false, "stats.example.org", "mainstay-session"), kAnonymous);
}

TEST_P(SessionsTest, a_wrong_bearer_token_is_refused_not_ignored) {
  const auto session = set_up().session.secret;
  const auto secret = run(service.create_token_for(std::string{kEmail}, "ci"))->secret;
  for (const auto& token : {std::string{"ms_"}, secret.substr(1), secret + "a", secret.substr(0, secret.size() - 1),
                            std::string{"x"}, std::string(9000, 'a')}) {
    auto request = request_with_cookie(session);
    request.headers.add("Authorization", "Bearer " + token);
    const auto who = run(sessions.who_asks(request));
    ASSERT_FALSE(who) << token;
    EXPECT_EQ(who.error().code, "identity.bad_token");
  }
  testing::FixedRandom elsewhere(77);
  EXPECT_FALSE(is_let_in(new_token_secret(elsewhere))) << "well-formed, but nobody's";
  http::Request basic;
  basic.headers.add("Authorization", "Basic YW5hOnNlY3JldA==");
  EXPECT_EQ(run(sessions.who_asks(basic))->kind, Principal::Kind::kAnonymous) << "a proxy's own affair";
}

TEST_P(SessionsTest, the_session_unused_for_longest_makes_room) {
  const auto ana = set_up().user.id;
  std::vector<std::string> secrets;
  for (std::size_t i = 0; i <= Sessions::kPerUserMax; ++i) {
    clock.advance(seconds{1});
    secrets.push_back(run(sessions.open(ana, Lifetime::kShort, "")).secret);
  }
  EXPECT_FALSE(is_signed_in(secrets.front()));
  EXPECT_TRUE(is_signed_in(secrets[1]));
  EXPECT_TRUE(is_signed_in(secrets.back()));
}

TEST(SessionCookie, its_name_depends_on_transport_and_host) {
  const struct {
    bool secure;
    std::string host;
    std::string_view name;  // "" none
  } cases[] = {{true, "stats.example.org", "__Host-mainstay"},
               {true, "localhost", "__Host-mainstay"},
               {false, "localhost", "mainstay-session"},
               {false, "LocalHost:8080", "mainstay-session"},
               {false, "app.localhost:8080", "mainstay-session"},
               {false, "127.0.0.1:8080", "mainstay-session"},
               {false, "127.8.9.10", "mainstay-session"},
               {false, "[::1]:8080", "mainstay-session"},
               {false, "[::1]", "mainstay-session"},
               {false, "stats.example.org", ""},
               {false, "127.0.0.1.example.org", ""},
               {false, "localhost.example.org", ""},
               {false, "notlocalhost", ""},
               {false, "128.0.0.1", ""},
               {false, "[::2]", ""},
               {false, "[::1].example.org", ""},
               {false, "192.168.0.1:8080", ""},
               {false, "", ""}};
  for (const auto& [secure, host, name] : cases) {
    http::Request request;
    request.secure = secure;
    request.client_address = "127.0.0.1";
    request.headers.add("Host", host);
    EXPECT_EQ(cookie_name(request).value_or(""), name) << host;
  }
}

TEST(SessionCookie, over_plain_http_it_is_for_clients_on_this_machine_whatever_host_a_proxy_puts_in) {
  const struct {
    std::string client;
    std::string_view plain;  // "" none
  } cases[] = {{"127.0.0.1", "mainstay-session"},
               {"127.8.9.10", "mainstay-session"},
               {"::1", "mainstay-session"},
               {"8.8.8.8", ""},
               {"192.168.0.7", ""},
               {"2001:db8::7", ""},
               {"", ""}};
  for (const auto& [client, plain] : cases) {
    http::Request request;
    request.client_address = client;
    request.headers.add("Host", "localhost:8080");
    request.headers.add("Cookie", "mainstay-session=s");
    EXPECT_EQ(cookie_name(request).value_or(""), plain) << client;
    EXPECT_EQ(session_cookie(request), plain.empty() ? "" : "s") << client;
    request.secure = true;
    EXPECT_EQ(cookie_name(request).value_or(""), "__Host-mainstay") << client;
  }
}

TEST(SessionCookie, it_is_out_of_reach_of_scripts_and_other_sites) {
  const NewSession brief{.secret = "s"};
  const NewSession remembered{.secret = "s", .lifetime = Lifetime::kRemembered};
  EXPECT_EQ(set_cookie("__Host-mainstay", brief), "__Host-mainstay=s; Path=/; HttpOnly; SameSite=Lax; Secure");
  EXPECT_EQ(set_cookie("mainstay-session", brief), "mainstay-session=s; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(set_cookie("__Host-mainstay", remembered),
            "__Host-mainstay=s; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000");
  EXPECT_EQ(set_cookie("__Host-mainstay", std::nullopt),
            "__Host-mainstay=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
}

}  // namespace
}  // namespace mainstay::identity
