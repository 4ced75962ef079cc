package main

import (
	"fmt"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
)

// openEtcdDurable keeps the log with etcd's own package for it, and sends over TCP.
func openEtcdDurable(dir string) (cluster, error) {
	net, err := listenEtcd()
	if err != nil {
		return nil, err
	}
	return newEtcdCluster(func(n *etcdNode, all []*etcdNode) error {
		if err := n.write(filepath.Join(dir, fmt.Sprint("node", n.id))); err != nil {
			return err
		}
		return net.connect(n, all)
	})
}

// write lets a node keep its log in dir, which is new.
func (n *etcdNode) write(dir string) error {
	log, err := wal.Create(nil, dir, nil)
	if err != nil {
		return err
	}
	n.releases = append(n.releases, func() { must(log.Close()) })
	founding, err := n.storage.Snapshot()
	if err != nil {
		return err
	}
	n.keep = log.Save
	return log.SaveSnapshot(&walpb.Snapshot{
		Index: founding.Metadata.Index, Term: founding.Metadata.Term, ConfState: founding.Metadata.ConfState,
	})
}
