#include "ports/sql/postgres/postgres.h"

#include <gtest/gtest.h>

#include <functional>

#include "ports/sql/contract.h"
#include "ports/sql/durability_contract.h"
#include "ports/sql/migration_contract.h"
#include "ports/sql/postgres/connection.h"
#include "ports/sql/postgres/wire.h"
#include "testing/postgres_server.h"

namespace mainstay::sql {
namespace {

class PostgresEngine final : public ContractEngine {
 public:
  using ContractEngine::open;
  std::unique_ptr<Database> open(Size size) override {
    return postgres::open({.url = url_, .connections = size.threads, .queue_max = size.queue_max});
  }

 private:
  std::string url_ = testing::PostgresServer::shared().create_database();
};

std::unique_ptr<ContractEngine> make_postgres() { return std::make_unique<PostgresEngine>(); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Postgres, SqlContract, ::testing::Values(make_postgres));

namespace postgres {
namespace {

TEST(Postgres, a_url_that_cannot_be_understood_is_refused_at_once) {
  EXPECT_THROW(static_cast<void>(open({.url = "postgresql://[broken"})), std::runtime_error);
}

TEST(Postgres, a_server_that_is_not_there_is_unavailable) {
  const testing::TemporaryFolder empty;
  const auto database = open({.url = "postgresql:///x?host=" + empty.path().string()});
  EXPECT_THROW(database->migrate({}), Unavailable);
  EXPECT_THROW(testing::run(database->read([](Tx& tx) { return tx.query("select 1").size(); })), Unavailable);
}

TEST(Postgres, a_database_that_is_not_in_utf8_is_refused) {
  auto& server = testing::PostgresServer::shared();
  auto url = server.create_database();
  const auto at = url.find("test_");
  const auto name = "latin_" + url.substr(at, url.find('?') - at);
  Connection(url).command("create database " + name + " template template0 encoding 'LATIN1' locale 'C'");
  url.insert(at, "latin_");
  EXPECT_THROW(open({.url = url})->migrate({}), std::runtime_error);
}

TEST(Postgres, a_server_that_crashed_and_came_back_has_all_that_was_acknowledged) {
  testing::PostgresServer server(testing::PostgresServer::Sync::kOn);
  const auto database = open({.url = server.create_database(), .connections = 3});
  database->migrate({&kContractTables, 1});
  const auto insert = [&](std::int64_t number) {
    return database->write([number](Tx& tx) { tx.execute("insert into things (id) values ($1)", number); });
  };
  std::vector<Task<>> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(insert(i));
  testing::run_all(std::move(tasks));
  server.kill();
  EXPECT_THROW(testing::run(insert(100)), Unavailable);
  server.start();
  // The connections of before are dead; nobody notices.
  testing::run(insert(101));
  EXPECT_EQ(testing::run(database->read([](Tx& tx) { return tx.query("select id from things").size(); })), 51U);
}

TEST(Postgres, a_connection_that_broke_before_the_commit_is_replaced_and_the_body_runs_again) {
  const auto database = open({.url = testing::PostgresServer::shared().create_database()});
  database->migrate({&kContractTables, 1});
  int runs = 0;
  testing::run(database->write([&runs](Tx& tx) {
    tx.execute("insert into things (id) values (1)");
    if (++runs == 1) tx.query("select pg_terminate_backend(pg_backend_pid())");
  }));
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(testing::run(database->read([](Tx& tx) { return tx.query("select id from things").size(); })), 1U);
}

TEST(Postgres, a_body_whose_reading_was_overtaken_runs_again) {
  const auto database = open({.url = testing::PostgresServer::shared().create_database()});
  database->migrate({&kContractTables, 1});
  testing::run(
      database->write([](Tx& tx) { tx.execute("insert into counters (name, n) values ('alice', 1), ('bob', 1)"); }));
  const auto go_home = [](Tx& tx, std::string_view name, const std::function<void()>& meanwhile) {
    const auto present = tx.find("select sum(n) from counters")->integer(0);
    meanwhile();
    if (present == 2) tx.execute("update counters set n = 0 where name = $1", name);
  };
  int runs = 0;
  testing::run(database->write([&](Tx& tx) {
    go_home(tx, "alice", [&] {
      if (++runs > 1) return;
      testing::run(database->write([&](Tx& other) { go_home(other, "bob", [] {}); }));
    });
  }));
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(testing::run(database->read([](Tx& tx) { return tx.find("select sum(n) from counters")->integer(0); })), 1);
}

TEST(Postgres, contention_that_does_not_end_is_unavailable) {
  const auto database = open({.url = testing::PostgresServer::shared().create_database()});
  database->migrate({&kContractTables, 1});
  testing::run(database->write([](Tx& tx) { tx.execute("insert into counters (name, n) values ('a', 0)"); }));
  int runs = 0;
  const auto increment = [](Tx& tx) { tx.execute("update counters set n = n + 1"); };
  const auto beaten = [&](Tx& tx) {
    ++runs;
    tx.query("select n from counters");
    testing::run(database->write(increment));
    increment(tx);
  };
  EXPECT_THROW(testing::run(database->write(beaten)), Unavailable);
  EXPECT_EQ(runs, kTriesMax);
}

TEST(PostgresErrors, are_sorted_by_what_can_be_done) {
  EXPECT_EQ(classify("40001"), Kind::kSerialisation);
  EXPECT_EQ(classify("40P01"), Kind::kSerialisation);
  EXPECT_EQ(classify("23505"), Kind::kUnique);
  EXPECT_EQ(classify("23503"), Kind::kConstraint);
  EXPECT_EQ(classify("57P01"), Kind::kConnectionLost);
  EXPECT_EQ(classify("08006"), Kind::kConnectionLost);
  EXPECT_EQ(classify("53100"), Kind::kOutage);  // disk full
  EXPECT_EQ(classify("57014"), Kind::kOutage);  // time-out
  EXPECT_EQ(classify("42P01"), Kind::kBug);
  EXPECT_EQ(classify("25006"), Kind::kBug);
  EXPECT_EQ(classify(""), Kind::kOutage);
}

}  // namespace
}  // namespace postgres
}  // namespace mainstay::sql
