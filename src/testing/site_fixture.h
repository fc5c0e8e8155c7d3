#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "modules/analytics/migrations/migrations.h"
#include "modules/analytics/sites/directory.h"
#include "modules/analytics/sites/ids.h"
#include "modules/analytics/sites/markers.h"
#include "modules/analytics/sites/routes.h"
#include "modules/analytics/sites/service.h"
#include "modules/analytics/sites/shares.h"
#include "ports/bus/local/local_bus.h"
#include "testing/engines.h"
#include "testing/fixed_random.h"
#include "testing/manual_clock.h"
#include "testing/run_task.h"

/// What the tests of modules/analytics/sites stand on.
namespace mainstay::testing {

inline const Principal kOwner{.kind = Principal::Kind::kUser, .user = UserId{1}, .role = Role::kOwner, .name = "ana"};
inline const Principal kViewer{.kind = Principal::Kind::kUser, .user = UserId{2}, .role = Role::kViewer, .name = "bob"};

/// Remembers what was erased; refuses while `down`.
class FakeSiteData final : public analytics::SiteData {
 public:
  Task<> erase(SiteId site) override {
    if (down) throw Unavailable("the column store is down");
    erased.push_back(site);
    co_return;
  }
  bool down = false;
  std::vector<SiteId> erased;
};

[[nodiscard]] std::string_view code_of(const auto& result) { return result ? "" : result.error().code; }

class SitesTest : public ::testing::TestWithParam<Engine> {
 protected:
  analytics::Site add_site(const std::string& domain = "example.org") {
    return run(sites.create(kOwner, {.domain = domain, .timezone = "Europe/Vienna"})).value();
  }

  TestDatabase place{GetParam()};
  std::unique_ptr<sql::Database> database = place.open(analytics::migrations());
  ManualClock clock;
  FixedRandom random;
  FakeSiteData data;
  identity::Passwords passwords{{.passes = 1, .memory_bytes = 8192, .threads = 2}};
  analytics::Directory directory{*database};
  analytics::Markers markers{*database, random, directory};
  bus::local::LocalBus bus;
  analytics::Shares shares{*database, clock, random, passwords, directory, bus};
  analytics::SiteService sites{*database, clock, random, directory, data, bus};
};

}  // namespace mainstay::testing
