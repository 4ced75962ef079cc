package tcp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/tcp"
)

// Two nodes of different processes. Port 0 lets the system choose, as tests like it; a
// program would say ":7001", and the same list of peers on every machine.
func ExampleNew() {
	ctx := context.Background()
	first := tcp.New("127.0.0.1:0")
	a, err := gaggle.Join[string](ctx, first, gaggle.Size(2), gaggle.InMemory())
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	second := tcp.New("127.0.0.1:0", first.Addr()) // one address of a running node is enough
	b, err := gaggle.Join[string](ctx, second, gaggle.Size(2), gaggle.InMemory())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	e, err := b.Append(ctx, "hello")
	fmt.Println(e.Value, err)
	// Output: hello <nil>
}

// A node behind a port mapping or a proxy is told where others reach it. Here that is
// where it listens.
func ExampleNewConfig() {
	ctx := context.Background()
	first := tcp.New("127.0.0.1:0")
	a, err := gaggle.Join[string](ctx, first, gaggle.Size(2), gaggle.InMemory())
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	second := tcp.NewConfig(tcp.Config{
		Listen:    "127.0.0.1:0",
		Peers:     []string{first.Addr()},
		Advertise: "", // or "public.example.org:7001"
	})
	b, err := gaggle.Join[string](ctx, second, gaggle.Size(2), gaggle.InMemory())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	e, err := a.Append(ctx, "both ways")
	fmt.Println(e.Value, err)
	// Output: both ways <nil>
}
