// SPDX-License-Identifier: MIT
// fetch_go - the fetcher that one writes in Go: fetch_go AT_ONCE FILE
//
// So many goroutines, one client, a line for each page: status, bytes, seconds, URL.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

func readURLs(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	var urls []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		urls = append(urls, lines.Text())
	}
	return urls
}

func fetch(client *http.Client, url string) string {
	begin := time.Now()
	answer, err := client.Get(url)
	if err != nil {
		return fmt.Sprintf("0 0 0 %s %v\n", url, err)
	}
	defer answer.Body.Close()
	size, err := io.Copy(io.Discard, answer.Body)
	if err != nil {
		return fmt.Sprintf("0 %d 0 %s %v\n", size, url, err)
	}
	took := time.Since(begin).Seconds()
	return fmt.Sprintf("%d %d %.6f %s\n", answer.StatusCode, size, took, url)
}

func main() {
	atOnce, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	client := &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			MaxIdleConns:        atOnce,
			MaxIdleConnsPerHost: atOnce,
			ForceAttemptHTTP2:   true,
		},
	}
	urls, lines := make(chan string), make(chan string, atOnce)
	var workers sync.WaitGroup
	for i := 0; i < atOnce; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for url := range urls {
				lines <- fetch(client, url)
			}
		}()
	}
	go func() {
		for _, url := range readURLs(os.Args[2]) {
			urls <- url
		}
		close(urls)
		workers.Wait()
		close(lines)
	}()
	out := bufio.NewWriter(os.Stdout)
	for line := range lines {
		out.WriteString(line)
	}
	out.Flush()
}
