package acct

import (
	"errors"
	"testing"
)

// TestMemory: all that a Store does with the table of sessions, at once and without a database.
func TestMemory(t *testing.T) {
	m := NewMemory(Rules{})
	for _, c := range []struct {
		name   string
		record string
		open   int
	}{
		{"Start", memoryRecord("1", "a"), 1},
		{"again", memoryRecord("1", "a"), 1},
		{"another", memoryRecord("1", "b"), 2},
		{"Interim", memoryRecord("3", "b"), 2},
		{"Stop", memoryRecord("2", "a"), 1},
		{"Stop of none", memoryRecord("2", "z"), 1},
		{"Accounting-On", memoryRecord("7", ""), 0},
	} {
		m.Append([]byte(c.record), func(err error) {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		})
		if got := m.Live().Len(); got != c.open {
			t.Errorf("%s: %d sessions are open, want %d", c.name, got, c.open)
		}
	}
	m.Append([]byte("{"), func(err error) {
		if !errors.Is(err, ErrRecord) {
			t.Errorf("half a record: %v", err)
		}
	})
	m.Append([]byte(memoryRecord("1", "c")), func(error) {})
	for _, s := range m.Live().Select(Filter{}) {
		m.Append(AppendClose(nil, noon, s.Unique(), CauseAdminReset), func(error) {})
	}
	if m.Live().Len() != 0 || !m.Healthy() {
		t.Error("a closed session is open")
	}
}

func memoryRecord(status, id string) string {
	text := `{"time":"` + noon.UTC().Format("2006-01-02T15:04:05Z") + `","client":"campus","status":` + status
	if id == "" {
		return text + `,"types":[40],"attributes":[["Acct-Status-Type","` + status + `"]]}`
	}
	return text + `,"types":[1,40,44],"attributes":[["User-Name","bob"],["Acct-Status-Type","` + status + `"],["Acct-Session-Id","` + id + `"]]}`
}
