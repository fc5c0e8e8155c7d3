#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/failure.h"
#include "base/principal.h"
#include "base/time.h"
#include "runtime/task.h"

namespace mainstay::http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions };

/// "GET"
[[nodiscard]] std::string_view to_text(Method method);
/// GET, HEAD and OPTIONS change nothing (RFC 9110 §9.2.1).
[[nodiscard]] bool is_safe(Method method);

/// Header fields in the order they came; names compare without case (RFC 9110 §5.1).
/// All text lies in one block, so that a request costs two allocations and not two a field.
/// What `get` and `all` return is valid until the next change.
class Headers {
 public:
  void set(std::string_view name, std::string_view value);  ///< replaces every field of that name
  void add(std::string_view name, std::string_view value);
  /// The first value, or "".
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  /// Removes every field of that name.
  void remove(std::string_view name);
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> all() const;
  /// Calls `visit(name, value)` for each field.
  template <class Visit>
  void each(const Visit& visit) const {
    for (const auto& field : fields_) visit(name_of(field), value_of(field));
  }
  /// Appends "Name: value\r\n" for each field.
  void append_to(std::string& out) const;
  void clear();  ///< keeps the memory

 private:
  struct Field {
    std::uint32_t begin;  ///< in text_; the value follows the name
    std::uint32_t name_size;
    std::uint32_t value_size;
  };
  [[nodiscard]] std::string_view name_of(const Field& field) const;
  [[nodiscard]] std::string_view value_of(const Field& field) const;

  std::string text_;
  std::vector<Field> fields_;
};

/// One request, complete with its body. Lives until its response is written.
struct Request {
  Method method = Method::kGet;
  std::string path;    ///< percent-decoded, always begins with "/"
  std::string target;  ///< as it came: path and query
  Headers headers;
  std::string body;
  std::string client_address;  ///< of the client; from X-Forwarded-For only when the peer is a trusted proxy
  bool secure = false;         ///< came over TLS, or a trusted proxy says so (X-Forwarded-Proto)
  bool local = false;          ///< came over the unix socket, whose file permission makes its peer the owner
  std::string id;              ///< X-Request-Id of the answer, in logs and problems
  Principal principal;
  std::vector<std::pair<std::string, std::string>> path_parameters;
  std::vector<std::pair<std::string, std::string>> query_parameters;  ///< decoded, in order

  [[nodiscard]] std::string_view header(std::string_view name) const { return headers.get(name); }
  /// The value of `{name}` in the route's path.
  [[nodiscard]] std::string_view path_parameter(std::string_view name) const;
  /// The first query parameter of that name, if present.
  [[nodiscard]] std::optional<std::string_view> query_parameter(std::string_view name) const;
  /// A cookie's value, or "".
  [[nodiscard]] std::string_view cookie(std::string_view name) const;
};

/// Where a streaming body goes. `write` waits for the client and throws Unavailable when it is gone or too slow.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  virtual Task<> write(std::string_view bytes) = 0;
};

/// A body written piece by piece (chunked).
struct StreamBody {
  std::function<Task<>(BodyWriter&)> produce;
};

/// Turns the response into a live stream of bus messages: server-sent events, or frames of a WebSocket when
/// the request asked to upgrade. Costs no coroutine while idle (http/live.h). The handler is asked twice: once for the
/// patterns, and again when they are subscribed to, so that no change slips by the snapshot or the right to see it.
struct LiveBody {
  std::vector<std::string> patterns;  ///< bus subjects, checked by who made this
  /// Sent at once, before any message: (subject, JSON payload).
  std::vector<std::pair<std::string, std::string>> snapshot;
  /// What the right to watch hangs on, such as a session or a shared link: `end_live_streams` (http/live.h) with one
  /// of these ends the stream.
  std::vector<std::string> ends_with = {};
  /// When the right to watch runs out; the stream ends with the first ping from then on.
  Instant ends_at = Instant::max();
  /// kNewest: subjects are states; at most 4 messages a second per subject, and a slow client gets the newest
  /// only. kEvery: every message counts; a client that is too slow to take them is closed and resumes.
  enum class Delivery { kNewest, kEvery };
  Delivery delivery = Delivery::kNewest;
};

/// Bytes that live as long as the program: an embedded asset.
struct StaticBody {
  std::string_view bytes;
};

struct Response {
  int status = 200;
  Headers headers;
  /// Text or bytes; bytes shared by many responses; a stream; a live stream; or bytes of the program.
  std::variant<std::string, std::shared_ptr<const std::string>, StreamBody, LiveBody, StaticBody> body;
  /// Whose pages may show this page within them.
  enum class Framing : std::uint8_t { kNobody, kAnybody };
  Framing framing = Framing::kNobody;

  /// The bytes of the body; "" for streams.
  [[nodiscard]] std::string_view bytes() const;
};

/// 200 with a JSON text that is already written (base/json.h makes it).
[[nodiscard]] Response json_text(std::string text, int status = 200);
[[nodiscard]] Response no_content();
[[nodiscard]] Response text(std::string body, std::string_view content_type, int status = 200);
/// The answer to a refusal: application/problem+json (RFC 9457) with code, request_id and errors.
[[nodiscard]] Response problem(const Failure& failure, const Request& request);
/// The same with a status that no `Refusal` names: 412, 413, 415, 422 (a handler returns it as its Response).
[[nodiscard]] Response problem(int status, const Failure& failure, const Request& request);

}  // namespace mainstay::http
