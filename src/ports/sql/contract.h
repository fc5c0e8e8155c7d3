#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <latch>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "ports/sql/sql.h"
#include "testing/run_task.h"

/// The promise of the port as tests. An adapter's test instantiates the suite with an engine of its own:
/// `INSTANTIATE_TEST_SUITE_P(Sqlite, SqlContract, ::testing::Values(make_engine));`
/// Migrations and durability are in migration_contract.h and durability_contract.h, which share the fixture.
namespace mainstay::sql {

/// One empty database of the engine under test, made for one test.
class ContractEngine {
 public:
  struct Size {
    std::size_t threads = 4;
    std::size_t queue_max = 4096;
  };
  virtual ~ContractEngine() = default;
  /// Opens the database; each time the same one, also from a child process.
  virtual std::unique_ptr<Database> open(Size size) = 0;
  std::unique_ptr<Database> open() { return open(Size{}); }
};
using ContractEngineFactory = std::unique_ptr<ContractEngine> (*)();

inline const Migration kContractTables{.module = "contract", .number = 1, .name = "tables", .text = R"(
  create table counters (name text primary key, n bigint not null check (n >= 0));
  create table owners (id {{autoid}}, name text not null unique);
  create table things (id bigint primary key, owner bigint references owners (id), name text, data {{blob}}, amount double precision);
  create table pledges (id bigint primary key, owner bigint references owners (id) deferrable initially deferred);
)"};

class SqlContract : public ::testing::TestWithParam<ContractEngineFactory> {
 protected:
  /// The database with the contract's tables, opened when first asked for.
  Database& db() {
    if (!database_) {
      database_ = engine_->open();
      database_->migrate({&kContractTables, 1});
    }
    return *database_;
  }

  template <class... Parameters>
  std::int64_t execute(std::string_view statement, const Parameters&... parameters) {
    return testing::run(db().write([&](Tx& tx) { return tx.execute(statement, parameters...); }));
  }
  template <class... Parameters>
  Row only(std::string_view statement, const Parameters&... parameters) {
    auto rows = testing::run(db().read([&](Tx& tx) { return tx.query(statement, parameters...); }));
    if (rows.size() != 1) throw std::logic_error("not one row: " + std::string{statement});
    return rows.front();
  }
  std::int64_t count_of(const std::string& table) { return only("select count(*) from " + table).integer(0); }

  std::unique_ptr<ContractEngine> engine_ = GetParam()();
  std::unique_ptr<Database> database_;
};

/// What became of one of several bodies that ran side by side.
inline Task<std::string> outcome_of(Task<Result<int>> task) {
  try {
    const auto result = co_await std::move(task);
    co_return result ? "value" : "refusal";
  } catch (const UniqueViolation&) {
    co_return "unique";
  } catch (const ConstraintViolation&) {
    co_return "constraint";
  } catch (const Unavailable&) {
    co_return "unavailable";
  } catch (const std::logic_error&) {
    co_return "bug";
  } catch (const std::exception&) {
    co_return "thrown";
  }
}

TEST_P(SqlContract, a_value_commits_and_a_refusal_rolls_back) {
  const auto insert = [](std::string_view name, bool keep) {
    return [=](Tx& tx) -> Result<int> {
      tx.execute("insert into counters (name, n) values ($1, $2)", name, 1);
      if (!keep) return refuse(Refusal::kConflict, "contract.no", "No.");
      return 7;
    };
  };
  EXPECT_EQ(testing::run(db().write(insert("kept", true))).value(), 7);
  EXPECT_EQ(testing::run(db().write(insert("refused", false))).error().code, "contract.no");
  EXPECT_EQ(only("select name from counters").text(0), "kept");
}

TEST_P(SqlContract, a_throw_rolls_back_and_comes_through) {
  const auto body = [](Tx& tx) {
    tx.execute("insert into counters (name, n) values ('lost', 1)");
    throw std::range_error("mine");
  };
  EXPECT_THROW(testing::run(db().write(body)), std::range_error);
  EXPECT_EQ(count_of("counters"), 0);
}

TEST_P(SqlContract, a_body_that_fails_does_not_hurt_the_others) {
  execute("insert into counters (name, n) values ('taken', 1)");
  constexpr int kBodies = 80;
  std::vector<Task<std::string>> tasks;
  for (int i = 0; i < kBodies; ++i) {
    tasks.push_back(outcome_of(db().write([i](Tx& tx) -> Result<int> {
      tx.execute("insert into counters (name, n) values ($1, 0)", std::to_string(i));
      if (i % 4 == 1) return refuse(Refusal::kInvalid, "contract.no", "No.");
      if (i % 4 == 2) throw std::range_error("mine");
      if (i % 4 == 3) tx.execute("insert into counters (name, n) values ('taken', 0)");
      return 0;
    })));
  }
  const auto outcomes = testing::run_all(std::move(tasks));
  const std::string expected[] = {"value", "refusal", "thrown", "unique"};
  for (std::size_t i = 0; i < kBodies; ++i) EXPECT_EQ(outcomes[i], expected[i % 4]) << i;
  EXPECT_EQ(count_of("counters"), 1 + kBodies / 4);
}

/// Who loses too many races is told so, and tries again.
inline Task<> increment(Database& database) {
  constexpr int kTries = 100;
  for (int i = 1;; ++i) {
    try {
      co_return co_await database.write([](Tx& tx) {
        const auto n = tx.find("select n from counters where name = 'visits'")->integer(0);
        tx.execute("update counters set n = $1 where name = 'visits'", n + 1);
      });
    } catch (const Unavailable&) {
      if (i == kTries) throw;
    }
  }
}

TEST_P(SqlContract, concurrent_increments_lose_nothing) {
  execute("insert into counters (name, n) values ('visits', 0)");
  constexpr int kIncrements = 150;
  std::vector<Task<>> tasks;
  for (int i = 0; i < kIncrements; ++i) tasks.push_back(increment(db()));
  testing::run_all(std::move(tasks));
  EXPECT_EQ(only("select n from counters").integer(0), kIncrements);
}

TEST_P(SqlContract, two_bodies_that_each_write_what_the_other_read_are_serialised) {
  // Two doctors may go home as long as one stays (write skew).
  const auto go_home = [](std::string_view name) {
    return [name](Tx& tx) {
      if (tx.find("select sum(n) from counters")->integer(0) < 2) return;
      tx.execute("update counters set n = 0 where name = $1", name);
    };
  };
  execute("insert into counters (name, n) values ('alice', 1), ('bob', 1)");
  for (int round = 0; round < 25; ++round) {
    execute("update counters set n = 1");
    std::vector<Task<>> tasks;
    tasks.push_back(db().write(go_home("alice")));
    tasks.push_back(db().write(go_home("bob")));
    testing::run_all(std::move(tasks));
    ASSERT_EQ(only("select sum(n) from counters").integer(0), 1) << "round " << round;
  }
}

TEST_P(SqlContract, a_duplicate_can_become_a_refusal) {
  const auto add_owner = [](Tx& tx) -> Result<int> {
    try {
      tx.execute("insert into owners (name) values ('ada')");
    } catch (const UniqueViolation&) {
      return refuse(Refusal::kConflict, "contract.taken", "Taken.");
    }
    return 0;
  };
  EXPECT_TRUE(testing::run(db().write(add_owner)));
  EXPECT_EQ(testing::run(db().write(add_owner)).error().code, "contract.taken");
  EXPECT_EQ(count_of("owners"), 1);
}

TEST_P(SqlContract, broken_rules_are_told_apart) {
  execute("insert into things (id) values (1)");
  EXPECT_THROW(execute("insert into things (id) values (1)"), UniqueViolation);
  const auto broken = {"insert into things (id, owner) values (2, 99)", "insert into owners (name) values (null)",
                       "insert into counters (name, n) values ('x', -1)"};
  for (const auto* statement : broken) {
    try {
      execute(statement);
      ADD_FAILURE() << statement;
    } catch (const UniqueViolation&) {
      ADD_FAILURE() << statement;
    } catch (const ConstraintViolation&) {
    }
  }
}

TEST_P(SqlContract, a_rule_deferred_to_the_commit_fails_only_its_own_body) {
  std::vector<Task<std::string>> tasks;
  constexpr int kBodies = 30;
  for (int i = 0; i < kBodies; ++i) {
    tasks.push_back(outcome_of(db().write([i](Tx& tx) -> Result<int> {
      if (i % 10 == 5) {
        tx.execute("insert into pledges (id, owner) values ($1, 4711)", i);
      } else {
        tx.execute("insert into pledges (id) values ($1)", i);
      }
      return 0;
    })));
  }
  const auto outcomes = testing::run_all(std::move(tasks));
  for (std::size_t i = 0; i < kBodies; ++i) EXPECT_EQ(outcomes[i], i % 10 == 5 ? "constraint" : "value") << i;
  EXPECT_EQ(count_of("pledges"), 27);
}

TEST_P(SqlContract, after_a_failed_statement_a_transaction_can_only_end) {
  const auto carry_on = [](Tx& tx) {
    tx.execute("insert into counters (name, n) values ('a', 1)");
    EXPECT_THROW(tx.execute("insert into counters (name, n) values ('a', 2)"), UniqueViolation);
    EXPECT_THROW(tx.execute("insert into counters (name, n) values ('b', 2)"), std::logic_error);
  };
  EXPECT_THROW(testing::run(db().write(carry_on)), std::logic_error);
  const auto look_on = [](Tx& tx) { EXPECT_THROW(tx.query("select nothing"), std::logic_error); };
  EXPECT_THROW(testing::run(db().read(look_on)), std::logic_error);
  EXPECT_EQ(count_of("counters"), 0);
}

TEST_P(SqlContract, values_come_back_as_they_went_in) {
  using Limits = std::numeric_limits<std::int64_t>;
  Bytes bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<std::byte>(i));
  const std::string unicode = "naïve Ωmega 漢字 🦆 'quoted' \"twice\" \\x00 $1 {{blob}} \r\n\t";
  const std::vector<std::vector<Value>> rows = {
      {Limits::min(), unicode, bytes, 0.1},
      {Limits::max(), std::string{}, Bytes{}, std::numeric_limits<double>::max()},
      {std::int64_t{0}, std::monostate{}, std::monostate{}, std::monostate{}},
      {std::int64_t{-1}, std::string(1 << 20, 'x'), Bytes(1 << 20), std::numeric_limits<double>::denorm_min()},
      {std::int64_t{1}, std::string{"1"}, Bytes{std::byte{'1'}}, -std::numeric_limits<double>::infinity()},
      {std::int64_t{2}, std::string{"2"}, Bytes{std::byte{0}}, 9007199254740993.0},
  };
  for (const auto& row : rows) {
    execute("insert into things (id, name, data, amount) values ($1, $2, $3, $4)", row[0], row[1], row[2], row[3]);
  }
  for (const auto& row : rows) {
    const auto found = only("select id, name, data, amount from things where id = $1", row[0]);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(Value{found.integer(0)}, row[0]);
    EXPECT_EQ(found.is_null(1) ? Value{} : Value{found.text(1)}, row[1]);
    EXPECT_EQ(found.is_null(2) ? Value{} : Value{found.bytes(2)}, row[2]);
    EXPECT_EQ(found.is_null(3) ? Value{} : Value{found.real(3)}, row[3]);
  }
}

TEST_P(SqlContract, computed_values_have_the_same_types_everywhere) {
  execute("insert into counters (name, n) values ('a', 3), ('b', 4)");
  const auto row =
      only("select count(*), sum(n), avg(n), max(name), min(n) = $1, sum(n) filter (where n > 9) from counters", 3);
  EXPECT_EQ(row.integer(0), 2);
  EXPECT_EQ(row.integer(1), 7);
  EXPECT_DOUBLE_EQ(row.real(2), 3.5);
  EXPECT_EQ(row.text(3), "b");
  EXPECT_TRUE(row.boolean(4));
  EXPECT_TRUE(row.is_null(5));
  EXPECT_THROW(static_cast<void>(row.text(0)), std::logic_error);
  EXPECT_THROW(static_cast<void>(row.integer(5)), std::logic_error);
  EXPECT_THROW(static_cast<void>(row.integer(6)), std::logic_error);
}

TEST_P(SqlContract, parameters_may_repeat_and_come_in_any_order) {
  const auto row =
      only("select n, $2 || $1 || $2 from counters where n = $3 union all select $3, $2 || $1 || $2", "a", "b", 5);
  EXPECT_EQ(row.integer(0), 5);
  EXPECT_EQ(row.text(1), "bab");
}

TEST_P(SqlContract, what_engines_store_differently_is_refused) {
  const auto insert = "insert into things (id, name, amount) values (1, $1, $2)";
  EXPECT_THROW(execute(insert, std::string("a\0b", 3), 1.0), std::logic_error);
  EXPECT_THROW(execute(insert, "\xff\xfe", 1.0), std::logic_error);
  EXPECT_THROW(execute(insert, "a", std::nan("")), std::logic_error);
  EXPECT_EQ(count_of("things"), 0);
}

TEST_P(SqlContract, bugs_in_statements_are_logic_errors_and_leave_the_database_working) {
  const auto bugs = {"selec 1",
                     "select * from nowhere",
                     "insert into counters (name, n) values ($1, $2)",
                     "delete from counters; delete from things",
                     "",
                     "commit",
                     "  /* sly */ -- very\n RollBack",
                     "savepoint mine",
                     "vacuum"};
  for (const auto* statement : bugs) EXPECT_THROW(execute(statement), std::logic_error) << statement;
  EXPECT_THROW(execute("delete from counters where n = $1", 1, 2), std::logic_error);
  EXPECT_EQ(execute("insert into counters (name, n) values ('fine', 1)"), 1);
}

TEST_P(SqlContract, changes_are_counted) {
  EXPECT_EQ(execute("insert into counters (name, n) values ('a', 1), ('b', 2), ('c', 3)"), 3);
  EXPECT_EQ(execute("update counters set n = n + 1 where n >= 2"), 2);
  EXPECT_EQ(execute("update counters set n = n + 1 where n > 100"), 0);
  EXPECT_EQ(execute("insert into counters (name, n) values ('a', 9) on conflict (name) do nothing"), 0);
  EXPECT_EQ(execute("insert into counters (name, n) values ('a', 9) on conflict (name) do update set n = excluded.n"),
            1);
  EXPECT_EQ(execute("select n from counters"), 0);
  const auto returned =
      testing::run(db().write([](Tx& tx) { return tx.query("delete from counters where n > $1 returning name", 8); }));
  ASSERT_EQ(returned.size(), 1U);
  EXPECT_EQ(returned.front().text(0), "a");
}

TEST_P(SqlContract, text_is_compared_alike_everywhere) {
  execute("insert into counters (name, n) values ('Zoo', 1), ('ape', 2), ('Äffin', 3), ('a_e', 4)");
  const auto names =
      testing::run(db().read([](Tx& tx) { return tx.query("select name from counters order by name collate \"C\""); }));
  std::string all;
  for (const auto& row : names) all += row.text(0) + ' ';
  EXPECT_EQ(all, "Zoo a_e ape Äffin ");
  EXPECT_EQ(only("select count(*) from counters where name like $1", "a%").integer(0), 2);
  EXPECT_EQ(only("select count(*) from counters where name like $1 escape '\\'", "a\\_e").integer(0), 1);
}

TEST_P(SqlContract, an_id_is_never_given_twice) {
  const auto add = [](Tx& tx) { return tx.find("insert into owners (name) values ('x') returning id")->integer(0); };
  const auto first = testing::run(db().write(add));
  execute("delete from owners");
  EXPECT_GT(testing::run(db().write(add)), first);
}

TEST_P(SqlContract, a_read_sees_one_moment) {
  execute("insert into counters (name, n) values ('a', 1)");
  const auto seen = testing::run(db().read([this](Tx& tx) {
    const auto before = tx.find("select sum(n) from counters")->integer(0);
    execute("insert into counters (name, n) values ('b', 1)");
    return std::pair{before, tx.find("select sum(n) from counters")->integer(0)};
  }));
  EXPECT_EQ(seen.first, 1);
  EXPECT_EQ(seen.second, 1);
  EXPECT_EQ(count_of("counters"), 2);
}

TEST_P(SqlContract, a_read_may_not_write) {
  const auto body = [](Tx& tx) { tx.execute("insert into counters (name, n) values ('a', 1)"); };
  EXPECT_THROW(testing::run(db().read(body)), std::logic_error);
  EXPECT_EQ(count_of("counters"), 0);
}

TEST_P(SqlContract, what_a_connection_keeps_prepared_is_bounded) {
  testing::run(db().write([](Tx& tx) {
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 600; ++i) {
        ASSERT_EQ(tx.find("select $1 + " + std::to_string(i), i)->integer(0), 2 * i);
      }
    }
  }));
}

TEST_P(SqlContract, a_full_queue_is_unavailable_and_takes_nothing) {
  db();
  database_ = engine_->open({.threads = 1, .queue_max = 3});
  std::latch refused{1};
  std::vector<Task<std::string>> tasks;
  constexpr int kBodies = 30;
  for (int i = 0; i < kBodies; ++i) {
    tasks.push_back([](Database& database, std::latch& gate, int number) -> Task<std::string> {
      auto outcome = co_await outcome_of(database.write([&gate, number](Tx& tx) -> Result<int> {
        gate.wait();
        tx.execute("insert into counters (name, n) values ($1, 1)", std::to_string(number));
        return 0;
      }));
      if (outcome == "unavailable" && !gate.try_wait()) gate.count_down();
      co_return outcome;
    }(*database_, refused, i));
  }
  const auto outcomes = testing::run_all(std::move(tasks));
  const auto accepted = std::ranges::count(outcomes, "value");
  EXPECT_EQ(accepted + std::ranges::count(outcomes, "unavailable"), kBodies);
  EXPECT_LT(accepted, kBodies);
  EXPECT_EQ(count_of("counters"), accepted);
}

}  // namespace mainstay::sql
