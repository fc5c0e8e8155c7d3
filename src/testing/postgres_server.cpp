#include "testing/postgres_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/failure.h"
#include "ports/sql/postgres/connection.h"

namespace mainstay::testing {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";
constexpr std::chrono::seconds kStartPatience{60};

struct User {
  uid_t user;
  gid_t group;
};

/// Whom the server runs as, when it is not us: PostgreSQL refuses to run as root.
std::optional<User> server_user() {
  if (::geteuid() != 0) return std::nullopt;
  const passwd* const entry = ::getpwnam("postgres");
  if (entry == nullptr) throw std::runtime_error("there is no user `postgres`: install postgresql-15");
  return User{.user = entry->pw_uid, .group = entry->pw_gid};
}

/// Starts a program with its output going to `log`. Returns its process.
pid_t spawn(std::vector<std::string> words, const std::string& log) {
  words.front() = kPrograms + words.front();
  const auto user = server_user();
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  // Only what is safe between fork and exec.
  ::setsid();  // an interrupt from the keyboard is the test's, not the server's
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(output, 1);
  ::dup2(output, 2);
  if (user && (::setgroups(0, nullptr) != 0 || ::setgid(user->group) != 0 || ::setuid(user->user) != 0)) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  // PostgreSQL wants a current folder it may read.
  if (::chdir("/") != 0) ::_exit(126);
  ::execv(arguments.front(), arguments.data());
  ::_exit(127);
}

std::vector<pid_t> children_of(pid_t process) {
  std::ifstream list(fmt::format("/proc/{0}/task/{0}/children", process));
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

/// False also for a process that has ended and that nobody has waited for.
bool is_running(pid_t process) {
  std::ifstream stat(fmt::format("/proc/{}/stat", process));
  std::string id;
  std::string name;
  char state = 'X';
  return (stat >> id >> name >> state) && state != 'Z' && state != 'X';
}

}  // namespace

PostgresServer::PostgresServer(Sync sync) : sync_(sync) {
  make_cluster();
  start();
}

PostgresServer::~PostgresServer() {
  if (process_ <= 0) return;
  ::kill(process_, SIGQUIT);  // "immediate shutdown": what is on disk does not matter any more
  ::waitpid(process_, nullptr, 0);
}

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

std::string PostgresServer::create_database() {
  const auto name = fmt::format("test_{}", ++databases_);
  sql::postgres::Connection connection(url_of("postgres"));
  connection.command("create database " + name);
  return url_of(name);
}

void PostgresServer::make_cluster() {
  if (const auto user = server_user()) {
    if (::chown(folder_.path().c_str(), user->user, user->group) != 0) throw std::runtime_error("chown failed");
  }
  const auto process = spawn({"initdb", "-D", (folder_ / "data").string(), "-U", "mainstay", "--auth=trust",
                              "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"},
                             (folder_ / "log").string());
  int status = 0;
  ::waitpid(process, &status, 0);
  if (status != 0) throw std::runtime_error("initdb of PostgreSQL 15 failed: " + log_tail());
}

void PostgresServer::start() {
  const auto folder = folder_.path().string();
  const std::string sync = sync_ == Sync::kOn ? "on" : "off";
  process_ = spawn({"postgres", "-D", (folder_ / "data").string(), "-c", "listen_addresses=", "-c",
                    "unix_socket_directories=" + folder, "-c", "fsync=" + sync, "-c", "full_page_writes=" + sync, "-c",
                    "shared_buffers=16MB", "-c", "max_connections=60", "-c", "jit=off", "-c", "autovacuum=off"},
                   (folder_ / "log").string());
  wait_until_it_answers();
}

void PostgresServer::kill() {
  const auto children = children_of(process_);
  ::kill(process_, SIGKILL);
  for (const auto child : children) ::kill(child, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  // The next start needs the shared memory of all of them gone.
  for (const auto child : children) {
    while (is_running(child)) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  process_ = -1;
}

void PostgresServer::wait_until_it_answers() {
  const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
  for (;;) {
    try {
      const sql::postgres::Connection connection(url_of("postgres"));
      return;
    } catch (const Unavailable& failure) {
      if (::waitpid(process_, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error(std::string{"PostgreSQL did not start: "} + failure.what() + "\n" + log_tail());
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

std::string PostgresServer::url_of(const std::string& database) const {
  return fmt::format("postgresql:///{}?host={}&user=mainstay", database, folder_.path().string());
}

std::string PostgresServer::log_tail() const {
  constexpr std::size_t kTail = 2000;
  std::ostringstream text;
  text << std::ifstream(folder_ / "log").rdbuf();
  const auto all = text.str();
  return all.size() > kTail ? all.substr(all.size() - kTail) : all;
}

}  // namespace mainstay::testing
