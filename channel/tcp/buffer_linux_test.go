package tcp

import (
	"net"
	"syscall"
	"testing"
)

func TestTheKernelHoldsLittleForSending(t *testing.T) {
	n := attach(t, "n", patient())
	peer := newActor(t, "peer")
	peer.dial(n)
	peer.accept()
	n.waitConnected("peer")
	raw, err := n.directory.find("peer").conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		size, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
		if err != nil || size > 2*sendBuffer { // Linux doubles what was asked for
			t.Errorf("room for %d bytes, %v; want at most %d", size, err, 2*sendBuffer)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
