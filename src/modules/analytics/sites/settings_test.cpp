#include "modules/analytics/sites/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "modules/analytics/sites/domain.h"

namespace mainstay::analytics {
namespace {

using ::testing::ElementsAre;

Site a_site() { return {.domain = "example.org", .name = "Example", .hosts = {"example.org"}, .timezone = "UTC"}; }

/// The fields at fault when `change` is applied to a good site.
std::vector<std::string> faults_of(const SiteChange& change) {
  auto site = a_site();
  const auto applied = apply(change, site);
  std::vector<std::string> fields;
  if (!applied) {
    for (const auto& fault : applied.error().errors) fields.push_back(fault.field);
  }
  return fields;
}

TEST(Domain, it_is_brought_into_the_form_browsers_send) {
  const struct {
    std::string_view given;
    std::string_view normal;  // "" refused
  } cases[] = {
      {"example.org", "example.org"},
      {" Example.ORG ", "example.org"},
      {"localhost", "localhost"},
      {"192.168.0.1", "192.168.0.1"},
      {"m\xc3\xbcnchen.de", "xn--mnchen-3ya.de"},
      {"B\xc3\x9c"
       "CHER.example",
       "xn--bcher-kva.example"},
      {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
      {"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84", "xn--e1afmkfd.xn--p1ai"},
      {"xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
      {"", ""},
      {".", ""},
      {"example.org.", ""},
      {"example..org", ""},
      {"https://example.org", ""},
      {"example.org:8080", ""},
      {"example.org/blog", ""},
      {"exa mple.org", ""},
      {"-example.org", ""},
      {"example-.org", ""},
      {"ex_ample.org", ""},
      {"*.example.org", ""},
      {"12345", ""},
      {"1.2.3", ""},
      {"1.2.3.256", ""},
      {"example.123", ""},
      {"\xff\xfe.org", ""},
      {"exa\xe2\x80\x8bmple.org", ""},  // zero-width space
      {"exa\xe2\x80\xaemple.org", ""},  // right-to-left override
      {"<script>.org", ""},
  };
  for (const auto& [given, normal] : cases) EXPECT_EQ(normal_domain(given).value_or(""), normal) << given;
  EXPECT_FALSE(normal_domain(std::string(64, 'a') + ".org"));
  EXPECT_FALSE(normal_domain(std::string(100'000, 'a')));
  EXPECT_FALSE(normal_domain(std::string_view{"exam\0ple.org", 12}));
  EXPECT_EQ(normal_host_pattern("*.Example.org"), "*.example.org");
  EXPECT_FALSE(normal_host_pattern("*."));
  EXPECT_FALSE(normal_host_pattern("*"));
  EXPECT_FALSE(normal_host_pattern("*.*.example.org"));
  EXPECT_FALSE(normal_host_pattern("*.10.0.0.1"));
}

TEST(Settings, a_new_domain_brings_its_hosts) {
  EXPECT_THAT(default_hosts("example.org"), ElementsAre("example.org", "*.example.org"));
  EXPECT_THAT(default_hosts("www.example.org"), ElementsAre("www.example.org", "example.org"));
  EXPECT_THAT(default_hosts("localhost"), ElementsAre("localhost"));
  EXPECT_THAT(default_hosts("10.0.0.1"), ElementsAre("10.0.0.1"));
  auto site = a_site();
  ASSERT_TRUE(apply({.domain = "example.net"}, site));
  EXPECT_THAT(site.hosts, ElementsAre("example.org", "example.net", "*.example.net"));
}

TEST(Settings, each_field_at_fault_is_named) {
  const auto none = ElementsAre();
  using Strings = std::vector<std::string>;
  EXPECT_THAT(faults_of({}), none);
  EXPECT_THAT(faults_of({.domain = "https://example.org"}), ElementsAre("/domain"));
  EXPECT_THAT(faults_of({.name = "  "}), ElementsAre("/name"));
  EXPECT_THAT(faults_of({.name = std::string(101, 'x')}), ElementsAre("/name"));
  EXPECT_THAT(faults_of({.name = "a\nb"}), ElementsAre("/name"));
  EXPECT_THAT(faults_of({.hosts = Strings{}}), ElementsAre("/hosts"));
  EXPECT_THAT(faults_of({.hosts = Strings{"a.org", "b org", "http://c.org"}}), ElementsAre("/hosts/1", "/hosts/2"));
  EXPECT_THAT(faults_of({.hosts = Strings(101, "a.org")}), ElementsAre("/hosts"));
  EXPECT_THAT(faults_of({.timezone = "Europe/Nowhere"}), ElementsAre("/timezone"));
  EXPECT_THAT(faults_of({.timezone = "../etc/passwd"}), ElementsAre("/timezone"));
  EXPECT_THAT(faults_of({.timezone = ""}), ElementsAre("/timezone"));
  EXPECT_THAT(faults_of({.timezone = "America/St_Johns"}), none);
  EXPECT_THAT(faults_of({.excluded = {.networks = Strings{"10.0.0.0/8", "2001:db8::/32", "192.0.2.1"}}}), none);
  EXPECT_THAT(faults_of({.excluded = {.networks = Strings{"10.0.0.0/33", "x", ""}}}),
              ElementsAre("/excluded/networks/0", "/excluded/networks/1", "/excluded/networks/2"));
  EXPECT_THAT(faults_of({.excluded = {.paths = Strings{"/admin/**", "admin"}}}), ElementsAre("/excluded/paths/1"));
  EXPECT_THAT(faults_of({.excluded = {.hosts = Strings{"staging.example.org", "x y"}}}),
              ElementsAre("/excluded/hosts/1"));
  EXPECT_THAT(
      faults_of({.excluded = {.countries = Strings{"DE", "at", "XX", "D", "DEU", " A"}}}),
      ElementsAre("/excluded/countries/2", "/excluded/countries/3", "/excluded/countries/4", "/excluded/countries/5"));
  EXPECT_THAT(faults_of({.retention_days = 0}), ElementsAre("/retention_days"));
  EXPECT_THAT(faults_of({.retention_days = 3651}), ElementsAre("/retention_days"));
  EXPECT_THAT(faults_of({.retention_days = 3650}), none);
  EXPECT_THAT(faults_of({.retention_days = std::optional<std::int32_t>{}}), none);
  EXPECT_THAT(faults_of({.domain = "x y", .timezone = "nowhere", .script_path = "x"}),
              ElementsAre("/domain", "/timezone", "/script_path"));
}

TEST(Settings, what_is_absent_stays) {
  auto site = a_site();
  site.collect.referrer = false;
  site.excluded.countries = {"DE"};
  site.retention_days = 30;
  ASSERT_TRUE(apply({.name = " New ",
                     .excluded = {.paths = std::vector<std::string>{"/a", "/a"}},
                     .collect = {.place = PlaceDetail::kCountry}},
                    site));
  EXPECT_EQ(site.name, "New");
  EXPECT_FALSE(site.collect.referrer);
  EXPECT_EQ(site.collect.place, PlaceDetail::kCountry);
  EXPECT_THAT(site.excluded.countries, ElementsAre("DE"));
  EXPECT_THAT(site.excluded.paths, ElementsAre("/a")) << "without repeats";
  EXPECT_EQ(site.retention_days, 30);
}

TEST(Settings, a_script_path_is_a_script_and_nobody_elses) {
  for (const auto* path : {"/s.js", "/js/app.js", "/a-b_c/0.js"}) EXPECT_EQ(script_path_fault(path), "") << path;
  for (const auto* path : {"", "/", "s.js", "/.js", "/s.css", "/S.js", "/a b.js", "/../s.js", "//s.js", "/a//b.js",
                           "/s.js?x", "/%2e.js", "/api/v1/s.js", "/assets/index.js", "/a\n.js"}) {
    EXPECT_NE(script_path_fault(path), "") << path;
  }
  EXPECT_NE(script_path_fault("/" + std::string(100, 'a') + ".js"), "");
}

}  // namespace
}  // namespace mainstay::analytics
