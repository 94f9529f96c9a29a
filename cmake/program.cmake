# SPDX-License-Identifier: Apache-2.0
# The program `cpb`: public headers of the library, jansson for JSON, popt for options,
# threads for sweeps, cairo for pictures where it is found.
file(GLOB program_sources CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/cli/*.c ${PROJECT_SOURCE_DIR}/cli/picture/*.c
  ${PROJECT_SOURCE_DIR}/cli/attend/*.c)
find_package(PkgConfig)
find_package(Threads REQUIRED)
if(PkgConfig_FOUND)
  pkg_check_modules(JANSSON IMPORTED_TARGET jansson>=2.10)
  pkg_check_modules(POPT IMPORTED_TARGET popt>=1.16)
  pkg_check_modules(CAIRO IMPORTED_TARGET cairo>=1.16 cairo-svg cairo-pdf cairo-png)
endif()
if(NOT JANSSON_FOUND OR NOT POPT_FOUND)
  message(FATAL_ERROR
    "The program cpb needs pkg-config, jansson and popt, which were not all found. "
    "`make build` installs them (Debian: pkg-config libjansson-dev libpopt-dev); "
    "-DCPB_BUILD_CLI=OFF builds the library alone.")
endif()

# Without cairo the program says so where it is asked for a picture.
if(CPB_BUILD_PICTURES STREQUAL "ON" AND NOT CAIRO_FOUND)
  message(FATAL_ERROR
    "Pictures need cairo, which was not found. `make build` installs it (Debian: "
    "libcairo2-dev); -DCPB_BUILD_PICTURES=OFF builds the program without pictures.")
endif()
set(picture_backend none)
if(CPB_BUILD_PICTURES AND CAIRO_FOUND)
  set(picture_backend cairo)
endif()
list(FILTER program_sources EXCLUDE REGEX "/picture/backend_")
list(APPEND program_sources
  ${PROJECT_SOURCE_DIR}/cli/picture/backend_${picture_backend}.c)

# What runs attention is a program of its own (cli/attend/elsewhere.c says why).
set(attend_program_sources ${program_sources})
list(FILTER attend_program_sources INCLUDE REGEX "/attend/(conduct|dense|rank|verify|launch|proc)")
list(FILTER program_sources EXCLUDE REGEX "/attend/(conduct|dense|rank|verify|launch|proc)")
if(TARGET cpb_mpi)
  list(FILTER attend_program_sources EXCLUDE REGEX "/attend/processes_none")
else()
  list(FILTER attend_program_sources EXCLUDE REGEX "/attend/processes_mpi")
endif()

# Everything but main() is a library of its own, so that tests and fuzz targets reach the
# readers of files; whoever links it chooses the libcpb beneath.
list(REMOVE_ITEM program_sources ${PROJECT_SOURCE_DIR}/cli/main.c)
add_library(cpb_program_parts STATIC ${program_sources})
target_compile_features(cpb_program_parts PUBLIC c_std_11)
# POSIX beside C11: temporary names, terminals.
target_compile_definitions(cpb_program_parts PUBLIC _POSIX_C_SOURCE=200809L)
target_include_directories(cpb_program_parts PUBLIC
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/cli)
target_link_libraries(cpb_program_parts
  PUBLIC PkgConfig::JANSSON PkgConfig::POPT Threads::Threads m PRIVATE cpb_warnings)
if(picture_backend STREQUAL "cairo")
  target_link_libraries(cpb_program_parts PUBLIC PkgConfig::CAIRO)
endif()

add_executable(cpb_program ${PROJECT_SOURCE_DIR}/cli/main.c)
target_link_libraries(cpb_program PRIVATE cpb_program_parts cpb cpb_warnings)
set_target_properties(cpb_program PROPERTIES
  OUTPUT_NAME cpb
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
set_target_properties(cpb_program cpb_program_parts PROPERTIES C_EXTENSIONS OFF)
set(programs cpb_program)

if(TARGET cpb_attend)
  add_executable(cpb_attend_program ${PROJECT_SOURCE_DIR}/cli/main.c
    ${attend_program_sources})
  target_link_libraries(cpb_attend_program
    PRIVATE cpb_program_parts cpb_attend cpb PkgConfig::CBLAS cpb_warnings)
  if(TARGET cpb_mpi)
    target_link_libraries(cpb_attend_program PRIVATE cpb_mpi MPI::MPI_C)
  endif()
  set_target_properties(cpb_attend_program PROPERTIES
    OUTPUT_NAME cpb-attend
    C_EXTENSIONS OFF
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  add_dependencies(cpb_program cpb_attend_program)
  list(APPEND programs cpb_attend_program)
endif()

if(CPB_INSTALL)
  # The installed program finds the installed library wherever the prefix is moved.
  file(RELATIVE_PATH library_from_program
    ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(${programs} PROPERTIES
    INSTALL_RPATH "$ORIGIN/${library_from_program}")
  install(TARGETS ${programs} RUNTIME)
  if(EXISTS ${PROJECT_SOURCE_DIR}/cli/cpb.1)
    install(FILES ${PROJECT_SOURCE_DIR}/cli/cpb.1
      DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  endif()
  if(EXISTS ${PROJECT_SOURCE_DIR}/cli/cpb.bash)
    install(FILES ${PROJECT_SOURCE_DIR}/cli/cpb.bash
      DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME cpb)
  endif()
endif()
