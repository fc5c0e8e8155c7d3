#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ports/bus/bus.h"

/// Live streams: bus messages pushed to browsers, as server-sent events (WHATWG HTML §9.2) or as text frames of a
/// WebSocket (RFC 6455) when the request asks to upgrade. A route answers with a `LiveBody` (http/message.h).
///
/// Then the connection's coroutine and buffers are freed; what stays is the socket, one small object and a place in
/// its thread's hub: about a kilobyte for an idle stream. Messages are encoded once and shared by all who get them.
///
/// What a client may rely on:
/// - The snapshot comes at once. Then, per subject, the first message at once and further ones every
///   `Limits::live_interval`, the newest only (`LiveBody::Delivery::kNewest`), or every message (kEvery).
/// - Every message has an `id` that grows, also over restarts. A client that comes back with `Last-Event-ID` (a browser
///   does so by itself; otherwise the query parameter `last_event_id`) gets what it missed, as far as the
///   last 4,096 messages or 8 MB of the server go back; older than that, the snapshot is all there is.
/// - A comment (SSE) or a ping frame comes every `Limits::live_ping`, a quarter more or less.
/// - A client that takes nothing for `Limits::write_patience`, or lets more than `live_backlog_max` messages of kEvery
///   pile up, is closed. A page of another site cannot open the WebSocket (Origin is checked).
/// - A stream whose right to watch ends (`LiveBody::ends_with`) is closed at once, a WebSocket with code 1008; one
/// whose right runs
///   out by time (`LiveBody::ends_at`) with the next ping.
/// - What a client sends over the WebSocket is read, checked and dropped; frames and messages up to 64 kB.
namespace mainstay::http {

/// "id: 7\nevent: subject\ndata: …\n\n"; a payload of several lines becomes several data lines. `id` 0: none.
[[nodiscard]] std::string encode_event(std::string_view subject, std::uint64_t id, std::string_view payload);

/// `{"subject": …, "id": "7", "data": payload}`; `payload` is JSON text.
[[nodiscard]] std::string encode_envelope(std::string_view subject, std::uint64_t id, std::string_view payload);

/// The bus subjects on which ends of rights are told: the prefix, then what ended.
inline constexpr std::string_view kLiveEndPrefix = "events.http.live-end.";

/// Ends the live streams whose `LiveBody::ends_with` names `right` ([a-z0-9_-]+). Call it after the right is gone: who
/// asks from then on is refused. Any thread.
void end_live_streams(bus::Bus& bus, std::string_view right);

}  // namespace mainstay::http
