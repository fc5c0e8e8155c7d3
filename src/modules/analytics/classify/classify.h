#pragma once

#include <boost/describe/class.hpp>
#include <optional>
#include <string>

#include "base/failure.h"

namespace mainstay::analytics {

class Agents;

/// `POST /api/v1/analytics/classify`: how a hit would be judged, and why. Both structs are the wire's.
struct ClassifyRequest {
  std::string user_agent;
  std::optional<std::string> referrer;
  std::optional<std::string> url;
};
BOOST_DESCRIBE_STRUCT(ClassifyRequest, (), (user_agent, referrer, url))

struct Classification {
  struct Bot {
    bool is_bot = false;
    std::string name, category, reason;
  };
  struct Versioned {
    std::string name, version;
  };
  struct From {
    std::string host, source, channel, why;
  };
  struct Utm {
    std::string source, medium, campaign, content, term;
  };
  Bot bot;
  Versioned browser;
  Versioned os;
  std::string device;  ///< as device_name(), "(not set)" where unknown
  From referrer;
  Utm utm;
  std::string click_id;
};
BOOST_DESCRIBE_STRUCT(Classification::Bot, (), (is_bot, name, category, reason))
BOOST_DESCRIBE_STRUCT(Classification::Versioned, (), (name, version))
BOOST_DESCRIBE_STRUCT(Classification::From, (), (host, source, channel, why))
BOOST_DESCRIBE_STRUCT(Classification::Utm, (), (source, medium, campaign, content, term))
BOOST_DESCRIBE_STRUCT(Classification, (), (bot, browser, os, device, referrer, utm, click_id))

/// Refuses kInvalid `analytics.bad_url` for a `url` that a beacon could not have either.
[[nodiscard]] Result<Classification> classify(const Agents& agents, const ClassifyRequest& request);

}  // namespace mainstay::analytics
