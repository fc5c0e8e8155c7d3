#include "ports/sql/statement_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string>

#include "base/text.h"

namespace mainstay::sql {
namespace {

/// Statements that would escape the transaction, or leave traces on a connection that others use next.
constexpr std::array<std::string_view, 16> kForbiddenWords = {
    "begin",  "start",  "commit", "end",    "rollback", "abort", "savepoint", "release",
    "attach", "detach", "pragma", "vacuum", "set",      "reset", "prepare",   "deallocate"};

std::string first_word(std::string_view statement) {
  std::size_t at = 0;
  for (;;) {
    while (at < statement.size() && std::isspace(static_cast<unsigned char>(statement[at])) != 0) ++at;
    if (statement.substr(at, 2) == "--") {
      at = std::min(statement.find('\n', at), statement.size());
    } else if (statement.substr(at, 2) == "/*") {
      const auto end = statement.find("*/", at + 2);
      at = end == std::string_view::npos ? statement.size() : end + 2;
    } else {
      break;
    }
  }
  std::size_t end = at;
  while (end < statement.size() && std::isalpha(static_cast<unsigned char>(statement[end])) != 0) ++end;
  return to_lower_ascii(statement.substr(at, end - at));
}

}  // namespace

std::size_t skip_quoted(std::string_view text, std::size_t at) {
  const auto past = [&](std::string_view end, std::size_t from) {
    const auto found = text.find(end, from);
    if (found == std::string_view::npos) throw std::logic_error("a migration has an open quote or comment");
    return found + end.size();
  };
  if (text[at] == '\'') return past("'", at + 1);  // a doubled quote is two quoted texts in a row
  if (text[at] == '"') return past("\"", at + 1);
  if (text.substr(at, 2) == "/*") return past("*/", at + 2);
  if (text.substr(at, 2) == "--") return std::min(text.find('\n', at), text.size());
  return at;
}

std::size_t parameters_of(std::string_view statement) {
  std::size_t highest = 0;
  for (std::size_t at = 0; at < statement.size();) {
    if (const auto next = skip_quoted(statement, at); next != at) {
      at = next;
      continue;
    }
    if (statement[at++] != '$') continue;
    std::size_t end = at;
    while (end < statement.size() && std::isdigit(static_cast<unsigned char>(statement[end])) != 0) ++end;
    if (const auto number = parse_number<std::size_t>(statement.substr(at, end - at))) {
      highest = std::max(highest, *number);
    }
    at = end;
  }
  return highest;
}

void require_plain_statement(std::string_view statement) {
  const auto word = first_word(statement);
  if (std::ranges::find(kForbiddenWords, word) != kForbiddenWords.end()) {
    throw std::logic_error("a transaction body may not say " + word);
  }
}

}  // namespace mainstay::sql
