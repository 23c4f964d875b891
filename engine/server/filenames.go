package server

import "sync"

// fileNames keeps the names of detail files as strings, so that a name that comes again is no garbage.
type fileNames struct {
	mu    sync.RWMutex
	known map[string]string
}

// maxFileNames bounds them: names may hold what requests say.
const maxFileNames = 4096

// keep gives the name as a string.
func (f *fileNames) keep(name []byte) string {
	f.mu.RLock()
	text, ok := f.known[string(name)]
	f.mu.RUnlock()
	if ok {
		return text
	}
	text = string(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) >= maxFileNames {
		f.known = make(map[string]string)
	}
	f.known[text] = text
	return text
}
