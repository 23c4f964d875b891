package server

import (
	"fmt"
	"slices"

	"perilune/engine/dictionary"
)

func clip(changes []string) []string {
	if n := len(changes) - traceChanges; n > 1 {
		return append(changes[:traceChanges:traceChanges], fmt.Sprintf("… %d more", n))
	}
	return changes
}

func sameValues(a, b *dictionary.List) bool {
	return slices.EqualFunc(a.Pairs, b.Pairs, func(x, y Pair) bool {
		return x.Attr == y.Attr && x.Tag == y.Tag && string(x.Value) == string(y.Value)
	})
}

// difference gives what left and what came, in the order of the lists.
func difference(before, after []string) []string {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	return middle(nil, before[head:len(before)-tail], after[head:len(after)-tail])
}

// maxCompared bounds the work of a difference. Beyond it all left and all came.
const maxCompared = 1 << 16

// middle appends the difference of what stands between a common head and tail: what is in the longest common
// subsequence stays.
func middle(changes, before, after []string) []string {
	var common [][]uint16 // its length from the i-th of before and the j-th of after on
	if n := (len(before) + 1) * (len(after) + 1); n <= maxCompared {
		common = lengths(before, after)
	}
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case common != nil && i < len(before) && j < len(after) && before[i] == after[j]:
			i, j = i+1, j+1
		case i < len(before) && (j == len(after) || common == nil || common[i+1][j] >= common[i][j+1]):
			changes = append(changes, "- "+before[i])
			i++
		default:
			changes = append(changes, "+ "+after[j])
			j++
		}
	}
	return changes
}

func lengths(before, after []string) [][]uint16 {
	rows := make([][]uint16, len(before)+1)
	for i := len(before); i >= 0; i-- {
		rows[i] = make([]uint16, len(after)+1)
		for j := len(after) - 1; j >= 0 && i < len(before); j-- {
			if before[i] == after[j] {
				rows[i][j] = rows[i+1][j+1] + 1
			} else {
				rows[i][j] = max(rows[i+1][j], rows[i][j+1])
			}
		}
	}
	return rows
}
