package backend

// statements keeps what a connection has prepared, by query; the oldest makes room. The zero value is ready.
type statements[T any] struct {
	byQuery map[string]T
	order   []string
}

// maxStatements bounds the statements of one connection: scripts have fewer, unless they build queries.
const maxStatements = 64

func (s *statements[T]) get(query string) (T, bool) {
	st, ok := s.byQuery[query]
	return st, ok
}

// add keeps a statement; end is given the one that must go.
func (s *statements[T]) add(query string, st T, end func(T)) {
	if s.byQuery == nil {
		s.byQuery = map[string]T{}
	}
	if len(s.order) >= maxStatements {
		s.remove(s.order[0], end)
	}
	s.byQuery[query] = st
	s.order = append(s.order, query)
}

func (s *statements[T]) remove(query string, end func(T)) {
	end(s.byQuery[query])
	delete(s.byQuery, query)
	for i, q := range s.order {
		if q == query {
			s.order = append(s.order[:i], s.order[i+1:]...)
			break
		}
	}
}

func (s *statements[T]) each(f func(T)) {
	for _, st := range s.byQuery {
		f(st)
	}
}
