#include "ports/sql/checked_tx.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/text.h"

namespace mainstay::sql {
namespace {

/// Refuses what the engines would store differently or not at all.
void require_portable(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (text->find('\0') != std::string::npos) throw std::invalid_argument("text for SQL holds a NUL");
    if (!is_utf8(*text)) throw std::invalid_argument("text for SQL is not UTF-8");
  } else if (const auto* number = std::get_if<double>(&value)) {
    if (std::isnan(*number)) throw std::invalid_argument("a number for SQL is not a number");
  }
}

}  // namespace

Tx::Outcome CheckedTx::run(std::string_view statement, std::span<const Value> parameters) {
  if (failure_) throw std::logic_error("a statement of this transaction has failed: it can only end");
  try {
    std::ranges::for_each(parameters, require_portable);
    return run_checked(statement, parameters);
  } catch (...) {
    failure_ = std::current_exception();
    throw;
  }
}

void CheckedTx::require_commit_allowed() const {
  if (failure_) throw std::logic_error("the body returned a value although one of its statements had failed");
}

}  // namespace mainstay::sql
