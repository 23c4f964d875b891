package gnu

import (
	"strings"
	"testing"
)

// menuDictionary has what the menus below name.
const menuDictionary = `
ATTRIBUTE User-Name 1 string
ATTRIBUTE NAS-Port-Id 5 integer
ATTRIBUTE Service-Type 6 integer [LR-RLR]=P
ATTRIBUTE Framed-IP-Address 8 ipaddr
ATTRIBUTE Reply-Message 18 string [-R----]+P
ATTRIBUTE Calling-Station-Id 31 string [L-LRLR]
ATTRIBUTE Session-Timeout 27 integer
ATTRIBUTE Menu 1001 string [-R----]=
ATTRIBUTE Termination-Menu 1002 string [-R----]=
VALUE Service-Type Login-User 1
VALUE Service-Type Framed-User 2
`

func TestMenus(t *testing.T) {
	tests := []struct{ name, text, want, notes string }{
		{name: "plain", text: "menu\n# no line\nOne \"or\"\n two?\nend\n1\n\tService-Type = Login-User,\n\tSession-Timeout = 60\n\nDEFAULT\n\tMenu = \"EXIT\"\n",
			want: `  -- menus/m
  ["m"] = {
    text = "One \"or\"\r\n" ..
      " two?",
    choices = {
      ["1"] = accept{{"Service-Type", "Login-User"}, {"Session-Timeout", 60}},
    },
    rest = "EXIT",
  },
`},
		{name: "what depends on the request", text: "menu\r\nend\r\na\r\n\tFramed-IP-Address = 192.0.2.1+\r\nb\n\tTermination-Menu = \"m\", Reply-Message = \"bye\"\n<CR>\n\tMenu = \"other\"",
			want: `  -- menus/m
  ["m"] = {
    text = "",
    choices = {
      ["a"] = function(req)
        return accept{{"Framed-IP-Address", net.ntoa(net.aton("192.0.2.1") + (req:int("NAS-Port") or 0))}}
      end,
      ["b"] = function(req)
        return accept{next = "menu", state = keep(req, "m"), {"Reply-Message", "bye"}, {"Termination-Action", "RADIUS-Request"}}
      end,
      [""] = "other",
    },
  },
`, notes: "menus/m: menu m has no DEFAULT: other answers are rejected\n"},
		{name: "octets", text: "menu\nGr\xfc\xdfe\nend\nDEFAULT\n", want: `  -- menus/m
  ["m"] = {
    text = "Gr\252\223e",
    choices = {
    },
    rest = accept{},
  },
`},
		{name: "mistakes", text: "menu\nx\nend\n\tService-Type = Login-User\n1\n\tService-Type = Login-User,\n1\n\tService-Type = Framed-User\n2\n\tService-Tyqe = 1, Calling-Station-Id = \"5\", Service-Type = Nobody\nDEFAULT\n\tService-Type = 2\nDEFAULT\n\tService-Type = 1\n",
			want: `  -- menus/m
  ["m"] = {
    text = "x",
    choices = {
      ["1"] = accept{{"Service-Type", "Framed-User"}},
      ["2"] = accept{},
    },
    rest = accept{{"Service-Type", "Framed-User"}},
  },
`, notes: `menus/m:4:1: pairs without a choice above them; left out
menus/m:6:28: syntax error: found the end of the file where an attribute should stand; the choice is left out
menus/m:10:2: Service-Tyqe left out: the old dictionary has no attribute "Service-Tyqe"; did you mean "Service-Type"?
menus/m:10:20: Calling-Station-Id left out: Calling-Station-Id may not stand in a reply by its flags in the dictionary
menus/m:10:46: Service-Type left out: Service-Type has no value "Nobody"
menus/m:13:1: choice "DEFAULT" a second time; the first counts
`},
		{name: "no text", text: "1\n\tService-Type = 1\n", notes: "menus/m: no line begins with menu; left out\n"},
		{name: "no end", text: "menu\ntext\n", notes: "menus/m: the text has no line that begins with end; left out\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, report := convert(t, map[string]string{"dictionary": menuDictionary, "clients": "192.0.2.1 s", "menus/m": test.text}, Options{})
			got := out.File("scripts/30-menus.lua").String()
			if _, rest, ok := strings.Cut(got, "local menus = {\n"); ok {
				got, _, _ = strings.Cut(rest, "}\n\nlocal function ask")
			}
			same(t, "menus", test.want, got)
			same(t, "notes", test.notes, about(report, "menus/m"))
		})
	}
}

// TestMenuMissing: nobody gets in unasked because the menu that he was sent to is not there.
func TestMenuMissing(t *testing.T) {
	out, report := convert(t, map[string]string{
		"dictionary": menuDictionary + "ATTRIBUTE User-Password 2 string [L-----]E\n", "clients": "127.0.0.1 testing123\n", "naslist": "",
		"users": "bob User-Password = \"x\"\n\tMenu = \"gone\", Service-Type = Login-User\n",
	}, Options{})
	if want := "users:2:9: bob: there is no menu gone; as before the user is told so, and gets no further\n"; !strings.Contains(report, want) {
		t.Errorf("the report lacks %q:\n%s", want, report)
	}
	c := build(t, out)
	if got, want := ask(t, c, parsePairs(t, c.Dictionary, `User-Name = "bob", User-Password = "x"`)), "Access-Challenge Reply-Message = \"*** User Menu is Not Available ***\""; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
