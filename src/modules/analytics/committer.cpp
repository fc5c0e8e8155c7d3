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

Committer::Committer(columns::Columns& columns, metrics::Registry& metrics, std::function<void()> on_ready)
    : columns_(columns),
      commits_(metrics.counter("mainstay_analytics_commits_total", "Batches written to the column store.")),
      failures_(metrics.counter("mainstay_analytics_commit_failures_total",
                                "Writes the column store refused; what they held is written again.")),
      seconds_(metrics.histogram("mainstay_analytics_commit_seconds", "How long writing a batch takes.")),
      on_ready_(std::move(on_ready)),
      thread_([this] { run(); }) {}

Committer::~Committer() { stop(); }

void Committer::add(std::vector<columns::Step> steps) { take({.steps = std::move(steps), .is_last = false}); }

void Committer::finish(std::vector<columns::Step> steps, std::function<bool()> is_stored, std::function<void()> done) {
  take({.steps = std::move(steps), .is_stored = std::move(is_stored), .done = std::move(done)});
}

void Committer::start_work(std::function<void()> work) { take({.work = std::move(work)}); }

void Committer::take(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (!is_ready() || stopping_ || (job.work && has_begun_)) throw std::logic_error("the committer is not ready");
    if (!job.is_last) has_begun_ = true;
    job_ = std::move(job);
  }
  changed_.notify_all();
}

bool Committer::ready() const {
  const std::scoped_lock lock(mutex_);
  return is_ready();
}

bool Committer::idle() const {
  const std::scoped_lock lock(mutex_);
  return is_ready() && !has_begun_;
}

bool Committer::wait_ready() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_; });
  return is_ready();
}

bool Committer::lost() const {
  const std::scoped_lock lock(mutex_);
  return last_ == Outcome::kLost;
}

void Committer::begin_anew() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_; });
  if (last_ == Outcome::kLost) last_ = Outcome::kWritten;
  if (!std::exchange(has_begun_, false) || stopping_) return;
  job_ = Job{.work = [this] { transaction_.reset(); }};
  changed_.notify_all();
  changed_.wait(lock, [this] { return !job_; });
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
  for (bool goes_on = true; goes_on;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return job_ || stopping_; });
      if (!job_) break;
    }
    // Nobody touches the job while it is there.
    const auto outcome = carry_out(*job_);
    if (outcome == Outcome::kWritten && job_->done) job_->done();
    {
      const std::scoped_lock lock(mutex_);
      if (outcome != Outcome::kWritten || job_->is_last) has_begun_ = false;
      last_ = outcome;
      goes_on = outcome != Outcome::kGivenUp;
      job_.reset();
    }
    changed_.notify_all();
    on_ready_();
  }
  transaction_.reset();
}

Committer::Outcome Committer::carry_out(const Job& job) {
  if (!job.work) return job.is_last && !transaction_ ? write_whole(job) : write_piece(job);
  try {
    job.work();
  } catch (const Unavailable& outage) {
    log::error("analytics: upkeep of the column store failed", {{"error", outage.what()}});
  }
  return Outcome::kWritten;
}

Committer::Outcome Committer::write_whole(const Job& job) {
  for (bool tried = false;; tried = true) {
    try {
      if (tried && job.is_stored()) return Outcome::kWritten;
      const auto started_at = Clock::now();
      columns_.commit(job.steps);
      note_commit(Clock::now() - started_at);
      return Outcome::kWritten;
    } catch (const Unavailable& outage) {
      note_failure(outage);
    }
    if (!wait_to_retry()) return Outcome::kGivenUp;
  }
}

Committer::Outcome Committer::write_piece(const Job& job) {
  const auto started_at = Clock::now();
  bool has_all = false;
  try {
    if (!transaction_) {
      transaction_ = columns_.begin();
      spent_ = {};
    }
    for (const auto& step : job.steps) transaction_->add(step);
    has_all = job.is_last;
    if (has_all) transaction_->commit();
  } catch (const Unavailable& outage) {
    transaction_.reset();
    note_failure(outage);
    return has_all ? after_failed_commit(job) : Outcome::kLost;
  }
  spent_ += Clock::now() - started_at;
  if (!has_all) return Outcome::kWritten;
  transaction_.reset();
  note_commit(spent_);
  return Outcome::kWritten;
}

Committer::Outcome Committer::after_failed_commit(const Job& job) {
  do {
    try {
      return job.is_stored() ? Outcome::kWritten : Outcome::kLost;
    } catch (const Unavailable& outage) {
      note_failure(outage);
    }
  } while (wait_to_retry());
  return Outcome::kGivenUp;
}

void Committer::note_commit(Clock::duration spent) {
  seconds_.observe(std::chrono::duration<double>(spent).count());
  commits_.add();
}

void Committer::note_failure(const Unavailable& outage) {
  failures_.add();
  log::error("analytics: the column store refused what was to be written; it is tried again",
             {{"error", outage.what()}});
}

bool Committer::wait_to_retry() {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, kRetryEvery, [this] { return !retrying_; });
}

}  // namespace mainstay::analytics
