package backend

import "slices"

// resize gives the table other bounds, and new shards if that is more than a word. The caller holds changing.
func (t *memoryTable) resize(l limits) {
	old := t.shards.Load()
	if old.limits == l {
		return
	}
	next := newShards(l)
	for i := range old.list {
		old.list[i].mu.Lock()
	}
	t.move(old, next)
	t.shards.Store(next)
	for i := range old.list {
		old.list[i].moved = true
		old.list[i].mu.Unlock()
	}
}

// move puts all entries into new shards, the oldest first, so that what there is no room for is what would go first.
// Nobody has the new shards yet; the old ones are locked.
func (t *memoryTable) move(old, next *shards) {
	now := t.clock()
	var all []*entry
	for i := range old.list {
		all = append(all, old.list[i].queue...)
	}
	slices.SortFunc(all, func(a, b *entry) int { return int(min(max(int64(a.serial)-int64(b.serial), -1), 1)) })
	first := &old.list[0]
	for i := range next.list {
		s := &next.list[i]
		s.kept, s.wake, s.lost = first.kept, first.wake, first.kept // the file is written anew
	}
	for _, e := range all {
		s := &next.list[t.place(e.key, next)]
		if s.add(e.key, e.value, e.number, e.ends, now) != nil {
			continue // too large for the new bounds
		}
	}
	if first.kept {
		select {
		case first.wake <- struct{}{}:
		default:
		}
	}
}

// unkeep ends the keeping of the table in a file. The caller holds changing.
func (t *memoryTable) unkeep() {
	t.eachShard(func(s *shard) { s.kept, s.changes = false, nil })
	t.keeper.end()
	t.keeper = nil
}

// Close writes what is left to the file.
func (t *memoryTable) Close() error {
	t.changing.Lock()
	defer t.changing.Unlock()
	if t.keeper != nil {
		t.keeper.end()
		t.keeper = nil
	}
	return nil
}

// Reset empties the table.
func (t *memoryTable) Reset() {
	t.eachShard(func(s *shard) {
		s.entries, s.queue, s.octets = map[string]*entry{}, nil, 0
		s.changes, s.lost = nil, s.kept
	})
}

// outlives reports that the table is worth to be held while nobody has it open. One with a file is read again from
// there.
func (t *memoryTable) outlives() bool {
	t.changing.Lock()
	defer t.changing.Unlock()
	return t.keeper == nil && t.octets() > 0
}
