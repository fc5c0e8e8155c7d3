# The web app inside the binary: `npm ci && npm run build` in web/ when its sources changed, then tools/embed-web makes
# an assembler file and a table of web/dist, which become the library `web_app` (http::web_assets()).
# By default in release builds only, so that a change to a test does not wait for npm.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(web_default ON)
else()
  set(web_default OFF)
endif()
option(MAINSTAY_WEB "build the web app and put it into the program" ${web_default})

enable_language(ASM)
find_program(NODE node HINTS "${CMAKE_SOURCE_DIR}/build/node/bin" REQUIRED)
set(WEB_DIR "${CMAKE_SOURCE_DIR}/web")
set(WEB_OUT "${CMAKE_BINARY_DIR}/generated/web")
file(MAKE_DIRECTORY "${WEB_OUT}")

if(MAINSTAY_WEB AND EXISTS "${WEB_DIR}/package.json")
  file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS "${WEB_DIR}/src/*" "${WEB_DIR}/public/*" "${WEB_DIR}/build/*")
  list(FILTER web_sources EXCLUDE REGEX "/schema\\.d\\.ts$")  # made for the type check, not for the build
  list(APPEND web_sources "${WEB_DIR}/package.json" "${WEB_DIR}/index.html" "${WEB_DIR}/vite.config.ts")
  # Only where the lock file changed: it takes longer than the build.
  add_custom_command(OUTPUT "${WEB_OUT}/installed" VERBATIM
    COMMAND sh -c "cmp -s package-lock.json node_modules/.installed-lock || { npm ci --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed-lock; }"
    COMMAND "${CMAKE_COMMAND}" -E touch "${WEB_OUT}/installed"
    DEPENDS "${WEB_DIR}/package-lock.json" WORKING_DIRECTORY "${WEB_DIR}" COMMENT "installing the web app's packages")
  # Into a folder of this build: two build folders may build at once, and web/dist stays the developer's own.
  add_custom_command(OUTPUT "${WEB_OUT}/built" VERBATIM
    COMMAND npm run --silent build -- --outDir "${WEB_OUT}/dist" --emptyOutDir --logLevel warn
    COMMAND "${CMAKE_COMMAND}" -E touch "${WEB_OUT}/built"
    DEPENDS "${WEB_OUT}/installed" ${web_sources} WORKING_DIRECTORY "${WEB_DIR}" COMMENT "building the web app")
  set(web_stamp "${WEB_OUT}/built")
else()
  file(REMOVE_RECURSE "${WEB_OUT}/dist")
  set(web_stamp "")
endif()

add_custom_command(OUTPUT "${WEB_OUT}/web_assets.cpp" "${WEB_OUT}/web_assets.S" VERBATIM
  COMMAND "${CMAKE_SOURCE_DIR}/tools/embed-web" "${WEB_OUT}/dist" "${WEB_OUT}" "${NODE}"
  COMMAND "${CMAKE_COMMAND}" -E touch "${WEB_OUT}/web_assets.cpp" "${WEB_OUT}/web_assets.S"
  DEPENDS ${web_stamp} "${CMAKE_SOURCE_DIR}/tools/embed-web" COMMENT "embedding the web app")
add_library(web_app STATIC "${WEB_OUT}/web_assets.cpp" "${WEB_OUT}/web_assets.S")
target_link_libraries(web_app PUBLIC mainstay_headers)
