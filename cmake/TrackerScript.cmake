# The tracking script, minified and embedded. Links as `tracker_script`; read through "tracker_script.h".
set(SCRIPT_DIR "${CMAKE_SOURCE_DIR}/web-script")
set(SCRIPT_STAMP "${SCRIPT_DIR}/node_modules/installed")
find_program(NODE node HINTS "${CMAKE_SOURCE_DIR}/build/node/bin" REQUIRED)
file(SHA256 "${SCRIPT_DIR}/package-lock.json" script_hash)
set(script_installed "")
if(EXISTS "${SCRIPT_STAMP}")
  file(READ "${SCRIPT_STAMP}" script_installed)
endif()
if(NOT script_installed STREQUAL script_hash)
  message(STATUS "fetching what minifies the tracking script from npm")
  execute_process(COMMAND npm ci --ignore-scripts --no-audit --no-fund
    WORKING_DIRECTORY "${SCRIPT_DIR}" COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
  file(WRITE "${SCRIPT_STAMP}" "${script_hash}")
endif()

set(SCRIPT_GENERATED "${CMAKE_BINARY_DIR}/generated")
file(MAKE_DIRECTORY "${SCRIPT_GENERATED}")
configure_file("${CMAKE_SOURCE_DIR}/web-script/tracker_script.h" "${SCRIPT_GENERATED}/tracker_script.h" COPYONLY)
add_custom_command(OUTPUT "${SCRIPT_GENERATED}/tracker_script.cpp"
  COMMAND "${NODE}" build.mjs "${SCRIPT_GENERATED}/s.js" "${SCRIPT_GENERATED}/tracker_script.cpp"
  WORKING_DIRECTORY "${SCRIPT_DIR}"
  DEPENDS "${SCRIPT_DIR}/src/script.js" "${SCRIPT_DIR}/build.mjs" "${SCRIPT_DIR}/package-lock.json"
  COMMENT "Minifying the tracking script" VERBATIM)
add_library(tracker_script STATIC "${SCRIPT_GENERATED}/tracker_script.cpp")
target_include_directories(tracker_script PUBLIC "${SCRIPT_GENERATED}")
