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

// difference gives what left and what came, in the order of the lists. Attributes of one name keep their
// order, so a common head and tail tell most of it.
func difference(before, after []string) []string {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	var changes []string
	for _, text := range before[head : len(before)-tail] {
		changes = append(changes, "- "+text)
	}
	for _, text := range after[head : len(after)-tail] {
		changes = append(changes, "+ "+text)
	}
	return changes
}
