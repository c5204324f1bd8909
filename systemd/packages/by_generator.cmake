# Read by cpack before each kind of package.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_INSTALL_PREFIX /usr)
  # The release may be given to cpack: -D CPACK_DEBIAN_PACKAGE_RELEASE=2.
  string(CONCAT CPACK_DEBIAN_LIBSTELE-DEV_PACKAGE_DEPENDS
    "libstele0 (= ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), "
    "libboost1.81-dev, libboost-json1.81-dev")
  string(CONCAT CPACK_DEBIAN_PYTHON3-STELE_PACKAGE_DEPENDS
    "libstele0 (= ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), "
    "python3 (>= 3.11)")
else()
  # To be taken apart in /: tar -C / -xzf FILE.
  set(CPACK_INSTALL_PREFIX /usr/local)
  set(CPACK_INCLUDE_TOPLEVEL_DIRECTORY OFF)
  set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
  set(CPACK_MONOLITHIC_INSTALL ON)
endif()
