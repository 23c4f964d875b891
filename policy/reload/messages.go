package reload

import (
	"perilune/engine/config"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
)

// messages compiles the texts of [messages], once all attributes are known.
func messages(c *config.Config, d *dictionary.Dictionary, errs *raddb.List) server.Texts {
	text := func(key, text string) *users.Macro {
		if text == "" {
			return nil
		}
		m, problems := users.ParseMessage(text, d)
		for _, p := range problems {
			errs.Errorf(c.Place("messages."+key), "messages.%s: %s", key, p.Error())
		}
		return m
	}
	m := c.Messages
	return server.Texts{
		Denied:        text("access-denied", m.AccessDenied),
		Closed:        text("account-closed", m.AccountClosed),
		Expired:       text("password-expired", m.PasswordExpired),
		ExpireWarning: text("password-expire-warning", m.ExpireWarning),
		RealmQuota:    text("realm-quota", m.RealmQuota),
		MultipleLogin: text("multiple-login", m.MultipleLogin),
		SecondLogin:   text("second-login", m.SecondLogin),
		Operational:   text("operational", m.Operational),
		OutOfHours:    text("timespan-violation", m.Timespan),
	}
}

// nameChars gives the set of server.username-chars.
func nameChars(text string) *nas.Charset {
	if text == "" {
		return nil
	}
	return nas.NewCharset(text)
}
