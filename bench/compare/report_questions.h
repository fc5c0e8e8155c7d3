#pragma once

#include <string>
#include <vector>

/// The dashboard's questions: as asked of the query API, and as somebody would write them for PostgreSQL.
namespace mainstay::bench {

struct Question {
  std::string name;
  std::string ours;      ///< a v2 query
  std::string postgres;  ///< "" where only ours is measured; its column `n` is the first metric of each of our rows
  bool filtered = false;
};

[[nodiscard]] const std::vector<Question>& questions();

}  // namespace mainstay::bench
