#pragma once

#include <string_view>
#include <vector>

#include "modules/analytics/hit.h"
#include "modules/analytics/sessioniser.h"
#include "ports/columns/columns.h"

/// Hits and visits as rows of the tables in tables.h. On the processor's thread.
namespace mainstay::analytics {

/// Fills a batch row by row, each cell in the table's order.
class BatchRows {
 public:
  /// `table` must be one of tables(); throws std::logic_error otherwise.
  explicit BatchRows(std::string_view table);

  void number(std::int64_t value) { next().numbers.push_back(value); }
  void text(std::string_view value) { next().texts.push_back(value); }
  void time(Instant value) { number(to_micros(value)); }
  void maybe_number(std::optional<std::int64_t> value);
  void maybe_real(std::optional<double> value);
  void map(columns::TextMap value) { next().maps.push_back(std::move(value)); }
  /// Must follow the last cell of each row.
  void end_row();

  [[nodiscard]] bool empty() const { return batch_.rows == 0; }
  [[nodiscard]] std::size_t rows() const { return batch_.rows; }
  /// The batch so far; this begins anew.
  [[nodiscard]] columns::Batch take();

 private:
  columns::Cells& next() { return batch_.columns[column_++]; }
  columns::Batch batch_;
  std::size_t column_ = 0;
};

void add_event(BatchRows& events, const Hit& hit, const Assigned& assigned);
void add_visit(BatchRows& visits, const Visit& visit);
void add_bot(BatchRows& bots, const Hit& hit);

/// The columns of `open_visits` that `visit_from_row` reads, in its order.
[[nodiscard]] std::string visit_select();
[[nodiscard]] Visit visit_from_row(const std::vector<columns::Value>& row);

}  // namespace mainstay::analytics
