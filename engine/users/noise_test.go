package users

import (
	"bytes"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"perilune/engine/raddb"
)

// noise is a file that is made while it is read: the same octets again and again, or what fill makes.
type noise struct {
	left   int
	repeat string
	fill   func(p []byte)
	at     int
	peak   *uint64           // octets of the heap while reading
	parts  map[string]string // further files
}

func (n *noise) Open(name string) (fs.File, error) {
	if name == "users" {
		return &noiseFile{*n}, nil
	}
	if text, ok := n.parts[name]; ok {
		return fstest.MapFS{name: {Data: []byte(text)}}.Open(name)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

type noiseFile struct{ noise }

func (f *noiseFile) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (f *noiseFile) Close() error               { return nil }

func (f *noiseFile) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), f.left)
	f.left -= n
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	*f.peak = max(*f.peak, m.HeapAlloc)
	if f.fill != nil {
		f.fill(p[:n])
		return n, nil
	}
	for i := range p[:n] {
		p[i] = f.repeat[f.at%len(f.repeat)]
		f.at++
	}
	return n, nil
}

// noiseSize is the length of such a file; the first kinds are long. Most kinds were tried with a gigabyte, too.
func noiseSize(kind string) int {
	if !testing.Short() && (kind == "octets" || kind == "words" || kind == "comments") {
		return 50 << 20
	}
	return 6 << 20 // more than the longest entry
}

// TestNoise reads large files of no sense: each ends soon, with errors that are bounded, and takes no more memory
// than its longest entry may have.
func TestNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"bob", "DEFAULT", "=", ":=", "NULL", ",", "\"", "\n", "\n\t", "User-Name", "Service-Type", "%{", "}", "$INCLUDE ", "7", "\\", "#", "'"}
	d := loadDictionary(t)
	for name, n := range map[string]*noise{
		"octets": {fill: func(p []byte) {
			for i := range p {
				p[i] = byte(random.Uint32())
			}
		}},
		"words": {fill: func(p []byte) {
			for i := 0; i < len(p); {
				i += copy(p[i:], words[random.IntN(len(words))]+" ")
			}
		}},
		"text":              {repeat: "Lorem ipsum dolor sit amet,\n"},
		"zeros":             {repeat: "\x00"},
		"blanks":            {repeat: " \t \n"},
		"no line":           {repeat: " "},
		"comments":          {repeat: "# nothing to see\n"},
		"endless comment":   {repeat: "#"},
		"endless name":      {repeat: "a"},
		"endless string":    {repeat: "\"bob\\\" "},
		"endless entry":     {repeat: "bob NAS-Port = 1,\n\t"},
		"endless reply":     {repeat: "\tReply-Message = \"x\",\n"},
		"unknown names":     {repeat: "bob Nonsense = 1\n\tNULL\n"},
		"missing files":     {repeat: "$INCLUDE missing\n"},
		"files":             {repeat: "$INCLUDE empty\n", parts: map[string]string{"empty": ""}},
		"itself":            {repeat: "$INCLUDE users\n"},
		"quotes":            {repeat: "\""},
		"commas":            {repeat: ","},
		"expansions":        {repeat: "bob\tNAS-Port == 1\n\tReply-Message = \"%{%{%{\"\n"},
		"no longer reached": {repeat: "bob\tNULL\n\tReply-Message = x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			n.left = noiseSize(name)
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			n.peak = &before.HeapAlloc
			was, start := before.HeapAlloc, time.Now()
			var errs raddb.List
			table := Load(raddb.OpenFS(n), "users", Options{Dictionary: d}, &errs)
			table.Close(nil)
			if len(errs) > maxErrors+10 {
				t.Errorf("%d errors", len(errs))
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			if used := *n.peak - was; used > 128<<20 {
				t.Errorf("%d MiB of heap, garbage included", used>>20)
			}
			for _, e := range errs {
				if len(e.Msg) > 4096 {
					t.Fatalf("an error of %d octets", len(e.Msg))
				}
			}
		})
	}
}

// TestUnreadableFiles: what cannot be opened or read to its end is an error at the place that names it.
func TestUnreadableFiles(t *testing.T) {
	d := loadDictionary(t)
	for want, files := range map[string]fs.FS{
		"users: cannot read users: permission denied":      &noise{},
		"users:1:1: cannot read secret: permission denied": &noise{peak: new(uint64), left: len("$INCLUDE secret\n"), repeat: "$INCLUDE secret\n"},
		"users: cannot read users: the disk is on fire":    broken{},
		"more: cannot read more: the disk is on fire":      broken{"$INCLUDE more\n"},
	} {
		if n, ok := files.(*noise); ok && n.left == 0 {
			files = fstest.MapFS{}
			want = "users: cannot read users: file does not exist"
		}
		var errs raddb.List
		Load(raddb.OpenFS(files), "users", Options{Dictionary: d}, &errs).Close(nil)
		if got := errs.Error(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// broken is a disk whose files end in an error. users begins with the text, if there is one.
type broken struct{ text string }

func (b broken) Open(name string) (fs.File, error) {
	f := &brokenFile{}
	if name == "users" && b.text != "" {
		f.r = strings.NewReader("\n" + b.text)
	}
	return f, nil
}

type brokenFile struct{ r io.Reader }

func (f *brokenFile) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (f *brokenFile) Close() error               { return nil }

func (f *brokenFile) Read(p []byte) (int, error) {
	if f.r != nil {
		return f.r.Read(p)
	}
	return 0, &fs.PathError{Op: "read", Path: "x", Err: errorOnFire{}}
}

type errorOnFire struct{}

func (errorOnFire) Error() string { return "the disk is on fire" }

// TestControlCharactersInNames: a name of a file is quoted where it is shown, and matches octet by octet.
func TestControlCharactersInNames(t *testing.T) {
	d := loadDictionary(t)
	table, errs := loadText(t, d, "\"b\\001b\"	NULL	Reply-Message = \"one\"\n\"a\\nb\"	NULL	Reply-Message = \"two\"\n", Options{})
	if errs.Failed() {
		t.Fatal(errs)
	}
	for name, want := range map[string]string{"b\x01b": "one", "a\nb": "two", "b\x01": "", "a": "", "\x00": "", "bb": ""} {
		q := query(t, d, "NAS-Port = 1")
		q.Name = []byte(name)
		table.Match(q)
		got, _ := q.Reply.First(d.Known.ReplyMessage)
		if string(got) != want || q.Found != (want != "") {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	_, errs = loadText(t, d, "b\x07\x1b[2Job	Nonsense = 1	NULL\n", Options{})
	if text := errs.Error(); bytes.ContainsAny([]byte(text), "\x07\x1b") {
		t.Errorf("control characters reach the terminal: %q", text)
	}
}
