#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "modules/analytics/collector/generalise.h"
#include "modules/analytics/migrations/migrations.h"
#include "modules/analytics/processor.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/sites/salts.h"
#include "modules/analytics/tables.h"
#include "ports/bus/local/local_bus.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "ports/stream/embedded/embedded.h"
#include "testing/country_file.h"
#include "testing/engines.h"
#include "testing/fixed_random.h"
#include "testing/manual_clock.h"
#include "testing/one_site.h"
#include "testing/run_task.h"
#include "testing/temporary_folder.h"

namespace mainstay::testing {

/// Everything between a hit's arrival and the column store, over embedded engines. The processor is the test's own.
class CollectorFixture : public ::testing::Test {
 protected:
  CollectorFixture() {
    columns_->create(analytics::tables());
    columns_->create(analytics::rollup_tables());
  }
  /// Of a processor that consumes `stream`; give it kWriteWhenAsked.
  analytics::Processor::Ports processor_ports(stream::Stream& stream) {
    return {.stream = stream,
            .columns = *columns_,
            .bus = bus_,
            .clock = clock_,
            .random = random_,
            .metrics = metrics_,
            .sites = sites_,
            .on_first_hit = {}};
  }
  static constexpr analytics::Processor::Options kWriteWhenAsked{.flush_every = std::chrono::hours{1}};

  TemporaryFolder folder_;
  FixedRandom random_;
  ManualClock clock_;
  metrics::Registry metrics_;
  bus::local::LocalBus bus_;
  OneSite sites_;
  TestDatabase place_{Engine::kSqlite};
  std::unique_ptr<sql::Database> database_ = place_.open(analytics::migrations());
  analytics::Salts salts_{*database_, clock_, random_};
  analytics::Agents agents_;
  analytics::Places places_{country_file()};
  analytics::Generaliser generaliser_{agents_, places_, random_};
  std::unique_ptr<columns::Columns> columns_ =
      columns::duckdb::open({.folder = folder_.path() / "columns", .export_folder = {}});
  std::unique_ptr<stream::Stream> queue_ =
      stream::embedded::open({.folder = folder_.path() / "queue", .clock = &clock_});
};

}  // namespace mainstay::testing
