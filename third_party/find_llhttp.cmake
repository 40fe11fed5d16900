# SPDX-License-Identifier: MIT
# psv_find_llhttp(): the target psv_llhttp, from PHPSRV_LLHTTP_ROOT, the system, or what ./dev fetched into the cache.
include("${CMAKE_CURRENT_LIST_DIR}/cache_dir.cmake")

function(psv_find_llhttp)
    # A place that was named is the only one searched.
    set(places ${psv_cached_llhttp_root})
    set(search)
    if(PHPSRV_LLHTTP_ROOT)
        set(places ${PHPSRV_LLHTTP_ROOT})
        set(search NO_DEFAULT_PATH)
    endif()
    find_path(include_dir llhttp.h HINTS "${places}/include" ${search} NO_CACHE)
    # A static library, wherever there is one: one library less that the installed program needs.
    find_library(library NAMES libllhttp.a llhttp HINTS "${places}/lib" "${places}/lib/${CMAKE_LIBRARY_ARCHITECTURE}"
        ${search} NO_CACHE)
    if(NOT include_dir OR NOT library)
        message(FATAL_ERROR "llhttp was not found: run ./dev setup, install libllhttp-dev, or name its place with "
            "-DPHPSRV_LLHTTP_ROOT=/path")
    endif()
    add_library(psv_llhttp INTERFACE)
    target_include_directories(psv_llhttp SYSTEM INTERFACE ${include_dir})
    target_link_libraries(psv_llhttp INTERFACE ${library})
endfunction()
