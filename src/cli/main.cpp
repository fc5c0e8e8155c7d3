#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <iostream>
#include <thread>

#include "app/wiring.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/access.h"
#include "cli/import_log.h"
#include "runtime/lifecycle.h"
#include "runtime/scheduling.h"

namespace mainstay::cli {
namespace {

constexpr int kFailed = 1;
constexpr std::string_view kVersion = MAINSTAY_VERSION;

/// What every command may be told.
struct Common {
  std::string config;
  std::string data;
  std::string listen;
  std::vector<std::string> set;  ///< "key=value"

  void declare(CLI::App& command) {
    command.add_option("--data", data, "Folder of everything that lasts (default ./mainstay-data)");
    command.add_option("--config", config, "Configuration file (default ./mainstay.toml, where there is one)");
    command.add_option("--set", set, "One setting as key=value, e.g. --set log.level=debug; may be repeated");
  }
  [[nodiscard]] Result<config::Settings> settings() const {
    config::Sources sources{.path = config, .environment = config::environment_of_process()};
    for (const auto& pair : set) {
      const auto equals = pair.find('=');
      if (equals == std::string::npos) return refuse_field("config.bad_value", "--set", "Expected key=value.");
      sources.flags.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
    if (!data.empty()) sources.flags.emplace_back("data", data);
    if (!listen.empty()) sources.flags.emplace_back("listen", listen);
    return config::load(sources);
  }
};

int fail(const std::string& message) {
  std::cerr << "mainstay: " << message << "\n";
  return kFailed;
}

int fail(const Failure& failure) {
  auto text = failure.message;
  for (const auto& error : failure.errors) text += "\n  " + error.field + ": " + error.message;
  return fail(text);
}

log::Level level_of(std::string_view name) {
  if (name == "debug") return log::Level::kDebug;
  if (name == "warning") return log::Level::kWarning;
  if (name == "error") return log::Level::kError;
  return log::Level::kInfo;
}

int serve(config::Settings settings) {
  if (const auto found = config::check_files(settings); !found) return fail(found.error());
  log::set_level(level_of(settings.log.level));
  raise_file_limit();
  std::atomic<app::Program*> running{nullptr};
  Signals signals([&running] {
    if (auto* program = running.load()) program->reload();
  });
  auto folder = app::DataFolder::take(app::Paths(settings));
  if (!folder) return fail(settings.data + " is in use by another process");
  app::Program program(std::move(settings), std::move(folder), program_folder());
  program.serve();
  running = &program;
  log::info("ready", {{"address", program.address()}});
  notify_service_manager("READY=1");
  signals.wait_for_stop();
  notify_service_manager("STOPPING=1");
  log::info("stopping");
  program.drain();
  running = nullptr;
  return 0;
}

/// Asks one thing of the installation and prints its JSON answer.
int ask(config::Settings settings, const std::string& target, const json::Object& body) {
  log::set_level(log::Level::kWarning);
  Access access(std::move(settings));
  const auto answer = access.post(target, boost::json::serialize(body), "application/json");
  if (answer.status >= 300) return fail(problem_text(answer.body));
  std::cout << answer.body << "\n";
  return 0;
}

int print_token(config::Settings settings, const json::Object& body) {
  log::set_level(log::Level::kWarning);
  Access access(std::move(settings));
  const auto answer = access.post("/api/v1/admin/tokens", boost::json::serialize(body), "application/json");
  if (answer.status >= 300) return fail(problem_text(answer.body));
  const auto value = json::parse(answer.body);
  if (!value) return fail(value.error());
  std::cout << std::string_view{value->at("token").get_string()} << "\n";
  return 0;
}

std::string read_password() {
  std::string password;
  std::getline(std::cin, password);
  if (password.ends_with('\r')) password.pop_back();
  return password;
}

/// The command line: one function a group of commands; each leaves what is to be run in `run`.
class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.footer("Start with `mainstay serve`, then open http://localhost:8080.");
    declare_serve();
    declare_admin();
    declare_import();
    declare_config();
    app_.add_subcommand("version", "Print the version")->callback([this] {
      run_ = [] {
        std::cout << "mainstay " << kVersion << "\n";
        return 0;
      };
    });
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      const std::string_view first = argc > 1 ? argv[1] : "-";
      const auto is_first = [first](const CLI::App* command) { return command->get_name() == first; };
      if (!first.starts_with('-') && app_.get_subcommands(is_first).empty()) {
        return fail(fmt::format("there is no command \"{}\"; `mainstay --help` lists them", first));
      }
      return app_.exit(error) == 0 ? 0 : 1;
    }
    return run_();
  }

 private:
  template <class Run>
  void run_with_settings(CLI::App& command, Run run) {
    common_.declare(command);
    command.callback([this, run] {
      run_ = [this, run] {
        auto settings = common_.settings();
        return settings ? run(std::move(*settings)) : fail(settings.error());
      };
    });
  }

  void declare_serve() {
    auto& serve_command = *app_.add_subcommand("serve", "Run the server; the first visit creates the owner");
    serve_command.add_option("--listen", common_.listen, "HOST:PORT to answer at (default 127.0.0.1:8080)");
    run_with_settings(serve_command, [](config::Settings settings) { return serve(std::move(settings)); });
  }

  void declare_admin() {
    auto& admin = *app_.add_subcommand("admin", "Set up without a browser, whether or not the server runs");
    admin.require_subcommand(1);
    auto& owner = *admin.add_subcommand("owner", "Owners")
                       ->require_subcommand(1)
                       ->add_subcommand("create", "Make an owner; the password comes on standard input");
    owner.add_option("--email", email_, "Address to sign in with")->required();
    owner.add_option("--name", name_, "Name to show");
    owner.add_flag("--password-stdin", password_stdin_, "Read the password from standard input")->required();
    run_with_settings(owner, [this](config::Settings settings) {
      json::Object body{{"email", email_}, {"password", read_password()}};
      if (!name_.empty()) body["name"] = name_;
      return ask(std::move(settings), "/api/v1/admin/owners", body);
    });
    auto& sites = *admin.add_subcommand("site", "Sites")->require_subcommand(1);
    auto& shown = *sites.add_subcommand("show", "Print a site's id, key and domain as JSON");
    shown.add_option("--site", site_, "Id or domain of the site")->required();
    run_with_settings(shown, [this](config::Settings settings) {
      return ask(std::move(settings), "/api/v1/admin/sites/find", {{"site", site_}});
    });
    auto& renewed = *sites.add_subcommand("renew-key", "Give a site a new key; the one before is refused from then on");
    renewed.add_option("--site", site_, "Id or domain of the site")->required();
    run_with_settings(renewed, [this](config::Settings settings) {
      return ask(std::move(settings), "/api/v1/admin/sites/renew-key", {{"site", site_}});
    });
    auto& site = *sites.add_subcommand("create", "Make a site; prints its id, key and domain as JSON");
    site.add_option("--domain", domain_, "Domain that is measured, e.g. example.com")->required();
    site.add_option("--timezone", timezone_, "IANA time zone of its reports, e.g. Europe/Berlin")->required();
    run_with_settings(site, [this](config::Settings settings) {
      return ask(std::move(settings), "/api/v1/admin/sites", {{"domain", domain_}, {"timezone", timezone_}});
    });
    auto& token = *admin.add_subcommand("token", "API tokens")
                       ->require_subcommand(1)
                       ->add_subcommand("create", "Make an API token and print it; it is not shown again");
    token.add_option("--email", email_, "Whose token")->required();
    token.add_option("--name", name_, "What it is for")->required();
    run_with_settings(token, [this](config::Settings settings) {
      return print_token(std::move(settings), {{"email", email_}, {"name", name_}});
    });
  }

  void declare_import() {
    auto& log = *app_.add_subcommand("import", "Bring in data from elsewhere")
                     ->require_subcommand(1)
                     ->add_subcommand(
                         "log", "Read server logs: common, combined, vhost, nginx JSON, Caddy, Traefik; plain or gzip");
    log.add_option("files", import_.files, "Log files; - is standard input")->required();
    log.add_option("--site", import_.site, "Id or domain of the site")->required();
    log.add_option("--format", import_.format,
                   "auto, common, combined, vhost_common, vhost_combined, nginx_json, caddy, traefik")
        ->capture_default_str();
    log.add_flag("--json", import_.json, "End with one line of JSON");
    log.add_flag("--follow", import_.follow, "Wait for more lines, also across rotation");
    log.add_option("--patience", patience_s_, "Seconds to bear with a busy server before giving up (exit status 75)")
        ->capture_default_str();
    run_with_settings(log, [this](config::Settings settings) {
      log::set_level(log::Level::kWarning);
      import_.patience = std::chrono::seconds{patience_s_};
      return import_log(std::move(settings), import_);
    });
  }

  void declare_config() {
    auto& config_command = *app_.add_subcommand("config", "The configuration")->require_subcommand(1);
    run_with_settings(*config_command.add_subcommand("check", "Say whether the configuration is right"),
                      [](const config::Settings& settings) {
                        if (const auto found = config::check_files(settings); !found) return fail(found.error());
                        std::cout << "The configuration is right.\n";
                        return 0;
                      });
    run_with_settings(*config_command.add_subcommand("show", "Print what is in force, secrets masked"),
                      [](const config::Settings& settings) {
                        std::cout << config::show(settings);
                        return 0;
                      });
    config_command.add_subcommand("reference", "Print the reference of all settings")->callback([this] {
      run_ = [] {
        std::cout << config::reference_markdown();
        return 0;
      };
    });
  }

  CLI::App app_{"Mainstay: everything behind a website in one program", "mainstay"};
  Common common_;
  std::string email_, name_, site_, domain_, timezone_;
  bool password_stdin_ = false;
  ImportOptions import_;
  std::uint32_t patience_s_ = static_cast<std::uint32_t>(import_.patience.count());
  std::function<int()> run_;
};

}  // namespace
}  // namespace mainstay::cli

int main(int argc, char** argv) {
  ::umask(077);  // what is written is the operator's alone
  // Threads that share an arena wait for each other, and those that answer must not wait for those that work behind
  // them: one each (about twenty work behind them).
  ::mallopt(M_ARENA_MAX, 2 * static_cast<int>(mainstay::processors()) + 28);
  // Batches of rows come and go: asking the kernel for their memory each time costs a quarter of an import. The
  // processor gives it back when it has nothing to do.
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  try {
    return mainstay::cli::CommandLine().run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "mainstay: " << error.what() << "\n";
    return 1;
  }
}
