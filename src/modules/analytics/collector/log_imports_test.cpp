#include "modules/analytics/collector/log_imports.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "runtime/io_threads.h"
#include "testing/collector_fixture.h"

namespace mainstay::analytics {
namespace {

/// A queue that is full when told so, and whose disk takes so many records and then refuses.
class Failing final : public stream::Stream {
 public:
  explicit Failing(stream::Stream& inner) : inner_(inner) {}
  std::atomic<int> takes{1'000'000};
  std::atomic<bool> full = false;
  std::atomic<int> found_full = 0;

  Task<Result<stream::Offset>> append(std::string record) override {
    if (full) {
      ++found_full;
      co_return refuse_for_now("stream.full", "The queue is full.");
    }
    if (takes-- <= 0) throw Unavailable("the disk is full");
    co_return co_await inner_.append(std::move(record));
  }
  std::vector<stream::Record> read(stream::Offset after, std::size_t records_max, std::size_t bytes_max,
                                   std::chrono::milliseconds patience) override {
    return inner_.read(after, records_max, bytes_max, patience);
  }
  void interrupt() override { inner_.interrupt(); }
  [[nodiscard]] stream::Offset last() const override { return inner_.last(); }
  void forget_through(stream::Offset offset) override { inner_.forget_through(offset); }
  void erase_through(stream::Offset offset) override { inner_.erase_through(offset); }

 private:
  stream::Stream& inner_;
};

class LogImportsTest : public testing::CollectorFixture {
 protected:
  LogImportsTest() { processor_.start(); }
  ~LogImportsTest() override { processor_.stop(); }

  std::shared_ptr<LogImports::Import> open(const std::string& name, std::optional<LogImports::Piece> piece = {}) {
    auto made = imports_.open(name, sites_.snapshot()->find("7"), LogFormat::kCombined, piece);
    return made ? *made : nullptr;
  }
  /// A request with a numbered piece.
  Result<> send(const std::string& name, const std::string& text, std::uint64_t number) {
    const LogImports::Piece piece{.number = number, .fingerprint = LogText(text).fingerprint()};
    return imports_.feed(*open(name, piece), text, piece);
  }
  LogSummary finish(std::shared_ptr<LogImports::Import> import) {
    return testing::run(imports_.finish(std::move(import))).value();
  }
  LogSummary finish(const std::string& name) { return finish(open(name)); }
  /// Views of one second, of which each three are alike.
  static std::string views(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += fmt::format(
          "203.0.113.9 - - [01/Mar/2026:12:00:00 +0000] \"GET /page/{} HTTP/1.1\" 200 512 \"-\" "
          "\"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"\n",
          i / 3);
    }
    return text;
  }
  std::int64_t ask(const std::string& select) {
    const auto answer = columns_->query_blocking({.text = select, .parameters = {}}, {});
    return std::get<std::int64_t>(answer.value().rows.at(0).at(0));
  }

  IoThreads threads_{1};
  Failing stream_{*queue_};
  Processor processor_{processor_ports(stream_), kWriteWhenAsked};
  LogImports imports_{{.stream = stream_,
                       .clock = clock_,
                       .random = random_,
                       .sites = sites_,
                       .salts = salts_,
                       .processor = processor_,
                       .generaliser = generaliser_,
                       .executor = threads_.executor(0)}};
};

TEST_F(LogImportsTest, what_is_stored_and_not_counted_is_no_summary_yet) {
  processor_.stop();
  const auto import = open("night");
  ASSERT_TRUE(imports_.feed(*import, views(30)));
  const auto refused = testing::run(imports_.finish(import));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Refusal::kUnavailable);
  EXPECT_EQ(refused.error().code, "analytics.import_not_counted");
  EXPECT_GT(refused.error().retry_after.count(), 0);
}

TEST_F(LogImportsTest, a_block_that_could_not_be_stored_is_fed_again_and_its_lines_count_once) {
  const auto import = open("one");
  ASSERT_TRUE(imports_.feed(*import, views(30)).has_value());
  stream_.takes = 1;
  EXPECT_THROW((void)imports_.feed(*import, views(900)), Unavailable);
  EXPECT_EQ(imports_.so_far(*import).lines, 30U);
  stream_.takes = 1'000'000;
  ASSERT_TRUE(imports_.feed(*import, views(900)).has_value());
  const auto summary = finish(import);
  EXPECT_EQ(summary.lines, 930U);
  EXPECT_EQ(summary.accepted, 930U);
  EXPECT_TRUE(summary.refused.empty()) << to_json(summary);
  EXPECT_EQ(ask("select count(*) from events"), 930);
  EXPECT_EQ(ask("select count(distinct event_id) from events"), 930);
}

TEST_F(LogImportsTest, the_same_lines_again_add_nothing_and_each_is_told) {
  const auto first = open("first");
  ASSERT_TRUE(imports_.feed(*first, views(900)).has_value());
  EXPECT_EQ(finish(first).accepted, 900U);
  const auto second = open("second");
  ASSERT_TRUE(imports_.feed(*second, views(1'000)).has_value());
  const auto summary = finish(second);
  EXPECT_EQ(summary.lines, 1'000U);
  EXPECT_EQ(summary.accepted, 100U);
  EXPECT_EQ(summary.refused.at("duplicate"), 900U);
  EXPECT_EQ(ask("select count(*) from events"), 1'000);
}

TEST_F(LogImportsTest, a_piece_again_adds_nothing_and_has_the_same_answer) {
  for (std::uint64_t number = 0; number < 3; ++number) {
    ASSERT_TRUE(send("pieces", views(300), number).has_value());
    const auto first = to_json(imports_.so_far(*open("pieces")));
    ASSERT_TRUE(send("pieces", views(300), number).has_value());
    EXPECT_EQ(to_json(imports_.so_far(*open("pieces"))), first);
  }
  EXPECT_EQ(finish("pieces").accepted, 900U);
  EXPECT_EQ(ask("select count(*) from events"), 900);
}

TEST_F(LogImportsTest, other_lines_under_the_number_of_a_piece_are_refused_and_not_taken_for_it) {
  ASSERT_TRUE(send("pieces", views(3), 0).has_value());
  ASSERT_TRUE(send("pieces", views(6), 1).has_value());
  const auto refused = send("pieces", views(9), 1);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "analytics.piece_out_of_order");
  EXPECT_EQ(imports_.so_far(*open("pieces")).lines, 9U);
}

TEST_F(LogImportsTest, a_first_piece_of_other_lines_begins_a_new_import_under_the_same_name) {
  ASSERT_TRUE(send("night", views(300), 0).has_value());
  EXPECT_EQ(finish("night").accepted, 300U);
  ASSERT_TRUE(send("night", views(900), 0).has_value());
  const auto summary = finish("night");
  EXPECT_EQ(summary.lines, 900U);
  EXPECT_EQ(summary.accepted, 600U);
  EXPECT_EQ(summary.refused.at("duplicate"), 300U);
  EXPECT_EQ(ask("select count(*) from events"), 900);
}

TEST_F(LogImportsTest, an_import_begun_again_before_or_after_its_end_adds_nothing_but_what_is_new) {
  for (const bool ends : {false, true}) {
    ASSERT_TRUE(send("log", views(300), 0).has_value());
    ASSERT_TRUE(send("log", views(300), 1).has_value());
    if (ends) {
      EXPECT_EQ(finish("log").refused.at("duplicate"), 600U);
    }
  }
  // The log grew, and what was the second piece is longer now.
  ASSERT_TRUE(send("log", views(300), 0).has_value());
  ASSERT_TRUE(send("log", views(450), 1).has_value());
  const auto summary = finish("log");
  EXPECT_EQ(summary.lines, 750U);
  EXPECT_EQ(summary.accepted, 150U);
  EXPECT_EQ(ask("select count(*) from events"), 750);
}

TEST_F(LogImportsTest, a_piece_again_waits_for_the_one_under_way) {
  auto again = std::async(std::launch::async, [&] { return send("pieces", views(3'000), 0).has_value(); });
  EXPECT_TRUE(send("pieces", views(3'000), 0).has_value());
  EXPECT_EQ(imports_.so_far(*open("pieces")).lines, 3'000U);
  EXPECT_TRUE(again.get());
  EXPECT_EQ(imports_.so_far(*open("pieces")).lines, 3'000U);
}

TEST_F(LogImportsTest, a_piece_that_failed_is_stored_when_it_comes_again) {
  stream_.takes = 1;
  EXPECT_THROW((void)send("pieces", views(900), 0), Unavailable);
  stream_.takes = 1'000'000;
  ASSERT_TRUE(send("pieces", views(900), 0).has_value());
  EXPECT_EQ(finish("pieces").accepted, 900U);
}

TEST_F(LogImportsTest, a_shutdown_ends_the_wait_for_room_in_the_queue_and_nothing_counts) {
  stream_.full = true;
  const auto import = open("full");
  auto fed = std::async(std::launch::async, [&] { return imports_.feed(*import, views(900)); });
  constexpr int kRecords = 4;  // more appends than that are second tries
  while (stream_.found_full <= kRecords) std::this_thread::yield();
  imports_.stop();
  const auto refused = fed.get();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "stream.full");
  EXPECT_EQ(imports_.so_far(*import).lines, 0U);
}

TEST_F(LogImportsTest, a_piece_that_skips_is_refused_and_the_one_that_comes_next_is_named) {
  ASSERT_TRUE(send("pieces", views(3), 0).has_value());
  const auto refused = send("pieces", views(3), 2);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Refusal::kConflict);
  EXPECT_EQ(refused.error().code, "analytics.piece_out_of_order");
  EXPECT_EQ(refused.error().errors.at(0).field, "piece");
  EXPECT_EQ(imports_.so_far(*open("pieces")).lines, 3U);
}

TEST_F(LogImportsTest, a_later_piece_of_an_import_that_is_not_there_takes_no_place) {
  for (std::size_t i = 0; i <= LogImports::kOpenMax; ++i) {
    const auto refused = imports_.open(std::to_string(i), sites_.snapshot()->find("7"), {}, LogImports::Piece{1, 2});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, "analytics.piece_out_of_order");
  }
  EXPECT_NE(open("night"), nullptr);
}

TEST_F(LogImportsTest, what_a_site_excludes_meanwhile_is_left_out_of_the_rest_of_an_import) {
  const auto import = open("follow");
  ASSERT_TRUE(imports_.feed(*import, views(3)).has_value());
  auto site = *sites_.snapshot()->find("7");
  site.excluded.paths = {"/page/1"};
  sites_.show(site);
  ASSERT_TRUE(imports_.feed(*import, views(6)).has_value());
  const auto summary = finish(import);
  EXPECT_EQ(summary.accepted, 6U);
  EXPECT_EQ(summary.refused.at("excluded_path"), 3U);
}

TEST_F(LogImportsTest, a_finished_import_says_the_same_again_and_takes_nothing_new) {
  ASSERT_TRUE(send("done", views(30), 0).has_value());
  const auto summary = to_json(finish("done"));
  ASSERT_TRUE(send("done", views(30), 0).has_value());
  EXPECT_EQ(to_json(finish("done")), summary);
  ASSERT_TRUE(imports_.feed(*open("done"), "").has_value());
  EXPECT_EQ(to_json(finish("done")), summary);
  EXPECT_FALSE(imports_.feed(*open("done"), views(30)).has_value());
  EXPECT_FALSE(send("done", views(30), 1).has_value());
  EXPECT_EQ(ask("select count(*) from events"), 30);
}

TEST_F(LogImportsTest, of_finished_imports_so_many_are_kept_and_they_use_up_no_place) {
  for (std::size_t i = 0; i < LogImports::kFinishedMax + 3; ++i) {
    const auto import = open(std::to_string(i));
    ASSERT_NE(import, nullptr) << i;
    (void)finish(import);
    clock_.advance(std::chrono::seconds{1});
  }
  EXPECT_TRUE(imports_.feed(*open("0"), views(3)).has_value()) << "forgotten, so its name is free";
  EXPECT_EQ(imports_.so_far(*open("0")).lines, 3U);
  EXPECT_FALSE(imports_.feed(*open(std::to_string(LogImports::kFinishedMax + 2)), views(3)).has_value());
}

TEST_F(LogImportsTest, lines_of_unknown_format_leave_their_name_to_who_names_the_format) {
  const auto unknown = imports_.open("odd", sites_.snapshot()->find("7"), std::nullopt).value();
  EXPECT_EQ(imports_.feed(*unknown, "what is this?\n").error().code, "analytics.unknown_log_format");
  ASSERT_TRUE(imports_.feed(*open("odd"), "what is this?\n").has_value());
  EXPECT_EQ(finish("odd").unparsable, 1U);
}

TEST_F(LogImportsTest, imports_without_a_name_do_not_use_up_the_places_of_those_with_one) {
  for (std::size_t i = 0; i <= LogImports::kOpenMax; ++i) {
    ASSERT_NE(open(""), nullptr);
  }
  for (std::size_t i = 0; i < LogImports::kOpenMax; ++i) ASSERT_NE(open(std::to_string(i)), nullptr);
  EXPECT_EQ(open("0"), open("0"));
  const auto refused = imports_.open("one too many", sites_.snapshot()->find("7"), LogFormat::kCombined);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Refusal::kUnavailable);
  EXPECT_EQ(refused.error().code, "analytics.too_many_imports");
}

}  // namespace
}  // namespace mainstay::analytics
