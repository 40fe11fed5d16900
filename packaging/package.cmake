# SPDX-License-Identifier: MIT
# The Debian packages phpsrv, phpsrv-dev and phpsrv-dbgsym, made by CPack (./dev package). README.md beside this file says why
# the package has a PHP of its own.
if(NOT PHPSRV_PHP_DESTDIR)
    message(FATAL_ERROR "PHPSRV_PACKAGE needs the PHP that third_party/build_php.sh --package makes, by PHPSRV_PHP_DESTDIR: use "
        "./dev package")
endif()
# .../prefix/lib without lib
get_filename_component(psv_php_prefix ${PHPSRV_PHP_INSTALLED_LIBDIR} DIRECTORY)
set(psv_php ${PHPSRV_PHP_DESTDIR}${psv_php_prefix})
get_filename_component(psv_php_source ${PHPSRV_PHP_DESTDIR}/../src ABSOLUTE)

# ---- PHP

install(FILES ${psv_php}/lib/libphp.so DESTINATION ${psv_php_prefix}/lib COMPONENT server)
install(DIRECTORY ${psv_php}/lib/php/extensions DESTINATION ${psv_php_prefix}/lib/php COMPONENT server)
install(PROGRAMS ${psv_php}/bin/php DESTINATION ${psv_php_prefix}/bin COMPONENT server)
install(FILES ${psv_php_source}/php.ini-production DESTINATION ${psv_etc}/php RENAME php.ini COMPONENT server)
install(FILES ${psv_packaging}/etc/php.ini DESTINATION ${psv_etc}/php/conf.d RENAME 10-phpsrv.ini COMPONENT server)
install(FILES ${psv_php_source}/README.REDIST.BINS DESTINATION ${CMAKE_INSTALL_DOCDIR}/php COMPONENT server)
install(PROGRAMS ${psv_php}/bin/phpize ${psv_php}/bin/php-config DESTINATION ${psv_php_prefix}/bin COMPONENT development)
install(DIRECTORY ${psv_php}/include DESTINATION ${psv_php_prefix} COMPONENT development)
install(DIRECTORY ${psv_php}/lib/php/build DESTINATION ${psv_php_prefix}/lib/php USE_SOURCE_PERMISSIONS COMPONENT development)

# ---- what Debian wants of every package

set(psv_version ${PROJECT_VERSION}${PHPSRV_VERSION_SUFFIX})
set(PHPSRV_PACKAGE_MAINTAINER "The phpsrv authors <phpsrv@users.noreply.github.com>" CACHE STRING "Maintainer of the packages")
execute_process(COMMAND date -u -R -d ${PHPSRV_RELEASE_DATE} OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
file(READ ${psv_php_source}/LICENSE php_licence)
string(REGEX REPLACE "[ \t]+\n" "\n" php_licence "${php_licence}")
string(REGEX REPLACE "\n\n" "\n.\n" php_licence "${php_licence}")
string(REGEX REPLACE "\n\n" "\n.\n" php_licence "${php_licence}")
string(REGEX REPLACE "\n" "\n " php_licence "${php_licence}")
configure_file(${psv_packaging}/debian/copyright.in ${psv_made}/copyright @ONLY)
foreach(component server development)
    set(name phpsrv)
    if(component STREQUAL development)
        set(name phpsrv-dev)
    endif()
    file(WRITE ${psv_made}/${name}.changelog "${name} (${psv_version}) stable; urgency=medium\n\n"
        "  * phpsrv ${PROJECT_VERSION} with PHP ${PHPSRV_PHP_VERSION}.\n\n"
        " -- ${PHPSRV_PACKAGE_MAINTAINER}  ${date}\n")
    execute_process(COMMAND ${PHPSRV_GZIP} -9nf ${psv_made}/${name}.changelog COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${psv_made}/${name}.changelog.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} RENAME changelog.gz
        COMPONENT ${component})
    install(FILES ${psv_made}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${component})
    install(FILES ${psv_packaging}/debian/${name}.lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
        RENAME ${name} COMPONENT ${component})
endforeach()
file(WRITE ${psv_made}/conffiles "${psv_etc}/phpsrv.toml\n${psv_etc}/php/php.ini\n${psv_etc}/php/conf.d/10-phpsrv.ini\n"
    "/etc/logrotate.d/phpsrv\n")

# ---- CPack

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME phpsrv)
set(CPACK_PACKAGE_VERSION ${psv_version})
set(CPACK_PACKAGE_CONTACT ${PHPSRV_PACKAGE_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_COMPONENTS_ALL server development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has one of its own
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_SERVER_PACKAGE_NAME phpsrv)
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_SERVER_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_SERVER_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS "ca-certificates, logrotate")
set(CPACK_DEBIAN_SERVER_PACKAGE_SUGGESTS phpsrv-dev)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA ${psv_made}/conffiles ${psv_packaging}/debian/postinst
    ${psv_packaging}/debian/prerm ${psv_packaging}/debian/postrm)
set(CPACK_DEBIAN_SERVER_DEBUGINFO_PACKAGE ON)
set(CPACK_COMPONENT_SERVER_DESCRIPTION "application server for PHP sites
One program that serves a PHP site by itself, where otherwise a web server
and php-fpm are run: HTTP/1.1, HTTP/2, TLS, static files, worker threads with
PHP inside, reloads without a lost request, metrics for Prometheus.
.
It carries PHP ${PHPSRV_PHP_VERSION} (thread-safe) in a folder of its own and neither needs
nor touches Debian's packages of PHP.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME phpsrv-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "phpsrv (= ${psv_version}), autoconf, file, g++, make, pkg-config, re2c")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "building PHP extensions for phpsrv
phpize, php-config and the headers of the PHP ${PHPSRV_PHP_VERSION} that phpsrv carries:
extensions for it are built with these and with no others.")
include(CPack)
