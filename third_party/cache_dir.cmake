# SPDX-License-Identifier: MIT
# The cache directory of the scripts (lib.sh: cache_dir), and what ./dev left there for plain CMake.
if(DEFINED ENV{PHPSRV_CACHE_DIR} AND NOT "$ENV{PHPSRV_CACHE_DIR}" STREQUAL "")
    set(psv_cache_dir "$ENV{PHPSRV_CACHE_DIR}")
elseif(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(psv_cache_dir "$ENV{XDG_CACHE_HOME}/phpsrv")
else()
    set(psv_cache_dir "$ENV{HOME}/.cache/phpsrv")
endif()
set(psv_cached_php_config "")
set(psv_cached_llhttp_root "")
include("${psv_cache_dir}/found.cmake" OPTIONAL)
