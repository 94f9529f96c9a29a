# SPDX-License-Identifier: Apache-2.0
# What an installed library consists of: headers, library, CMake package, pkg-config file.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cpb)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS cpb EXPORT cpb)
if(TARGET cpb_attend)
  install(TARGETS cpb_attend EXPORT cpb)
endif()
if(TARGET cpb_mpi)
  install(TARGETS cpb_mpi EXPORT cpb)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/cpb
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# The libraries need nothing that is found by CMake, so the exported targets are the
# whole package.
install(EXPORT cpb NAMESPACE cpb:: FILE cpbConfig.cmake DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cpbConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cpbConfigVersion.cmake DESTINATION ${package_dir})

# Relative to the file itself, so that the installed tree may be moved.
file(RELATIVE_PATH prefix_from_pc
  ${CMAKE_INSTALL_PREFIX}/${pkgconfig_dir} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
configure_file(cmake/cpb.pc.in cpb.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cpb.pc DESTINATION ${pkgconfig_dir})
if(TARGET cpb_attend)
  configure_file(cmake/cpb-attend.pc.in cpb-attend.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/cpb-attend.pc DESTINATION ${pkgconfig_dir})
endif()
if(TARGET cpb_mpi)
  configure_file(cmake/cpb-mpi.pc.in cpb-mpi.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/cpb-mpi.pc DESTINATION ${pkgconfig_dir})
endif()
