// SPDX-License-Identifier: MIT
// accept_go.go - one goroutine takes connections and closes them.
package main

import (
	"fmt"
	"net"
)

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
		guest.Close()
	}
}
