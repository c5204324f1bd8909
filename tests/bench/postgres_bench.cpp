// stele-bench-postgres: what clients get from PostgreSQL with synchronous_commit=on.
//
//   stele-bench-postgres CONNINFO CLIENTS BATCH SECONDS [LABEL]     prints JSON
//
// A batch of one is a prepared INSERT, one in flight on each connection, all driven by one thread;
// a larger one is a COPY of one client, the fastest way in.
#include <libpq-fe.h>
#include <poll.h>

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
/// No index but the primary key: less than stele keeps, to PostgreSQL's advantage.
constexpr char const* create_table =
    "CREATE TABLE IF NOT EXISTS log(seq bigserial PRIMARY KEY, timestamp bigint, entry text)";

struct Closer {
  void operator()(PGconn* connection) const { ::PQfinish(connection); }
  void operator()(PGresult* result) const { ::PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Closer>;

class Client {
 public:
  explicit Client(char const* conninfo) : connection_(::PQconnectdb(conninfo)) {
    if (::PQstatus(get()) != CONNECTION_OK) fail();
    execute("SET client_min_messages=warning; SET synchronous_commit=on");
    execute(create_table);
    prepare();
  }

  PGconn* get() const noexcept { return connection_.get(); }

  void execute(char const* sql) { check(Answer(::PQexec(get(), sql))); }

  void send_insert(std::uint64_t timestamp, std::string const& entry) {
    auto const digits = std::to_string(timestamp);
    char const* values[] = {digits.c_str(), entry.c_str()};
    if (::PQsendQueryPrepared(get(), "write", 2, values, nullptr, nullptr, 0) != 1) fail();
    begun_ = Clock::now();
  }

  /// Whether the insert was answered; reads what the socket holds.
  bool take_answer() {
    if (::PQconsumeInput(get()) != 1) fail();
    if (::PQisBusy(get()) != 0) return false;
    while (Answer answer{::PQgetResult(get())}) check(answer);
    return true;
  }

  /// `rows` is in COPY's text form.
  void copy(std::string const& rows) {
    begun_ = Clock::now();
    execute("COPY log(timestamp, entry) FROM STDIN");
    if (::PQputCopyData(get(), rows.data(), static_cast<int>(rows.size())) != 1) fail();
    if (::PQputCopyEnd(get(), nullptr) != 1) fail();
    while (Answer answer{::PQgetResult(get())}) check(answer);
  }

  Clock::time_point begun() const noexcept { return begun_; }

 private:
  void prepare() {
    check(Answer(::PQprepare(get(), "write", "INSERT INTO log(timestamp, entry) VALUES($1, $2)", 0,
                             nullptr)));
  }

  void check(Answer const& answer) {
    auto const status = ::PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_COPY_IN) fail();
  }

  [[noreturn]] void fail() { throw bench::Stop(::PQerrorMessage(get())); }

  std::unique_ptr<PGconn, Closer> connection_;
  Clock::time_point begun_{};
};

class Run {
 public:
  Run(Clock::duration duration, bench::Measurement& measurement)
      : duration_(duration), measurement_(measurement) {
    for (std::size_t i = 0; i < 256; ++i) {
      entries_.push_back(bench::make_entry_text(entry_bytes, i));
    }
  }

  void insert(std::vector<Client>& clients) {
    std::vector<pollfd> sockets;
    for (auto& client : clients) {
      sockets.push_back({::PQsocket(client.get()), POLLIN, 0});
      send_next(client);
    }
    auto open = clients.size();
    while (open > 0) {
      ::poll(sockets.data(), sockets.size(), -1);
      for (std::size_t i = 0; i < clients.size(); ++i) {
        if (sockets[i].revents == 0 || !clients[i].take_answer()) continue;
        if (record(clients[i])) {
          send_next(clients[i]);
        } else {
          sockets[i].fd = -1;
          --open;
        }
      }
    }
  }

  void copy(Client& client) {
    do {
      std::string rows;
      for (std::size_t i = 0; i < measurement_.batch; ++i) {
        rows += std::to_string(timeline_.next()) + '\t' + next_entry() + '\n';
      }
      client.copy(rows);
    } while (record(client));
  }

 private:
  std::string const& next_entry() { return entries_[next_++ % entries_.size()]; }
  void send_next(Client& client) { client.send_insert(timeline_.next(), next_entry()); }

  /// Returns whether there is time for another.
  bool record(Client const& client) {
    auto const now = Clock::now();
    ++measurement_.operations;
    measurement_.entries += measurement_.batch;
    measurement_.latency.record(static_cast<std::uint64_t>((now - client.begun()).count()));
    measurement_.seconds = std::chrono::duration<double>(now - begun_).count();
    return now - begun_ < duration_;
  }

  Clock::duration duration_;
  bench::Measurement& measurement_;
  std::vector<std::string> entries_{};
  std::size_t next_ = 0;
  bench::Timeline timeline_{};
  Clock::time_point begun_ = Clock::now();
};

void measure(char const* conninfo, Clock::duration duration, bench::Measurement& measurement) {
  std::vector<Client> clients;
  for (std::size_t i = 0; i < measurement.clients; ++i) clients.emplace_back(conninfo);
  Run run(duration, measurement);
  if (measurement.batch == 1) {
    run.insert(clients);
  } else {
    run.copy(clients.front());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: stele-bench-postgres CONNINFO CLIENTS BATCH SECONDS [LABEL]\n";
    return 2;
  }
  bench::Measurement measurement;
  measurement.label = argc > 5 ? argv[5] : "";
  measurement.peer = "postgres";
  measurement.backend = "synchronous_commit=on";
  measurement.durability = bench::acknowledged_after_sync;
  measurement.operation = "write";
  measurement.entry_bytes = entry_bytes;
  measurement.clients = std::strtoull(argv[2], nullptr, 10);
  measurement.batch = std::strtoull(argv[3], nullptr, 10);
  try {
    auto const seconds = std::chrono::duration<double>(std::strtod(argv[4], nullptr));
    auto const cpu_seconds_before = bench::cpu_seconds_of_process();
    measure(argv[1], std::chrono::duration_cast<Clock::duration>(seconds), measurement);
    measurement.cpu_seconds = bench::cpu_seconds_of_process() - cpu_seconds_before;
    print(measurement, true);
  } catch (std::exception const& error) {
    std::cerr << "stele-bench-postgres: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
