package policy

import (
	"fmt"
	"strings"
	"sync"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// names resolves attribute names as Lua demands: in the dictionary's spelling, aliases allowed.
type names struct {
	dict     *dictionary.Dictionary
	exact    map[string]struct{}
	spelling func() map[string]string // folded to exact; made when a name is wrong
}

// yieldNames is the number of names between two yields.
const yieldNames = 256

func newNames(d *dictionary.Dictionary, yield func()) *names {
	n := &names{dict: d, exact: map[string]struct{}{}}
	n.spelling = sync.OnceValue(func() map[string]string { return spellings(d) })
	for name := range d.Names() {
		n.exact[name] = struct{}{}
		if len(n.exact)%yieldNames == 0 {
			yield()
		}
	}
	return n
}

func spellings(d *dictionary.Dictionary) map[string]string {
	m := map[string]string{}
	for name := range d.Names() {
		m[strings.ToLower(name)] = name
	}
	return m
}

// resolve gives the attribute, tag or field that name means, or says what is wrong with it.
func (n *names) resolve(name string) (dictionary.Ref, error) {
	ref, err := n.dict.Resolve(name)
	if err != nil {
		return ref, err
	}
	base, _, _ := strings.Cut(name, ":")
	if _, ok := n.exact[base]; ok || byNumber(base) {
		return ref, nil
	}
	if right, ok := n.spelling()[strings.ToLower(base)]; ok {
		return ref, fmt.Errorf("%q is spelt %q", base, right)
	}
	if last := base[strings.LastIndexByte(base, '.')+1:]; last != ref.Attr.Name && strings.EqualFold(last, ref.Attr.Name) {
		return ref, fmt.Errorf("field %q is spelt %q", last, ref.Attr.Name)
	}
	return ref, nil
}

// byNumber reports whether a name is one of the forms by number, such as Attr-26.9.1.
func byNumber(name string) bool {
	for _, prefix := range []string{"Attr-", "Vendor-"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			return true
		}
	}
	return false
}

// isField reports whether a key is a field, method or option: lower case without a hyphen. Any other key
// is an attribute.
func isField(key string) bool {
	if key == "" {
		return true
	}
	for i := range len(key) {
		if c := key[i]; c >= 'A' && c <= 'Z' || c == '-' || c == '.' || c == ':' {
			return false
		}
	}
	return true
}

// nearestValue gives the VALUE name that was probably meant.
func nearestValue(a *dictionary.Attribute, text string) string {
	return raddb.DidYouMean(text, a.ValueNames())
}
