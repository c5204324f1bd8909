#include "client-lib/cli/line_import.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/import_batch.hpp"
#include "client-lib/cli/import_summary.hpp"
#include "client-lib/cli/interrupt.hpp"
#include "client-lib/cli/line_splitter.hpp"
#include "client-lib/cli/progress.hpp"
#include "client-lib/cli/reconnect.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"
#include "protocol/request.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t file_bytes = std::size_t{256} << 10;
constexpr std::size_t batch_bytes_max = std::size_t{1} << 20;
constexpr std::uint64_t refused_lines_named_max = 10;
/// How long a batch may take, over connections.
constexpr std::chrono::seconds patience{60};
constexpr std::chrono::milliseconds overload_pause{100};

// A control character takes six bytes of JSON, so a batch of this size always fits into a frame.
std::size_t batch_bytes_for(std::size_t frame_bytes_max) {
  return std::min(batch_bytes_max, frame_bytes_max / 8);
}

std::optional<std::uint64_t> total_bytes(std::vector<std::string> const& paths) {
  std::uint64_t total = 0;
  for (auto const& path : paths) {
    auto const file = InputFile::open(path);
    if (!file) continue;  // Reported when its turn comes.
    auto const size = file->size();
    if (!size) return std::nullopt;
    total += *size;
  }
  return total;
}

// One run of `stele import`: a batch at a time, so that what is stored is always a prefix of the
// input.
class Import {
 public:
  Import(ClientOptions options, Client client, ImportArguments arguments)
      : options_(std::move(options)),
        client_(std::move(client)),
        paths_(std::move(arguments.paths)),
        parser_(std::move(arguments.form)),
        batch_({.entries_max = arguments.batch_entries_max,
                .bytes_max = batch_bytes_for(client_.hello().frame_bytes_max)}),
        meter_(total_bytes(paths_)),
        buffer_(file_bytes) {}

  int run();

 private:
  void import_file(InputFile& file);
  void add_line(InputFile const& file, LineSplitter::Line const& line, std::uint64_t number);
  void refuse_long_line(InputFile const& file, std::uint64_t bytes, std::uint64_t number);
  void refuse_line(InputFile const& file, std::uint64_t number, std::string const& why);
  void send_batch(InputFile const& file);
  Result<SeqRange> write_batch();
  bool stopped() const noexcept { return fatal_ || interrupted(); }

  ClientOptions options_;
  Client client_;
  std::vector<std::string> paths_;
  LineParser parser_;
  ImportBatch batch_;
  ProgressMeter meter_;
  std::vector<char> buffer_;
  ImportSummary summary_{};
  std::uint64_t bytes_done_ = 0;   ///< Input whose lines are stored or refused.
  std::uint64_t batch_bytes_ = 0;  ///< Input of the batch.
  std::size_t batch_invalid_bytes_ = 0;
  std::uint64_t batch_earlier_times_ = 0;
  std::uint64_t batch_invalid_lines_ = 0;
  std::uint64_t next_write_no_ = 1;
  bool batch_is_unsure_ = false;    ///< It was sent, and perhaps stored.
  bool failed_ = false;             ///< Something was not imported; the rest was tried.
  std::optional<Failure> fatal_{};  ///< Nothing more can be written.
};

int Import::run() {
  for (auto const& path : paths_) {
    if (stopped()) break;
    auto file = InputFile::open(path);
    if (file) {
      import_file(*file);
      continue;
    }
    meter_.clear();
    report(file.error());
    failed_ = true;
  }
  meter_.clear();
  int exit_code = failed_ ? exit_failed : exit_ok;
  if (fatal_) {
    exit_code = report(*fatal_);
  } else if (interrupted()) {
    exit_code = exit_interrupted;
  }
  summary_.complete = exit_code == exit_ok || exit_code == exit_failed;
  auto const text = summary_text(summary_);
  std::fwrite(text.data(), 1, text.size(), stderr);
  return exit_code;
}

void Import::import_file(InputFile& file) {
  LineSplitter splitter{client_.hello().entry_bytes_max};
  std::uint64_t line_number = 0;
  while (!stopped()) {
    auto const bytes = file.read_some(buffer_);
    if (!bytes) {
      meter_.clear();
      report(bytes.error());
      failed_ = true;
      break;
    }
    if (!bytes->has_value()) continue;
    if (**bytes == 0) break;
    splitter.feed({buffer_.data(), **bytes});
    while (auto const line = splitter.next()) {
      if (stopped()) return;
      add_line(file, *line, ++line_number);
    }
  }
  if (stopped()) return;
  if (auto const line = splitter.finish()) add_line(file, *line, ++line_number);
  if (!stopped()) send_batch(file);
}

void Import::add_line(InputFile const& file, LineSplitter::Line const& line, std::uint64_t number) {
  if (line.too_long) return refuse_long_line(file, line.bytes, number);
  if (line.text.empty() && parser_.skips_empty_lines()) return;
  batch_bytes_ += line.bytes + 1;
  auto parsed = parser_.parse(line.text);
  if (!parsed) return refuse_line(file, number, parsed.error().message);
  auto& made = *parsed;
  auto const bytes = entry_bytes(made.entry);
  if (bytes > client_.hello().entry_bytes_max) return refuse_long_line(file, bytes, number);
  if (auto const valid = protocol::validate_entry(made.entry); !valid) {
    return refuse_line(file, number, "makes no entry: " + valid.error().message);
  }
  if (!batch_.has_room_for(made.entry)) {
    send_batch(file);
    if (stopped()) return;
  }
  batch_.add(std::move(made.entry), number);
  if (made.has_time_of_earlier_line) ++batch_earlier_times_;
  batch_invalid_bytes_ += made.invalid_bytes;
  if (made.invalid_bytes > 0) ++batch_invalid_lines_;
}

void Import::refuse_long_line(InputFile const& file, std::uint64_t bytes, std::uint64_t number) {
  refuse_line(file, number,
              "makes an entry of " + std::to_string(bytes) + " bytes, the daemon's limit is " +
                  std::to_string(client_.hello().entry_bytes_max));
}

void Import::refuse_line(InputFile const& file, std::uint64_t number, std::string const& why) {
  failed_ = true;
  if (++summary_.refused_lines > refused_lines_named_max) return;
  meter_.clear();
  print_error("line " + std::to_string(number) + " of " + file.name() + ' ' + why +
              "; it is not imported");
}

void Import::send_batch(InputFile const& file) {
  if (batch_.empty()) return;
  auto const range = write_batch();
  if (!range) {
    fatal_ = range.error();
    if (batch_is_unsure_) {
      summary_.unknown_lines = "lines " + std::to_string(batch_.first_line()) + " to " +
                               std::to_string(batch_.last_line()) + " of " + file.name();
    }
    return;
  }
  summary_.add_stored(*range, batch_.entries().size());
  summary_.last_stored = "line " + std::to_string(batch_.last_line()) + " of " + file.name();
  bytes_done_ += std::exchange(batch_bytes_, 0);
  summary_.invalid_bytes += std::exchange(batch_invalid_bytes_, 0);
  summary_.invalid_lines += std::exchange(batch_invalid_lines_, 0);
  summary_.earlier_times += std::exchange(batch_earlier_times_, 0);
  batch_.clear();
  meter_.show(bytes_done_, summary_.lines);
}

// Tried again where the daemon is overloaded or gone for a time: the number of the write sees to it
// that it is stored once.
Result<SeqRange> Import::write_batch() {
  Deadline const give_up{patience};
  batch_is_unsure_ = false;
  for (;;) {
    auto range = client_.write_once(batch_.entries(), next_write_no_);
    if (range) {
      ++next_write_no_;
      return range;
    }
    batch_is_unsure_ = batch_is_unsure_ || may_be_stored(range.error());
    if (interrupted() || give_up.has_passed()) return range;
    if (range.error().code == Error::overloaded) {
      std::this_thread::sleep_for(overload_pause);
    } else if (ends_with_connection(range.error())) {
      meter_.clear();
      auto client = wait_for_daemon(options_, give_up);
      if (!client) return client.error();
      client_ = std::move(*client);
    } else {
      return range;
    }
  }
}

}  // namespace

int import_lines(ClientOptions const& options, ImportArguments arguments) {
  auto own = options;
  own.writer = random_writer();
  auto client = Client::connect(own);
  if (!client) return report(client.error());
  watch_for_interrupt();
  return Import{std::move(own), std::move(*client), std::move(arguments)}.run();
}

}  // namespace stele::cli
