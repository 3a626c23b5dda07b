// SPDX-License-Identifier: MIT
// echo_asio.cc - an echo server with Boost.Asio, on one thread.
#include <boost/asio.hpp>
#include <memory>

#include "server.h"

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct session : std::enable_shared_from_this<session> {
    tcp::socket socket;
    char bytes[PIECE];

    explicit session(tcp::socket s) : socket(std::move(s))
    {
    }

    void read()
    {
        auto self = shared_from_this();
        socket.async_read_some(asio::buffer(bytes), [this, self](error_code failed, size_t n) {
            if (!failed)
                write(n);
        });
    }

    void write(size_t size)
    {
        auto self = shared_from_this();
        asio::async_write(socket, asio::buffer(bytes, size),
                          [this, self](error_code failed, size_t) {
                              if (!failed)
                                  read();
                          });
    }
};

static void welcome(tcp::acceptor &listener)
{
    listener.async_accept([&listener](error_code failed, tcp::socket guest) {
        if (!failed)
            std::make_shared<session>(std::move(guest))->read();
        welcome(listener);
    });
}

int main()
{
    asio::io_context loop(1);
    tcp::acceptor listener(loop, tcp::v4(), listen_here(SOCK_NONBLOCK));
    welcome(listener);
    loop.run();
}
