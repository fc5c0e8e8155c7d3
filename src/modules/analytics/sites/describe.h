#pragma once

#include "base/json.h"
#include "modules/analytics/model.h"

/// How parts of a site look in JSON, on the wire and in SQL.
namespace mainstay::analytics {

BOOST_DESCRIBE_ENUM(PlaceDetail, kNone, kCountry, kRegion, kCity)
BOOST_DESCRIBE_ENUM(GoalKind, kEvent, kPage, kScroll)
BOOST_DESCRIBE_STRUCT(Collect, (), (referrer, campaign, place, agent, screen, language, engagement, properties, vitals))
BOOST_DESCRIBE_STRUCT(Excluded, (), (networks, paths, hosts, countries))

}  // namespace mainstay::analytics
