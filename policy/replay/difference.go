package replay

import (
	"slices"
	"strings"
)

// differs reports whether two results give another answer.
func differs(before, after *Result, jitter bool) bool {
	return before.Verdict != after.Verdict || before.Code != after.Code || len(changes(before, after, jitter)) > 0
}

// changes gives what left the reply and what came, as "- A = x" and "+ A = y". The order of attributes counts only
// among those of one name. With jitter Session-Timeout is shortened at random, so that only its being there counts.
func changes(before, after *Result, jitter bool) []string {
	names, was, is := byName(before.Reply, jitter), map[string][]string{}, map[string][]string{}
	for _, n := range byName(after.Reply, jitter) {
		if !slices.ContainsFunc(names, func(o named) bool { return o.name == n.name }) {
			names = append(names, named{n.name, ""})
		}
		is[n.name] = append(is[n.name], n.text)
	}
	for _, n := range names {
		if n.text != "" {
			was[n.name] = append(was[n.name], n.text)
		}
	}
	var list []string
	done := map[string]bool{}
	for _, n := range names {
		if done[n.name] || slices.Equal(was[n.name], is[n.name]) {
			continue
		}
		done[n.name] = true
		for _, text := range was[n.name] {
			list = append(list, "- "+text)
		}
		for _, text := range is[n.name] {
			list = append(list, "+ "+text)
		}
	}
	return list
}

type named struct{ name, text string }

func byName(texts []string, jitter bool) []named {
	list := make([]named, 0, len(texts))
	for _, t := range texts {
		name, _, _ := strings.Cut(t, " = ")
		if jitter && name == "Session-Timeout" {
			t = name + " = (shortened at random)"
		}
		list = append(list, named{name, t})
	}
	return list
}

// cause names the first place where the ways part, so that changes of one cause fall into one group.
func cause(before, after *Result) string {
	what := before.Verdict + " → " + after.Verdict
	if before.Verdict == after.Verdict {
		what = "reply: " + strings.Join(changedNames(before, after), ", ")
	}
	var why []string
	if hook := partingHook(before, after); hook != "" {
		why = append(why, hook)
	}
	if before.Rule != after.Rule {
		why = append(why, "rule "+or(before.Rule, "none")+" → "+or(after.Rule, "none"))
	}
	if before.Reason != after.Reason {
		why = append(why, "reason "+or(before.Reason, "none")+" → "+or(after.Reason, "none"))
	}
	switch { // nothing but the answer differs: what has made it
	case len(why) > 0:
	case after.Rule != "":
		why = append(why, "rule "+after.Rule)
	case after.Hook != "":
		why = append(why, "hook "+after.Hook)
	}
	if len(why) == 0 {
		return what
	}
	return what + " (" + strings.Join(why, "; ") + ")"
}

func or(text, none string) string {
	if text == "" {
		return none
	}
	return text
}

// partingHook names the first handler that has a say on one side alone.
func partingHook(before, after *Result) string {
	for i := range max(len(before.Hooks), len(after.Hooks)) {
		was, is := "", ""
		if i < len(before.Hooks) {
			was = before.Hooks[i]
		}
		if i < len(after.Hooks) {
			is = after.Hooks[i]
		}
		if was != is {
			return "hook " + or(was, "none") + " → " + or(is, "none")
		}
	}
	if before.Hook != after.Hook {
		return "hook " + or(before.Hook, "none") + " → " + or(after.Hook, "none")
	}
	return ""
}

// changedNames gives the attributes that differ.
func changedNames(before, after *Result) (names []string) {
	for _, c := range changes(before, after, false) {
		name, _, _ := strings.Cut(c[2:], " = ")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
