#pragma once

#include <cstddef>
#include <string_view>

/// What adapters need to know about a statement before an engine sees it.
namespace mainstay::sql {

/// The end of the quoted text or comment that begins at `at`, or `at` itself where none begins.
/// Throws std::logic_error when it has no end.
[[nodiscard]] std::size_t skip_quoted(std::string_view text, std::size_t at);

/// The highest n of the parameters `$n` outside quotes and comments; 0 when there is none.
[[nodiscard]] std::size_t parameters_of(std::string_view statement);

/// Throws std::logic_error for a statement that begins or ends transactions or changes the connection's settings.
/// Adapters call it when they prepare a statement.
void require_plain_statement(std::string_view statement);

}  // namespace mainstay::sql
