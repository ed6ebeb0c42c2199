// load posts one body to a server over TLS with keep-alive and prints what it cost as one line of JSON.
//
// Without -rate: closed loop, -connections of them, each sending as soon as it is answered.
// With -rate: open loop; latency is measured from the moment a request was due, so that a server
// that stalls is charged for the requests that it held up. Every answer must hold -expect.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"sync"
	"time"
)

type result struct {
	Requests  int     `json:"requests"`
	Failures  int     `json:"failures"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	P50Millis float64 `json:"p50_ms"`
	P99Millis float64 `json:"p99_ms"`
	MaxMillis float64 `json:"max_ms"`
}

type sample struct {
	latency time.Duration
	failed  bool
}

type target struct {
	client *http.Client
	url    string
	body   []byte
	expect []byte
}

func (t *target) post() bool {
	answer, err := t.client.Post(t.url, "application/json", bytes.NewReader(t.body))
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK && bytes.Contains(text, t.expect)
}

func closedLoop(t *target, connections int, length time.Duration) []sample {
	var mutex sync.Mutex
	var wait sync.WaitGroup
	var all []sample
	end := time.Now().Add(length)
	for range connections {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var own []sample
			for time.Now().Before(end) {
				start := time.Now()
				own = append(own, sample{failed: !t.post(), latency: time.Since(start)})
			}
			mutex.Lock()
			all = append(all, own...)
			mutex.Unlock()
		}()
	}
	wait.Wait()
	return all
}

func openLoop(t *target, rate float64, length time.Duration) []sample {
	count := int(rate * length.Seconds())
	all := make([]sample, count)
	var wait sync.WaitGroup
	start := time.Now()
	for i := range count {
		due := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		wait.Add(1)
		go func() {
			defer wait.Done()
			failed := !t.post()
			all[i] = sample{failed: failed, latency: time.Since(due)}
		}()
	}
	wait.Wait()
	return all
}

func summary(samples []sample, seconds float64) result {
	sort.Slice(samples, func(a, b int) bool { return samples[a].latency < samples[b].latency })
	failures := 0
	for _, s := range samples {
		if s.failed {
			failures++
		}
	}
	at := func(share float64) float64 {
		if len(samples) == 0 {
			return 0
		}
		index := int(share * float64(len(samples)-1))
		return float64(samples[index].latency.Microseconds()) / 1000
	}
	return result{
		Requests: len(samples), Failures: failures, Seconds: seconds,
		PerSecond: float64(len(samples)-failures) / seconds,
		P50Millis: at(0.50), P99Millis: at(0.99), MaxMillis: at(1),
	}
}

func main() {
	url := flag.String("url", "", "where to post")
	ca := flag.String("ca", "", "PEM file of the authority to trust")
	body := flag.String("body", "", "file with the request body")
	expect := flag.String("expect", "", "text that every answer must hold")
	connections := flag.Int("connections", 8, "connections of the closed loop")
	rate := flag.Float64("rate", 0, "requests a second of the open loop; 0: closed loop")
	length := flag.Duration("for", 5*time.Second, "how long")
	flag.Parse()

	pem, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(pem)
	text, err := os.ReadFile(*body)
	if err != nil {
		log.Fatal(err)
	}
	t := &target{
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: trust},
			MaxIdleConnsPerHost: 256,
			DisableCompression:  true,
		}},
		url: *url, body: text, expect: []byte(*expect),
	}
	if !t.post() {
		log.Fatalf("%s does not answer as expected", *url)
	}
	start := time.Now()
	var samples []sample
	if *rate > 0 {
		samples = openLoop(t, *rate, *length)
	} else {
		samples = closedLoop(t, *connections, *length)
	}
	if err := json.NewEncoder(os.Stdout).Encode(summary(samples, time.Since(start).Seconds())); err != nil {
		log.Fatal(err)
	}
}
