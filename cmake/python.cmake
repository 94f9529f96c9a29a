# SPDX-License-Identifier: Apache-2.0
# What the Python package carries beside its own files: the library, the program, and the
# declarations that the binding reads, made from the public headers. `pip install .` gets
# here by way of pyproject.toml.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(package cpbalance)
set(native ${package}/_native)

file(GLOB public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/cpb/*.h)
set(preprocessed ${PROJECT_BINARY_DIR}/cpb.i)
set(declarations ${PROJECT_BINARY_DIR}/_declarations.py)
add_custom_command(OUTPUT ${declarations}
  COMMAND ${CMAKE_C_COMPILER} -E -DCPB_CFFI -I${PROJECT_SOURCE_DIR}/include
    ${PROJECT_SOURCE_DIR}/include/cpb/cpb.h -o ${preprocessed}
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/python/declarations.py
    ${preprocessed} ${declarations}
  DEPENDS ${public_headers} ${PROJECT_SOURCE_DIR}/python/declarations.py
  COMMENT "Declarations of the Python package"
  VERBATIM)
add_custom_target(cpb_declarations ALL DEPENDS ${declarations})
install(FILES ${declarations} DESTINATION ${package})

# One file under the name that the program asks for; a wheel has no symbolic links.
install(FILES $<TARGET_FILE:cpb> DESTINATION ${native}
  RENAME $<TARGET_SONAME_FILE_NAME:cpb>)
if(TARGET cpb_program)
  set_target_properties(cpb_program PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS cpb_program RUNTIME DESTINATION ${native})
endif()
