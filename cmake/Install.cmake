# cmake --install: executables, headers, find_package(tal), man pages, completions. CPack builds a .deb from the same rules.
include(CMakePackageConfigHelpers)
install(TARGETS ${TAL_TOOLS} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TAL_SCRIPTS)
  install(PROGRAMS ${TAL_SCRIPTS} DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY libtal DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
