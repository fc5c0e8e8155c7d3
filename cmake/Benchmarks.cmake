# Micro-benchmarks: every bench/micro/x_bench.cpp becomes the program `x_bench`; the target `benchmarks` builds them all.
add_custom_target(benchmarks)
if(MAINSTAY_FUZZ)
  return()
endif()
file(GLOB bench_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/bench/micro/*_bench.cpp")
foreach(source IN LISTS bench_sources)
  get_filename_component(name "${source}" NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL "${source}")
  target_link_libraries(${name} PRIVATE mainstay_flags modules_analytics testing benchmark::benchmark benchmark::benchmark_main)
  add_dependencies(${name} country_file)
  add_dependencies(benchmarks ${name})
endforeach()

# Comparisons that are programs of their own; bench/compare/x runs them.
file(GLOB report_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/bench/compare/report_*.cpp")
add_executable(report_bench EXCLUDE_FROM_ALL ${report_sources})
target_link_libraries(report_bench PRIVATE mainstay_flags modules_analytics testing)
add_dependencies(benchmarks report_bench)

# Peers and load generators: bench/compare/x.cpp becomes the program `x`, which x's script runs.
foreach(name bare_204 load)
  add_executable(${name} EXCLUDE_FROM_ALL "${CMAKE_SOURCE_DIR}/bench/compare/${name}.cpp")
  target_link_libraries(${name} PRIVATE mainstay_flags http ports_bus_local ports_clock_system ports_random_system)
  add_dependencies(benchmarks ${name})
endforeach()
