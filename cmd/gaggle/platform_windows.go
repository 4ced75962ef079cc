package main

import (
	"errors"
	"os"
	"syscall"
)

// relayStatusSignal does nothing: there is no such signal.
func relayStatusSignal(chan<- os.Signal) {}

// What Windows calls EADDRINUSE and EADDRNOTAVAIL, which package syscall does not name.
const (
	wsaAddressInUse        = syscall.Errno(10048)
	wsaAddressNotAvailable = syscall.Errno(10049)
)

// notHere reports whether an address cannot be listened on because it is taken, or is
// another machine's.
func notHere(err error) bool {
	return errors.Is(err, wsaAddressInUse) || errors.Is(err, wsaAddressNotAvailable)
}
