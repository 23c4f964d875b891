package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processes are the ids of what is measured: a server, perhaps its database, too. It is a flag.Value.
type processes []int

func (p *processes) String() string {
	var ids []string
	for _, id := range *p {
		ids = append(ids, strconv.Itoa(id))
	}
	return strings.Join(ids, ",")
}

// Set reads ids between commas or blanks, as pidof prints them.
func (p *processes) Set(text string) error {
	*p = nil
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		id, err := strconv.Atoi(word)
		if err != nil || id < 1 {
			return fmt.Errorf("%q is no process id", word)
		}
		*p = append(*p, id)
	}
	if len(*p) == 0 {
		return errors.New("no process id")
	}
	return nil
}

// usage is what processes have used so far, all together.
type usage struct {
	user, system   time.Duration
	resident, peak int64 // memory, octets
}

func (u usage) processor() time.Duration { return u.user + u.system }

// minus gives the processor time since an earlier usage, and the memory of now.
func (u usage) minus(before usage) usage {
	u.user -= before.user
	u.system -= before.system
	return u
}

// usage reads /proc; it is zero without a process.
func (p processes) usage() (all usage, err error) {
	for _, id := range p {
		if err := all.addTimes(id); err != nil {
			return usage{}, err
		}
		if err := all.addMemory(id); err != nil {
			return usage{}, err
		}
	}
	return all, nil
}

func (u *usage) addTimes(id int) error {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return fmt.Errorf("/proc/%d/stat: %d fields; expected 13 or more", id, len(fields))
	}
	user, err := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	u.user += time.Duration(user) * tick
	u.system += time.Duration(system) * tick
	return errors.Join(err, err2)
}

func (u *usage) addMemory(id int) error {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
	if err != nil {
		return err
	}
	u.resident += kilobytes(string(b), "VmRSS:")
	u.peak += kilobytes(string(b), "VmHWM:")
	return nil
}

// kilobytes gives a line of /proc's status in octets; 0 if it has none.
func kilobytes(status, name string) int64 {
	_, rest, _ := strings.Cut(status, "\n"+name)
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	return n << 10
}

// ownTime gives the processor time of this process.
func ownTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
