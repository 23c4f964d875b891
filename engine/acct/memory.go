package acct

import "sync"

// A Memory keeps accounting for one process's life, without journal and database: sessions for the tests of a
// policy. What it takes is in its table at once. Its methods are safe for use by many goroutines.
type Memory struct {
	mu   sync.Mutex
	work work
	live *Live
	seen counts
}

// NewMemory gives an empty one.
func NewMemory(r Rules) *Memory {
	m := &Memory{live: newLive(1 << 16)}
	m.work.init(&r, m.live)
	return m
}

// Append takes a record of AppendRecord or AppendClose and calls done before it returns.
func (m *Memory) Append(record []byte, done func(error)) { done(m.apply(string(record) + "\n")) }

func (m *Memory) apply(line string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.work.parse(line, &m.seen) > 0 {
		return ErrRecord
	}
	if err := m.work.fill(noDatabase{}); err != nil {
		return err
	}
	m.work.publish(&m.seen)
	return nil
}

// Healthy reports true: memory does not fail.
func (m *Memory) Healthy() bool { return true }

// Live gives the table of sessions.
func (m *Memory) Live() *Live { return m.live }

// noDatabase is a database that has nothing and is not written.
type noDatabase struct{ backend }

func (noDatabase) begin(uint64, []Key, func(Key) *Session, func(*Session)) error { return nil }

func (noDatabase) ofClient(string, func(*Session)) error { return nil }

func (noDatabase) stranger(*Event) (*Session, error) { return nil, nil }
