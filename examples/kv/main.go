// The kv example is a map that three nodes share: what is put into one is there in all.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
)

func open(ctx context.Context, ch channel.Channel, size int) (Store, error) {
	r, err := gaggle.Replicate(ctx, ch, &Map{Values: map[string]string{}}, (*Map).Apply, gaggle.Size(size))
	return Store{r}, err
}

func run(ctx context.Context, stores []Store) error {
	if _, err := stores[0].Put(ctx, "goose", "grey"); err != nil {
		return err
	}
	first, err := stores[1].CompareAndSwap(ctx, "goose", "grey", "white")
	if err != nil {
		return err
	}
	second, err := stores[2].CompareAndSwap(ctx, "goose", "grey", "black")
	if err != nil {
		return err
	}
	value, _, err := stores[0].Get(ctx, "goose")
	if err != nil {
		return err
	}
	deleted, err := stores[1].Delete(ctx, "goose")
	fmt.Printf("first swap: %v, second swap: %v, the goose is %s, deleted: %v\n", first, second, value, deleted)
	return err
}

func main() {
	ctx := context.Background()
	ch := memory.New() // channel/tcp is for several processes
	const size = 3
	stores := make([]Store, 0, size)
	for range size {
		s, err := open(ctx, ch, size)
		if err != nil {
			log.Fatal(err)
		}
		stores = append(stores, s)
	}
	if err := run(ctx, stores); err != nil {
		log.Fatal(err)
	}
	for _, s := range stores {
		if err := s.Close(); err != nil {
			log.Fatal(err)
		}
	}
}
