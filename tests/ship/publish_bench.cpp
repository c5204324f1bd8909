// Publishes the lines of a file into a stream of JetStream, as fast as libnats can: what a shipper
// is measured against (ship_bench.py). No cursor; and no checks, unless a fifth word asks for ids
// and for the order that the servers check.
//
//   stele-publish-bench SERVER STREAM SUBJECT FILE [checked]
#include <nats/nats.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr std::int64_t pending_max = 2048;

bool failed(natsStatus status, char const* doing) {
  if (status != NATS_OK) std::fprintf(stderr, "%s: %s\n", doing, natsStatus_GetText(status));
  return status != NATS_OK;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) return 2;
  bool const is_checked = argc == 6;
  std::vector<std::string> lines;
  std::ifstream file(argv[4]);
  for (std::string line; std::getline(file, line);) lines.push_back(line);

  natsConnection* connection = nullptr;
  natsOptions* options = nullptr;
  natsOptions_Create(&options);
  char const* const servers[] = {argv[1]};
  natsOptions_SetServers(options, const_cast<char const**>(servers), 1);
  if (failed(natsConnection_Connect(&connection, options), "connect")) return 1;
  jsOptions js_options;
  jsOptions_Init(&js_options);
  js_options.PublishAsync.MaxPending = pending_max;
  js_options.PublishAsync.StallWait = 10'000;
  jsCtx* js = nullptr;
  if (failed(natsConnection_JetStream(&js, connection, &js_options), "JetStream")) return 1;
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  char const* const subjects[] = {argv[3]};
  config.Name = argv[2];
  config.Subjects = const_cast<char const**>(subjects);
  config.SubjectsLen = 1;
  config.Replicas = 3;
  if (failed(js_AddStream(nullptr, js, &config, nullptr, nullptr), "stream")) return 1;

  auto const begun_at = std::chrono::steady_clock::now();
  std::uint64_t seq = 0;
  for (auto const& line : lines) {
    jsPubOptions publish;
    jsPubOptions_Init(&publish);
    auto const id = "00000000-0000-4000-8000-000000000000:" + std::to_string(seq + 1);
    publish.MsgId = id.c_str();
    publish.ExpectLastSeq = seq++;
    auto const status = js_PublishAsync(js, argv[3], line.data(), static_cast<int>(line.size()),
                                        is_checked ? &publish : nullptr);
    if (failed(status, "publish")) return 1;
  }
  if (failed(js_PublishAsyncComplete(js, nullptr), "complete")) return 1;
  std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begun_at;
  std::printf("%.0f\n", static_cast<double>(lines.size()) / took.count());
  jsCtx_Destroy(js);
  natsConnection_Destroy(connection);
  natsOptions_Destroy(options);
  nats_Close();
}
