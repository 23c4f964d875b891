package policytest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy"
	"perilune/policy/sandbox"
)

// An exchange is one request of a case and what became of it.
type exchange struct {
	question server.Question
	password string
	chap     bool
	out      *server.Outcome
}

// sendOptions are the keys of send{} that are no attributes, sendMethods what method= may say.
var sendMethods = []string{"pap", "chap", "mschap", "mschapv2", "none"}

var sendOptions = []string{"client", "user", "password", "method", "status", "code"}

// codes are the requests that send{code=} makes.
var codes = []radius.Code{
	radius.CodeAccessRequest, radius.CodeAccountingRequest, radius.CodeStatusServer, radius.CodeCoARequest, radius.CodeDisconnectRequest,
}

// send is send{client=, user=, password=, method=, status=, code=, attributes}.
func (f *file) send(l *lua.LState) int {
	f.running(l, "send")
	t := sandbox.CheckTable(l, 1)
	x, err := f.prepare(t)
	if err == nil {
		err = f.exchange(l, x)
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "send: %s", err)
	}
	l.Push(f.reply(x))
	return 1
}

// prepare makes the question of a table.
func (f *file) prepare(t *lua.LTable) (*exchange, error) {
	x := &exchange{question: server.Question{Code: radius.CodeAccessRequest}}
	method := "pap"
	err := policy.Each(t, func(k, v lua.LValue) error {
		key := k.String()
		switch {
		case k.Type() != lua.LTString:
			return fmt.Errorf("the key %v is no option and no attribute", k)
		case !policy.IsField(key):
			return f.bench.Add(&x.question.Attributes, key, v)
		}
		return f.option(x, key, v, &method)
	})
	if err != nil {
		return nil, err
	}
	return x, x.credential(f.gen.Dictionary, method)
}

func (f *file) option(x *exchange, key string, v lua.LValue, method *string) (err error) {
	text, ok := v.(lua.LString)
	if !ok && slices.Contains(sendOptions, key) {
		return fmt.Errorf("%s: got a %s, expected text", key, v.Type())
	}
	switch key {
	case "client":
		x.question.Client, err = f.client(string(text))
	case "user":
		return f.bench.Add(&x.question.Attributes, "User-Name", v)
	case "password":
		x.password = string(text)
	case "method":
		if *method = string(text); !slices.Contains(sendMethods, *method) {
			return fmt.Errorf(`method: got %q, expected "pap", "chap", "mschap", "mschapv2" or "none"`, *method)
		}
	case "status":
		x.question.Code = radius.CodeAccountingRequest
		return f.bench.Add(&x.question.Attributes, "Acct-Status-Type", v)
	case "code":
		x.question.Code, err = codeNamed(string(text))
	default:
		return fmt.Errorf("no option %q%s", key, raddb.DidYouMean(key, slices.Values(sendOptions)))
	}
	return err
}

func codeNamed(name string) (radius.Code, error) {
	var known []string
	for _, c := range codes {
		if c.String() == name {
			return c, nil
		}
		known = append(known, c.String())
	}
	return 0, fmt.Errorf("code: no request %q%s", name, raddb.DidYouMean(name, slices.Values(known)))
}

// client finds a client by its name, or by an address.
func (f *file) client(name string) (*nas.Client, error) {
	var names []string
	if f.clients != nil {
		for _, c := range f.clients.All() {
			if c.Name == name {
				return c, nil
			}
			names = append(names, c.Name)
		}
		if addr, err := netip.ParseAddr(name); err == nil {
			if c := f.clients.Lookup(addr.Unmap()); c != nil {
				return c, nil
			}
		}
	}
	return nil, fmt.Errorf("client: no client %q%s; test.clients gives a test file its own", name, raddb.DidYouMean(name, slices.Values(names)))
}

// credential puts the password into the request as its method wants it.
func (x *exchange) credential(d *dictionary.Dictionary, method string) error {
	switch {
	case x.password == "" || method == "none":
		return nil
	case method == "pap":
		x.question.Attributes.Add(d.Known.UserPassword.AnyTag(), []byte(x.password))
		return nil
	case method == "chap":
		x.chap, x.question.CHAP = true, x.password
		return nil
	case method == "mschap":
		return x.microsoft(d, 1, msCHAPResponse)
	}
	return x.microsoft(d, 2, msCHAP2Response)
}

// exchange sends a question on its way.
func (f *file) exchange(l *lua.LState, x *exchange) (err error) {
	f.o.Busy.Yield()
	f.calling = l
	x.out, err = f.offline.Run(f.gen, &x.question)
	if err == nil {
		f.last, err = x, f.astray
		f.o.Coverage.matched(f, x.out.Rules)
	}
	return err
}

// request gives the request for people, without its password.
func (x *exchange) request() string {
	parts := []string{x.question.Code.String()}
	if x.question.Client != nil {
		parts = append(parts, "client="+x.question.Client.Name)
	}
	for i := range x.question.Attributes.Pairs {
		parts = append(parts, string(x.question.Attributes.Pairs[i].AppendText(nil, true)))
	}
	return strings.Join(parts, " ")
}

// way gives what was decided and how, with the reply or without it.
func (x *exchange) way(withReply bool) string {
	text := x.out.String()
	if x.out.Answer == 0 || withReply {
		return text
	}
	way, _, _ := strings.Cut(text, "\n"+x.out.Answer.String()+"\n")
	return way + "\n"
}

// verdict gives the outcome's word.
func (x *exchange) verdict() string {
	if x.out.Kind == server.Accept && x.question.Code == radius.CodeAccountingRequest {
		return "response"
	}
	return x.out.Kind.String()
}

// code gives the name of the reply's code, "" if there is no reply.
func (x *exchange) code() string {
	if x.out.Answer == 0 {
		return ""
	}
	return x.out.Answer.String()
}

// reply gives the Lua value of an exchange: its attribute list, its fields, and answer.
func (f *file) reply(x *exchange) lua.LValue {
	l := f.bench.State().Lua()
	v := f.bench.List(&x.out.Reply, func(name string) lua.LValue {
		fn, ok := f.methods["reply"][name]
		switch {
		case !ok:
			return nil
		case fn.Field:
			return fn.get(f, l, x)
		}
		return f.answering
	})
	f.exchanges[v] = x
	return v
}

func hooksOf(_ *file, l *lua.LState, x *exchange) lua.LValue {
	t := l.NewTable()
	for _, h := range x.out.Hooks {
		t.Append(lua.LString(h))
	}
	return t
}

func proxiedOf(f *file, _ *lua.LState, x *exchange) lua.LValue {
	if x.out.Sent == nil {
		return lua.LFalse
	}
	return f.bench.Proxied(x.out.Realm, x.out.Sent)
}

// answer is r:answer(text): the next round, with the State of this one.
func (f *file) answer(l *lua.LState) int {
	x := f.exchanges[l.Get(1)]
	if x == nil {
		sandbox.RaiseMisuse(l, "r:answer(text) is written with a colon")
	}
	text := sandbox.CheckString(l, 2)
	if x.out.State == nil {
		sandbox.RaiseMisuse(l, "answer: the reply (%s) has no State", x.verdict())
	}
	next := &exchange{question: x.question, password: text}
	next.question.State, next.question.CHAP = x.out.State, ""
	next.question.Attributes = dictionary.List{}
	known := &f.gen.Dictionary.Known
	for _, p := range x.question.Attributes.Pairs {
		if !isCredential(f.gen.Dictionary, p.Attr) {
			next.question.Attributes.AddShared(p)
		}
	}
	next.question.Attributes.Add(known.UserPassword.AnyTag(), []byte(text))
	if err := f.exchange(l, next); err != nil {
		sandbox.RaiseMisuse(l, "answer: %s", err)
	}
	l.Push(f.reply(next))
	return 1
}
