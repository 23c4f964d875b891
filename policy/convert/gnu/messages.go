package gnu

import "unicode/utf8"

// A message is a text that the original sent on its own, with its default.
type message struct{ key, text string }

// messages are the texts of the block message, as section [messages] of config.toml names them.
var messages = []message{
	{"access-denied", "\nAccess denied\n"},
	{"account-closed", "Sorry, your account is currently closed\n"},
	{"password-expired", "Password has expired\n"},
	{"realm-quota", "\nRealm quota exceeded - access denied\n"},
	{"multiple-login", "\nYou are already logged in %R{Simultaneous-Use} times - access denied\n"},
	{"second-login", "\nYou are already logged in - access denied\n"},
	{"timespan-violation", "You are calling outside your allowed timespan\n"},
	{"password-expire-warning", "Password will expire in %R{Password-Expire-Days} Days\n"},
}

func messageKeywords() (all []keyword) {
	for _, m := range messages {
		all = append(all, keyword{"message." + m.key, func(s *source, t *statement) {
			s.setMacro(t, "messages", m.key)
			if !utf8.ValidString(t.value(0)) {
				s.report.Differsf(t.at, "%s is sent as UTF-8, as RFC 2865 has it; it was Latin-1", m.key)
			}
		}})
	}
	return all
}
