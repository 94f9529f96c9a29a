# SPDX-License-Identifier: Apache-2.0
# libcpb_mpi: ranks as MPI processes. Built where libcpb_attend is and MPI is found;
# -DMPI_C_COMPILER=mpicc.mpich chooses one of several.
if(NOT CPB_BUILD_MPI OR NOT TARGET cpb_attend)
  return()
endif()
find_package(MPI 3.0 COMPONENTS C)
if(NOT MPI_C_FOUND)
  if(CPB_BUILD_MPI STREQUAL "ON")
    message(FATAL_ERROR "libcpb_mpi needs MPI, which was not found (Debian: libopenmpi-dev)")
  endif()
  message(STATUS "No MPI found: libcpb_mpi is left out and ranks are threads")
  return()
endif()

add_library(cpb_mpi ${PROJECT_SOURCE_DIR}/src/mpi/mpi.c
  ${PROJECT_SOURCE_DIR}/src/attend/blas.c ${shared_sources})
add_library(cpb::mpi ALIAS cpb_mpi)
target_compile_features(cpb_mpi PUBLIC c_std_11)
target_include_directories(cpb_mpi PRIVATE ${PROJECT_SOURCE_DIR}/src)
set_target_properties(cpb_mpi PROPERTIES
  EXPORT_NAME mpi
  C_EXTENSIONS OFF
  C_VISIBILITY_PRESET hidden
  POSITION_INDEPENDENT_CODE ON
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_link_libraries(cpb_mpi
  PUBLIC cpb_attend
  PRIVATE $<BUILD_INTERFACE:MPI::MPI_C> $<BUILD_INTERFACE:cpb_warnings>)
