#include "cli/import_log.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <deque>
#include <future>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>

#include "base/json.h"
#include "cli/access.h"
#include "cli/bookmark.h"
#include "cli/log_source.h"

namespace mainstay::cli {
namespace {

/// How far before its last acknowledged byte an import goes on that was interrupted or that the server forgot: lines
/// that look alike within a second are told apart by counting, and the count must begin before the last stored second.
constexpr std::uint64_t kResumeBackBytes = 8 << 20;
/// The server reads nothing more while it acknowledges a block: so there are not many.
constexpr std::size_t kBlockBytesMax = 8 << 20;
constexpr std::chrono::milliseconds kFollowWait{250};
/// A server goes on writing into a file that was renamed until it is told; so long quiet, it has been.
constexpr std::chrono::seconds kRotationQuiet{3};
constexpr int kInterrupted = 130;  ///< exit status, as of a shell's command that SIGINT ended
constexpr std::chrono::milliseconds kShowEvery{200};
constexpr std::chrono::seconds kPauseMin{1};
constexpr std::chrono::seconds kPauseMax{30};

std::size_t block_bytes(const config::Settings& settings) {
  return std::min(kBlockBytesMax, settings.limits.body_memory_bytes / 2);
}

std::atomic<bool> stop_asked{false};
void ask_to_stop(int) { stop_asked = true; }

/// Why nothing can be sent now.
struct Obstacle {
  std::string_view what;
  std::string reason;
};

/// One line on a terminal that says how far the import is. Any thread.
class Progress {
 public:
  void show(const LogSource& source, std::uint64_t lines) {
    const std::scoped_lock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - shown_at_ < kShowEvery) return;
    shown_at_ = now;
    const double spent = std::chrono::duration<double>(now - started_at_).count();
    const double rate = static_cast<double>(lines) / std::max(spent, 0.001);
    auto text = fmt::format("\r{}: {} lines, {:.0f} lines/s", source.path(), lines, rate);
    if (const auto part = source.progress(); part && *part > 0.001) {
      constexpr int kBarWidth = 30;
      const int filled = static_cast<int>(*part * kBarWidth);
      text += fmt::format(" [{}{}] {:3.0f} %, {:.0f} s left", std::string(static_cast<std::size_t>(filled), '#'),
                          std::string(static_cast<std::size_t>(kBarWidth - filled), '.'), *part * 100,
                          spent / *part * (1 - *part));
    }
    std::cerr << text << "\033[K" << std::flush;
  }
  /// Says why nothing goes on: on a terminal each time, elsewhere when it begins.
  void show_wait(const Obstacle& obstacle, std::chrono::seconds pause, bool begins) {
    const std::scoped_lock lock(mutex_);
    if (terminal_) {
      std::cerr << fmt::format("\r{}: {} Asking again in {} s\033[K", obstacle.what, obstacle.reason, pause.count())
                << std::flush;
    } else if (begins) {
      std::cerr << fmt::format("mainstay: {}, waiting: {}\n", obstacle.what, obstacle.reason) << std::flush;
    }
  }
  /// A line that stays.
  void say(std::string_view text) {
    const std::scoped_lock lock(mutex_);
    std::cerr << (terminal_ ? "\r\033[K" : "") << "mainstay: " << text << std::endl;
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    if (terminal_) std::cerr << "\r\033[K";
  }

 private:
  std::mutex mutex_;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point started_at_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_at_{};
};

struct ImportFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The server was busy or away for too long; nothing is wrong with what was sent.
struct GaveUp : ImportFailed {
  using ImportFailed::ImportFailed;
};

json::Object read_object(const std::string& text) {
  auto value = json::parse(text);
  if (!value || !value->is_object()) throw std::logic_error("the answer is not JSON");
  return std::move(value->get_object());
}

std::uint64_t number_in(const json::Object& summary, std::string_view name) {
  return summary.at(name).to_number<std::uint64_t>();
}

/// Sends blocks one after the other; the next one is read while the last one is taken.
class Importer {
 public:
  Importer(Access& access, const ImportOptions& options, std::size_t block_bytes, Progress& progress)
      : access_(access),
        progress_(progress),
        block_bytes_(block_bytes),
        patience_(options.patience),
        target_(fmt::format("/api/v1/beacon/log?site={}&format={}&import=cli-{}-{}", percent_encode(options.site),
                            percent_encode(options.format), ::getpid(),
                            std::chrono::system_clock::now().time_since_epoch().count())) {}

  void send(std::string block, std::function<void()> taken) {
    wait();
    running_ = std::async(std::launch::async, [this, block = std::move(block), taken = std::move(taken)]() mutable {
      std::ignore = send_piece(block);
      lines_ += static_cast<std::uint64_t>(std::ranges::count(block, '\n'));
      keep(std::move(block));
      taken();
    });
  }
  /// Throws ImportFailed with the reason.
  void wait() {
    if (running_.valid()) running_.get();
  }
  /// Of the site that the lines are for.
  [[nodiscard]] std::string find_site_id(const std::string& site) {
    const auto body = boost::json::serialize(json::Object{{"site", site}});
    const auto answer = text_of(ask("/api/v1/admin/sites/find", body, "application/json"));
    return std::string{read_object(answer).at("id").get_string()};
  }
  /// What became of the lines.
  [[nodiscard]] std::string finish() {
    wait();
    return send_piece("", "&finish=1");
  }
  /// That have been taken.
  [[nodiscard]] std::uint64_t lines() const { return lines_; }

 private:
  /// The server forgets an import when it is started anew, or during a long pause while following: then the import
  /// begins again, with the blocks before this one.
  std::string send_piece(const std::string& block, std::string_view more = "") {
    auto answer = post_piece(block, more);
    while (answer.status == 409 && piece_ > 0) {
      progress_.say("the server forgot this import; it begins anew a little before, and counts from there");
      piece_ = 0;
      answer.status = 200;
      for (auto before = sent_.begin(); before != sent_.end() && answer.status == 200; ++before) {
        answer = post_piece(*before);
      }
      if (answer.status == 200) answer = post_piece(block, more);
    }
    return text_of(std::move(answer));
  }
  Access::Answer post_piece(const std::string& block, std::string_view more = "") {
    auto answer = ask(fmt::format("{}&piece={}{}", target_, piece_, more), block);
    if (answer.status == 200) ++piece_;
    return answer;
  }
  /// What would have to be sent again.
  void keep(std::string block) {
    sent_bytes_ += block.size();
    if (!sent_.empty() && sent_.back().size() + block.size() <= block_bytes_) {
      sent_.back() += block;
    } else {
      sent_.push_back(std::move(block));
    }
    while (sent_bytes_ - sent_.front().size() >= kResumeBackBytes) {
      sent_bytes_ -= sent_.front().size();
      sent_.pop_front();
    }
  }
  /// Asks again while the server is full, busy or away: a piece that comes again counts once.
  Access::Answer ask(const std::string& target, const std::string& body, const std::string& type = "text/plain") {
    using Clock = std::chrono::steady_clock;
    std::optional<Clock::time_point> gives_up_at;
    while (true) {
      Obstacle obstacle{"the server is busy", ""};
      auto pause = kPauseMin;
      try {
        auto answer = access_.post(target, body, type);
        if (answer.status != 503) return answer;
        obstacle.reason = problem_text(answer.body);
        pause = std::clamp(answer.retry_after, kPauseMin, kPauseMax);
      } catch (const Unavailable& outage) {
        if (access_.own() != nullptr) throw;
        obstacle = {"the server is away", outage.what() + std::string{"."}};
      }
      const bool begins = !gives_up_at;
      if (begins) gives_up_at = Clock::now() + patience_;
      if (stop_asked || Clock::now() >= *gives_up_at) {
        throw GaveUp(fmt::format("{}: {} What was sent before is stored; start again to go on there", obstacle.what,
                                 obstacle.reason));
      }
      progress_.show_wait(obstacle, pause, begins);
      const auto until = std::min(Clock::now() + pause, *gives_up_at);
      while (!stop_asked && Clock::now() < until) std::this_thread::sleep_for(kFollowWait);
    }
  }
  static std::string text_of(Access::Answer answer) {
    if (answer.status != 200) throw ImportFailed(problem_text(answer.body));
    return std::move(answer.body);
  }
  Access& access_;
  Progress& progress_;
  std::size_t block_bytes_;
  std::chrono::seconds patience_;
  std::string target_;
  std::uint64_t piece_ = 0;       ///< the next one's number; used by one block at a time, as is what was sent
  std::deque<std::string> sent_;  ///< the last blocks, as much as an import that begins anew goes back
  std::uint64_t sent_bytes_ = 0;
  std::future<void> running_;
  std::atomic<std::uint64_t> lines_ = 0;
};

/// One file, or standard input, from where its import was interrupted.
class Reading {
 public:
  Reading(const config::Settings& settings, const ImportOptions& options, const std::string& site_id, std::string path,
          Importer& importer, Progress& progress)
      : options_(options),
        path_(std::move(path)),
        block_bytes_(block_bytes(settings)),
        importer_(importer),
        progress_(progress),
        source_(std::make_unique<LogSource>(path_, block_bytes_)),
        bookmark_(std::make_shared<Bookmark>(app::Paths(settings).imports(), site_id, path_)) {}

  void run() {
    if (const auto mark = bookmark_->load()) go_on(*mark);
    while (!stop_asked) {
      if (send_next(options_.follow ? LogSource::AtEnd::kKeepPart : LogSource::AtEnd::kGivePart)) continue;
      importer_.wait();
      if (!options_.follow) break;
      if (const auto rotation = source_->rotation(); rotation == LogSource::Rotation::kNone) {
        std::this_thread::sleep_for(kFollowWait);
      } else {
        follow_rotation(rotation);
      }
    }
    importer_.wait();
    source_.reset();  // there may be many files
  }

  /// The next import of this file begins anew: for when all of it is stored and summed up.
  void forget() const { bookmark_->remove(); }

 private:
  void go_on(const Mark& mark) {
    if (mark.is_of(source_->head())) return skip(*source_, mark.offset);
    if (!options_.follow) return;
    // The file was rotated while nobody followed it: what came last into the old one is still to be read.
    const auto rotated = rotated_since(path_, mark);
    if (rotated.empty()) progress_.say("the file that was followed last is not beside " + path_);
    for (const auto& file : rotated) send_old(file, file == rotated.front() ? mark.offset : 0);
  }

  void send_old(const std::string& file, std::uint64_t reached) {
    try {
      LogSource old(file, block_bytes_);
      skip(old, reached);
      for (auto block = old.next(LogSource::AtEnd::kGivePart); !block.empty() && !stop_asked;
           block = old.next(LogSource::AtEnd::kGivePart)) {
        importer_.send(std::move(block), [] {});
      }
    } catch (const Unavailable& damaged) {  // such as one that is just being packed
      progress_.say(damaged.what());
    }
  }

  void follow_rotation(LogSource::Rotation rotation) {
    using Clock = std::chrono::steady_clock;
    auto next = std::make_unique<LogSource>(path_, block_bytes_);
    auto quiet_at = Clock::now() + kRotationQuiet;
    while (rotation == LogSource::Rotation::kReplaced && !stop_asked && Clock::now() < quiet_at) {
      if (send_next(LogSource::AtEnd::kKeepPart)) {
        quiet_at = Clock::now() + kRotationQuiet;
      } else {
        std::this_thread::sleep_for(kFollowWait);
      }
    }
    while (!stop_asked && send_next(LogSource::AtEnd::kGivePart)) {
    }
    importer_.wait();
    source_ = std::move(next);
  }

  void skip(LogSource& source, std::uint64_t reached) const {
    if (reached <= kResumeBackBytes) return;
    source.skip_to(reached - kResumeBackBytes);
    progress_.say(fmt::format("{}: going on at byte {}", source.path(), source.offset()));
  }

  /// False when there is nothing now.
  bool send_next(LogSource::AtEnd at_end) {
    auto block = source_->next(at_end);
    if (block.empty()) return false;
    // Shared with the block that is under way: should reading fail, that one still ends.
    importer_.send(std::move(block), [bookmark = bookmark_, mark = Mark::of(source_->head(), source_->offset())] {
      bookmark->keep(mark);
    });
    progress_.show(*source_, importer_.lines());
    return true;
  }

  const ImportOptions& options_;
  std::string path_;
  std::size_t block_bytes_;
  Importer& importer_;
  Progress& progress_;
  std::unique_ptr<LogSource> source_;
  std::shared_ptr<Bookmark> bookmark_;
};

void print_summary(const std::string& text) {
  const auto summary = read_object(text);
  std::cout << fmt::format("{:>12} lines read, {} bytes served\n{:>12} accepted\n{:>12} of bots\n",
                           number_in(summary, "lines"), number_in(summary, "bytes"), number_in(summary, "accepted"),
                           number_in(summary, "bots"));
  for (const auto& [reason, count] : summary.at("refused").get_object()) {
    std::cout << fmt::format("{:>12} not counted: {}\n", count.to_number<std::uint64_t>(), std::string_view{reason});
  }
  std::cout << fmt::format("{:>12} unparsable\n", number_in(summary, "unparsable"));
}

}  // namespace

int import_log(config::Settings settings, const ImportOptions& options) {
  if (options.follow && (options.files.size() != 1 || options.files[0] == "-")) {
    std::cerr << "mainstay: --follow takes one file; start one import for each\n";
    return 1;
  }
  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
  // Who follows would hold the folder for ever, and no server could begin.
  Access access(settings, options.follow ? Access::Server::kNeeded : Access::Server::kIfThere);
  Progress progress;
  Importer importer(access, options, block_bytes(settings), progress);
  try {
    const auto site_id = importer.find_site_id(options.site);
    std::deque<Reading> readings;
    for (const auto& file : options.files) {
      if (!stop_asked) readings.emplace_back(settings, options, site_id, file, importer, progress).run();
    }
    const auto summary = importer.finish();
    if (!stop_asked) std::ranges::for_each(readings, &Reading::forget);
    progress.end();
    if (options.json) {
      std::cout << summary << "\n";
    } else {
      print_summary(summary);
    }
  } catch (const GaveUp& failure) {
    progress.end();
    std::cerr << "mainstay: " << failure.what() << "\n";
    return stop_asked ? kInterrupted : EX_TEMPFAIL;
  } catch (const std::runtime_error& failure) {  // ours or an outage; what was sent before is stored
    progress.end();
    std::cerr << "mainstay: " << failure.what() << "\n";
    return 1;
  }
  return stop_asked ? kInterrupted : 0;
}

}  // namespace mainstay::cli
