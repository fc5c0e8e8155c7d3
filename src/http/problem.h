#pragma once

#include <string>
#include <string_view>

#include "base/failure.h"

namespace mainstay::http {

/// The reason phrase of `status` (RFC 9110 §15), or "Unknown".
[[nodiscard]] std::string_view reason(int status);

/// The one place where a refusal becomes a status.
[[nodiscard]] int status_of(Refusal kind);

/// The text of an application/problem+json document (RFC 9457 §3): type, title, status, detail, code,
/// request_id and, when there are any, errors.
[[nodiscard]] std::string problem_text(int status, const Failure& failure, std::string_view request_id);

}  // namespace mainstay::http
