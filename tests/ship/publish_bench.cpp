// Publishes the lines of a file into a stream of JetStream, as fast as libnats can: what a shipper
// is measured against (ship_bench.py). No cursor; and no checks, unless a fifth word asks for ids
// and for the order that the servers check, for many lines a message, or for both.
//
//   stele-publish-bench SERVER STREAM SUBJECT FILE [checked | batches | checked-batches]
#include <nats/nats.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::int64_t pending_max = 2048;
constexpr std::int64_t pending_batches_max = 64;
constexpr std::size_t batch_bytes = 400'000;  // As the shipper's.

bool failed(natsStatus status, char const* doing) {
  if (status != NATS_OK) std::fprintf(stderr, "%s: %s\n", doing, natsStatus_GetText(status));
  return status != NATS_OK;
}

/// The lines of a file, or runs of lines.
std::vector<std::string> bodies_of(char const* path, bool in_batches) {
  std::vector<std::string> bodies;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (in_batches && !bodies.empty() && bodies.back().size() < batch_bytes) {
      (bodies.back() += '\n') += line;
    } else {
      bodies.push_back(line);
    }
  }
  return bodies;
}

std::string id_of(std::uint64_t seq) {
  return "00000000-0000-4000-8000-000000000000:" + std::to_string(seq);
}

/// As many under way as may be.
bool publish_all(jsCtx* js, char const* subject, std::vector<std::string> const& bodies,
                 bool is_checked) {
  std::uint64_t seq = 0;
  for (auto const& body : bodies) {
    jsPubOptions publish;
    jsPubOptions_Init(&publish);
    auto const id = id_of(seq + 1);
    publish.MsgId = id.c_str();
    publish.ExpectLastSeq = seq++;
    auto const status = js_PublishAsync(js, subject, body.data(), static_cast<int>(body.size()),
                                        is_checked ? &publish : nullptr);
    if (failed(status, "publish")) return false;
  }
  return !failed(js_PublishAsyncComplete(js, nullptr), "complete");
}

/// Where logs share a stream, nobody knows what the next message follows until it was taken.
bool publish_one_by_one(jsCtx* js, char const* subject, std::vector<std::string> const& bodies) {
  std::uint64_t seq = 0;
  std::uint64_t last = 0;
  for (auto const& body : bodies) {
    jsPubOptions publish;
    jsPubOptions_Init(&publish);
    auto const id = id_of(++seq);
    publish.MsgId = id.c_str();
    publish.ExpectLastSubjectSeq = last;
    publish.ExpectNoMessage = last == 0;
    jsPubAck* ack = nullptr;
    auto const status = js_Publish(&ack, js, subject, body.data(), static_cast<int>(body.size()),
                                   &publish, nullptr);
    if (failed(status, "publish")) return false;
    last = ack->Sequence;
    jsPubAck_Destroy(ack);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) return 2;
  std::string_view const how = argc == 6 ? argv[5] : "";
  bool const is_checked = how.starts_with("checked");
  bool const in_batches = how.ends_with("batches");
  auto const bodies = bodies_of(argv[4], in_batches);

  natsConnection* connection = nullptr;
  natsOptions* options = nullptr;
  natsOptions_Create(&options);
  char const* const servers[] = {argv[1]};
  natsOptions_SetServers(options, const_cast<char const**>(servers), 1);
  if (failed(natsConnection_Connect(&connection, options), "connect")) return 1;
  jsOptions js_options;
  jsOptions_Init(&js_options);
  js_options.PublishAsync.MaxPending = in_batches ? pending_batches_max : pending_max;
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
  bool const done = in_batches && is_checked ? publish_one_by_one(js, argv[3], bodies)
                                             : publish_all(js, argv[3], bodies, is_checked);
  if (!done) return 1;
  std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begun_at;
  std::printf("%.3f\n", took.count());
  jsCtx_Destroy(js);
  natsConnection_Destroy(connection);
  natsOptions_Destroy(options);
  nats_Close();
}
