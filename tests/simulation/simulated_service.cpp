#include "simulation/simulated_service.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "daemon/recovery/store_loader.hpp"

namespace stele::test {

SimulatedSession::SimulatedSession(daemon::RequestHandler& handler, daemon::Committer& committer,
                                   daemon::SessionLimits const& limits)
    : state_(handler, Origin{1, 2, 3}, limits), committer_(committer) {}

std::size_t SimulatedSession::receive(std::string_view bytes) {
  if (!state_.may_read() || bytes.empty()) return 0;
  auto const room = state_.read_buffer();
  auto const taken = std::min(room.size(), bytes.size());
  std::memcpy(room.data(), bytes.data(), taken);
  state_.on_received(taken);
  advance();
  return taken;
}

void SimulatedSession::end_input() {
  state_.on_input_end();
  advance();
}

std::string SimulatedSession::send(std::size_t bytes_max) {
  std::string sent;
  if (sending_ == nullptr && state_.has_output()) sending_ = &state_.begin_write();
  if (sending_ == nullptr) return sent;
  daemon::ReplyBatch::Parts parts;
  for (auto const part : sending_->unsent(parts)) {
    sent += part.substr(0, bytes_max - sent.size());
    if (sent.size() == bytes_max) break;
  }
  sending_->on_sent(sent.size());
  if (sending_->empty()) {
    sending_ = nullptr;
    state_.end_write();
    advance();
  }
  return sent;
}

void SimulatedSession::take_turn() {
  if (state_.awaits_turn()) advance();
}

void SimulatedSession::drain() {
  state_.on_drain_end();
  advance();
}

void SimulatedSession::on_log_failed() {
  state_.on_log_failed();
  advance();
}

void SimulatedSession::advance() {
  state_.advance();
  if (state_.awaits_log()) committer_.await(*this);
}

SimulatedService::SimulatedService(SimulatedDisk& disk, SimulatedClock const& clock,
                                   daemon::Config const& config, wal::Options const& log_options)

    : clock_(clock),
      log_options_(log_options),
      store_(daemon::Store::writers_max_default, nullptr, config.consumers),
      directory_(disk.mount()) {
  facts_.config = config;
  facts_.backend = "simulated";
  facts_.commit_bytes_max = log_options.commit_bytes_max;
}

wal::Result<void> SimulatedService::open() {
  daemon::StoreLoader loader(store_, clock_);
  auto opened = daemon::Committer::open(*directory_, log_options_, loader, store_, clock_, *this);
  if (!opened) return opened.error();
  committer_ = *std::move(opened);
  facts_.recovery = recovery();
  handler_ =
      std::make_unique<daemon::RequestHandler>(facts_, store_, *committer_, clock_, metrics_);
  return {};
}

std::unique_ptr<SimulatedSession> SimulatedService::connect() {
  return std::make_unique<SimulatedSession>(*handler_, *committer_,
                                            daemon::session_limits(facts_.config));
}

void SimulatedService::end_turn() {
  if (std::exchange(turn_end_is_due_, false)) committer_->on_turn_end();
}

}  // namespace stele::test
