# find_package(stele): stele::client, and stele::spdlog_sink where spdlog is installed.
include(CMakeFindDependencyMacro)
find_dependency(Boost 1.81 CONFIG COMPONENTS json)
find_dependency(Threads)
find_package(spdlog 1.10 CONFIG QUIET)
include("${CMAKE_CURRENT_LIST_DIR}/stele-targets.cmake")
