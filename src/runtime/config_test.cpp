#include "runtime/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/config_table.h"
#include "testing/temporary_folder.h"

namespace mainstay::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ConfigTest : public ::testing::Test {
 protected:
  std::string write(const std::string& text, std::string_view name = "mainstay.toml") {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }
  [[nodiscard]] Sources sources() const { return {.directory = folder_.path().string(), .flags = {}}; }

  testing::TemporaryFolder folder_;
};

TEST_F(ConfigTest, nothing_given_means_the_defaults) {
  const auto settings = load(sources());
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->listen, "127.0.0.1:8080");
  EXPECT_EQ(settings->data, "mainstay-data");
  EXPECT_EQ(settings->file, "");
}

TEST_F(ConfigTest, a_later_source_wins_over_an_earlier) {
  const auto path = write("listen = \"127.0.0.1:1\"\nio_threads = 3\n[log]\nlevel = \"debug\"\n");
  auto from = sources();
  from.environment = {{"MAINSTAY_LISTEN", "127.0.0.1:2"}, {"MAINSTAY_LOG_LEVEL", "warning"}};
  from.flags = {{"listen", "127.0.0.1:3"}};
  const auto settings = load(from);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->listen, "127.0.0.1:3");
  EXPECT_EQ(settings->log.level, "warning");
  EXPECT_EQ(settings->io_threads, 3U);
  EXPECT_EQ(settings->file, path);
}

TEST_F(ConfigTest, a_file_beside_the_data_is_found) {
  std::filesystem::create_directory(folder_ / "data");
  write("drain_ms = 5\n", "data/mainstay.toml");
  auto from = sources();
  from.flags = {{"data", (folder_ / "data").string()}};
  const auto settings = load(from);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->drain_ms.count(), 5);
}

TEST_F(ConfigTest, an_unknown_key_is_named_with_its_line_and_the_nearest_known_one) {
  write("listen = \"127.0.0.1:1\"\n[log]\nlevle = \"info\"\n");
  const auto settings = load(sources());
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, "config.unknown_key");
  EXPECT_THAT(settings.error().message, HasSubstr("mainstay.toml:3"));
  EXPECT_THAT(settings.error().message, HasSubstr("did you mean \"log.level\"?"));
}

TEST_F(ConfigTest, an_unknown_section_is_refused) {
  write("[tsl]\nkey = \"a\"\n");
  const auto settings = load(sources());
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, "config.unknown_key");
}

TEST_F(ConfigTest, an_unknown_variable_is_refused) {
  auto from = sources();
  from.environment = {{"MAINSTAY_LISTNE", "x"}};
  const auto settings = load(from);
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().message, HasSubstr("MAINSTAY_LISTEN"));
}

TEST_F(ConfigTest, every_fault_is_reported_at_once) {
  write("io_threads = -1\nlisten = \"nowhere\"\ncolour = 1\n");
  const auto settings = load(sources());
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().errors.size(), 3U);
}

TEST_F(ConfigTest, broken_toml_names_the_line) {
  write("a = 1\nb = = 2\n");
  const auto settings = load(sources());
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, "config.malformed");
  EXPECT_THAT(settings.error().message, HasSubstr("mainstay.toml:2"));
}

TEST_F(ConfigTest, a_named_file_that_is_missing_is_an_error) {
  auto from = sources();
  from.path = (folder_ / "absent.toml").string();
  const auto settings = load(from);
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, "config.no_file");
}

TEST_F(ConfigTest, sizes_and_durations_take_units) {
  write("drain_ms = \"2s\"\n[columns]\nmemory_bytes = \"512MiB\"\n[limits]\nidle_patience_ms = \"1 min\"\n");
  const auto settings = load(sources());
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->drain_ms.count(), 2000);
  EXPECT_EQ(settings->columns.memory_bytes, 512ULL << 20);
  EXPECT_EQ(settings->limits.idle_patience_ms.count(), 60'000);
}

TEST_F(ConfigTest, lists_come_from_arrays_and_from_commas) {
  write("trusted_proxies = [\"10.0.0.0/8\"]\n");
  EXPECT_THAT(load(sources())->trusted_proxies, ElementsAre("10.0.0.0/8"));
  auto from = sources();
  from.environment = {{"MAINSTAY_TRUSTED_PROXIES", "10.0.0.0/8, ::1/128"}};
  EXPECT_THAT(load(from)->trusted_proxies, ElementsAre("10.0.0.0/8", "::1/128"));
}

TEST_F(ConfigTest, values_outside_their_range_are_refused) {
  const std::pair<const char*, const char*> bad[] = {{"columns.memory_bytes", "1KiB"},
                                                     {"columns.memory_bytes", "99999999999999999999"},
                                                     {"columns.memory_bytes", "20000000TiB"},
                                                     {"drain_ms", "-5"},
                                                     {"drain_ms", "99999h"},
                                                     {"log.level", "loud"},
                                                     {"listen", "127.0.0.1"},
                                                     {"listen", "127.0.0.1:99999"},
                                                     {"trusted_proxies", "10.0.0.0/33"},
                                                     {"trusted_proxies", "proxy"},
                                                     {"public_url", "stats.example.com"},
                                                     {"sql.url", "mysql://x"},
                                                     {"data", ""},
                                                     {"tls.key", "only-a-key.pem"}};
  for (const auto& [key, value] : bad) {
    auto from = sources();
    from.flags = {{key, value}};
    const auto settings = load(from);
    ASSERT_FALSE(settings) << key << "=" << value;
    EXPECT_EQ(settings.error().code, "config.bad_value") << key;
  }
}

TEST_F(ConfigTest, files_that_cannot_be_read_are_named_by_their_keys_before_anything_starts) {
  Settings settings;
  EXPECT_TRUE(check_files(settings)) << "none is named";
  settings.tls = {.certificate = write("", "chain.pem"), .key = (folder_ / "absent.pem").string()};
  settings.analytics.geo_database = folder_.path().string();
  const auto checked = check_files(settings);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, "config.no_file");
  ASSERT_EQ(checked.error().errors.size(), 2U);
  EXPECT_EQ(checked.error().errors[0].field, "tls.key");
  EXPECT_THAT(checked.error().errors[0].message, HasSubstr("absent.pem cannot be read: No such file"));
  EXPECT_EQ(checked.error().errors[1].field, "analytics.geo_database");
  settings.tls.key = write("", "absent.pem");
  settings.analytics.geo_database = write("", "cities.mmdb");
  EXPECT_TRUE(check_files(settings));
}

TEST_F(ConfigTest, a_value_of_the_wrong_type_is_refused) {
  write("listen = 8080\n");
  const auto settings = load(sources());
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, "config.bad_value");
}

TEST_F(ConfigTest, a_file_of_absurd_size_is_refused) {
  write("# " + std::string(2 << 20, 'x') + "\n");
  EXPECT_FALSE(load(sources()));
}

TEST_F(ConfigTest, secrets_are_masked_when_shown) {
  Settings settings;
  settings.sql.url = "postgres://mainstay:hunter2@db.example.com/mainstay";
  const auto text = show(settings);
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, HasSubstr("postgres://mainstay:****@db.example.com/mainstay"));
}

TEST_F(ConfigTest, what_is_shown_can_be_loaded_again) {
  auto from = sources();
  from.flags = {{"listen", "[::1]:9"}, {"drain_ms", "7"}, {"trusted_proxies", "10.0.0.0/8"}};
  const auto first = load(from);
  ASSERT_TRUE(first) << first.error().message;
  write(show(*first));
  const auto second = load(sources());
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->listen, "[::1]:9");
  EXPECT_EQ(second->drain_ms.count(), 7);
  EXPECT_THAT(second->trusted_proxies, ElementsAre("10.0.0.0/8"));
}

TEST_F(ConfigTest, no_two_keys_share_a_variable) {
  std::vector<std::string> names;
  for (const auto key : all_keys()) names.push_back(variable_of(key));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST_F(ConfigTest, defaults_pass_their_own_rules) {
  for (const auto& row : table()) {
    const auto shown = written(row, Settings{});
    write(std::string{row.key} + " = " + shown + "\n");
    const auto settings = load(sources());
    EXPECT_TRUE(settings) << row.key << " " << shown;
  }
}

TEST_F(ConfigTest, the_reference_names_every_key) {
  const auto text = reference_markdown();
  for (const auto key : all_keys()) EXPECT_THAT(text, HasSubstr("| `" + std::string{key} + "` |"));
}

TEST_F(ConfigTest, addresses_are_split_at_the_last_colon) {
  EXPECT_EQ(parse_address("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_address("0.0.0.0:0")->port, 0);
  for (const auto* text : {"", ":80", "::1:80", "host", "host:", "host:x", "host:65536", "a b:1"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

}  // namespace
}  // namespace mainstay::config
