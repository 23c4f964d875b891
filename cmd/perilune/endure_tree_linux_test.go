package main

import (
	"fmt"
	"maps"
	"strings"
)

// enduranceUsers is how many users the file has; each reply names its own.
const enduranceUsers = 400

// enduranceTree is a tree with hooks of all kinds. What the replies carry tells whose they are and which files made them:
// Filter-Id is the user's (users file), Login-LAT-Node the number of the users file, Login-LAT-Service that of the script.
func enduranceTree(web, home string) map[string]string {
	config := strings.Replace(quietConfig, "[http]\nlisten = []", "[http]\nlisten = [\"127.0.0.1:0\"]", 1) + fmt.Sprintf(`
[backend.http.slow]
base = %q
connections = 512
waiting = 4096
breaker-fails = 0
[throttle]
user-failures = 0
[reload]
watch = false
`, web)
	files := map[string]string{
		"raddb/config.toml": strings.Replace(config, "[server]\n", "[server]\nmax-inflight = 4096\n", 1),
		"raddb/realms":      fmt.Sprintf("home.test %s nostrip,timeout=300ms,retries=3 secret=%q\n", home, loopSecret),
		"scripts/names.lua": `-- Names of the site are written as they like: without its realm, in small letters.
on("hints", {name="site", when={user="*@SITE"}}, function(req)
  req.user = req.user:match("^([^@]+)@"):lower()
end)
`,
		"scripts/slow.lua": `-- Users whose words are known to a service that takes its time.
local service = http.open("slow")
on("authorize", {name="slow", when={user="slow-*"}, timeout="800ms"}, function(req)
  local r = service:get("/hello", {query={user=req.user}})
  return accept{["Reply-Message"]=r.body}
end)
`,
	}
	maps.Copy(files, generationFiles(0))
	return files
}

// generationFiles are those that each reload changes, with the number n in them.
func generationFiles(n int) map[string]string {
	var users strings.Builder
	users.WriteString("$DIALECT freeradius\n")
	for i := range enduranceUsers {
		fmt.Fprintf(&users, "u%04d Cleartext-Password := \"pw%04d\"\n\tFilter-Id = \"u%04d\", Login-LAT-Node = \"g%d\"\n", i, i, i, n)
	}
	return map[string]string{
		"raddb/users": users.String(),
		"scripts/tag.lua": fmt.Sprintf(`-- Tree %[1]d.
on("reply", {name="tag", when={verdict="accept"}}, function(req)
  req.reply["Login-LAT-Service"] = "g%[1]d"
end)
`, n),
		"scripts/tag_test.lua": fmt.Sprintf(`test.case("tree %[1]d", function()
  expect(send{user="U0001@SITE", password="pw0001"}):accept():has("Login-LAT-Service", "g%[1]d"):has("Login-LAT-Node", "g%[1]d")
end)
`, n),
	}
}
