package acct

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// connect opens or makes the database, and brings an older one up to date.
func (s *sqliteStore) connect() error {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	s.file, err = f.Stat()
	f.Close()
	if err != nil {
		return err
	}
	if err = (disk{}).Sync(filepath.Dir(s.path)); err != nil {
		return err
	}
	if s.c, err = openSQLite(s.path, false); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if err = s.prepare(); err != nil {
		s.c.close()
		s.c = nil
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

// usable notices that the file was removed or replaced: SQLite would write into the old one, which nobody sees,
// for ever.
func (s *sqliteStore) usable() (fresh bool, err error) {
	info, err := os.Stat(s.path)
	log, logErr := os.Stat(s.path + "-wal")
	same := err == nil && s.c != nil && os.SameFile(info, s.file)
	if same && (s.log == nil || logErr == nil && os.SameFile(log, s.log)) {
		s.log = log
		return false, nil
	}
	s.closeReader()
	if s.c != nil {
		s.c.close()
		s.c = nil
	}
	if !same && (errors.Is(err, os.ErrNotExist) || s.log != nil && logErr == nil && os.SameFile(log, s.log)) {
		// A log without its database must not be played into another one.
		os.Remove(s.path + "-wal")
		os.Remove(s.path + "-shm")
	}
	s.log = nil
	return true, s.connect()
}

// settle commits once with a sync of the log: what stands before in it is durable then too. SQLite must do it. If
// we opened its files for that, closing them would end its locks (POSIX ties them to the process and the file),
// and the next program that closes the database would remove the log that we write.
func (s *sqliteStore) settle(after uint64) error {
	if err := s.c.exec("PRAGMA synchronous = FULL"); err != nil {
		return err
	}
	err := s.begin(after, nil, nil, nil)
	if err == nil {
		err = s.commit(&batch{last: after})
	}
	if err != nil {
		s.abort()
	}
	return errors.Join(err, s.c.exec("PRAGMA synchronous = NORMAL"))
}

func (s *sqliteStore) closeReader() {
	s.readers.Lock()
	defer s.readers.Unlock()
	if s.reader != nil {
		s.reader.close()
		s.reader = nil
	}
}

func (s *sqliteStore) close() error {
	s.closeReader()
	if s.c == nil {
		return nil
	}
	return s.c.close()
}
