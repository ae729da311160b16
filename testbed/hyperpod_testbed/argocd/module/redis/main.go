// An in-memory Redis for Argo CD's cache: it takes the address to listen on, and nothing outlives it.
package main

import (
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: argocd-redis HOST:PORT")
	}
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(os.Args[1]); err != nil {
		log.Fatalf("cannot listen on %s: %v", os.Args[1], err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	ticker := time.NewTicker(time.Second)
	for {
		select {
		case <-ticker.C:
			server.FastForward(time.Second) // its keys expire by this clock only
		case <-stop:
			server.Close()
			return
		}
	}
}
