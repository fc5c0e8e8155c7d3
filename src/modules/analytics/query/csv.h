#pragma once

#include <string>
#include <string_view>

namespace mainstay::analytics::query {

/// Appends cells of CSV (RFC 4180) row by row.
///
/// A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets a '
/// before it.
class CsvWriter {
 public:
  void text(std::string_view cell);
  /// A number or another cell that we wrote ourselves.
  void plain(std::string_view cell);
  void end_row();
  /// What was written since the last call.
  [[nodiscard]] std::string take();

 private:
  void separate();
  std::string out_;
  bool row_begun_ = false;
};

}  // namespace mainstay::analytics::query
