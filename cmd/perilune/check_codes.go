package main

import (
	"path"
	"strings"

	"perilune/engine/raddb"
)

// warningCodes are the codes of warnings in JSON, by how their texts begin before names are put in. A code stays when
// a text changes.
var warningCodes = []struct{ form, code string }{
	{"$DIALECT %s does not count", "dialect-ignored"},
	{"%s a second time; the first", "check-item-twice"},
	{"%s and %s in one line", "realm-flags-contradict"},
	{"%s cannot be used, so that nobody", "password-unusable"},
	{"%s changes %s of line", "file-local-changed"},
	{"%s of line %d is changed", "file-local-changed"},
	{"%s has bits set behind", "prefix-host-bits"},
	{"%s has two empty lists", "entry-empty"},
	{"%s has type %s, so that its value", "value-without-effect"},
	{"value %s has no effect", "value-without-effect"},
	{"%s is %d, and no attribute has this flag", "flag-without-attribute"},
	{"%s is an order and never compared", "order-compared"},
	{"%s is an order for the server", "order-in-reply"},
	{"%s is left out of an Access-Reject", "left-out-of-reject"},
	{"%s is left out of an Access-%s", "left-out-of-reply"},
	{"%s is left out of every reply", "never-in-reply"},
	{"%s is nil where it is absent", "nil-compared"},
	{"%s never runs", "hook-never-runs"},
	{"%s stands above entries with a name", "default-above-name"},
	{"%s.urls has %q without start-tls", "ldap-without-tls"},
	{"%s gives nil: ", "constant-refused"},
	{"%s is called with a dot", "dot-for-colon"},
	{"%s is no verdict", "not-a-verdict"},
	{"%s works while scripts load", "not-in-a-handler"},
	{"%s{} is made but not returned", "verdict-not-returned"},
	{"Acct-Interim-Interval is", "interim-too-short"},
	{"Auth-Type = %s is ignored beside", "auth-type-ignored"},
	{"Auth-Type a second time", "auth-type-twice"},
	{"BEGIN without Fall-Through", "begin-ends-search"},
	{"Session-Timeout is 0", "session-timeout-zero"},
	{"a second case %q", "test-name-twice"},
	{"accept{} in authorize lets in", "accept-without-password"},
	{"acct.%s has no effect", "setting-without-effect"},
	{"acct.detail-only without detail-sync", "records-not-synced"},
	{"and %d more warnings", "more-warnings"},
	{"client %s does not resolve", "client-unresolved"},
	{"client %s resolves to", "client-address-taken"},
	{"everybody on this machine may read", "secret-readable"},
	{"others can read the secrets", "secret-readable"},
	{"home server %s does not resolve", "home-server-unresolved"},
	{"home server %s of realm", "home-server-address"},
	{"home server %s stands twice", "home-server-twice"},
	{"http.listen has", "metrics-public"},
	{"local %s hides the API's", "api-name-hidden"},
	{"log.passwords is true", "passwords-logged"},
	{"no Unix group is named", "group-unknown"},
	{"no client is named", "client-unknown"},
	{"no script opens the table", "table-never-opened"},
	{"no effect on LOCAL", "option-without-effect"},
	{"no-message-authenticator: requests", "requests-unsigned"},
	{"no-reply-ma: answers", "replies-unsigned"},
	{"zero-acct-authenticator:", "accounting-unsigned"},
	{"programs.user", "programs-user"},
	{"proxy: the realms file has no line", "realm-by-default"},
	{"scripts in ../%s are not loaded", "scripts-not-loaded"},
	{"realm %s has no home server", "realm-without-server"},
	{"realm %s is declared twice", "realm-twice"},
	{"secret2= is the same", "secret-shared"},
	{"client %q has the same secret", "secret-shared"},
	{"the secret of client", "secret-weak"},
	{"the secret of home server", "secret-weak"},
	{"server.duplicate-keep is", "duplicate-keep"},
	{"server.reject-delay", "reject-delay"},
	{"test %q demands nothing", "test-demands-nothing"},
	{"test %q: %s is never asked", "mock-never-asked"},
	{"the file has no test.case", "test-file-empty"},
	{"the file is in both dialects", "both-dialects"},
	{"the handler of %s returns nothing", "verdict-missing"},
	{"the flags of realm", "realm-flags-contradict"},
	{"this entry of %s is never reached", "entry-never-reached"},
	{"value %s of %s has been", "value-redefined"},
	{"vendor %s has had the number", "vendor-redefined"},
	{"User-Password := is ignored", "user-password-ignored"},
	{"an empty password fits nothing", "password-empty"},
	{"the text is not expanded", "text-not-expanded"},
}

// codeOf gives the code of a finding: of a warning its own, of an error that of the file that it is in.
func codeOf(e *raddb.Error) string {
	for _, w := range warningCodes {
		if e.Warning && strings.HasPrefix(e.Form, w.form) {
			return w.code
		}
	}
	kind := "error"
	if e.Warning {
		kind = "warning"
	}
	switch base := path.Base(e.File); {
	case strings.HasSuffix(base, "_test.lua"):
		return "test-" + kind
	case strings.HasSuffix(base, ".lua"):
		return "script-" + kind
	case base == "config.toml":
		return "config-" + kind
	case base == "users" || base == "clients" || base == "realms" || base == "dictionary":
		return base + "-" + kind
	}
	return "file-" + kind
}
