package raddb

import (
	"fmt"
	"strings"
)

// SecretsDir is the directory of a tree where secret("NAME") of clients files and scripts is kept: one file
// for each, named NAME.
const SecretsDir = "secrets"

// Secret reads the secret NAME: the content of secrets/NAME without its last line end. The file is an input
// of the generation. The error never holds any of the content.
func (t *Tree) Secret(name string) ([]byte, error) {
	if !IsSecretName(name) {
		return nil, fmt.Errorf("%q is no name of a secret; expected letters, digits, - _ and dots inside", name)
	}
	return t.SecretFile(SecretsDir + "/" + name)
}

// SecretFile reads a file that holds nothing but a secret, without its last line end.
func (t *Tree) SecretFile(name string) ([]byte, error) {
	b, err := t.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s", unreadable(name, err))
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if text == "" {
		return nil, fmt.Errorf("the file %s is empty; expected a secret", name)
	}
	return []byte(text), nil
}

// IsSecretName reports whether name may name a secret of the tree: letters, digits, - _ and dots that are not
// first.
func IsSecretName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && i > 0) {
			return false
		}
	}
	return name != ""
}

// Exposed reports whether others than owner and group may read the file. Only files on the disk are.
func (t *Tree) Exposed(name string) bool {
	if !t.OnDisk() {
		return false
	}
	f, err := t.from.open(t.Path(name))
	if err != nil {
		return false
	}
	defer f.Close()
	st, err := f.Stat()
	return err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o004 != 0
}
