package freeradius

import (
	"errors"
	"fmt"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy/convert/output"
)

// A usersFile is one of the users files: its text by lines, as it will be written.
type usersFile struct {
	name  string // in the new tree, below raddb
	old   string // in the old directory
	lines []string
}

// convertUsers copies the users file with all that it includes. It is read by the loader it is meant for: an
// entry that this refuses is turned into a comment and reported with the loader's words.
func (s *source) convertUsers() {
	name := s.moduleFile("files", "mods-config/files/authorize", "usersfile", "filename")
	if s.tree.Absent(name) && !s.tree.Absent("users") {
		name = "users"
	}
	files := map[string]*usersFile{}
	if !s.usersFile(files, name, "users", 0) {
		s.report.Lookf(raddb.Pos{File: name}, "there is no users file; all names are unknown until you write raddb/users")
		s.out.File("raddb/users").Printf("$DIALECT freeradius\n")
		return
	}
	for range maxRounds {
		n, mended := s.refuse(files)
		if s.left += n; n+mended == 0 {
			break
		}
	}
	entries := s.writeUsers(files)
	s.report.Donef(raddb.Pos{File: name}, "%d entries, %d left out", entries, s.left)
	for _, setting := range [...]string{"acctusersfile", "preproxy_usersfile", "postauth_usersfile", "auth_usersfile", "key"} {
		if m := s.module("files"); m != nil && m.find(setting) != nil {
			s.otherUsers(m.find(setting))
		}
	}
}

// maxRounds bounds how often the file is read anew after entries were taken out of it.
const maxRounds = 20

// usersFile takes in one file and those it includes; false if it cannot be read.
func (s *source) usersFile(files map[string]*usersFile, old, name string, depth int) bool {
	text, ok := s.read(old)
	if !ok || depth > raddb.MaxIncludes {
		return false
	}
	f := &usersFile{name: name, old: old, lines: []string{"$DIALECT freeradius"}}
	files["raddb/"+name] = f
	var dead []int // entries that never held
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if included, ok := strings.CutPrefix(line, "$INCLUDE"); ok {
			line = s.includeUsers(files, f, strings.TrimSpace(included), depth)
		} else if begins(line) {
			if s.neverHeld(line, raddb.Pos{File: old, Line: len(f.lines)}) {
				dead = append(dead, len(f.lines))
			}
			line = unequal.ReplaceAllString(line, "Huntgroup-Name =* ANY, Huntgroup-Name !=")
			line = s.aside(line)
		}
		f.lines = append(f.lines, line)
	}
	for _, i := range dead {
		f.leaveOut(i)
	}
	s.left += len(dead)
	return true
}

// unequal finds a comparison that only a request of some huntgroup fits: of functions it is true of all others.
var unequal = regexp.MustCompile(`(?i)\bHuntgroup-Name\s*!=`)

// neverHeld reports whether an entry fitted nobody there. It tells of such, and of what held there less often.
func (s *source) neverHeld(line string, at raddb.Pos) bool {
	rest, ok := strings.CutPrefix(withoutComment(line), label(line))
	pairs, err := parsePairs(rest)
	if !ok || err != nil {
		return false
	}
	for _, p := range pairs {
		if why := s.impossible(p); why != "" {
			s.report.Lookf(at, "the entry %s is left out: it never held there, for %s", output.UTF8(label(line)), why)
			return true
		}
		if strings.EqualFold(p.name, "Auth-Type") && p.op == "=" && strings.EqualFold(p.value, "Accept") {
			s.report.Lookf(at, "Auth-Type = Accept in the entry %s came too late for CHAP and MS-CHAP there, whose passwords were looked at; here it lets in", output.UTF8(label(line)))
		}
	}
	return false
}

// impossible says why no request fits a check there, "" if some may.
func (s *source) impossible(p pair) string {
	name := strings.ToLower(p.name)
	order := strings.HasSuffix(name, "-password") && name != "user-password" && name != "crypt-password" ||
		name == "password-with-header" || name == "login-time" || name == "simultaneous-use"
	if order && (p.op == "=" || p.op == "==") {
		return p.name + " " + p.op + " was a comparison; an order is written :="
	}
	a := s.dict.Attribute(p.name)
	if a == nil || p.op != "=~" || a.Type == dictionary.TypeString || a.Type == dictionary.TypeOctets {
		return ""
	}
	if re, err := regexp.Compile(p.value); err != nil || re.MatchString("") {
		return ""
	}
	return "a pattern saw nothing of " + a.Name + ", which is no text; compare it with == or < and >"
}

// leaveOut turns the entry that a line belongs to into a comment.
func (f *usersFile) leaveOut(line int) {
	first, end := f.entry(line)
	for i := first; i < end; i++ {
		f.lines[i] = "#" + f.lines[i]
	}
}

// includeUsers takes in what a file includes, and gives the line that includes it in the new tree.
func (s *source) includeUsers(files map[string]*usersFile, f *usersFile, included string, depth int) string {
	from := s.reader.relative(included)
	if !path.IsAbs(from) {
		from = path.Join(path.Dir(f.old), from)
	}
	name := placeOf(files, from)
	if files["raddb/"+name] == nil && !s.usersFile(files, from, name, depth+1) {
		s.report.Lookf(raddb.Pos{File: f.old, Line: len(f.lines)}, "%s cannot be read; left out", included)
		return "# not there: $INCLUDE " + included
	}
	return "$INCLUDE " + name
}

// placeOf gives the name of an included file in the new tree: two of one name may come from different directories.
func placeOf(files map[string]*usersFile, old string) string {
	for place, f := range files {
		if f.old == old {
			return strings.TrimPrefix(place, "raddb/")
		}
	}
	name := "users.d/" + path.Base(old)
	for base, n := name, 2; files["raddb/"+name] != nil; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name
}

// refuse reads the new users file and comments out each entry that is refused, but for those that it can mend. It
// gives the numbers of both.
func (s *source) refuse(files map[string]*usersFile) (n, mended int) {
	s.writeUsers(files)
	var errs raddb.List
	tree := raddb.OpenFS(s.out.FS("raddb"))
	passwords := server.Generation{Dictionary: s.dict}
	t := users.Load(tree, "users", users.Options{Dictionary: s.dict, Names: allowAll{}, Dialect: users.FreeRADIUS, Stored: passwords.StoredPassword}, &errs)
	t.Close(nil)
	for _, e := range errs {
		f := files["raddb/"+e.File]
		if f == nil || e.Warning || e.Line < 1 || e.Line > len(f.lines) {
			continue
		}
		if s.toUTF8(f, e) {
			mended++
			continue
		}
		first, _ := f.entry(e.Line - 1)
		if strings.HasPrefix(f.lines[first], "#") {
			continue // by an earlier error of the entry
		}
		s.report.Lookf(raddb.Pos{File: f.old, Line: e.Line - 1, Col: e.Col}, "the entry %s is left out: %s", label(f.lines[first]), e.Msg)
		f.leaveOut(first)
		n++
	}
	return n, mended
}

// toUTF8 turns a clear password in Latin-1 into UTF-8, which MS-CHAP needs and clients send today. False if that
// is not what is wrong.
func (s *source) toUTF8(f *usersFile, e *raddb.Error) bool {
	line := f.lines[e.Line-1]
	if !strings.Contains(e.Msg, "not UTF-8") || e.Col < 1 || e.Col > len(line) || utf8.ValidString(line[e.Col-1:]) {
		return false
	}
	f.lines[e.Line-1] = line[:e.Col-1] + output.UTF8(line[e.Col-1:])
	first, _ := f.entry(e.Line - 1)
	s.report.Lookf(raddb.Pos{File: f.old, Line: e.Line - 1, Col: e.Col}, "the password of %s was in Latin-1; it is UTF-8 now, for MS-CHAP: does its client send that?", output.UTF8(label(f.lines[first])))
	return true
}

// entry gives the lines of the entry that a line belongs to, without comments and empty lines behind it.
func (f *usersFile) entry(line int) (first, end int) {
	for first = line; first > 0 && !begins(f.lines[first]); first-- {
	}
	for end = first + 1; end < len(f.lines) && !begins(f.lines[end]) && !strings.HasPrefix(f.lines[end], "#"); end++ {
	}
	for end > first+1 && strings.TrimSpace(f.lines[end-1]) == "" {
		end--
	}
	return first, end
}

// begins reports whether an entry begins on the line.
func begins(line string) bool {
	return line != "" && line[0] != ' ' && line[0] != '\t' && line[0] != '#'
}

func label(line string) string {
	name, _, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	return name
}

// writeUsers puts the files into the new tree and gives the number of their entries.
func (s *source) writeUsers(files map[string]*usersFile) (entries int) {
	for name, f := range files {
		file := s.out.File(name)
		file.Secret = true
		file.Reset()
		for _, line := range f.lines {
			file.WriteString(line + "\n")
			if begins(line) && line[0] != '$' {
				entries++
			}
		}
	}
	return entries
}

// newUsers gives the names of the users files of the new tree.
func (s *source) newUsers() []string {
	return slices.DeleteFunc(s.out.Names(), func(name string) bool {
		return name != "raddb/users" && !strings.HasPrefix(name, "raddb/users.d/")
	})
}

// otherUsers tells of users files of other places on the way, unless they are empty.
func (s *source) otherUsers(setting *item) {
	if setting.name == "key" && setting.value == "%{%{Stripped-User-Name}:-%{User-Name}}" {
		return // as here
	}
	if setting.name == "key" {
		s.report.Lookf(setting.at, "key = %s: here entries are found by Stripped-User-Name, or else User-Name", setting.value)
		return
	}
	text, _ := s.read(s.reader.relative(setting.value))
	for line := range strings.Lines(text) {
		if begins(line) && strings.TrimSpace(line) != "" {
			s.report.Lookf(setting.at, "%s = %s is left out: write a handler for that phase", setting.name, setting.value)
			return
		}
	}
}

// allowAll takes every huntgroup for registered: the scripts are written to the entries. Expressions are no
// part of FreeRADIUS's language, in which a value may well begin with =.
type allowAll struct{}

func (allowAll) Huntgroup(string) (int, bool) { return 0, true }
func (allowAll) Rewrite(string) (int, bool)   { return 0, true }
func (allowAll) Expression(source string, _ raddb.Pos) (int, error) {
	return 0, errors.New("a value that begins with = is a Lua expression here")
}
func (allowAll) All(string) iter.Seq[string] { return func(func(string) bool) {} }
