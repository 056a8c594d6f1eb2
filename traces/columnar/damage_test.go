package columnar

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"tidegauge/schemas"
)

// TestDamage: a file with a wrong byte in its labels, which the library reads on goroutines of its own, or in what it says of its
// columns, is an error or another file. It neither ends the process nor has it take more memory than there may be.
func TestDamage(t *testing.T) {
	var file bytes.Buffer
	w, err := NewParquet(&file)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 50 {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.ArrivalUS, r.Outcome = "s", "m", int64(i), schemas.OK
		for range 32 {
			r.RequestID += fmt.Sprintf("%016x", random.Uint64())
		}
		r.Labels = []schemas.Label{{Key: "key", Value: fmt.Sprint("value", i)}}
		if err := w.Write(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	footer := len(whole) - 8 - int(binary.LittleEndian.Uint32(whole[len(whole)-8:]))
	places := make([]int, 0, 1000)
	for at := footer - 500; at < footer; at += 15 { // labels are the last column
		places = append(places, at)
	}
	for at := footer; at < len(whole)-8; at += 101 {
		places = append(places, at)
	}
	refused := 0
	for _, at := range places {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0xff
		if _, err := linesOf(t, write(t, "damaged", damaged)); err != nil {
			refused++
		}
	}
	if refused < len(places)/4 {
		t.Errorf("of %d files with a wrong byte %d are refused", len(places), refused)
	}
	if _, err := linesOf(t, write(t, "short", append([]byte(parquetMagic), whole[footer:]...))); err == nil || !strings.Contains(err.Error(), "and the file has") {
		t.Errorf("columns larger than the file: %v", err)
	}
}

// TestRoom: what is asked for beyond reason is a panic, which can be caught.
func TestRoom(t *testing.T) {
	for name, ask := range map[string]func(memory.Allocator){
		"allocate": func(a memory.Allocator) { a.Allocate(mostRoom + 1) }, "reallocate": func(a memory.Allocator) { a.Reallocate(-1, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			ask(room{memory.DefaultAllocator})
		}()
	}
}
