# Data of the analytics module that is made at build time: the tables of user agents and bots, and the
# country file beside the binary.
# Nothing but its standard library is used.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(AGENT_PATTERNS "${CMAKE_BINARY_DIR}/generated/analytics/agent_patterns.cpp")
add_custom_command(OUTPUT "${AGENT_PATTERNS}"
  COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/generate-agents" "${NPM}" "${AGENT_PATTERNS}"
  DEPENDS "${CMAKE_SOURCE_DIR}/tools/generate-agents" "${NPM}/uap-core/regexes.yaml"
    "${NPM}/crawler-user-agents/crawler-user-agents.json" "${NPM}/isbot/index.mjs"
  COMMENT "Generating the tables of user agents and bots" VERBATIM)
# A target of its own: it waits for no other room.
add_library(agent_patterns OBJECT "${AGENT_PATTERNS}")
target_link_libraries(agent_patterns PRIVATE mainstay_flags mainstay_headers)
target_link_libraries(modules_analytics PRIVATE agent_patterns)

# Country by address (CC0); `mainstay` and the tests read it beside the binary.
set(COUNTRY_FILE "${CMAKE_BINARY_DIR}/country.mmdb")
add_custom_command(OUTPUT "${COUNTRY_FILE}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
    "${NPM}/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb" "${COUNTRY_FILE}"
  DEPENDS "${NPM}/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb" VERBATIM)
add_custom_target(country_file ALL DEPENDS "${COUNTRY_FILE}")
foreach(reader mainstay modules_analytics_tests)
  if(TARGET ${reader})
    add_dependencies(${reader} country_file)
  endif()
endforeach()
