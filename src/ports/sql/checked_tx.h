#pragma once

#include <exception>
#include <span>
#include <string_view>

#include "ports/sql/sql.h"

namespace mainstay::sql {

/// The part of Tx that is the same for every engine: what a body may not do is refused before the engine
/// sees it, and nothing runs after a failed statement (PostgreSQL aborts the transaction there, so all do).
/// Lives and dies with one run of one body, on its thread.
class CheckedTx : public Tx {
 public:
  /// As Tx::run.
  Outcome run(std::string_view statement, std::span<const Value> parameters) final;

  /// What the failed statement threw; null when none failed.
  [[nodiscard]] const std::exception_ptr& failure() const { return failure_; }
  /// The body has come to a value, which a write commits. Throws std::logic_error when a statement of it failed.
  void require_commit_allowed() const;

 protected:
  virtual Outcome run_checked(std::string_view statement, std::span<const Value> parameters) = 0;

 private:
  std::exception_ptr failure_;
};

}  // namespace mainstay::sql
