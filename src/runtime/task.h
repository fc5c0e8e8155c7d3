#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mainstay {

/// A coroutine that starts when it is awaited and runs on the awaiter's executor.
/// Parameters of a coroutine are values, or references to what the awaiting caller owns.
template <class T = void>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

}  // namespace mainstay
