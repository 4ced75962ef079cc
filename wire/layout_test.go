package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// layouts are the tables of the package documentation once more. The golden files
// are described by them, independently of the code that writes frames.
var layouts = map[byte]string{
	1: "term:u64 pre-vote:bool transfer:bool last:position",
	2: "term:u64 pre-vote:bool granted:bool",
	3: "term:u64 session:u64 prev:position commit:u64 entries:entries",
	4: "term:u64 session:u64 index:u64 rejected:bool hint:position",
	5: "term:u64 session:u64 commit:u64 read-sequence:u64",
	6: "term:u64 session:u64 read-sequence:u64",
	7: "term:u64 session:u64 last:position configuration-index:u64 configuration:rest",
	8: "term:u64",
	16: "size:u32 state:u8 name:name pledge:ids charter:ids abandoned:clusters " +
		"starts:u64 nonce:u64 contested:claims",
	17: "commands:commands",
	18: "reason:u8",
	19: "token:u64",
	20: "token:u64 ok:bool index:u64",
	21: "id:u64 timeout:u64 name:name payload:rest",
	22: "id:u64 status:u8 payload:rest",
	23: "index:u64",
	24: "term:u64 session:u64 last:position size:u64 sum:u64 offset:u64 data:rest",
	25: "session:u64 last:position sum:u64 next:u64 status:u8",
	26: "positions:positions",
	27: "entries:few-entries",
	28: "index:u64 hash:u64",
	29: "token:u64",
	30: "token:u64 base:position last:position snapshot:position size:u64 sum:u64 configuration:rest",
	31: "token:u64 of-snapshot:bool from:u64",
	32: "token:u64 of-snapshot:bool from:u64 status:u8 data:rest",
}

// A description is the text of a golden file in the making: bytes on the left, what
// they mean on the right.
type description struct {
	out  []byte
	rest []byte
	path string
}

// describe explains a frame. It trusts its lengths: it is for golden files.
func describe(frame []byte) string {
	d := &description{rest: frame}
	d.number("length", 4)
	d.bytes("checksum", 4)
	d.number("version", 1)
	from := d.number("length of from", 1)
	to := d.number("length of to", 1)
	d.number("reserved", 1)
	d.number("group", 4)
	d.bytes("cluster", 16)
	d.text("from", from)
	d.text("to", to)
	for i := 0; len(d.rest) > 0; i++ {
		d.message(i)
	}
	return string(d.out)
}

func (d *description) message(i int) {
	d.path = ""
	d.out = append(d.out, '\n')
	k := d.rest[0]
	d.number(fmt.Sprintf("message %d: kind %v", i, kind(k)), 1)
	d.number("reserved", 3)
	length := d.number("length", 4)
	end := len(d.rest) - length
	for _, field := range strings.Fields(layouts[k]) {
		name, form, _ := strings.Cut(field, ":")
		d.field(name, form, len(d.rest)-end)
	}
	if len(d.rest) != end {
		d.out = fmt.Appendf(d.out, "# the layout of %v does not fit: %d bytes\n", kind(k), len(d.rest)-end)
	}
}

func (d *description) field(name, form string, left int) {
	switch form {
	case "bool", "u8":
		d.number(name, 1)
	case "u32":
		d.number(name, 4)
	case "u64":
		d.number(name, 8)
	case "position":
		d.number(name+" index", 8)
		d.number(name+" term", 8)
	case "name":
		d.text(name, d.number("length of "+name, 1))
	case "rest":
		d.text(name, left)
	case "ids":
		for range d.number(name, 1) {
			d.text("id", d.number("length of id", 1))
		}
	case "clusters":
		for range d.number(name, 1) {
			d.bytes("cluster", 16)
		}
	case "claims":
		for range d.number(name, 1) {
			d.text("id", d.number("length of id", 1))
			d.number("starts", 8)
			d.number("nonce", 8)
		}
	case "positions":
		for range d.number(name, 1) {
			d.field("position", "position", left)
		}
	case "commands":
		for range d.number(name, 4) {
			d.text("command", d.number("length of command", 4))
		}
	case "entries", "few-entries":
		width := 4
		if form == "few-entries" {
			width = 1
		}
		for i := range d.number(name, width) {
			d.path = fmt.Sprintf("entry %d: ", i)
			d.entry()
		}
	}
}

func (d *description) entry() {
	length := d.number("length of data", 4)
	d.bytes("checksum", 4)
	d.number("index", 8)
	d.number("term", 8)
	d.number("type", 1)
	d.number("reserved", 7)
	d.text("data", length)
}

func (d *description) number(what string, width int) int {
	var word [8]byte
	copy(word[:], d.rest[:width])
	v := int(binary.LittleEndian.Uint64(word[:]))
	d.line(width, fmt.Sprintf("%s = %d", what, v))
	return v
}

func (d *description) bytes(what string, width int) { d.line(width, what) }

func (d *description) text(what string, width int) {
	if width > 0 {
		d.line(width, fmt.Sprintf("%s = %q", what, d.rest[:width]))
	}
}

// line writes some bytes, sixteen to a line, and what they mean beside the first.
func (d *description) line(width int, what string) {
	b := d.rest[:width]
	d.rest = d.rest[width:]
	comment := "  # " + d.path + what
	for len(b) > 0 {
		n := min(16, len(b))
		line := fmt.Sprintf("%-32s%s", hex.EncodeToString(b[:n]), comment)
		d.out = append(d.out, strings.TrimSpace(line)+"\n"...)
		b, comment = b[n:], ""
	}
}
