#include "modules/analytics/query/csv.h"

#include <utility>

namespace mainstay::analytics::query {

void CsvWriter::separate() {
  if (row_begun_) out_ += ',';
  row_begun_ = true;
}

void CsvWriter::text(std::string_view cell) {
  separate();
  const bool formula = !cell.empty() && std::string_view{"=+-@\t\r"}.contains(cell.front());
  if (!formula && cell.find_first_of(",\"\r\n") == std::string_view::npos) {
    out_ += cell;
    return;
  }
  out_ += '"';
  if (formula) out_ += '\'';
  for (const char c : cell) {
    if (c == '"') out_ += '"';
    out_ += c;
  }
  out_ += '"';
}

void CsvWriter::plain(std::string_view cell) {
  separate();
  out_ += cell;
}

void CsvWriter::end_row() {
  out_ += "\r\n";
  row_begun_ = false;
}

std::string CsvWriter::take() { return std::exchange(out_, {}); }

}  // namespace mainstay::analytics::query
