#include <algorithm>
#include <array>
#include <string_view>

#include "modules/analytics/classify/log_line.h"

namespace mainstay::analytics {
namespace {

/// Parts of pages and data for programs. `txt`, `xml` and `json` are here: robots.txt, sitemaps, feeds and
/// API answers are no pages. `html`, `php`, `aspx`, `md` and whatever is in no list are pages. Sorted.
constexpr auto kStaticExtensions = std::to_array<std::string_view>(
    {"apng", "atom", "avif", "bmp", "br",   "cjs", "css",  "csv",         "cur",    "eot",  "gif",   "gz",
     "heic", "ico",  "jfif", "jpe", "jpeg", "jpg", "js",   "json",        "jsonld", "jxl",  "less",  "m3u8",
     "map",  "mjs",  "mpd",  "otf", "pbf",  "png", "rdf",  "rss",         "scss",   "svg",  "svgz",  "swf",
     "tif",  "tiff", "ts",   "ttf", "txt",  "vtt", "wasm", "webmanifest", "webp",   "woff", "woff2", "xml"});

/// Plausible's list of file downloads and what its users add; `tar.gz` is one too, though `gz` alone is static. Sorted.
constexpr auto kDownloadExtensions = std::to_array<std::string_view>(
    {"7z",  "apk",     "avi", "bz2",  "deb", "dmg",  "doc", "docx", "epub", "exe",  "flac", "img", "ipa",
     "iso", "jar",     "key", "midi", "mkv", "mobi", "mov", "mp3",  "mp4",  "mpeg", "mpg",  "msi", "odp",
     "ods", "odt",     "ogg", "pdf",  "pkg", "pps",  "ppt", "pptx", "pub",  "rar",  "rpm",  "rtf", "tar",
     "tgz", "torrent", "wav", "webm", "wma", "wmv",  "xls", "xlsx", "xz",   "zip"});

static_assert(std::ranges::is_sorted(kStaticExtensions));
static_assert(std::ranges::is_sorted(kDownloadExtensions));

constexpr std::size_t kExtensionBytesMax = 11;

std::string_view path_of(std::string_view target) { return target.substr(0, target.find_first_of("?#")); }

enum class FileClass { kPage, kStatic, kDownload };

FileClass file_class(std::string_view target) {
  const auto path = path_of(target);
  const auto dot = path.rfind('.');
  if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos) return FileClass::kPage;
  const auto raw = path.substr(dot + 1);
  if (raw.empty() || raw.size() > kExtensionBytesMax) return FileClass::kPage;
  std::array<char, kExtensionBytesMax> buffer{};
  std::ranges::transform(raw, buffer.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  const std::string_view extension{buffer.data(), raw.size()};
  if (extension == "gz" && path.substr(0, dot).ends_with(".tar")) return FileClass::kDownload;
  if (std::ranges::binary_search(kStaticExtensions, extension)) return FileClass::kStatic;
  if (std::ranges::binary_search(kDownloadExtensions, extension)) return FileClass::kDownload;
  return FileClass::kPage;
}

}  // namespace

std::string_view line_kind_name(LineKind kind) {
  switch (kind) {
    case LineKind::kPageView: return "page_view";
    case LineKind::kDownload: return "download";
    case LineKind::kStaticFile: return "static_file";
    case LineKind::kNotFound: return "not_found";
    case LineKind::kRedirect: return "redirect";
    case LineKind::kErrorStatus: return "error_status";
    case LineKind::kMethod: return "method";
  }
  return {};
}

LineKind line_kind(const LogLine& line) {
  if (line.method.empty()) return LineKind::kErrorStatus;  // no request at all: garbage or a time-out
  if (line.method != "GET") return LineKind::kMethod;
  const auto file = file_class(line.target);
  if (file == FileClass::kStatic) return LineKind::kStaticFile;
  switch (line.status) {
    case 200:
    case 203:
    case 206:
    case 304: return file == FileClass::kDownload ? LineKind::kDownload : LineKind::kPageView;
    case 404:
    case 410: return LineKind::kNotFound;
    default: return line.status >= 300 && line.status < 400 ? LineKind::kRedirect : LineKind::kErrorStatus;
  }
}

}  // namespace mainstay::analytics
