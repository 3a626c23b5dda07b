// SPDX-License-Identifier: MIT
// echo_go.go - an echo server in Go: a goroutine for each connection.
package main

import (
	"fmt"
	"net"
)

func echo(guest net.Conn) {
	defer guest.Close()
	bytes := make([]byte, 1024)
	for {
		n, err := guest.Read(bytes)
		if err != nil {
			return
		}
		if _, err = guest.Write(bytes[:n]); err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		guest, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go echo(guest)
	}
}
