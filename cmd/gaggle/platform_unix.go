//go:build unix

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// relayStatusSignal lets the signal that asks for the status come in on a channel.
func relayStatusSignal(asked chan<- os.Signal) { signal.Notify(asked, syscall.SIGUSR1) }

// notHere reports whether an address cannot be listened on because it is taken, or is
// another machine's.
func notHere(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL)
}
