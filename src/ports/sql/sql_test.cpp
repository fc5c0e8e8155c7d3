#include "ports/sql/sql.h"

#include <gtest/gtest.h>

#include "ports/sql/migrations.h"
#include "ports/sql/statement_cache.h"
#include "ports/sql/statement_text.h"

namespace mainstay::sql {
namespace {

constexpr Dialect kDialect{.blob = "BLOB", .autoid = "AUTO"};

TEST(SqlValue, takes_what_code_has_at_hand) {
  enum class Id : std::int64_t {};
  EXPECT_EQ(to_value(Id{5}), Value{std::int64_t{5}});
  EXPECT_EQ(to_value(true), Value{std::int64_t{1}});
  EXPECT_EQ(to_value(from_micros(17)), Value{std::int64_t{17}});
  EXPECT_EQ(to_value("text"), Value{std::string{"text"}});
  EXPECT_EQ(to_value(std::string_view{"text"}), Value{std::string{"text"}});
  EXPECT_EQ(to_value(std::optional<int>{}), Value{});
  EXPECT_EQ(to_value(std::optional<std::string>{"x"}), Value{std::string{"x"}});
  EXPECT_EQ(to_value(1.5F), Value{1.5});
}

TEST(SqlMigrationText, is_split_at_semicolons_outside_quotes_and_comments) {
  const auto statements = statements_of(R"(
    create table a (id {{autoid}}, data {{blob}} default ';');
    -- not; here
    insert into "odd;name" values ('it''s; here') /* nor; here */ ;
    ;
    -- only a comment;
  )",
                                        kDialect);
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0], "create table a (id AUTO, data BLOB default ';')");
  EXPECT_TRUE(statements[1].ends_with("values ('it''s; here') /* nor; here */"));
}

TEST(SqlMigrationText, with_an_open_quote_or_an_unknown_macro_is_a_bug) {
  for (const auto* text : {"insert into a values ('", "select \"a", "/* open", "{{serial}} x", "{{blob"}) {
    EXPECT_THROW(static_cast<void>(statements_of(text, kDialect)), std::logic_error) << text;
  }
}

TEST(SqlStatement, that_controls_the_transaction_is_refused) {
  for (const auto* text : {"BEGIN", "commit;", "\t-- x\n/* y */ Rollback", "pragma synchronous = off", "set a = 1"}) {
    EXPECT_THROW(require_plain_statement(text), std::logic_error) << text;
  }
  for (const auto* text : {"select 1", "with a as (select 1) select * from a", "settle", ""}) {
    EXPECT_NO_THROW(require_plain_statement(text)) << text;
  }
}

TEST(SqlStatement, names_its_parameters) {
  EXPECT_EQ(parameters_of("select 1"), 0U);
  EXPECT_EQ(parameters_of("select $2, $1, $12 || 'cost $99' /* $77 */ -- $88"), 12U);
}

TEST(SqlStatementCache, lets_the_least_recently_used_go) {
  StatementCache<int> cache;
  constexpr int kMax = StatementCache<int>::kStatementsMax;
  for (int i = 0; i < kMax; ++i) {
    EXPECT_FALSE(cache.make_room());
    cache.insert(std::to_string(i), i);
  }
  ASSERT_NE(cache.find("0"), nullptr);
  EXPECT_EQ(cache.make_room(), 1);
  cache.insert("new", 7);
  EXPECT_EQ(cache.find("1"), nullptr);
  EXPECT_EQ(*cache.find("0"), 0);
  EXPECT_EQ(*cache.find("new"), 7);
}

}  // namespace
}  // namespace mainstay::sql
