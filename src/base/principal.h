#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace mainstay {

enum class UserId : std::int64_t {};
enum class SiteId : std::int64_t {};

/// What a principal may do. A route names one; the service checks it.
enum class Permission {
  kPublic,       ///< anybody; the service may still ask for a key or a share
  kSignedIn,     ///< any user
  kReadReports,  ///< analytics reports of all sites
  kManageSites,  ///< create, edit and delete sites, see their keys
  kManageUsers,
  kReadSystem,  ///< metrics and configuration
};

enum class Role { kNone, kViewer, kOwner };

/// Whoever makes a request.
struct Principal {
  enum class Kind { kAnonymous, kUser, kToken };
  Kind kind = Kind::kAnonymous;
  UserId user{};  ///< of a user or of a token's owner
  Role role = Role::kNone;
  std::string name;        ///< for people and logs: e-mail of the user, name of the token
  std::string credential;  ///< the session or token that says so, for `http::LiveBody::ends_with`; "" for none

  Instant valid_until = Instant::max();  ///< when session or token run out

  [[nodiscard]] bool may(Permission permission) const {
    switch (permission) {
      case Permission::kPublic: return true;
      case Permission::kSignedIn: return role != Role::kNone;
      case Permission::kReadReports: return role != Role::kNone;
      case Permission::kManageSites:
      case Permission::kManageUsers:
      case Permission::kReadSystem: return role == Role::kOwner;
    }
    return false;
  }
};

}  // namespace mainstay
