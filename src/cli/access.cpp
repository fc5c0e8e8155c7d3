#include "cli/access.h"

#include <thread>

#include "base/json.h"
#include "http/local_client.h"

namespace mainstay::cli {
namespace {

constexpr std::chrono::milliseconds kFolderWait{100};
constexpr int kFolderTries = 100;

/// Splits a target into the path and the decoded query of a request made in process.
http::Request make_request(const std::string& target, std::string body, const std::string& content_type) {
  http::Request request;
  request.method = http::Method::kPost;
  request.target = target;
  request.path = target.substr(0, target.find('?'));
  if (const auto query = target.find('?'); query != std::string::npos) {
    for (const auto pair : split(std::string_view{target}.substr(query + 1), '&')) {
      const auto equals = pair.find('=');
      request.query_parameters.emplace_back(
          percent_decode(pair.substr(0, equals)),
          equals == std::string_view::npos ? "" : percent_decode(pair.substr(equals + 1)));
    }
  }
  request.headers.set("Content-Type", content_type);
  request.body = std::move(body);
  return request;
}

std::string body_of(const http::Response& response) {
  if (const auto* text = std::get_if<std::string>(&response.body)) return *text;
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&response.body)) return **shared;
  throw std::logic_error("a command got a streaming answer");
}

}  // namespace

std::filesystem::path program_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

Access::Access(config::Settings settings, Server server) : socket_(app::Paths(settings).socket()) {
  if (server == Server::kNeeded) return;
  const app::Paths paths(settings);
  // A server that is starting or ending holds the folder for a moment without answering.
  for (int i = 0; i < kFolderTries; ++i) {
    if (auto folder = app::DataFolder::take(paths)) {
      program_ = std::make_unique<app::Program>(std::move(settings), std::move(folder), program_folder());
      return;
    }
    if (http::local_server_answers(socket_.string())) return;
    std::this_thread::sleep_for(kFolderWait);
  }
  throw Unavailable(paths.data.string() + " is held by another process that does not answer on " + socket_.string());
}

Access::~Access() = default;

Access::Answer Access::post(const std::string& target, std::string body, const std::string& content_type) {
  if (!program_) {
    auto reply = http::post_local(socket_.string(), target, std::move(body), content_type);
    return {.status = reply.status, .body = std::move(reply.body), .retry_after = reply.retry_after};
  }
  const auto response = program_->ask(make_request(target, std::move(body), content_type));
  const std::chrono::seconds retry_after{parse_number<std::uint32_t>(response.headers.get("Retry-After")).value_or(0)};
  return {.status = response.status, .body = body_of(response), .retry_after = retry_after};
}

std::string problem_text(const std::string& body) {
  const auto value = json::parse(body);
  if (!value || !value->is_object()) return body;
  const auto& problem = value->get_object();
  const auto text = [](const json::Object& object, std::string_view name) -> std::string {
    const auto* found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string{found->get_string()} : "";
  };
  auto sentence = text(problem, "detail");
  if (sentence.empty()) sentence = text(problem, "title");
  if (const auto* errors = problem.if_contains("errors"); errors != nullptr && errors->is_array()) {
    for (const auto& error : errors->get_array()) {
      if (error.is_object())
        sentence += "\n  " + text(error.get_object(), "field") + ": " + text(error.get_object(), "message");
    }
  }
  return sentence;
}

}  // namespace mainstay::cli
