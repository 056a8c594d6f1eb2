package ingest

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// What a followed file's Read gives beside its bytes.
var (
	// errRotated: the path names a new file; the old one was read to its end, and what follows is the new one's.
	errRotated = errors.New("the file was replaced")
	// errTruncated: the file became shorter than what was read of it; what follows is its new beginning.
	errTruncated = errors.New("the file was truncated")
)

// DefaultPoll is how often a followed file is looked at. Polling sees growth on every file system, network ones
// included, where notification does not, and costs a read and a stat each time.
const DefaultPoll = 250 * time.Millisecond

// followed reads a file that grows, and goes on where it is rotated: renamed and made anew, or copied and truncated.
// After a rename the old file is read until it gave nothing for a whole poll, because its writer may keep it open for
// a while. A file that is truncated and grows beyond what was read within one poll cannot be told from one that grew:
// prefer renaming.
type followed struct {
	ctx    context.Context
	path   string
	file   *os.File
	info   os.FileInfo
	offset int64
	poll   time.Duration
	// leaving says that the path no longer named this file a poll ago.
	leaving bool
}

func newFollowed(ctx context.Context, path string, f *os.File, poll time.Duration) (*followed, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fileError(path, err)
	}
	if poll <= 0 {
		poll = DefaultPoll
	}
	return &followed{ctx: ctx, path: path, file: f, info: info, poll: poll}, nil
}

func (f *followed) close() { _ = f.file.Close() }

// Read waits until there is something to give. It ends with the context's error.
func (f *followed) Read(p []byte) (int, error) {
	for {
		if err := f.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := f.file.Read(p)
		f.offset += int64(n)
		if n > 0 {
			f.leaving = false
			return n, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
		if err := f.look(); err != nil {
			return 0, err
		}
		select {
		case <-f.ctx.Done():
			return 0, f.ctx.Err()
		case <-time.After(f.poll):
		}
	}
}

// look finds out, at the end of the file, whether it is still the one to read.
func (f *followed) look() error {
	now, err := f.file.Stat()
	if err != nil {
		return err
	}
	if now.Size() < f.offset {
		if _, err := f.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		f.offset = 0
		return errTruncated
	}
	named, err := os.Stat(f.path)
	if err != nil || os.SameFile(named, f.info) {
		return nil // between rename and create there is no file: wait for it
	}
	if !f.leaving {
		f.leaving = true
		return nil
	}
	next, err := os.Open(f.path)
	if err != nil {
		return nil // gone again, or not readable yet
	}
	info, err := next.Stat()
	if err != nil {
		return errors.Join(err, next.Close())
	}
	_ = f.file.Close()
	f.file, f.info, f.offset, f.leaving = next, info, 0, false
	return errRotated
}
