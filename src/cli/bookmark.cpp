#include "cli/bookmark.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/hash.h"
#include "base/json.h"
#include "cli/log_source.h"

namespace mainstay::cli {
namespace {

constexpr std::size_t kHeadBlockBytes = 64 << 10;

/// False also for what cannot be read.
bool is_of(const Mark& mark, const std::string& path) {
  try {
    return mark.is_of(LogSource(path, kHeadBlockBytes).head());
  } catch (const Unavailable&) {
    return false;
  }
}

/// "access.log.1", "access.log-20261128.gz": not "access.log.error", which is another log.
bool is_rotation(std::string_view name, std::string_view other) {
  if (!other.starts_with(name) || other.size() < name.size() + 2) return false;
  const auto rest = other.substr(name.size());
  return (rest[0] == '.' || rest[0] == '-') && rest[1] >= '0' && rest[1] <= '9';
}

}  // namespace

Mark Mark::of(std::string_view head, std::uint64_t offset) {
  return {.head_hash = sha256_hex(head), .head_bytes = head.size(), .offset = offset};
}

bool Mark::is_of(std::string_view head) const {
  return head_bytes > 0 && head.size() >= head_bytes && sha256_hex(head.substr(0, head_bytes)) == head_hash;
}

Bookmark::Bookmark(const std::filesystem::path& folder, const std::string& site_id, const std::string& path) {
  if (path == "-") return;
  const auto name = sha256_hex(site_id + "\n" + std::filesystem::absolute(path).string()).substr(0, 32);
  file_ = folder / (name + ".json");
}

std::optional<Mark> Bookmark::load() const {
  if (file_.empty()) return std::nullopt;
  std::ifstream in(file_);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto value = json::parse(text);
  if (!value || !value->is_object()) return std::nullopt;
  const auto& object = value->get_object();
  const auto* hash = object.if_contains("head");
  const auto* bytes = object.if_contains("head_bytes");
  const auto* offset = object.if_contains("offset");
  if (hash == nullptr || bytes == nullptr || offset == nullptr || !hash->is_string() || !bytes->is_int64() ||
      !offset->is_int64()) {
    return std::nullopt;
  }
  return Mark{.head_hash = std::string{hash->get_string()},
              .head_bytes = static_cast<std::size_t>(bytes->get_int64()),
              .offset = static_cast<std::uint64_t>(offset->get_int64())};
}

void Bookmark::keep(const Mark& mark) const {
  if (file_.empty()) return;
  const auto next = std::filesystem::path{file_}.concat(".new");
  std::ofstream(next) << boost::json::serialize(
      json::Object{{"head", mark.head_hash}, {"head_bytes", mark.head_bytes}, {"offset", mark.offset}});
  std::error_code ignored;
  std::filesystem::rename(next, file_, ignored);
}

void Bookmark::remove() const {
  std::error_code ignored;
  if (!file_.empty()) std::filesystem::remove(file_, ignored);
}

std::vector<std::string> rotated_since(const std::string& path, const Mark& mark) {
  using Written = std::pair<std::filesystem::file_time_type, std::string>;
  const auto current = std::filesystem::absolute(path);
  const auto name = current.filename().string();
  std::vector<Written> beside;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(current.parent_path(), failed)) {
    const auto other = entry.path().filename().string();
    if (other.size() > name.size() && other.starts_with(name) && entry.is_regular_file(failed))
      beside.emplace_back(entry.last_write_time(failed), entry.path().string());
  }
  std::ranges::sort(beside);
  const auto first = std::ranges::find_if(beside, [&](const Written& file) { return is_of(mark, file.second); });
  std::vector<std::string> files;
  for (auto file = first; file != beside.end(); ++file) {
    // The first is known by its beginning, the others by their names alone.
    const auto other = std::filesystem::path{file->second}.filename().string();
    if (file == first || is_rotation(name, other)) files.push_back(file->second);
  }
  return files;
}

}  // namespace mainstay::cli
