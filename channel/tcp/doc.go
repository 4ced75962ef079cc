// Package tcp is a channel between processes, over TCP.
//
//	ch := tcp.New(":7001", "host2:7001", "host3:7001")
//
// # Addresses and identities
//
// The addresses that a node is given are only places where nodes may be found: one
// may be the node's own, one may be dead, one may be another node's tomorrow. Who is
// there is known when a handshake with that address has been completed, and until
// the connection ends. One address of one running node is enough to start with, as
// nodes tell each other the nodes that they are connected to and where those are.
// What is told that way is an address to try and nothing more.
//
// Each node dials each other node and writes only to the connections that it dialed;
// those it accepted it reads. So two nodes that hear each other have two
// connections, and a node must be able to dial a node to send it anything.
//
// A node advertises the address that it listens on, or Config.Advertise. If that has
// no host, as with ":7001", others take the IP address that its connections come
// from.
//
// An address that was given is dialed for ever. One that was learned is forgotten
// after 10 minutes of failure, and no more are learned while 256 addresses are
// known. An address that leads to the node itself, or to one that is connected
// through another address, is left alone for a minute at a time, or until that other
// connection ends. Between failures there are 50 ms, doubling to 2 s, less a random
// part of up to a half; this starts again when a connection has lasted 2 s. A node
// that is heard of directly is dialed at once.
//
// # Sending
//
// Send and Broadcast queue frames for nodes that are connected now. Frames for
// others would be stale by the time they could be delivered, so Send returns
// channel.ErrUnknownPeer for those, and what is queued for a node when its connection
// ends is dropped; then the receiver is told Unreachable. For each node there is room
// for 4096 urgent frames or 4 MiB of them, and as many bulk frames or 16 MiB;
// beyond that, Send returns channel.ErrBusy. Frames larger than 64 KiB are bulk
// whatever their class says.
//
// Urgent frames go first. Frames larger than 64 KiB are sent in pieces, and urgent
// frames go between these as well. What an urgent frame may still find in front of
// it is other urgent frames, one write, and what the kernel holds for sending, which
// is set to 256 KiB (Linux makes room for twice as much). A write has at most 192 KiB
// of frames, and, twice a minute and at news, a list of nodes and their addresses: 97
// KiB if there are 256, all with the longest texts.
//
// # Trouble
//
// A connection is cut when the kernel takes none or not all of a write within 5 s;
// when 5 pings, sent 1 s apart, have not been answered; when 5 s pass before the next
// record, a ping if nothing else, is there in whole; when a handshake takes longer
// than 5 s; when what comes is not in the format below; and when the receiver returns
// an error. At most 64 accepted connections may be in their handshake, and 512 may be
// open in all; more are closed at once. Each accepted connection holds up to 64 KiB,
// and a frame of up to channel.MaxFrame in the making.
//
// Trouble is logged through channel.Self.Log, at most once a minute for each kind of
// trouble with each peer; the next line says how many were left out.
//
// Nothing is encrypted and nobody is authenticated: whoever can connect to the port
// and knows the cluster's name can speak as any node. Use networks that you trust.
//
// # The format
//
// Numbers are big-endian. A connection starts with a hello from the side that dialed,
// answered by a hello from the side that accepted:
//
//	bytes  content
//	4      "GAGL"
//	1      version, 1
//	2      length of what follows in the hello, at most 530
//	16     nonce, random, the same in all hellos of an attached node: a node that
//	       meets its own nonce has dialed itself
//	1, n   length and bytes of the cluster name, at most 128
//	1, n   length and bytes of the node ID, 1 to 128
//	1, n   length and bytes of the advertised address, host:port, at most 255;
//	       the host may be empty
//
// The first 7 bytes are the same in every version. A hello with another version or
// cluster name is answered, so that both sides know why they part, and then the
// connection is closed. After the hellos the side that
// dialed sends records:
//
//	bytes  content
//	4      length of the payload, n
//	1      kind
//	n      payload
//
//	kind   payload
//	1      frame: a whole frame, at most 64 KiB
//	2      first: 4 bytes, the length of a frame, at most channel.MaxFrame, and the
//	       first 1 byte to 64 KiB of it, but not all of it
//	3      next: the next 1 byte to 64 KiB of the frame that the last first began;
//	       records of other kinds may come between, but no first
//	4      peers: at most 128 times the length (1 byte) and bytes of a node ID, and the
//	       length (1 byte) and bytes of an address where it was found
//	5      ping: nothing
//
// The side that accepted answers each ping with one byte, 6, and sends nothing else.
package tcp
