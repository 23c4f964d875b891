package acct

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// freeRADIUS gives a file of FreeRADIUS's own SQL, or skips the test where that is not installed.
func freeRADIUS(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/etc/freeradius/3.0/mods-config/sql/main", name))
	if err != nil {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatal(err)
		}
		t.Skip("FreeRADIUS's SQL is not installed")
	}
	return string(b)
}

// A frQuery is one query of FreeRADIUS's queries.conf.
type frQuery struct{ block, key, text string }

var (
	frAssign    = regexp.MustCompile(`(?s)^([a-z_-]+)\s*=\s*"(.*?[^\\])"\s*$`)
	frReference = regexp.MustCompile(`\$\{[^{}]*\}`)
	frExpansion = regexp.MustCompile(`%\{([^{}]*)\}`)
)

// frQueries reads queries.conf: its blocks, assignments and references.
func frQueries(text string) (list []frQuery) {
	text = regexp.MustCompile(`\\\n`).ReplaceAllString(text, "\n")
	set := map[string]string{"acct_table1": "radacct", "acct_table2": "radacct", "group_attribute": "User-Name"}
	var blocks []string
	pending := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if pending == "" && (trimmed == "" || trimmed[0] == '#') {
			continue
		}
		pending += line
		if strings.Count(pending, `"`)%2 == 1 {
			continue
		}
		whole := strings.TrimSpace(pending)
		pending = ""
		if m := frAssign.FindStringSubmatch(whole); m != nil {
			if m[1] == "query" || strings.HasPrefix(m[1], "simul_") {
				list = append(list, frQuery{strings.Join(blocks, "."), m[1], m[2]})
			} else if _, has := set[m[1]]; !has {
				set[m[1]] = m[2]
			}
		} else if name, ok := strings.CutSuffix(whole, "{"); ok {
			blocks = append(blocks, strings.TrimSpace(name))
		} else if whole == "}" && len(blocks) > 0 {
			blocks = blocks[:len(blocks)-1]
		}
	}
	for i := range list {
		for range 4 {
			list[i].text = frReference.ReplaceAllStringFunc(list[i].text, func(r string) string {
				name := r[strings.LastIndexByte(r, '.')+1 : len(r)-1]
				return set[strings.TrimPrefix(name, "${")]
			})
		}
	}
	return list
}

// frExpand puts values in the place of %{…}.
func frExpand(query string, values map[string]string) string {
	for frExpansion.MatchString(query) {
		query = frExpansion.ReplaceAllStringFunc(query, func(x string) string {
			x = x[2 : len(x)-1]
			if left, right, ok := strings.Cut(x, ":-"); ok {
				if left != "" {
					return left
				}
				return right
			}
			return values[strings.TrimPrefix(x, "integer:")]
		})
	}
	return strings.ReplaceAll(query, "%l", "1767355200")
}

// frRun runs all accounting queries of FreeRADIUS as rlm_sql does, each for a session of its own, and gives how many
// there were.
func frRun(t *testing.T, file string, ask func(string) string) {
	t.Helper()
	ran := map[string]int{}
	for i, q := range frQueries(freeRADIUS(t, file)) {
		if strings.HasPrefix(q.block, "post-auth") || q.text == "" || strings.Contains(q.text, "radpostauth") {
			continue
		}
		ask(frExpand(q.text, map[string]string{
			"SQL-User-Name": "fr", "User-Name": "fr", "Acct-Session-Id": fmt.Sprintf("fr%d", i), "Acct-Unique-Session-Id": fmt.Sprintf("%032x", i),
			"NAS-IP-Address": "203.0.113.9", "NAS-Port": "3", "NAS-Port-Type": "Ethernet", "Event-Timestamp": "1767355260", "Acct-Session-Time": "60",
			"Acct-Input-Octets": "7", "Acct-Input-Gigawords": "1", "Acct-Terminate-Cause": "User-Request", "Framed-IP-Address": "10.0.0.9",
			"Acct-Authentic": "RADIUS", "Called-Station-Id": "c", "Calling-Station-Id": "d", "Service-Type": "Framed-User",
		}))
		ran[q.block[strings.LastIndexByte(q.block, '.')+1:]+" "+q.key]++
	}
	for _, what := range []string{"start query", "interim-update query", "stop query", "accounting-on query", " simul_count_query", " simul_verify_query"} {
		if ran[what] == 0 {
			t.Errorf("no %s among %v", what, ran)
		}
	}
}

// dashboards are questions of the kind that web interfaces over radacct ask.
var dashboards = []string{
	"SELECT username, framedipaddress, callingstationid, acctstarttime, nasipaddress, nasportid FROM radacct WHERE (acctstoptime IS NULL) AND username LIKE 'b%' ORDER BY radacctid ASC LIMIT 25",
	"SELECT username, SUM(acctsessiontime) AS t, SUM(acctinputoctets) AS up, SUM(acctoutputoctets) AS down, COUNT(*) FROM radacct GROUP BY username ORDER BY t DESC LIMIT 10",
	"SELECT COUNT(DISTINCT username), MAX(acctstarttime), MIN(acctstarttime) FROM radacct WHERE acctstoptime IS NOT NULL",
	"SELECT nasipaddress, acctterminatecause, AVG(acctsessiontime), COUNT(radacctid) FROM radacct GROUP BY nasipaddress, acctterminatecause",
	"SELECT acctsessionid, acctuniqueid, realm, acctauthentic, connectinfo_start, connectinfo_stop, calledstationid, servicetype, framedprotocol, class FROM radacct WHERE username = 'bob'",
	"SELECT MAX(acctstarttime) FROM radacct WHERE username = 'bob' AND acctstoptime IS NULL",
}

// TestFreeRADIUSBeside: a FreeRADIUS with rlm_sql writes into the same table, and dashboards read it.
func TestFreeRADIUSBeside(t *testing.T) {
	for _, where := range []string{"sqlite", "postgresql"} {
		t.Run(where, func(t *testing.T) {
			freeRADIUS(t, where+"/queries.conf")
			o := StoreOptions{Dir: t.TempDir()}
			ask := func(query string) string { return sqlite(t, filepath.Join(o.Dir, "acct.db"), query) }
			if where == "postgresql" {
				c := newCluster(t)
				o.Database, ask = c.url(), c.query
			}
			s := openTest(t, o)
			add(t, s, rec(0, Start, bob, idA, "8 Framed-IP-Address=10.0.0.1"), rec(60, Interim, bob, idA, in(5), secs(60)))
			settle(t, s)
			frRun(t, where+"/queries.conf", ask)
			for _, q := range dashboards {
				ask(q)
			}
			before := ask("SELECT count(*) FROM radacct")
			add(t, s, rec(90, Stop, bob, idA, in(7), secs(90)), rec(100, AccountingOn))
			settle(t, s)
			if got := ask("SELECT count(*) FROM radacct"); got != before {
				t.Errorf("%s rows, want %s", got, before)
			}
			if got := ask("SELECT acctinputoctets FROM radacct WHERE username = 'bob' AND acctstoptime IS NOT NULL"); got != "7" {
				t.Errorf("bob's session: %s", got)
			}
			s.Close()
			s = openTest(t, o)
			if n := s.Live().Len(); n != 0 {
				t.Errorf("%d live sessions: those of FreeRADIUS end without our knowledge", n)
			}
			if _, err := s.Sessions(Filter{User: "fr"}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFreeRADIUSDatabase: a database that FreeRADIUS has made is taken over with its rows. The sessions that are open in
// it go on in their rows, so that nothing is counted twice.
func TestFreeRADIUSDatabase(t *testing.T) {
	for _, where := range []string{"sqlite", "postgresql"} {
		t.Run(where, func(t *testing.T) {
			schema := freeRADIUS(t, where+"/schema.sql")
			o := StoreOptions{Dir: t.TempDir()}
			ask := func(query string) string { return sqlite(t, filepath.Join(o.Dir, "acct.db"), " "+query) }
			at, unix := func(n int) string { return fmt.Sprint(noon.Unix() + int64(n)) }, ""
			if where == "postgresql" {
				c := newCluster(t)
				o.Database, ask = c.url(), c.query
				at = func(n int) string { return fmt.Sprintf("to_timestamp(%d)", noon.Unix()+int64(n)) }
				unix = "extract(epoch FROM acctstarttime)::bigint"
			} else {
				unix = "acctstarttime"
			}
			ask(schema)
			for i, row := range []struct{ id, stop string }{{"gone", at(-100)}, {"goes-on", "NULL"}, {"stops", "NULL"}, {"silent", "NULL"}, {"again", "NULL"}} {
				ask(fmt.Sprintf(`INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctupdatetime, acctstoptime, acctinputoctets, acctsessiontime)
					VALUES ('%s', '%032x', 'bob', '192.0.2.1', %s, %s, %s, 3, 100)`, row.id, i, at(-600), at(-500), row.stop))
			}
			s := openTest(t, o)
			if n := s.Live().Len(); n != 0 {
				t.Errorf("%d live sessions", n)
			}
			id := func(name string) string { return "44 Acct-Session-Id=" + name }
			add(t, s,
				rec(0, Interim, bob, id("goes-on"), in(5), secs(600)), rec(60, Interim, bob, id("goes-on"), in(6), secs(660)),
				rec(0, Stop, bob, id("stops"), in(9), secs(600)),
				rec(0, Start, bob, id("again")), rec(0, Start, "1 User-Name=eve", id("new")))
			settle(t, s)
			want := fmt.Sprintf("again|3|%[1]d|f\nagain|0|%[2]d|t\ngoes-on|6|%[1]d|t\ngone|3|%[1]d|f\nnew|0|%[2]d|t\nsilent|3|%[1]d|t\nstops|9|%[1]d|f", noon.Unix()-600, noon.Unix())
			got := ask("SELECT acctsessionid, acctinputoctets, " + unix + ", CASE WHEN acctstoptime IS NULL THEN 't' ELSE 'f' END FROM radacct ORDER BY acctsessionid, acctstarttime")
			if got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
			if n := s.Live().Len(); n != 3 {
				t.Errorf("%d live sessions, want 3", n)
			}
			s.Close()
			s = openTest(t, o)
			if n := s.Live().Len(); n != 3 {
				t.Errorf("%d live sessions after a restart, want 3", n)
			}
		})
	}
}
