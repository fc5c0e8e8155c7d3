#include "http/router.h"

#include <array>
#include <map>
#include <stdexcept>

#include "base/text.h"

namespace mainstay::http {

namespace {

constexpr std::size_t kMethods = 7;

/// One segment of the declared paths.
struct Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;  ///< "{name*}"
  std::array<const Route*, kMethods> by_method{};

  [[nodiscard]] bool ends_here() const {
    return std::any_of(by_method.begin(), by_method.end(), [](const Route* route) { return route != nullptr; });
  }
};

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool takes_rest(std::string_view segment) { return is_parameter(segment) && segment[segment.size() - 2] == '*'; }

std::string_view parameter_name(std::string_view segment) {
  segment = segment.substr(1, segment.size() - 2);
  return segment.ends_with('*') ? segment.substr(0, segment.size() - 1) : segment;
}

std::string_view first_segment(std::string_view path) { return path.substr(0, path.find('/')); }

std::string_view after_segment(std::string_view path) {
  const auto slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
}

/// The node where `path` (without its leading slash) ends. `last` says that the segment at hand is the last one.
const Node* walk(const Node& node, std::string_view path) {
  const auto raw = first_segment(path);
  const bool last = raw.size() == path.size();
  const auto deeper = [&](const Node& next) -> const Node* {
    if (last) return next.ends_here() ? &next : nullptr;
    return walk(next, after_segment(path));
  };
  const auto literal =
      raw.find('%') == std::string_view::npos ? node.literals.find(raw) : node.literals.find(percent_decode(raw));
  if (literal != node.literals.end()) {
    if (const auto* found = deeper(*literal->second)) return found;
  }
  if (node.parameter && !raw.empty()) {
    if (const auto* found = deeper(*node.parameter)) return found;
  }
  return node.rest && node.rest->ends_here() ? node.rest.get() : nullptr;
}

std::string allow_of(const Node& node) {
  std::string allow;
  for (std::size_t i = 0; i < kMethods; ++i) {
    const auto method = static_cast<Method>(i);
    const bool head = method == Method::kHead && node.by_method[static_cast<std::size_t>(Method::kGet)] != nullptr;
    if (node.by_method[i] == nullptr && !head && method != Method::kOptions) continue;
    if (!allow.empty()) allow += ", ";
    allow += to_text(method);
  }
  return allow;
}

}  // namespace

struct Router::Impl {
  std::vector<std::unique_ptr<Route>> owned;
  std::vector<const Route*> routes;
  /// Paths without parameters, which are most of the traffic: one look-up.
  std::map<std::string, const Node*, std::less<>> exact;
  Node root;
  Handler fallback;
};

Router::Router() : impl_(std::make_unique<Impl>()) {}
Router::~Router() = default;

void Router::add(Route route) {
  const std::string path{route.path};
  const auto malformed = [&](std::string_view why) {
    throw std::logic_error("route " + path + ": " + std::string{why});
  };
  if (path.empty() || path.front() != '/') malformed("does not begin with a slash");
  if (!route.handler) malformed("has no handler");
  auto owned = std::make_unique<Route>(std::move(route));
  Node* node = &impl_->root;
  bool exact = true;
  const auto segments = split(std::string_view{owned->path}.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto segment = segments[i];
    if (takes_rest(segment) && i + 1 != segments.size()) malformed("takes the rest before its end");
    if (!is_parameter(segment) && segment.find_first_of("{}*") != std::string_view::npos)
      malformed("malformed segment");
    exact = exact && !is_parameter(segment);
    auto& next = takes_rest(segment)     ? node->rest
                 : is_parameter(segment) ? node->parameter
                                         : node->literals[std::string{segment}];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  auto& place = node->by_method[static_cast<std::size_t>(owned->method)];
  if (place != nullptr) malformed("declared twice for " + std::string{to_text(owned->method)});
  place = owned.get();
  if (exact) impl_->exact.emplace(owned->path, node);
  impl_->routes.push_back(owned.get());
  impl_->owned.push_back(std::move(owned));
}

void Router::add(std::vector<Route> routes) {
  for (auto& route : routes) add(std::move(route));
}

void Router::set_fallback(Handler handler) { impl_->fallback = std::move(handler); }

Router::Match Router::find(Method method, std::string_view path) const {
  Match match;
  const Node* node = nullptr;
  if (const auto exact = impl_->exact.find(path); exact != impl_->exact.end()) {
    node = exact->second;
  } else if (!path.empty() && path.front() == '/') {
    node = walk(impl_->root, path.substr(1));
  }
  if (node == nullptr) return match;
  match.path_exists = true;
  match.route = node->by_method[static_cast<std::size_t>(method)];
  if (match.route == nullptr && method == Method::kHead) {
    match.route = node->by_method[static_cast<std::size_t>(Method::kGet)];
  }
  if (match.route == nullptr) {
    match.allow = allow_of(*node);
    return match;
  }
  if (match.route->path.find('{') == std::string_view::npos) return match;
  auto declared = match.route->path.substr(1);
  auto given = path.substr(1);
  while (!declared.empty()) {
    const auto segment = first_segment(declared);
    const auto value = takes_rest(segment) ? given : first_segment(given);
    if (is_parameter(segment)) match.parameters.emplace_back(parameter_name(segment), percent_decode(value));
    declared = after_segment(declared);
    given = after_segment(given);
  }
  return match;
}

const Handler& Router::fallback() const { return impl_->fallback; }
const std::vector<const Route*>& Router::routes() const { return impl_->routes; }

}  // namespace mainstay::http
