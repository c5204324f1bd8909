// The test programs' entry point: Boost.Test's own, and one exit code more. A run in which every
// case was skipped ends with 77, which ctest shows as skipped; Boost.Test alone would call it
// passed.
#include <boost/test/unit_test.hpp>
#include <iostream>

namespace {

constexpr int exit_skipped = 77;

class SkipCounter final : public boost::unit_test::test_observer {
 public:
  void test_unit_start(boost::unit_test::test_unit const& unit) override {
    if (unit.p_type == boost::unit_test::TUT_CASE) ran_ = true;
  }
  void test_unit_skipped(boost::unit_test::test_unit const& unit,
                         boost::unit_test::const_string reason) override {
    if (reason == "disabled") return;  // Not asked for: --run_test names others.
    skipped_ = true;
    std::cout << "skipped: " << unit.full_name() << ": " << reason << std::endl;
  }
  bool all_skipped() const { return skipped_ && !ran_; }

 private:
  bool ran_ = false;
  bool skipped_ = false;
};

SkipCounter skip_counter;

bool register_counter() {
  boost::unit_test::framework::master_test_suite().p_name.value = "stele";
  boost::unit_test::framework::register_observer(skip_counter);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int const code = boost::unit_test::unit_test_main(&register_counter, argc, argv);
  return code == 0 && skip_counter.all_skipped() ? exit_skipped : code;
}
