#include "bench/measurement.hpp"

#include <sys/resource.h>

#include <array>
#include <boost/json.hpp>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace stele::bench {
namespace {

/// The points of a latency curve: close together where the tail is.
constexpr std::array curve_shares{0.0,    0.1,   0.25,   0.5,    0.6,     0.75,   0.8,
                                  0.9,    0.925, 0.95,   0.975,  0.98,    0.99,   0.995,
                                  0.9975, 0.999, 0.9995, 0.9999, 0.99995, 0.99999};

struct NamedShare {
  char const* name;
  double share;
};
constexpr std::array named_shares{NamedShare{"p50", 0.5}, NamedShare{"p90", 0.9},
                                  NamedShare{"p99", 0.99}, NamedShare{"p99.9", 0.999},
                                  NamedShare{"max", 1.0}};

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

double entries_per_second(Measurement const& m) {
  return m.seconds > 0 ? static_cast<double>(m.entries) / m.seconds : 0;
}

/// Of one core. Near 1, the figure is the generator's and not the server's.
double cpu_share(Measurement const& m) { return m.seconds > 0 ? m.cpu_seconds / m.seconds : 0; }

double megabytes_per_second(Measurement const& m) {
  return entries_per_second(m) * static_cast<double>(m.entry_bytes) / 1e6;
}

}  // namespace

double cpu_seconds_of_process() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto const seconds = [](timeval const& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string to_json(Measurement const& m) {
  boost::json::object latency;
  for (auto const& [name, share] : named_shares) {
    latency[name] = microseconds(m.latency.at_share(share));
  }
  boost::json::array curve;
  for (auto const share : curve_shares) {
    // A percentile that fewer than ten operations decide says nothing.
    if ((1 - share) * static_cast<double>(m.operations) < 10) break;
    curve.push_back({share, microseconds(m.latency.at_share(share))});
  }
  return boost::json::serialize(boost::json::object{
      {"label", m.label},
      {"peer", m.peer},
      {"backend", m.backend},
      {"durability", m.durability},
      {"operation", m.operation},
      {"entry_bytes", m.entry_bytes},
      {"clients", m.clients},
      {"in_flight", m.in_flight},
      {"batch", m.batch},
      {"warm_up", m.warm_up},
      {"out_of_order_share", m.out_of_order_share},
      {"parsed", m.parsed},
      {"operations", m.operations},
      {"entries", m.entries},
      {"seconds", m.seconds},
      {"entries_per_s", entries_per_second(m)},
      {"mb_per_s", megabytes_per_second(m)},
      {"generator_cpu", cpu_share(m)},
      {"latency_us", std::move(latency)},
      {"latency_curve_us", std::move(curve)},
  });
}

std::string to_table(Measurement const& m) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1);
  out << m.peer << " (" << m.backend << "), " << m.operation << ", " << m.durability << '\n'
      << "  " << m.entry_bytes << " bytes an entry, " << m.batch << " an operation, " << m.clients
      << " clients, " << m.in_flight << " in flight each";
  if (m.out_of_order_share > 0) out << ", " << m.out_of_order_share * 100 << " % out of order";
  if (m.parsed) out << ", parsed";
  out << ", after " << m.warm_up << " to warm up\n"
      << "  " << m.entries << " entries in " << std::setprecision(2) << m.seconds
      << " s: " << std::setprecision(0) << entries_per_second(m) << " entries/s, "
      << std::setprecision(1) << megabytes_per_second(m) << " MB/s; stele-bench took "
      << std::setprecision(0) << cpu_share(m) * 100 << " % of a core\n"
      << std::setprecision(1) << "  latency of an operation in us:";
  for (auto const& [name, share] : named_shares) {
    out << "  " << name << ' ' << microseconds(m.latency.at_share(share));
  }
  out << '\n';
  return out.str();
}

void print(Measurement const& measurement, bool as_json) {
  if (as_json) {
    std::cout << to_json(measurement) << std::endl;
  } else {
    std::cout << to_table(measurement) << std::flush;
  }
}

}  // namespace stele::bench
