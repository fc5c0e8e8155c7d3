#include "modules/analytics/committer.h"

#include <stdexcept>

#include "base/log.h"
#include "runtime/scheduling.h"

namespace mainstay::analytics {
namespace {

constexpr std::chrono::milliseconds kRetryEvery{500};
/// Before those that make more rows: they would only wait for these to be written.
constexpr int kNice = kBackgroundNice - 3;

}  // namespace

Committer::Committer(columns::Columns& columns, metrics::Registry& metrics)
    : columns_(columns),
      commits_(metrics.counter("mainstay_analytics_commits_total", "Batches written to the column store.")),
      failures_(metrics.counter("mainstay_analytics_commit_failures_total",
                                "Batches the column store refused; each is tried again.")),
      seconds_(metrics.histogram("mainstay_analytics_commit_seconds", "How long writing a batch takes.")),
      thread_([this] { run(); }) {}

Committer::~Committer() { stop(); }

void Committer::start(std::vector<columns::Step> steps, std::function<bool()> is_stored, std::function<void()> done) {
  take({.steps = std::move(steps), .is_stored = std::move(is_stored), .done = std::move(done), .work = {}});
}

void Committer::start_work(std::function<void()> work) {
  take({.steps = {}, .is_stored = {}, .done = [] {}, .work = std::move(work)});
}

void Committer::take(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (job_ || stopping_) throw std::logic_error("the committer is busy");
    job_ = std::move(job);
  }
  changed_.notify_all();
}

bool Committer::idle() const {
  const std::scoped_lock lock(mutex_);
  return !job_;
}

bool Committer::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_ || given_up_; });
  return !given_up_;
}

void Committer::stop_retrying() {
  {
    const std::scoped_lock lock(mutex_);
    retrying_ = false;
  }
  changed_.notify_all();
}

void Committer::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    retrying_ = false;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Committer::run() {
  become_background_thread("analytics-rows", kNice);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return job_ || stopping_; });
      if (!job_) return;
    }
    // Nobody touches the job while it is there.
    const bool written = write(*job_);
    if (written) job_->done();
    auto finished = [&] {
      const std::scoped_lock lock(mutex_);
      given_up_ = !written;
      return std::exchange(job_, std::nullopt);
    }();
    changed_.notify_all();
    if (!written) return;
  }
}

bool Committer::write(const Job& job) {
  if (job.work) {
    try {
      job.work();
    } catch (const Unavailable& outage) {
      log::error("analytics: upkeep of the column store failed", {{"error", outage.what()}});
    }
    return true;
  }
  for (bool tried = false;; tried = true) {
    try {
      if ((tried && job.is_stored()) || try_to_write(job)) return true;
    } catch (const Unavailable& outage) {
      failures_.add();
      log::error("analytics: the column store refused a batch; trying again", {{"error", outage.what()}});
    }
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kRetryEvery, [this] { return !retrying_; })) return false;
  }
}

bool Committer::try_to_write(const Job& job) {
  const auto started_at = std::chrono::steady_clock::now();
  columns_.commit(job.steps);
  seconds_.observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - started_at).count());
  commits_.add();
  return true;
}

}  // namespace mainstay::analytics
