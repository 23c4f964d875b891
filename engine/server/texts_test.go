package server

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/users"
)

// textOf compiles a text of the server's own.
func textOf(t testing.TB, g *Generation, text string) *users.Macro {
	t.Helper()
	m, problems := users.ParseMessage(text, g.Dictionary)
	for _, p := range problems {
		t.Fatal(p)
	}
	return m
}

// TestTexts: each reason has its text, or that of Access-Reject.
func TestTexts(t *testing.T) {
	g := load(t, "bob Auth-Type = Local, Password = \"x\", Simultaneous-Use = 2, Expiration = \"Jan 01 1999\"\n\tFilter-Id = \"f\"\n"+
		"eve Auth-Type = Local, Password = \"x\", Login-Time = \"Su\"\n\tFilter-Id = \"f\"\n"+
		"tom Auth-Type = Local, Password = \"x\"\n\tFilter-Id = \"f\"\n", nil)
	g.Settings.Deny = map[string]struct{}{"tom": {}}
	g.Settings.Texts = Texts{
		Denied:     textOf(t, g, "\nno, %u: %R{Filter-Id}.\n"),
		Closed:     textOf(t, g, "closed %R{Filter-Id}"),
		Expired:    textOf(t, g, "expired %R{Simultaneous-Use}"),
		OutOfHours: textOf(t, g, "too late at %D"),
	}
	for _, c := range []struct{ user, password, want string }{
		{"bob", "x", "expired 2"},
		{"eve", "x", "too late at 2024-01-01 12:00:00"},
		{"tom", "x", "closed f"},
		{"tom", "y", "\r\nno, tom: .\r\n"}, // nothing of the accept is told to those without the password
		{"nobody", "x", "\r\nno, nobody: .\r\n"},
	} {
		out := login(t, g, c.user, c.password)
		got, _ := out.Reply.First(g.Dictionary.Known.ReplyMessage)
		if string(got) != c.want || out.Kind != Reject {
			t.Errorf("%s with %s: %q, want %q\n%s", c.user, c.password, got, c.want, out)
		}
	}
}

// TestTextsOfReasons: what counts sessions needs only to name its reason.
func TestTextsOfReasons(t *testing.T) {
	texts := Texts{Denied: &users.Macro{}, RealmQuota: &users.Macro{}, MultipleLogin: &users.Macro{}, SecondLogin: &users.Macro{}}
	for why, want := range map[Reason]*users.Macro{
		ReasonRealmQuota: texts.RealmQuota, ReasonMultipleLogin: texts.MultipleLogin, ReasonPassword: texts.Denied, ReasonState: texts.Denied,
	} {
		if texts.of(why, 3) != want {
			t.Errorf("%s has another's text", why)
		}
	}
	if texts.of(ReasonMultipleLogin, 1) != texts.SecondLogin || texts.of(ReasonMultipleLogin, 0) != texts.SecondLogin {
		t.Error("Simultaneous-Use of one has no text of its own")
	}
}

// TestLongTextsAreSplit: between characters, behind Proxy-State, as many Reply-Messages as it takes.
func TestLongTextsAreSplit(t *testing.T) {
	g := load(t, "bob Auth-Type = Reject\n\tReply-Message = \"own\"\n", nil)
	long := strings.Repeat("0123456789", 25) + "é€" + strings.Repeat("x", 250)
	g.Settings.Texts.Denied = textOf(t, g, long)
	r := incoming(g, "auth")
	datagram := wire(t, g, homeSecret, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x", "Proxy-State = 0x01")})
	c := core(t, CoreOptions{})
	if why := c.receive(r, datagram); why != 0 {
		t.Fatal(why)
	}
	c.process(r)
	reply, err := radius.Parse(r.out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for ty, v := range reply.Attributes.All() {
		switch ty {
		case typeReplyMessage:
			got = append(got, string(v))
		case radius.TypeProxyState:
			got = append(got, "Proxy-State")
		}
	}
	want := []string{"own", "Proxy-State", strings.Repeat("0123456789", 25) + "é", "€" + strings.Repeat("x", 250)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMessageEnd(t *testing.T) {
	noise := strings.Repeat("\x80", 600)
	for text, want := range map[string]int{"": 0, "a": 1, strings.Repeat("a", 253): 253, strings.Repeat("a", 254): 253,
		strings.Repeat("a", 252) + "é": 252, strings.Repeat("a", 250) + "😀": 250, noise: 253} {
		if got := messageEnd([]byte(text)); got != want {
			t.Errorf("%d octets: %d, want %d", len(text), got, want)
		}
	}
}

// TestTextsAreBounded: one that gives nothing says nothing, a long one not everything.
func TestTextsAreBounded(t *testing.T) {
	g := load(t, "", nil)
	g.Settings.Texts.Denied = textOf(t, g, "%R{Filter-Id}")
	if out := login(t, g, "bob", "x"); len(out.Reply.Pairs) != 0 {
		t.Errorf("%s", out)
	}
	g.Settings.Texts.Denied = textOf(t, g, strings.Repeat("%u", 1000))
	out := login(t, g, strings.Repeat("b", 200), "x")
	n := 0
	for i := range out.Reply.Pairs {
		n += len(out.Reply.Pairs[i].Value)
	}
	if n != maxTexts || out.Kind != Reject {
		t.Errorf("%d octets of text\n%s", n, out)
	}
}

// TestWarningBeforeExpiry: from so many seconds before Expiration on, with the days that are left.
func TestWarningBeforeExpiry(t *testing.T) {
	for _, c := range []struct {
		warning time.Duration
		want    string
	}{
		{0, ""},
		{24 * time.Hour, ""},
		{36 * time.Hour, ""},
		{36*time.Hour + time.Second, "2 days"},
		{90 * 24 * time.Hour, "2 days"},
	} {
		g := load(t, "bob Auth-Type = Accept, Expiration = \"2024-01-03T00:00:00Z\"\n\tNULL\n", nil)
		g.Settings.ExpireWarning = c.warning
		g.Settings.Texts.ExpireWarning = textOf(t, g, "%R{Password-Expire-Days} days")
		out := login(t, g, "bob", "x")
		got, _ := out.Reply.First(g.Dictionary.Known.ReplyMessage)
		if string(got) != c.want || out.Kind != Accept {
			t.Errorf("%s: %q, want %q\n%s", c.warning, got, c.want, out)
		}
	}
}

// TestTextsDoNotAllocate: a wrong password with a text is as cheap as one without.
func TestTextsDoNotAllocate(t *testing.T) {
	g := load(t, someUsers, nil)
	g.Settings.Texts.Denied = textOf(t, g, "\nno, %u at %n\n")
	c, r := core(t, CoreOptions{}), new(Request)
	datagram := wire(t, g, homeSecret, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = nope")})
	n := allocations(200, func() {
		ready(r, g, "auth")
		if why := c.receive(r, datagram); why != 0 {
			t.Fatal(why)
		}
		c.process(r)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPasswordsInLog: only where configured, and not where Log-Mode-Mask hides them.
func TestPasswordsInLog(t *testing.T) {
	for _, c := range []struct {
		name, mask, password string
		shown                bool
		want                 string
	}{
		{"not configured", "", "right", false, "verdict=accept"},
		{"not configured, wrong", "", "wr ong", false, "verdict=reject"},
		{"accept", "", "right", true, "password=right verdict=accept"},
		{"reject", "", "wr ong", true, `password="wr ong" verdict=reject`},
		{"Log-Auth-Pass", ", Log-Mode-Mask = Log-Auth-Pass", "right", true, "verdict=accept"},
		{"Log-Auth-Pass, reject", ", Log-Mode-Mask = Log-Auth-Pass", "wrong", true, "password=wrong verdict=reject"},
		{"Log-Failed-Pass", ", Log-Mode-Mask = Log-Failed-Pass", "right", true, "password=right verdict=accept"},
		{"Log-Failed-Pass, reject", ", Log-Mode-Mask = Log-Failed-Pass", "wrong", true, "verdict=reject"},
		{"Log-Pass", ", Log-Mode-Mask = Log-Pass", "right", true, "verdict=accept"},
		{"both bits", ", Log-Mode-Mask = Log-Auth-Pass, Log-Mode-Mask = Log-Failed-Pass", "wrong", true, "verdict=reject"},
		{"Log-Auth", ", Log-Mode-Mask = Log-Auth", "right", true, ""},
		{"Log-Auth, reject", ", Log-Mode-Mask = Log-Auth", "wrong", true, "password=wrong verdict=reject"},
		{"Log-All, reject", ", Log-Mode-Mask = Log-All", "wrong", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := load(t, "bob Auth-Type = Local, Password = \"right\""+c.mask+"\n\tNULL\n", nil)
			g.Settings.LogPasswords = c.shown
			got := logOf(t, g, c.password)
			if !strings.Contains(got, c.want) || c.want == "" && got != "" || strings.Contains(got, "password=") && !strings.Contains(c.want, "password=") &&
				!strings.Contains(got, "reason=password") {
				t.Errorf("%s; want %s", got, c.want)
			}
			if !c.shown && strings.Contains(got, c.password) {
				t.Errorf("the password is shown: %s", got)
			}
		})
	}
}

// TestLogModeMaskOfRequest: hints leave it in the request.
func TestLogModeMaskOfRequest(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
		ref, _ := r.Generation.Dictionary.Resolve("Log-Mode-Mask")
		r.Attributes.Add(ref, []byte{0, 0, 0, 1})
		return nil
	}}}
	g := load(t, "bob Auth-Type = Local, Password = \"right\", Log-Mode-Mask = 6\n\tNULL\n", p)
	if got := logOf(t, g, "wrong"); got != "" {
		t.Errorf("the bits of both together hide all: %s", got)
	}
}

// logOf gives the line of a request by bob.
func logOf(t *testing.T, g *Generation, password string) string {
	t.Helper()
	var out strings.Builder
	l := NewLog(LogOptions{Writer: &out})
	c, r, ls := core(t, CoreOptions{}), incoming(g, "auth"), &lines{}
	if why := c.receive(r, wire(t, g, homeSecret, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = "+password)})); why != 0 {
		t.Fatal(why)
	}
	c.process(r)
	l.request(ls, r)
	l.flush(ls)
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestPasswordsNeverInTraces: not even where the log has them.
func TestPasswordsNeverInTraces(t *testing.T) {
	g := load(t, "bob Auth-Type = Local, Password = \"right\"\n\tNULL\n", nil)
	g.Settings.LogPasswords = true
	if out := login(t, g, "bob", "S3cretWord"); strings.Contains(out.String(), "S3cretWord") {
		t.Errorf("%s", out)
	}
}
