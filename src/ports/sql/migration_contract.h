#pragma once

#include "ports/sql/contract.h"

namespace mainstay::sql {

TEST_P(SqlContract, migrations_are_applied_once_and_in_order) {
  const std::vector<Migration> first = {
      {.module = "one", .number = 1, .name = "list", .text = "create table list (id {{autoid}}, data {{blob}});"}};
  auto both = first;
  both.push_back({.module = "one", .number = 2, .name = "name", .text = R"(
    -- a comment; with a semicolon
    alter table list add column name text not null default 'a;b' ;
    insert into list (name) values ('it''s; fine');;
  )"});
  db().migrate(first);
  execute("insert into list (data) values ($1)", Bytes{std::byte{1}});
  for (int start = 0; start < 3; ++start) db().migrate(both);
  const auto rows = testing::run(db().read([](Tx& tx) { return tx.query("select name from list order by id"); }));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].text(0), "a;b");
  EXPECT_EQ(rows[1].text(0), "it's; fine");
  EXPECT_EQ(only("select count(*) from schema_migrations where module = 'one'").integer(0), 2);
}

TEST_P(SqlContract, a_migration_that_was_changed_afterwards_is_refused) {
  Migration migration{.module = "one", .number = 1, .name = "list", .text = "create table list (id bigint)"};
  db().migrate({&migration, 1});
  migration.text = "create table list (id bigint, more bigint)";
  EXPECT_THROW(db().migrate({&migration, 1}), std::runtime_error);
}

TEST_P(SqlContract, a_database_of_a_newer_program_is_refused) {
  const std::vector<Migration> newer = {
      {.module = "one", .number = 1, .name = "a", .text = "create table a (id bigint)"},
      {.module = "one", .number = 2, .name = "b", .text = "create table b (id bigint)"}};
  db().migrate(newer);
  EXPECT_THROW(db().migrate({newer.data(), 1}), std::runtime_error);
}

TEST_P(SqlContract, migrations_out_of_order_are_a_bug) {
  const Migration second{.module = "one", .number = 2, .name = "b", .text = "create table b (id bigint)"};
  EXPECT_THROW(db().migrate({&second, 1}), std::logic_error);
}

TEST_P(SqlContract, a_migration_that_fails_leaves_nothing_behind) {
  Migration migration{.module = "one", .number = 1, .name = "a", .text = "create table a (id bigint); nonsense"};
  EXPECT_THROW(db().migrate({&migration, 1}), std::logic_error);
  migration.text = "create table a (id bigint)";
  db().migrate({&migration, 1});
  EXPECT_EQ(count_of("a"), 0);
}

TEST_P(SqlContract, statements_prepared_before_a_migration_still_work) {
  const Migration migration{
      .module = "one", .number = 1, .name = "a", .text = "alter table things add column more text"};
  const auto all = [](Tx& tx) { return tx.query("select * from things where id = $1", 1).front().size(); };
  execute("insert into things (id) values (1)");
  EXPECT_EQ(testing::run(db().read(all)), 5U);
  EXPECT_EQ(testing::run(db().write(all)), 5U);
  engine_->open()->migrate(std::vector{kContractTables});
  db().migrate({&migration, 1});
  EXPECT_EQ(testing::run(db().read(all)), 6U);
  EXPECT_EQ(testing::run(db().write(all)), 6U);
}

}  // namespace mainstay::sql
