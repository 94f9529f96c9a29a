# SPDX-License-Identifier: Apache-2.0
# libcpb_attend: attention carried out by a plan. Built where CBLAS and pthreads are
# found; libcpb itself needs neither.
if(NOT CPB_BUILD_ATTEND)
  return()
endif()
find_package(Threads)
find_package(PkgConfig)
if(PkgConfig_FOUND)
  pkg_search_module(CBLAS IMPORTED_TARGET openblas cblas)
endif()
if(NOT CBLAS_FOUND OR NOT Threads_FOUND)
  if(CPB_BUILD_ATTEND STREQUAL "ON")
    message(FATAL_ERROR "libcpb_attend needs pkg-config, CBLAS and pthreads, which were "
      "not all found (Debian: pkg-config libopenblas-dev)")
  endif()
  message(STATUS "No CBLAS found by pkg-config: libcpb_attend and `cpb attend` are left "
    "out (Debian: libopenblas-dev)")
  return()
endif()
list(GET CBLAS_LIBRARIES 0 cblas_name)

file(GLOB attend_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/attend/*.c)
# The few helpers that both libraries use are hidden in each, so they are compiled again.
set(shared_sources ${PROJECT_SOURCE_DIR}/src/base/error.c
  ${PROJECT_SOURCE_DIR}/src/base/memory.c)

add_library(cpb_attend_objects OBJECT ${attend_sources} ${shared_sources})
set_target_properties(cpb_attend_objects PROPERTIES
  C_EXTENSIONS OFF
  C_VISIBILITY_PRESET hidden
  POSITION_INDEPENDENT_CODE ON)
target_compile_features(cpb_attend_objects PUBLIC c_std_11)
target_include_directories(cpb_attend_objects PRIVATE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(cpb_attend_objects
  PRIVATE PkgConfig::CBLAS $<BUILD_INTERFACE:cpb_warnings>)

# Loops over rows are always optimised: tests at -O1 would crawl. Fused products and the
# wider vectors belong to the one file that asks the processor before it is used.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/attend/rows_base.c
  PROPERTIES COMPILE_OPTIONS "-O3")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/attend/rows_avx2.c
    PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma;-ffp-contract=fast")
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/attend/rows_avx512.c
    PROPERTIES COMPILE_OPTIONS "-O3;-mavx512f;-mfma;-ffp-contract=fast")
endif()

add_library(cpb_attend $<TARGET_OBJECTS:cpb_attend_objects>)
add_library(cpb::attend ALIAS cpb_attend)
set_target_properties(cpb_attend PROPERTIES
  EXPORT_NAME attend
  LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_link_libraries(cpb_attend
  PUBLIC cpb
  PRIVATE $<BUILD_INTERFACE:PkgConfig::CBLAS> $<BUILD_INTERFACE:Threads::Threads>
    $<INSTALL_INTERFACE:${cblas_name}> m)

# For tests, which may call what the shared library hides.
add_library(cpb_attend_inside STATIC EXCLUDE_FROM_ALL
  $<TARGET_OBJECTS:cpb_attend_objects>)
set_target_properties(cpb_attend_inside PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(cpb_attend_inside
  PUBLIC cpb_inside PkgConfig::CBLAS Threads::Threads m)
