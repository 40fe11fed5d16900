# SPDX-License-Identifier: MIT
# PHPSRV_PGO: the flags of profile-guided optimisation. The profile (.gcda) lies beside the objects of the build directory, so that
# the one that wrote it is the one that can use it: configure with generate, build, run, configure with use, build. gcc only.
if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
    message(FATAL_ERROR "PHPSRV_PGO needs gcc: the compiler is ${CMAKE_C_COMPILER_ID}")
endif()
if(PHPSRV_PGO STREQUAL "generate")
    # Counters are shared by threads.
    add_compile_options(-fprofile-generate -fprofile-update=atomic)
    add_link_options(-fprofile-generate)
elseif(PHPSRV_PGO STREQUAL "use")
    # What the training did not reach is compiled as without a profile, not for size.
    add_compile_options(-fprofile-use -fprofile-partial-training -fprofile-correction -Wno-missing-profile)
    add_link_options(-fprofile-use -fprofile-partial-training)
else()
    message(FATAL_ERROR "PHPSRV_PGO is '${PHPSRV_PGO}': use generate, use or OFF")
endif()
