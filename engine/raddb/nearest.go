package raddb

import (
	"iter"
	"strings"
)

// Nearest gives the candidate that was probably meant by name, or "" if none is near: at most a third of
// its letters may differ. Case does not count.
func Nearest(name string, candidates iter.Seq[string]) string {
	best, limit := "", len(name)/3+1
	low := strings.ToLower(name)
	var letters [256]int
	for i := range len(low) {
		letters[low[i]]++
	}
	for c := range candidates {
		if tooFar(&letters, len(low), c, limit) {
			continue
		}
		if d := distance(low, strings.ToLower(c), limit); d < limit || d == limit && best == "" {
			best, limit = c, d
		}
	}
	return best
}

// tooFar reports whether the letters alone, in whatever order, differ by more than limit. Names are many, and most
// end here.
func tooFar(letters *[256]int, n int, candidate string, limit int) bool {
	if d := n - len(candidate); d > limit || -d > limit {
		return true
	}
	var used [256]uint8
	common := 0
	for i := range len(candidate) {
		c := candidate[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if int(used[c]) < letters[c] {
			used[c]++
			common++
		}
	}
	return max(n, len(candidate))-common > limit
}

// DidYouMean gives `; did you mean "x"?` or nothing, to be put at the end of an error text.
func DidYouMean(name string, candidates iter.Seq[string]) string {
	if n := Nearest(name, candidates); n != "" {
		return `; did you mean "` + n + `"?`
	}
	return ""
}

// distance is Levenshtein's, given up as limit+1 once it must exceed limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal, least := row[0], i
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(row[j]+1, row[j-1]+1, cost)
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
