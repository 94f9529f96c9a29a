# SPDX-License-Identifier: Apache-2.0
# The library, compiled once and linked twice: `cpb` for users, and `cpb_inside` for
# tests, which may call what a shared library hides.

# Globbed on purpose: a new balancer is one file and one row (docs/decisions/0005).
file(GLOB library_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*.c)
list(FILTER library_sources EXCLUDE REGEX "/src/(attend|mpi)/") # libraries of their own

add_library(cpb_objects OBJECT ${library_sources})
target_compile_features(cpb_objects PUBLIC c_std_11)
set_target_properties(cpb_objects PROPERTIES
  C_EXTENSIONS OFF
  C_VISIBILITY_PRESET hidden
  POSITION_INDEPENDENT_CODE ON)
target_include_directories(cpb_objects PRIVATE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(cpb_objects PRIVATE $<BUILD_INTERFACE:cpb_warnings>)

add_library(cpb $<TARGET_OBJECTS:cpb_objects>)
add_library(cpb::cpb ALIAS cpb)
set_target_properties(cpb PROPERTIES
  LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_compile_features(cpb INTERFACE c_std_11)
target_include_directories(cpb PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

add_library(cpb_inside STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:cpb_objects>)
set_target_properties(cpb_inside PROPERTIES LINKER_LANGUAGE C)
target_include_directories(cpb_inside PUBLIC
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
