// Directories that released versions have left, as hex dumps: they open for ever.
// STELE_GOLDEN_DIR=DIR writes what this version leaves, for the next version of the format.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "support/hex_dump.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

namespace fs = std::filesystem;
using stele::test::hex_dump;
using stele::test::parse_hex_dump;
using stele::test::read_file;
using stele::test::run_stele;
using stele::test::Steled;
using stele::test::WirePeer;
using stele::test::write_file;

BOOST_AUTO_TEST_SUITE(golden_test)

namespace {

constexpr auto hello =
    R"({"op":"hello","client":"golden","writer":"00112233445566778899aabbccddeeff"})";
constexpr auto exported_name = "export.jsonl";

std::vector<fs::path> golden_stores() {
  fs::directory_iterator const stores(fs::path(STELE_PROCESS_TESTS) / "golden");
  return {begin(stores), end(stores)};
}

std::span<std::byte const> bytes_of(std::string const& text) {
  return std::as_bytes(std::span(text));
}

/// Everything that a log can hold, over two lives.
void fill(Steled& daemon) {
  daemon.start();
  {
    WirePeer peer(daemon.socket());
    peer.ask(hello);
    for (
        auto const request :
        {R"({"op":"write_log","entry":{"timestamp":1700000000000000,"message":"first"}})",
         R"({"op":"write_many_logs","write_no":1,"entries":[)"
         R"({"timestamp":1700000000000002,"level":"warn","message":"größe \u0000 木",)"
         R"("metadata":{"n":1.50,"big":123456789012345678901234567890,"t":{"a":[null,true]}}},)"
         R"({"timestamp":1700000000000001,"level":"trace","message":""}]})",
         R"({"op":"report_dropped","count":3})",
         R"({"op":"write_log","write_no":2,"entry":{"timestamp":0,"level":"fatal","message":"x"}})"}) {
      BOOST_REQUIRE(peer.ask(request).at("ok").as_bool());
    }
  }
  daemon.kill_hard();
  daemon.start();
  WirePeer(daemon.socket())
      .ask(R"({"op":"write_log","entry":{"timestamp":18446744073709551615,"message":"last"}})");
  daemon.stop();
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_a_released_version_left_is_served_as_it_was) {
  int stores = 0;
  for (auto const& golden : golden_stores()) {
    BOOST_TEST_CONTEXT(golden.filename().string()) {
      Steled daemon;
      fs::create_directories(daemon.data_dir());
      fs::permissions(daemon.data_dir(), fs::perms::owner_all);
      for (auto const& file : fs::directory_iterator(golden)) {
        if (file.path().extension() != ".hex") continue;
        auto const bytes = parse_hex_dump(read_file(file.path()));
        write_file(daemon.data_dir() + "/" + file.path().stem().string(),
                   {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
      }
      daemon.start();
      auto const expected = read_file(golden / exported_name);
      BOOST_TEST(run_stele(daemon, {"export"}).out == expected);
      WirePeer peer(daemon.socket());
      BOOST_TEST(peer.ask(hello).at("last_write_no").as_int64() == 2);
      auto const audit = run_stele(daemon, {"audit"});
      BOOST_TEST(audit.out.find("3 dropped by writer 00112233") != std::string::npos, audit.out);
      BOOST_TEST(peer.ask(R"({"op":"write_log","entry":{"message":"m"}})").at("seq").as_int64() ==
                 6);
      ++stores;
    }
  }
  BOOST_TEST(stores > 0);
}

BOOST_AUTO_TEST_CASE(this_version_can_leave_one) {
  Steled daemon;
  fill(daemon);
  auto const* const target = std::getenv("STELE_GOLDEN_DIR");
  for (auto const& file : fs::directory_iterator(daemon.data_dir())) {
    if (file.file_size() == 0 || target == nullptr) continue;
    write_file(std::string{target} + "/" + file.path().filename().string() + ".hex",
               hex_dump(bytes_of(read_file(file.path()))));
  }
  daemon.start();
  auto const exported = run_stele(daemon, {"export"}).out;
  BOOST_TEST(std::count(exported.begin(), exported.end(), '\n') == 5);
  if (target != nullptr) write_file(std::string{target} + "/" + exported_name, exported);
}

BOOST_AUTO_TEST_SUITE_END()
