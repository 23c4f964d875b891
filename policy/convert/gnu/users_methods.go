package gnu

import "slices"

// writeMethods writes a script with the checks that only the site can write.
func (w *usersWriter) writeMethods() {
	if len(w.methods) == 0 {
		return
	}
	b := &script{}
	b.head.WriteString("-- Checks of passwords that the old server left to others. Each refuses everybody until you write it.\n")
	for _, m := range w.methods {
		b.linef("")
		if m == "sql" {
			b.comment(`Auth-Type = SQL: ask the database for the password. config.toml names it, [backend.sql.radius]; open it at the top of`)
			b.comment(`the file, local db = sql.open("radius"), and return req:check_password(row.password) and accept{} or`)
			b.comment(`reject{reason = "password"}.`)
		} else {
			b.comment("Auth-Type = PAM: this server does not ask PAM. System users have Auth-Type = System.")
		}
		b.linef(`auth_type("%s-check", function()`, m)
		b.linef(`  return reject{reason = "%s", message = "\r\nAccess denied\r\n"}`, m)
		b.linef("end)")
	}
	w.out.File(methodsScript).WriteString(b.String())
}

// method changes the Auth-Type, or the word that stood for it in the place of a password, where this server
// has another way.
func (w *usersWriter) method(e *editor, r *rule) {
	method, password := values(r.lhs, "Auth-Type"), values(r.lhs, "User-Password")
	if len(method) > 0 {
		if values(r.lhs, "Crypt-Password") != nil && authName(method[0]) != "Crypt-Local" {
			w.differ("crypt-password", method[0].name.at, "Auth-Type is ignored beside Crypt-Password, as documented; the old server ignored the password")
		}
		w.authType(e, r, method[0])
		return
	}
	if len(password) == 0 {
		return
	}
	switch p := password[0]; p.value.text {
	case "PAM":
		w.ask(e, r, p, "pam", "Auth-Type")
	case "SQL", "MYSQL":
		w.ask(e, r, p, "sql", "Auth-Type")
	}
}

func (w *usersWriter) authType(e *editor, r *rule, p *pair) {
	location := values(r.lhs, "Password-Location")
	none := len(values(r.lhs, "User-Password"))+len(values(r.lhs, "Crypt-Password")) == 0
	switch name := authName(p); {
	case name == "PAM":
		w.ask(e, r, p, "pam", "")
	case name == "SQL", len(location) > 0 && none && (name == "Crypt-Local" || name == "Local"):
		w.ask(e, r, p, "sql", "")
	case p.value.text != name && name != "System":
		p.newValue = name
		e.replace(p.value.start, p.value.end, name)
	}
}

// ask lets a script check the password.
func (w *usersWriter) ask(e *editor, r *rule, p *pair, method, attribute string) {
	if !slices.Contains(w.methods, method) {
		w.methods = append(w.methods, method)
	}
	p.newValue = method + "-check"
	e.replace(p.value.start, p.value.end, p.newValue)
	if attribute != "" {
		p.newName = attribute
		e.replace(p.name.start, p.name.end, attribute)
	}
	p.asks = true
	w.report.Lookf(p.name.at, "%s: the password is checked by auth_type(%q) in %s, which refuses everybody until you write the check", r.name(), method+"-check", methodsScript)
}
