// What a program that uses stele is compiled with: C++20, and the library's Boost. Every other
// header includes this one first.
#pragma once

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "stele needs C++20: compile with -std=c++20 or later (CMake: set(CMAKE_CXX_STANDARD 20))"
// A file that there is not ends the compilation here: hundreds of errors would follow.
#include "stele needs C++20"
#endif

#include <boost/version.hpp>

/// Part of the names of all functions that may fail, since their results hold types of Boost: a
/// program that was compiled with another Boost than the library, or another layout of the standard
/// library's types, does not link. The linker then lacks, for example,
/// `stele::may_be_stored[abi:boost_1_81](…)`.
#ifdef _GLIBCXX_DEBUG
#define STELE_ABI gnu::abi_tag("boost_" BOOST_LIB_VERSION "_glibcxx_debug")
#else
#define STELE_ABI gnu::abi_tag("boost_" BOOST_LIB_VERSION)
#endif
