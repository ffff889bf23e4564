# cpack -G DEB in the build folder. LibTorch is not packaged: the learned stages find it where they were built.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tal)
set(CPACK_PACKAGE_CONTACT "the tal maintainers <tal@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Unix toolchain for temporal action localization")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(TAL_HDF5_SONAME MATCHES "libhdf5_serial\\.so\\.([0-9]+)")  # opened when needed, so shlibdeps does not see it
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libhdf5-${CMAKE_MATCH_1}-1 | libhdf5-${CMAKE_MATCH_1}")
endif()
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
include(CPack)
