#include "modules/analytics/sites/shares.h"

#include "testing/site_fixture.h"

namespace mainstay::analytics {
namespace {

using testing::code_of;
using testing::Engine;
using testing::kOwner;
using testing::run;

constexpr auto kAddress = "192.0.2.1";

class SharesTest : public testing::SitesTest {
 protected:
  const Site site = add_site();
  const Site other = add_site("example.net");
  Share add(std::optional<std::string> password = std::nullopt) {
    return run(shares.add(kOwner, site.id, "Team", std::move(password))).value();
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, SharesTest, ::testing::Values(Engine::kSqlite, Engine::kPostgres),
                         ::testing::PrintToStringParamName());

TEST_P(SharesTest, a_token_without_a_password_opens_its_site_only_until_it_is_withdrawn) {
  const auto share = add();
  EXPECT_EQ(share.token.size(), 32U);
  EXPECT_TRUE(shares.opens(share.token, site.id));
  EXPECT_FALSE(shares.opens(share.token, other.id));
  EXPECT_EQ(shares.show(share.token)->site->domain, "example.org");
  EXPECT_FALSE(shares.show(share.token)->password_required);
  EXPECT_EQ(run(shares.unlock(share.token, "anything", kAddress)), share.token) << "the token is the grant";
  EXPECT_EQ(code_of(run(shares.remove(kOwner, other.id, ShareId{share.id}))), "analytics.unknown_share");
  ASSERT_TRUE(run(shares.remove(kOwner, site.id, ShareId{share.id})));
  EXPECT_FALSE(shares.opens(share.token, site.id));
  EXPECT_EQ(code_of(shares.show(share.token)), "analytics.unknown_share");
}

TEST_P(SharesTest, a_share_with_a_password_opens_by_its_grant_for_twelve_hours) {
  const auto share = add("correct horse battery");
  EXPECT_TRUE(share.has_password);
  EXPECT_TRUE(shares.show(share.token)->password_required);
  EXPECT_FALSE(shares.opens(share.token, site.id)) << "the token alone is not enough";
  EXPECT_EQ(code_of(run(shares.unlock(share.token, "wrong", kAddress))), "analytics.bad_share_password");
  EXPECT_EQ(code_of(run(shares.unlock(share.token, std::string(9000, 'x'), kAddress))), "analytics.bad_share_password");
  const auto grant = run(shares.unlock(share.token, "correct horse battery", kAddress)).value();
  EXPECT_EQ(shares.opens(grant, site.id).value().until, clock.now() + kGrantAge);
  EXPECT_FALSE(shares.opens(grant, other.id));
  clock.advance(kGrantAge - microseconds{1});
  EXPECT_TRUE(shares.opens(grant, site.id));
  clock.advance(microseconds{1});
  EXPECT_FALSE(shares.opens(grant, site.id));
}

TEST_P(SharesTest, a_grant_dies_with_its_share_and_survives_a_restart) {
  const auto share = add("correct horse battery");
  const auto grant = run(shares.unlock(share.token, "correct horse battery", kAddress)).value();
  Shares restarted(*database, clock, random, passwords, directory, bus);
  run(restarted.load());
  EXPECT_TRUE(restarted.opens(grant, site.id));
  ASSERT_TRUE(run(shares.remove(kOwner, site.id, ShareId{share.id})));
  EXPECT_FALSE(shares.opens(grant, site.id));
}

TEST_P(SharesTest, a_forged_grant_opens_nothing) {
  const auto share = add("correct horse battery");
  const auto open_share = add();
  const auto grant = run(shares.unlock(share.token, "correct horse battery", kAddress)).value();
  const auto signature = grant.substr(grant.rfind('.') + 1);
  auto altered = grant;
  altered.back() = altered.back() == '0' ? '1' : '0';
  const std::string forged[] = {
      "",
      "g.",
      "g...",
      "g.1.2.3",
      altered,
      grant + "0",
      grant.substr(0, grant.size() - 1),
      fmt::format("g.{}.{}.{}", share.id, to_micros(clock.now() + hours{1000}), signature),
      fmt::format("g.{}.{}.", share.id, to_micros(clock.now() + hours{1})),
      fmt::format("g.{}.99999999999999999999999.{}", share.id, signature),
      fmt::format("g.{}.{}.{}", open_share.id, to_micros(clock.now() + kGrantAge), signature),
      std::to_string(share.id),
      std::string(100'000, 'a'),
      std::string{"\0\xff", 2},
  };
  for (const auto& shown : forged) EXPECT_FALSE(shares.opens(shown, site.id)) << shown.substr(0, 200);
  EXPECT_TRUE(shares.opens(grant, site.id));
}

TEST_P(SharesTest, guessing_a_share_password_is_slowed_down) {
  const auto share = add("correct horse battery");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(code_of(run(shares.unlock(share.token, "wrong", kAddress))), "analytics.bad_share_password");
  }
  EXPECT_EQ(code_of(run(shares.unlock(share.token, "correct horse battery", kAddress))), "identity.throttled");
  EXPECT_TRUE(run(shares.unlock(share.token, "correct horse battery", "198.51.100.1")));
  clock.advance(seconds{30});
  EXPECT_TRUE(run(shares.unlock(share.token, "correct horse battery", kAddress)));
}

TEST_P(SharesTest, names_and_passwords_have_rules_and_a_site_has_a_limit) {
  EXPECT_EQ(code_of(run(shares.add(kOwner, site.id, " ", std::nullopt))), "analytics.bad_share");
  EXPECT_EQ(code_of(run(shares.add(kOwner, site.id, "Team", "short"))), "identity.weak_password");
  EXPECT_EQ(code_of(run(shares.add(kOwner, SiteId{1}, "Team", std::nullopt))), "analytics.unknown_site");
  EXPECT_EQ(code_of(run(shares.list(kOwner, SiteId{1}))), "analytics.unknown_site");
  for (std::size_t i = 0; i < Shares::kPerSiteMax; ++i) add();
  EXPECT_EQ(code_of(run(shares.add(kOwner, site.id, "Team", std::nullopt))), "analytics.too_many_shares");
  EXPECT_EQ(run(shares.list(kOwner, site.id))->size(), Shares::kPerSiteMax);
}

}  // namespace
}  // namespace mainstay::analytics
