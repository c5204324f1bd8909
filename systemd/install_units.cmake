# Run by the installation, with source_dir, work_dir and the folders below the prefix. With the
# prefix /usr the configuration is in /etc.
set(doc_dir "${CMAKE_INSTALL_PREFIX}/${data_dir}/doc/stele")
set(sbin_dir "${CMAKE_INSTALL_PREFIX}/${sbin_dir}")
set(etc_dir "${CMAKE_INSTALL_PREFIX}/${sysconf_dir}")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(etc_dir "/${sysconf_dir}")
endif()

# stele_units(<file> <unit> <name> <of_instance> <arguments>): a service and its socket; name: of
# their directories.
function(stele_units file unit name of_instance arguments)
  foreach(kind IN ITEMS service socket)
    configure_file("${source_dir}/steled.${kind}.in" "${work_dir}/${file}.${kind}" @ONLY)
    file(INSTALL "${work_dir}/${file}.${kind}"
      DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
  endforeach()
endfunction()

# In a unit, %i is the name of the instance.
stele_units(steled steled stele "" "--config ${etc_dir}/stele/steled.conf")
string(CONCAT instance_arguments "--config ${etc_dir}/stele/%i.conf"
  " --data-dir /var/lib/stele-%i --socket /run/stele-%i/stele.sock")
stele_units(steled@ steled@%i stele-%i " %i" "${instance_arguments}")

file(INSTALL "${source_dir}/../daemon/steled.conf" DESTINATION "${etc_dir}/stele")
