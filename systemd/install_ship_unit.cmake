# Run by the installation, as install_units.cmake is.
set(doc_dir "${CMAKE_INSTALL_PREFIX}/${data_dir}/doc/stele")
set(bin_dir "${CMAKE_INSTALL_PREFIX}/${bin_dir}")
set(etc_dir "${CMAKE_INSTALL_PREFIX}/${sysconf_dir}")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(etc_dir "/${sysconf_dir}")
endif()
configure_file("${source_dir}/stele-ship@.service.in" "${work_dir}/stele-ship@.service" @ONLY)
file(INSTALL "${work_dir}/stele-ship@.service"
  DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
