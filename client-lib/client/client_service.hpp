// Lets go of what clients hold when the execution context that they work on ends before them.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <boost/intrusive/list.hpp>
#include <mutex>

namespace stele::client {

using ClientHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// Something that holds handlers which its context does not know.
class ContextClient : public ClientHook {
 public:
  /// The context ends: destroy all handlers, call none.
  virtual void abandon_handlers() noexcept = 0;

 protected:
  ~ContextClient() = default;
};

/// A handler may own the client that holds it, as a coroutine does which waits for an answer. Asio
/// destroys what waits in its own queues when a context ends; this does it for the queues of
/// clients, which would hold themselves for ever otherwise.
class ClientService final : public boost::asio::execution_context::service {
 public:
  static inline boost::asio::execution_context::id id{};

  explicit ClientService(boost::asio::execution_context& context) : service(context) {}

  void add(ContextClient& client);
  void remove(ContextClient& client) noexcept;

 private:
  using Clients = boost::intrusive::list<ContextClient, boost::intrusive::base_hook<ClientHook>,
                                         boost::intrusive::constant_time_size<false>>;

  void shutdown() override;

  std::mutex mutex_{};  ///< Clients of one context may live on different strands of it.
  Clients clients_{};
};

}  // namespace stele::client
