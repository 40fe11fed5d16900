# SPDX-License-Identifier: MIT
# What `cmake --install` puts where (GNUInstallDirs), and the package that CPack makes of it. Included by CMakeLists.txt.
# Component "server" is what runs a site; "development" is what extensions of the package's PHP are built with.

set(psv_etc ${CMAKE_INSTALL_FULL_SYSCONFDIR}/phpsrv)
set(psv_packaging ${PROJECT_SOURCE_DIR}/packaging)
set(psv_made ${PROJECT_BINARY_DIR}/generated/packaging)
file(MAKE_DIRECTORY ${psv_made})

install(TARGETS phpsrv RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
# The name under which programs made for FrankenPHP find phpsrv; in no folder of PATH, where the real one may be.
file(RELATIVE_PATH psv_link ${CMAKE_INSTALL_PREFIX}/lib/phpsrv/bin ${CMAKE_INSTALL_FULL_BINDIR}/phpsrv)
file(CREATE_LINK ${psv_link} ${psv_made}/frankenphp SYMBOLIC)
install(FILES ${psv_made}/frankenphp DESTINATION lib/phpsrv/bin COMPONENT server)

# ---- what the program prints about itself

find_program(PHPSRV_GZIP gzip REQUIRED)
add_custom_command(
    OUTPUT ${psv_made}/phpsrv.8.gz ${psv_made}/phpsrv.bash ${psv_made}/_phpsrv ${psv_made}/phpsrv.fish
        ${psv_made}/config.example.toml
    COMMAND phpsrv --print-man-page > ${psv_made}/phpsrv.8
    COMMAND ${PHPSRV_GZIP} -9nf ${psv_made}/phpsrv.8
    COMMAND phpsrv --print-completion bash > ${psv_made}/phpsrv.bash
    COMMAND phpsrv --print-completion zsh > ${psv_made}/_phpsrv
    COMMAND phpsrv --print-completion fish > ${psv_made}/phpsrv.fish
    COMMAND phpsrv --print-example-config > ${psv_made}/config.example.toml
    DEPENDS phpsrv
    COMMENT "Manual page, completions and example configuration"
    VERBATIM)
add_custom_target(psv_printed ALL DEPENDS ${psv_made}/phpsrv.8.gz)
install(FILES ${psv_made}/phpsrv.8.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT server)
install(FILES ${psv_made}/phpsrv.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME phpsrv
    COMPONENT server)
# Debian's zsh looks into /usr/share/zsh/vendor-completions for what packages bring, and each zsh into /usr/local's site-functions.
set(psv_zsh site-functions)
if(PHPSRV_PACKAGE)
    set(psv_zsh vendor-completions)
endif()
install(FILES ${psv_made}/_phpsrv DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${psv_zsh} COMPONENT server)
install(FILES ${psv_made}/phpsrv.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT server)

# ---- configuration, units: with the paths of this installation in place of those that they are written with

# A file that the administrator changes: dpkg knows about that, an installation from source leaves what is there.
function(psv_install_configuration file folder name)
    if(PHPSRV_PACKAGE)
        install(FILES ${file} DESTINATION ${folder} RENAME ${name} COMPONENT server)
        return()
    endif()
    install(CODE "
        if(EXISTS \"\$ENV{DESTDIR}${folder}/${name}\")
            message(STATUS \"Left alone: \$ENV{DESTDIR}${folder}/${name}\")
        else()
            file(INSTALL DESTINATION \"${folder}\" TYPE FILE RENAME \"${name}\" FILES \"${file}\")
        endif()" COMPONENT server)
endfunction()

function(psv_with_paths file result)
    file(READ ${file} text)
    string(REPLACE "/usr/bin/phpsrv" "${CMAKE_INSTALL_FULL_BINDIR}/phpsrv" text "${text}")
    string(REPLACE "/etc/phpsrv" "${psv_etc}" text "${text}")
    string(REPLACE "/usr/share/doc/phpsrv" "${CMAKE_INSTALL_FULL_DOCDIR}" text "${text}")
    string(REPLACE "/usr/share/phpsrv" "${CMAKE_INSTALL_FULL_DATADIR}/phpsrv" text "${text}")
    get_filename_component(name ${file} NAME)
    file(GENERATE OUTPUT ${psv_made}/${name} CONTENT "${text}")
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    set(${result} ${psv_made}/${name} PARENT_SCOPE)
endfunction()

foreach(unit phpsrv.service phpsrv.socket)
    psv_with_paths(${PROJECT_SOURCE_DIR}/docker/systemd/${unit} file)
    install(FILES ${file} DESTINATION lib/systemd/system COMPONENT server)
endforeach()
psv_with_paths(${psv_packaging}/etc/phpsrv.toml file)
psv_install_configuration(${file} ${psv_etc} phpsrv.toml)
psv_with_paths(${psv_packaging}/welcome/index.php file)
install(FILES ${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/phpsrv/welcome COMPONENT server)
psv_install_configuration(${psv_packaging}/etc/logrotate ${CMAKE_INSTALL_FULL_SYSCONFDIR}/logrotate.d phpsrv)

# ---- documentation

install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT server)
if(NOT PHPSRV_PACKAGE) # whose file "copyright" has it
    install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT server)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT server FILES_MATCHING PATTERN *.md)
install(FILES ${psv_made}/config.example.toml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT server)

if(PHPSRV_PACKAGE)
    include(packaging/package.cmake)
endif()
