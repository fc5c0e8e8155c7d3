# The program itself, its embedded web app, fuzz targets and benchmarks.
if(EXISTS "${CMAKE_SOURCE_DIR}/src/cli/main.cpp")
  add_executable(mainstay src/cli/main.cpp)
  target_link_libraries(mainstay PRIVATE mainstay_flags cli)
  target_compile_definitions(mainstay PRIVATE MAINSTAY_VERSION="${PROJECT_VERSION}")
  # libduckdb.so stands beside the binary.
  set_target_properties(mainstay PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}" BUILD_RPATH "$ORIGIN"
    BUILD_RPATH_USE_ORIGIN ON SKIP_BUILD_RPATH OFF INSTALL_RPATH "$ORIGIN" BUILD_WITH_INSTALL_RPATH ON)
  add_custom_command(TARGET mainstay POST_BUILD COMMAND "${CMAKE_COMMAND}" -E copy_if_different
    "${NPM}/@duckdb/node-bindings-linux-x64/libduckdb.so" "${CMAKE_BINARY_DIR}/libduckdb.so")
endif()
include(AnalyticsData)
include(WebApp)
target_link_libraries(http PUBLIC web_app)
include(Fuzzers)
include(Benchmarks)
