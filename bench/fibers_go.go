// SPDX-License-Identifier: MIT
// fibers_go.go - the same with Go's goroutines and channels.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:noinline
func keepYielding(n int) {
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
}

func yield() float64 {
	const n = 2000000
	runtime.GOMAXPROCS(1)
	begin := time.Now()
	done := make(chan bool)
	go func() { keepYielding(n); done <- true }()
	keepYielding(n)
	<-done
	return float64(time.Since(begin).Nanoseconds()) / (2 * n)
}

func startJoin() float64 {
	const n = 300000
	runtime.GOMAXPROCS(1)
	begin := time.Now()
	for i := 0; i < n; i++ {
		var done sync.WaitGroup
		done.Add(1)
		go done.Done()
		done.Wait()
	}
	return float64(time.Since(begin).Nanoseconds()) / n
}

// What comes goes on, n times.
func relay(there, back chan int, n int, done *sync.WaitGroup) {
	for i := 0; i < n; i++ {
		back <- <-there
	}
	done.Done()
}

func pingPong() float64 {
	const n = 500000
	runtime.GOMAXPROCS(1)
	there, back := make(chan int, 1), make(chan int, 1)
	var done sync.WaitGroup
	done.Add(2)
	begin := time.Now()
	go relay(there, back, n, &done)
	go relay(back, there, n, &done)
	there <- 1
	done.Wait()
	return float64(time.Since(begin).Nanoseconds()) / n
}

func throughQueue() float64 {
	const n = 2000000
	queue := make(chan int, 128)
	begin := time.Now()
	go func() {
		for i := 0; i < n; i++ {
			queue <- i
		}
		close(queue)
	}()
	count := 0
	for range queue {
		count++
	}
	if count != n {
		panic("lost items")
	}
	return float64(time.Since(begin).Nanoseconds()) / n
}

func buffered() float64 {
	runtime.GOMAXPROCS(1)
	return throughQueue()
}

func betweenLoops() float64 {
	runtime.GOMAXPROCS(2)
	return throughQueue()
}

func resident() float64 {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	kilobytes := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if fields[0] == "VmRSS:" || fields[0] == "VmPTE:" {
			n, _ := strconv.Atoi(fields[1])
			kilobytes += n
		}
	}
	return float64(kilobytes) * 1024
}

func parked() float64 {
	const n = 100000
	morning := make(chan bool)
	var done sync.WaitGroup
	done.Add(n)
	before := resident()
	for i := 0; i < n; i++ {
		go func() { <-morning; done.Done() }()
	}
	time.Sleep(500 * time.Millisecond)
	each := (resident() - before) / n
	close(morning)
	done.Wait()
	return each
}

func main() {
	rows := map[string]func() float64{
		"yield": yield, "start_join": startJoin, "ping_pong": pingPong, "buffered": buffered,
		"between_loops": betweenLoops, "parked": parked,
	}
	row := rows[os.Args[1]]
	if row == nil {
		os.Exit(77)
	}
	fmt.Printf("%.1f\n", row())
}
