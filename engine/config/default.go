package config

import (
	"net/netip"
	"time"

	"perilune/engine/nas"
	"perilune/engine/users"
)

// Default gives the settings of an empty config.toml.
func Default() *Config {
	return &Config{
		Listen: Listen{Auth: loopback(1812), Acct: loopback(1813), CoA: []netip.AddrPort{}},
		Server: Server{
			Timezone:       time.Local,
			RejectDelay:    time.Second,
			AccessDeadline: 5 * time.Second,
			AcctDeadline:   5 * time.Second,
			DuplicateKeep:  10 * time.Second,
			DuplicateCache: 16 * MiB,
			StrictNames:    true,
			BadNames:       "reject",
			MaxInflight:    512,
			ChallengeTries: 3,
			Loops:          1,
			Batch:          64,
			Segments:       true,
			Queue:          16384,
			QueueMemory:    640 * MiB,
			RecvBuffer:     4 * MiB,
		},
		Clients:    Clients{File: "clients", Require: nas.Auto, Limit: nas.Auto, Resolve: 5 * time.Minute},
		Users:      Users{File: "users", Dialect: users.Infer, Deny: "access.deny"},
		Dictionary: Dictionary{File: "dictionary"},
		Realms:     Realms{File: "realms"},
		Proxy:      Proxy{Deadline: 15 * time.Second, Propagate: "all", MaxOutstanding: 65536, MaxPerServer: 16384, Window: 20 * time.Second, Revival: 30 * time.Second, Require: nas.Auto},
		CoA:        CoA{Timeout: 2 * time.Second, Tries: 3, StopWait: time.Minute},
		Policy: Policy{
			API:        1,
			Scripts:    "scripts",
			Tests:      "require",
			Timeout:    time.Second,
			Steps:      1_000_000,
			StringSize: MiB,
			Memory:     32 * MiB,
			CallDepth:  200,
		},
		Throttle: Throttle{Failures: 10, StationFailures: 100, UserFailures: 100, Span: 10 * time.Minute, UserDelay: 3 * time.Second},
		Auth:     Auth{CUI: true, HashQueue: 256, Passwd: "/etc/passwd", Shadow: "/etc/shadow"},
		Acct: Acct{
			Spool:     true,
			SpoolSize: GiB,
			Sessions:  true,
			Identity:  []string{"client", "nas-identifier", "nas-address", "session-id", "multi-session-id"},
			MaxSkew:   24 * time.Hour,
			MaxAhead:  5 * time.Minute,
			OnScope:   "nas",
		},
		Sessions: Sessions{Grace: 30 * time.Second, OnDoubt: "count", SameDevice: "renew", Reap: time.Hour},
		Reload: Reload{
			Watch:        true,
			Poll:         10 * time.Second,
			Quiet:        150 * time.Millisecond,
			Longest:      2 * time.Second,
			TestsTimeout: 10 * time.Second,
			Keep:         10,
		},
		Record:   Record{Size: 64 * MiB, Keep: 8, Sample: 1, Answers: true},
		Log:      Log{Level: "info", Format: "auto", Identity: "plain", Last: 4096},
		Programs: Programs{Timeout: 4 * time.Second, Output: 64 * KiB, Max: 32},
		Filters:  map[string]*Filter{},
		Backend:  Backend{Programs: []string{}},
		Admin:    Admin{Operators: []string{}},
		HTTP:     HTTP{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9812")}},
	}
}

func loopback(port uint16) []netip.AddrPort {
	return []netip.AddrPort{
		netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port),
		netip.AddrPortFrom(netip.IPv6Loopback(), port),
	}
}
