// stele-bench-sqlite: what one writer gets from SQLite with WAL and synchronous=FULL.
//
//   stele-bench-sqlite FILE BATCH SECONDS [LABEL]     one transaction for each batch; prints JSON
#include <sqlite3.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include "bench/measurement.hpp"
#include "bench/unix_socket.hpp"
#include "bench/workload.hpp"

namespace {

namespace bench = stele::bench;
using Clock = std::chrono::steady_clock;

constexpr std::size_t entry_bytes = 250;

class Database {
 public:
  explicit Database(char const* path) {
    auto const opened = ::sqlite3_open(path, &handle_);
    owner_.reset(handle_);
    if (opened != SQLITE_OK) fail();
    // No index but the primary key: less than stele keeps, to SQLite's advantage.
    execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE log(seq INTEGER PRIMARY KEY, timestamp INTEGER, entry TEXT)");
    prepare("INSERT INTO log(timestamp, entry) VALUES(?1, ?2)");
  }

  void execute(char const* sql) {
    if (::sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }

  void insert(std::uint64_t timestamp, std::string const& entry) {
    ::sqlite3_bind_int64(insert_.get(), 1, static_cast<sqlite3_int64>(timestamp));
    ::sqlite3_bind_text(insert_.get(), 2, entry.data(), static_cast<int>(entry.size()),
                        SQLITE_STATIC);
    if (::sqlite3_step(insert_.get()) != SQLITE_DONE) fail();
    ::sqlite3_reset(insert_.get());
  }

 private:
  struct Closer {
    void operator()(sqlite3* handle) const { ::sqlite3_close_v2(handle); }
    void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
  };

  void prepare(char const* sql) {
    sqlite3_stmt* statement = nullptr;
    if (::sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr) != SQLITE_OK) fail();
    insert_.reset(statement);
  }

  [[noreturn]] void fail() { throw bench::Stop(::sqlite3_errmsg(handle_)); }

  sqlite3* handle_ = nullptr;
  std::unique_ptr<sqlite3, Closer> owner_{};
  std::unique_ptr<sqlite3_stmt, Closer> insert_{};
};

void insert_for(Database& database, Clock::duration duration, bench::Measurement& measurement) {
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < 256; ++i) entries.push_back(bench::make_entry_text(entry_bytes, i));
  bench::Timeline timeline;
  auto const begun = Clock::now();
  for (auto now = begun; now - begun < duration;) {
    auto const batch_begun = now;
    if (measurement.batch > 1) database.execute("BEGIN");
    for (std::size_t i = 0; i < measurement.batch; ++i) {
      database.insert(timeline.next(), entries[i % entries.size()]);
    }
    if (measurement.batch > 1) database.execute("COMMIT");
    now = Clock::now();
    ++measurement.operations;
    measurement.entries += measurement.batch;
    measurement.latency.record(static_cast<std::uint64_t>((now - batch_begun).count()));
    measurement.seconds = std::chrono::duration<double>(now - begun).count();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: stele-bench-sqlite FILE BATCH SECONDS [LABEL]\n";
    return 2;
  }
  bench::Measurement measurement;
  measurement.label = argc > 4 ? argv[4] : "";
  measurement.peer = "sqlite";
  measurement.backend = std::string("SQLite ") + ::sqlite3_libversion() + ", WAL, in process";
  measurement.durability = bench::acknowledged_after_sync;
  measurement.operation = "write";
  measurement.entry_bytes = entry_bytes;
  measurement.batch = std::strtoull(argv[2], nullptr, 10);
  try {
    Database database(argv[1]);
    auto const seconds = std::chrono::duration<double>(std::strtod(argv[3], nullptr));
    auto const cpu_seconds_before = bench::cpu_seconds_of_process();
    insert_for(database, std::chrono::duration_cast<Clock::duration>(seconds), measurement);
    measurement.cpu_seconds = bench::cpu_seconds_of_process() - cpu_seconds_before;
    print(measurement, true);
  } catch (std::exception const& error) {
    std::cerr << "stele-bench-sqlite: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
