package main

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// JUnit's XML as Jenkins, GitLab and GitHub's actions read it: one suite for each test file.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
		took      time.Duration
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitProblem `xml:"failure"`
		Error   *junitProblem `xml:"error"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes what the run has found.
func (t *testRun) writeJUnit(name string) error {
	return writeWhole(name, func(f *os.File) error { return t.junit(f) })
}

func (t *testRun) junit(w io.Writer) error {
	all := junitSuites{Name: "perilune test"}
	if t.result == nil {
		for _, e := range t.wrong {
			if !e.Warning {
				t.suite(&all, e.File).problem(e.File, "(configuration)", e.Line, e.Msg, e.Error())
			}
		}
	}
	for _, c := range t.cases {
		s := t.suite(&all, c.File)
		s.took += c.Took
		jc := junitCase{Class: c.File, Name: xmlText(c.Name), Time: seconds(c.Took), File: c.File, Line: c.At.Line, Output: xmlText(strings.Join(c.Output, "\n"))}
		if f := c.Failure; f != nil {
			jc.Failure = &junitProblem{xmlText(f.Message), "failure", xmlText(f.At.String() + ": " + f.Text())}
			jc.Line = f.At.Line
			s.Failures++
		}
		s.Cases = append(s.Cases, jc)
	}
	if t.result != nil {
		for _, f := range t.beside() {
			t.suite(&all, f.At.File).problem(f.At.File, cmp.Or(f.Case, "(the file itself)"), f.At.Line, f.Message, f.At.String()+": "+f.Text())
		}
	}
	for i := range all.Suites {
		s := &all.Suites[i]
		s.Tests, s.Time = len(s.Cases), seconds(s.took)
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
	}
	all.Time = seconds(time.Since(t.began))
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// suite gives that of a file.
func (t *testRun) suite(all *junitSuites, file string) *junitSuite {
	for i := range all.Suites {
		if all.Suites[i].Name == file {
			return &all.Suites[i]
		}
	}
	all.Suites = append(all.Suites, junitSuite{Name: file, Timestamp: t.began.UTC().Format("2006-01-02T15:04:05")})
	return &all.Suites[len(all.Suites)-1]
}

// problem adds a case that could not be run.
func (s *junitSuite) problem(file, name string, line int, message, text string) {
	s.Errors++
	s.Cases = append(s.Cases, junitCase{
		Class: file, Name: xmlText(name), Time: seconds(0), File: file, Line: line,
		Error: &junitProblem{xmlText(message), "error", xmlText(text)},
	})
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

// xmlText writes what XML cannot hold as Go would: control characters, and octets that are no UTF-8.
func xmlText(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
