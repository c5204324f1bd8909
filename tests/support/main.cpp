// The test programs' entry point: Boost.Test's own.
#define BOOST_TEST_MODULE stele
#include <boost/test/unit_test.hpp>
