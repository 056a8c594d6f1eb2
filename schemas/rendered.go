package schemas

import (
	"bytes"
	"io"
	"io/fs"
	"time"
)

// renderedFS is a folder of rendered migrations, as goose reads one: sorted files, no folders below.
type renderedFS []renderedFile

type renderedFile struct {
	name string
	text []byte
}

// Open implements fs.FS.
func (f renderedFS) Open(name string) (fs.File, error) {
	if name == "." {
		return &openFolder{entries: f.entries()}, nil
	}
	for _, file := range f {
		if file.name == name {
			return &openFile{file, bytes.NewReader(file.text)}, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (f renderedFS) entries() []fs.DirEntry {
	entries := make([]fs.DirEntry, len(f))
	for i, file := range f {
		entries[i] = fs.FileInfoToDirEntry(file)
	}
	return entries
}

func (f renderedFile) Name() string       { return f.name }
func (f renderedFile) Size() int64        { return int64(len(f.text)) }
func (f renderedFile) Mode() fs.FileMode  { return 0o444 }
func (f renderedFile) ModTime() time.Time { return time.Time{} }
func (f renderedFile) IsDir() bool        { return false }
func (f renderedFile) Sys() any           { return nil }

type openFile struct {
	renderedFile
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.renderedFile, nil }
func (f *openFile) Size() int64                { return f.renderedFile.Size() }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	entries []fs.DirEntry
	at      int
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return folderInfo{}, nil }
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: fs.ErrInvalid}
}
func (f *openFolder) Close() error { return nil }

// ReadDir implements fs.ReadDirFile.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	left := f.entries[f.at:]
	if n <= 0 {
		f.at = len(f.entries)
		return left, nil
	}
	if len(left) == 0 {
		return nil, io.EOF
	}
	left = left[:min(n, len(left))]
	f.at += len(left)
	return left, nil
}

type folderInfo struct{}

func (folderInfo) Name() string       { return "." }
func (folderInfo) Size() int64        { return 0 }
func (folderInfo) Mode() fs.FileMode  { return fs.ModeDir | 0o555 }
func (folderInfo) ModTime() time.Time { return time.Time{} }
func (folderInfo) IsDir() bool        { return true }
func (folderInfo) Sys() any           { return nil }
