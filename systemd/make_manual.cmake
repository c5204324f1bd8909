# cmake -Dsteled=PROGRAM -Dtemplate=FILE -Dout=FILE -P make_manual.cmake: the manual with the
# settings as the program's help tells them.
execute_process(COMMAND "${steled}" --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "^.*\nSettings[^\n]*\n" "" settings "${help}")
string(REGEX REPLACE "[ \t]+\n" "\n" settings "${settings}")
string(REPLACE "\\" "\\e" settings "${settings}")
string(REPLACE "-" "\\-" settings "${settings}")
string(STRIP "${settings}" settings)
configure_file("${template}" "${out}" @ONLY)
