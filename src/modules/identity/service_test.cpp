#include "modules/identity/service.h"

#include <gmock/gmock.h>

#include "testing/identity_fixture.h"

namespace mainstay::identity {
namespace {

using testing::Engine;
using testing::kEmail;
using testing::kPassword;
using testing::run;

std::string_view code_of(const auto& result) { return result ? "" : result.error().code; }

class ServiceTest : public testing::IdentityTest {};
INSTANTIATE_TEST_SUITE_P(Engines, ServiceTest, ::testing::Values(Engine::kSqlite, Engine::kPostgres),
                         ::testing::PrintToStringParamName());

TEST_P(ServiceTest, setup_is_required_until_somebody_exists) {
  EXPECT_TRUE(run(service.setup_required()));
  set_up();
  EXPECT_FALSE(run(service.setup_required()));
  Service restarted(database, clock, random, passwords, sessions);
  EXPECT_FALSE(run(restarted.setup_required()));
}

TEST_P(ServiceTest, of_parallel_setups_exactly_one_makes_the_owner) {
  std::vector<Task<Result<Service::SignedIn>>> tasks;
  for (int i = 0; i < 6; ++i) {
    tasks.push_back(service.set_up(
        {.name = "Somebody", .email = fmt::format("somebody{}@example.org", i), .password = std::string{kPassword}},
        {}));
  }
  int made = 0;
  for (const auto& result : testing::run_all(std::move(tasks))) {
    made += result ? 1 : 0;
    if (!result) EXPECT_EQ(result.error().code, "identity.already_set_up");
  }
  EXPECT_EQ(made, 1);
  const auto users =
      run(database.read([](sql::Tx& tx) { return tx.find("select count(*) from identity_users")->integer(0); }));
  EXPECT_EQ(users, 1);
}

TEST_P(ServiceTest, setup_names_every_field_at_fault) {
  const auto result = run(service.set_up({.name = " ", .email = "nobody", .password = "short"}, {}));
  ASSERT_FALSE(result);
  std::vector<std::string> fields;
  for (const auto& fault : result.error().errors) fields.push_back(fault.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("/name", "/email", "/password"));
  EXPECT_TRUE(run(service.setup_required()));
}

TEST_P(ServiceTest, unknown_account_and_wrong_password_answer_the_same) {
  set_up();
  const auto wrong = sign_in("wrong password");
  const auto unknown = sign_in("wrong password", "192.0.2.2", "bob@example.org");
  const auto hostile = sign_in("wrong password", "192.0.2.3", std::string{"a\0b@example.org", 15});
  const auto too_long = sign_in(std::string(5000, 'x'), "192.0.2.4");
  for (const auto* result : {&wrong, &unknown, &hostile, &too_long}) {
    ASSERT_FALSE(*result);
    EXPECT_EQ(result->error().kind, Refusal::kUnauthenticated);
    EXPECT_EQ(result->error().code, "identity.bad_credentials");
    EXPECT_EQ(result->error().message, wrong.error().message);
  }
}

TEST_P(ServiceTest, the_address_of_an_account_ignores_case_but_the_password_does_not) {
  set_up();
  EXPECT_TRUE(sign_in(kPassword, "192.0.2.1", " ANA@Example.ORG "));
  EXPECT_EQ(code_of(sign_in("Correct Horse Battery")), "identity.bad_credentials");
  EXPECT_EQ(code_of(sign_in(std::string{kPassword} + " ")), "identity.bad_credentials");
}

TEST_P(ServiceTest, after_five_wrong_tries_even_the_right_password_waits) {
  set_up();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code_of(sign_in("wrong password")), "identity.bad_credentials");
  const auto refused = sign_in(kPassword);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "identity.throttled");
  EXPECT_EQ(refused.error().kind, Refusal::kExhausted);
  EXPECT_EQ(refused.error().retry_after, seconds{30});
  EXPECT_TRUE(sign_in(kPassword, "198.51.100.1")) << "the owner elsewhere is not locked out";
  clock.advance(seconds{30} - microseconds{1});
  EXPECT_EQ(code_of(sign_in(kPassword)), "identity.throttled");
  clock.advance(microseconds{1});
  EXPECT_TRUE(sign_in(kPassword));
}

TEST_P(ServiceTest, a_right_password_makes_up_for_the_wrong_ones_before_it) {
  set_up();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(code_of(sign_in("wrong password")), "identity.bad_credentials");
    EXPECT_TRUE(sign_in(kPassword)) << round;
  }
  clock.advance(hours{1});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(sign_in(kPassword)) << "who knows the password signs in as often as needed";
}

TEST_P(ServiceTest, each_sign_in_gets_a_new_session_and_ends_the_former_one) {
  const auto first = set_up().session.secret;
  const auto second = sign_in(kPassword, "192.0.2.1", kEmail, first)->session.secret;
  EXPECT_NE(first, second);
  EXPECT_FALSE(is_signed_in(first));
  EXPECT_TRUE(is_signed_in(second));
}

TEST_P(ServiceTest, a_session_id_chosen_by_somebody_else_is_never_adopted) {
  set_up();
  const std::string planted(52, 'a');
  const auto opened = sign_in(kPassword, "192.0.2.1", kEmail, planted)->session.secret;
  EXPECT_NE(opened, planted);
  EXPECT_FALSE(is_signed_in(planted));
}

TEST_P(ServiceTest, a_password_hashed_at_a_lower_cost_is_hashed_again_at_sign_in) {
  set_up();
  const auto stored = [&] {
    return run(database.read(
        [](sql::Tx& tx) { return std::string{tx.find("select password from identity_users")->text(0)}; }));
  };
  EXPECT_TRUE(stored().starts_with("$argon2id$v=19$m=8,t=1,p=1$")) << stored();
  Passwords dearer({.passes = 2, .memory_bytes = 16384, .threads = 1});
  Service upgraded(database, clock, random, dearer, sessions);
  EXPECT_TRUE(run(upgraded.sign_in({.email = std::string{kEmail}, .password = std::string{kPassword}}, {})));
  EXPECT_TRUE(stored().starts_with("$argon2id$v=19$m=16,t=2,p=1$")) << stored();
  EXPECT_TRUE(run(upgraded.sign_in({.email = std::string{kEmail}, .password = std::string{kPassword}}, {})));
}

TEST_P(ServiceTest, no_secret_is_stored_as_it_is) {
  const auto session = set_up().session.secret;
  const auto token = run(service.create_token_for(std::string{kEmail}, "ci"))->secret;
  const auto all = run(database.read([](sql::Tx& tx) {
    std::string text;
    for (const auto* query : {"select id_hash from identity_sessions", "select secret_hash from identity_tokens",
                              "select prefix from identity_tokens", "select password from identity_users"}) {
      for (const auto& row : tx.query(query)) text += row.text(0) + "\n";
    }
    return text;
  }));
  EXPECT_EQ(all.find(session), std::string::npos);
  EXPECT_EQ(all.find(token), std::string::npos);
  EXPECT_EQ(all.find(kPassword), std::string::npos);
}

TEST_P(ServiceTest, the_command_line_may_add_an_owner_but_not_twice_the_same) {
  EXPECT_TRUE(run(service.create_owner("ana@example.org", std::nullopt, std::string{kPassword})));
  const auto second = run(service.create_owner("bob@example.org", "Bob", std::string{kPassword}));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->role, Role::kOwner);
  EXPECT_EQ(code_of(run(service.create_owner("BOB@example.org", "Bob", std::string{kPassword}))),
            "identity.email_taken");
  EXPECT_TRUE(sign_in(kPassword, "192.0.2.1", "bob@example.org"));
  EXPECT_EQ(
      code_of(run(service.set_up({.name = "Eve", .email = "eve@example.org", .password = std::string{kPassword}}, {}))),
      "identity.already_set_up");
}

TEST_P(ServiceTest, a_token_lets_its_owner_in_until_it_is_revoked) {
  const auto ana = owner();
  const auto made = run(service.create_token(ana, "ci", std::nullopt));
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->secret.starts_with("ms_"));
  EXPECT_TRUE(made->secret.starts_with(made->token.prefix));
  EXPECT_TRUE(is_let_in(made->secret));
  EXPECT_TRUE(is_let_in(made->secret));
  ASSERT_TRUE(run(service.revoke_token(ana, made->token.id)));
  EXPECT_FALSE(is_let_in(made->secret)) << "revoking takes effect at once";
  EXPECT_EQ(code_of(run(service.revoke_token(ana, made->token.id))), "identity.unknown_token");
}

TEST_P(ServiceTest, a_token_ends_when_it_expires) {
  const auto ana = owner();
  EXPECT_EQ(code_of(run(service.create_token(ana, "ci", clock.now()))), "identity.bad_expiry");
  const auto made = run(service.create_token(ana, "ci", clock.now() + hours{1}));
  clock.advance(hours{1} - microseconds{1});
  EXPECT_TRUE(is_let_in(made->secret));
  clock.advance(microseconds{1});
  EXPECT_FALSE(is_let_in(made->secret));
}

TEST_P(ServiceTest, a_token_makes_no_token_and_another_users_token_is_out_of_reach) {
  const auto ana = owner();
  const auto made = run(service.create_token(ana, "ci", std::nullopt));
  const auto as_token = *run(sessions.who_asks(request_with_token(made->secret)));
  EXPECT_EQ(code_of(run(service.create_token(as_token, "more", std::nullopt))), "identity.session_required");
  const auto bob = run(service.create_owner("bob@example.org", "Bob", std::string{kPassword}));
  const Principal as_bob{.kind = Principal::Kind::kUser, .user = bob->id, .role = Role::kOwner, .name = "bob"};
  EXPECT_EQ(code_of(run(service.revoke_token(as_bob, made->token.id))), "identity.unknown_token");
  EXPECT_EQ(run(service.tokens(as_bob))->size(), 0U);
  EXPECT_EQ(run(service.tokens(ana))->size(), 1U);
}

TEST_P(ServiceTest, the_last_use_of_a_token_is_written_once_a_minute) {
  const auto ana = owner();
  const auto made = run(service.create_token(ana, "ci", std::nullopt));
  EXPECT_FALSE(run(service.tokens(ana))->front().last_used_at);
  const int before = database.writes;
  for (int second = 0; second < 120; ++second) {
    EXPECT_TRUE(is_let_in(made->secret));
    clock.advance(seconds{1});
  }
  EXPECT_EQ(database.writes - before, 2);
  EXPECT_EQ(run(service.tokens(ana))->front().last_used_at, testing::ManualClock::kStart + minutes{1});
}

TEST_P(ServiceTest, tokens_per_user_are_limited) {
  const auto ana = owner();
  for (std::size_t i = 0; i < Service::kTokensPerUserMax; ++i) {
    ASSERT_TRUE(run(service.create_token(ana, "ci", std::nullopt)));
  }
  EXPECT_EQ(code_of(run(service.create_token(ana, "ci", std::nullopt))), "identity.too_many_tokens");
}

}  // namespace
}  // namespace mainstay::identity
