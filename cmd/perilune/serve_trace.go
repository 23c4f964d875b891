package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"perilune/engine/admin"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/server"
)

// traceParams gives what `trace` asks for as parameters of the admin socket.
func traceParams(f *server.Filter) map[string]string {
	return map[string]string{
		"user": f.User, "client": f.Client, "attr": f.Attribute, "value": f.Value, "verdict": f.Verdict,
		"sample": strconv.Itoa(f.Sample), "rate": strconv.Itoa(f.PerSecond),
	}
}

// maxTraceRate bounds what one trace may ask for, in requests a second.
const maxTraceRate = 1000

// traceFilter reads them. Without a rate, or with one that is too high, it is the highest.
func traceFilter(params map[string]string) (f server.Filter, err error) {
	f = server.Filter{User: params["user"], Client: params["client"], Attribute: params["attr"], Value: params["value"], Verdict: params["verdict"]}
	for name, n := range map[string]*int{"sample": &f.Sample, "rate": &f.PerSecond} {
		if text := params[name]; text != "" {
			if *n, err = strconv.Atoi(text); err != nil || *n < 0 {
				return f, fmt.Errorf("%s: got %q, expected a number", name, text)
			}
		}
	}
	if f.PerSecond == 0 || f.PerSecond > maxTraceRate {
		f.PerSecond = maxTraceRate
	}
	return f, nil
}

// tracedVerdicts are the words that -verdict may mean.
var tracedVerdicts = []string{"accept", "reject", "challenge", "discard", "drop", "response"}

// known refuses a filter that nothing can ever fit, and turns an attribute's name into the dictionary's.
func (d *daemon) known(f *server.Filter) error {
	g, release := d.server.Hold()
	if g == nil {
		return nil
	}
	defer release()
	return knownFilter(f, g.Dictionary, g.Clients)
}

func knownFilter(f *server.Filter, dict *dictionary.Dictionary, clients *nas.Table) error {
	if f.Attribute != "" {
		ref, err := dict.Resolve(f.Attribute)
		if err != nil {
			return fmt.Errorf("-attr: %w", err)
		}
		f.Attribute = ref.Attr.Name
	}
	if v := strings.ToLower(f.Verdict); v != "" && !strings.ContainsAny(v, "*?") && !slices.Contains(tracedVerdicts, v) {
		return fmt.Errorf("-verdict: no verdict is %q%s", f.Verdict, raddb.DidYouMean(v, slices.Values(tracedVerdicts)))
	}
	return knownClient(f.Client, clients)
}

// knownClient refuses a name, but not a pattern, that no client has.
func knownClient(name string, clients *nas.Table) error {
	if name == "" || strings.ContainsAny(name, "*?") {
		return nil
	}
	var names []string
	for _, c := range clients.All() {
		if strings.EqualFold(c.Name, name) {
			return nil
		}
		names = append(names, c.Name)
	}
	return fmt.Errorf("-client: no client is named %q%s", name, cmp.Or(raddb.DidYouMean(name, slices.Values(names)), `; expected a name of the clients file, or a pattern such as "nas*"`))
}

// trace streams live requests until the peer goes away. What was not shown is told with the next one, and once a
// second.
func (d *daemon) trace(c *admin.Call) (any, error) {
	f, err := traceFilter(c.Params)
	if err != nil {
		return nil, err
	}
	if err := d.known(&f); err != nil {
		return nil, err
	}
	w, ok := d.core.Watch(f)
	if !ok {
		return nil, errors.New("too many traces run already")
	}
	defer w.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		var t server.Traced
		select {
		case <-c.Done():
			return nil, nil
		case <-tick.C:
		case seen := <-w.Traces():
			t = *seen
		}
		t.NotShown, t.Unlooked = w.Missed()
		if t.Verdict == "" && t.NotShown == 0 && t.Unlooked == 0 {
			continue
		}
		if err := c.Send(t); err != nil {
			return nil, nil
		}
	}
}
